"""One attempt over a route: whether it arrives, and what it costs.

* Balances uniform on 0 .. capacity, independent: a payment of a arrives over n hops without retry with chance
  ((c + 1 - a) / (c + 1))^n (Pickhardt et al. 2021, arXiv:2103.08576).
* Fees compound from the receiver backwards (BOLT 7): hop by hop the amount to forward grows by base + amount x ppm.
* Money is conserved: every node's balances change by what it received and earned, less what it paid; exactly.
"""

from collections.abc import Callable

import numpy as np
from scipy import stats

from laws.checks import Check, Findings, against, share_check
from laws.worlds import PLAIN, payments_of, rows
from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.codes import SUCCEEDED
from lnherd.network.balances import draw_balances
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.records import Bools, Floats, Ints
from lnherd.traffic.demand import mixed

CAPACITY_MSAT = 1_000_000_000
N_ROUTES, N_GROUPS = 20_000, 20
CELLS = tuple((hops, share) for hops in (1, 2, 3, 4) for share in (0.1, 0.3, 0.6))


def success_products() -> Findings:
    """Direct payments over rows of channels whose balances are drawn anew for each."""
    checks = []
    scores = []
    for seed, (hops, share) in enumerate(CELLS, start=40):
        amount = int(share * CAPACITY_MSAT)
        expected = ((CAPACITY_MSAT + 1 - amount) / (CAPACITY_MSAT + 1)) ** hops
        arrived = _arrived(hops, amount, seed)
        name = f"payments of {share:.0%} of the capacity that arrive over {hops} hop{'s'[: hops > 1]}"
        checks.append(share_check(name, int(arrived.sum()), N_ROUTES, expected, wrong=1.2))
        groups = arrived.reshape(N_GROUPS, -1)
        scores.append((groups.mean(axis=1) - expected) / np.sqrt(expected * (1 - expected) / groups.shape[1]))
    standard: Floats = np.concatenate(scores)
    checks.append(_together(standard))
    panel = against("Success rates of 240 groups, standardised: normal", standard, stats.norm.ppf, "standard errors")
    return Findings("success", tuple(checks), (panel,))


def _arrived(hops: int, amount_msat: int, seed: int) -> Bools:
    network = rows(N_ROUTES, hops, CAPACITY_MSAT)
    first = np.arange(N_ROUTES) * (hops + 1)
    payments = payments_of(np.arange(N_ROUTES), first, first + hops, amount_msat)
    balance_msat = draw_balances(network, "uniform", np.random.default_rng(seed))
    simulation = Simulation(network, payments, config=PLAIN, seed=seed, balance_msat=balance_msat)
    simulation.run()
    succeeded: Bools = simulation.payments.status == SUCCEEDED
    return succeeded


def _together(standard: Floats) -> Check:
    squares = float((standard**2).sum())

    law = stats.chi2(len(standard))

    def p_at(skew: float) -> float:
        return 2.0 * float(min(law.cdf(squares / skew**2), law.sf(squares / skew**2)))

    spread = float(np.sqrt((standard**2).mean()))
    return Check("spread of those shares, in standard errors", len(standard), spread, 1.0, p_at, "chi-squared", 1.3)


def fees() -> Findings:
    """Fees of single routes by hand, and the books of every node in a busy network; both exact."""
    by_hand, measured = _fees_of_rows()
    check = _exact("fees paid along 2,000 routes, msat", measured, by_hand)
    panel = against(
        "Fees of routes against BOLT 7 by hand", measured / 1_000, lambda _: np.sort(by_hand(1.0)) / 1_000, "sat"
    )
    return Findings("fees", (check, *_books()), (panel,))


def _exact(law: str, measured: Ints, expected: Callable[[float], Ints]) -> Check:
    """Agreement to the last msat in every case, or none."""
    return Check(law, len(measured), float(measured.sum()), float(expected(1.0).sum()),
                 lambda skew: float(np.array_equal(measured, expected(skew))), "equality", 1.001)  # fmt: skip


def _fees_of_rows() -> tuple[Callable[[float], Ints], Ints]:
    n_rows, hops = 2_000, 5
    rng = np.random.default_rng(60)
    network = rows(n_rows, hops, 100 * CAPACITY_MSAT)
    network.edges.base_fee_msat = rng.integers(0, 5_000, network.n_edges)
    network.edges.fee_ppm = rng.integers(0, 5_000, network.n_edges)
    first = np.arange(n_rows) * (hops + 1)
    amount = np.exp(rng.uniform(np.log(1_000), np.log(CAPACITY_MSAT), n_rows)).astype(np.int64)
    payments = payments_of(np.arange(n_rows), first, first + hops, amount)
    simulation = Simulation(network, payments, config=PLAIN, seed=60)
    simulation.run()
    policies = network.edges[::2].reshape(n_rows, hops)

    def by_hand(skew: float) -> Ints:
        to_forward = amount.copy()
        for hop in range(hops - 1, 0, -1):
            ppm = (skew * policies.fee_ppm[:, hop]).astype(np.int64)
            to_forward += policies.base_fee_msat[:, hop] + to_forward * ppm // 1_000_000
        fee: Ints = to_forward - amount
        return fee

    return by_hand, simulation.payments.fee_msat.copy()


def _books() -> list[Check]:
    """A mixed day on 200 nodes: what each node's channels gained, and all fees paid against all fees earned."""
    network = generate(GeneratorConfig(n_nodes=200), 61)
    payments = mixed(1.0).sample(network, duration_ms=14_400_000, rng=np.random.default_rng(61))
    simulation = Simulation(network, payments, config=SimulationConfig(), seed=61)
    before = simulation.state.edges.balance_msat.copy()
    simulation.run()
    paid = simulation.payments[simulation.payments.status == SUCCEEDED]
    source, flows, n = simulation.state.edges.source, simulation.state.flows, network.n_nodes
    gained = _per_node(source, simulation.state.edges.balance_msat - before, n)
    earned = _per_node(source, flows.fees_msat, n)
    received = _per_node(paid.receiver, paid.amount_msat, n)
    spent, fees_paid = _per_node(paid.sender, paid.amount_msat, n), _per_node(paid.sender, paid.fee_msat, n)

    def balance(skew: float) -> Ints:
        booked: Ints = received - spent - fees_paid + (skew * earned).astype(np.int64)
        return booked

    total = np.array([earned.sum()])
    return [
        _exact("what the channels of 200 nodes gained and lost, msat", gained, balance),
        _exact("fees earned by all, against fees paid, msat", total,
               lambda skew: (skew * np.array([fees_paid.sum()])).astype(np.int64)),
    ]  # fmt: skip


def _per_node(nodes: Ints, amounts: Ints, n_nodes: int) -> Ints:
    """Exact integer sums by node."""
    sums = np.zeros(n_nodes, dtype=np.int64)
    np.add.at(sums, nodes, amounts)
    return sums
