"""The cliffs of micro-payments: where a small change of price, fee, load or time ends the trade.

Five of them in a corridor whose every policy is known, so that the place of each follows from arithmetic and can be
compared with what the simulation does; the sixth panel sweeps the price on a whole network, where they all meet.
Agents pay any price, never give a service up and try once: what is seen is the network's doing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lnherd.economy import AgentGroup, Economy, EconomyConfig, ServiceGroup, settle
from lnherd.economy.config import ANYWHERE
from lnherd.economy.outcomes import machine_payments
from lnherd.economy.state import SERVED
from lnherd.engine import SimulationConfig
from lnherd.engine.codes import SUCCEEDED
from lnherd.network.graph import CHANNEL_DTYPE, EDGE_DTYPE, Network
from lnherd.network.records import zero_records
from lnherd.traffic.endpoints import FixedNodes
from lnherd.units import MS_PER_HOUR, MS_PER_MINUTE, MSAT_PER_SAT

PRICES_SAT = (0.1, 0.2, 0.5, 0.9, 1.0, 1.5, 1.9, 2.0, 3.0, 5.0, 9.0, 10.0, 20.0, 50.0, 100.0)
NETWORK_PRICES_SAT = (0.1, 0.3, 0.9, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1_000.0)
FEES_SAT = (1.0, 2.0, 5.0, 8.0, 9.0, 9.9, 10.1, 11.0, 15.0, 30.0, 100.0)
LOADS = (0.3, 0.6, 0.9, 1.2, 1.6, 2.0)
"""Payments in flight at a time that agents ask for, over the slots there are."""
SLOTS = {"30 slots (Core Lightning)": (30, 34), "483 slots (LND)": (483, 40)}
"""Label -> (slots, the time-lock delta by which the engine tells the two)."""
HOP_MS = 5_000.0
"""Slow peers: over two hops forth and back an HTLC is held for four times as long."""
PATIENT_BUYER = AgentGroup(
    count=20,
    nodes=FixedNodes((0,)),
    tasks_per_hour=20.0,
    max_calls=1,
    utility_sat=(1e6, 1e6, 1e6, 1e6),
    utility_sigma=0.0,
    budget_sat_per_hour=1e9,
    max_price_sat=1_000_000,
    patience_ms=10 * MS_PER_MINUTE,
    max_retries=0,
    delay_sat_per_s=0.0,
    learning_rate=0.0,
)
SELLER = ServiceGroup(count=1, price_sigma=0.0, slots=100_000, service_ms=1.0, mean_up_ms=0.0)


@dataclass(frozen=True)
class Line:
    """One curve of a panel."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    theory: bool = False
    """Whether it is what arithmetic says; the others were simulated."""
    is_trade: bool = True
    """Whether it shows the share of calls served, which is what falls off a cliff."""


@dataclass(frozen=True)
class Cliff:
    """One panel of the figure."""

    name: str
    """Short name, also in files."""
    title: str
    """What is to be seen."""
    x_title: str
    """With its unit."""
    lines: tuple[Line, ...]
    edges: tuple[float, ...]
    """Where arithmetic puts the cliffs."""
    log_x: bool = True
    """Whether the horizontal axis is logarithmic."""


def all_cliffs(network: Network, seed: int, on_done: Callable[[int], None] = lambda n_done: None) -> tuple[Cliff, ...]:
    """Measure every panel; ``network`` is for the last."""
    makers = (fee_cap, base_fee, htlc_min, slots, one_way_drain)
    found = []
    for make in makers:
        found.append(make(seed))
        on_done(len(found))
    return (*found, whole_network(network, seed))


def corridor(
    n_hops: int, *, base_fee_sat: float = 0.0, fee_ppm: int = 0, htlc_min_sat: float = 0.0, cltv_delta: int = 40
) -> Network:
    """Nodes in a row, channels of 10 BTC with half on each side, one policy for all."""
    channels = zero_records(n_hops, CHANNEL_DTYPE)
    channels.node1, channels.node2 = np.arange(n_hops), np.arange(1, n_hops + 1)
    channels.capacity_msat, channels.scid = 10**12, -1
    edges = zero_records(2 * n_hops, EDGE_DTYPE)
    edges.base_fee_msat, edges.fee_ppm = round(base_fee_sat * MSAT_PER_SAT), fee_ppm
    edges.htlc_min_msat, edges.cltv_delta, edges.enabled = round(htlc_min_sat * MSAT_PER_SAT), cltv_delta, True
    names = np.array([f"corridor{node}" for node in range(n_hops + 1)])
    return Network(names, channels, edges, balance_msat=np.full(2 * n_hops, 5 * 10**11), name="corridor")


def _trade(
    network: Network,
    price_sat: float,
    agents: AgentGroup,
    *,
    seed: int,
    duration_ms: int = MS_PER_HOUR // 2,
    behaviour: SimulationConfig | None = None,
) -> Economy:
    """Let agents at the corridor's first node buy from a service at its last."""
    seller = replace(SELLER, price_sat=price_sat, nodes=FixedNodes((network.n_nodes - 1,)))
    config = EconomyConfig((seller,), (agents,))
    economy = settle(network, config, seed=seed, duration_ms=duration_ms, behaviour=behaviour)
    economy.run(duration_ms)
    return economy


def _served_share(economy: Economy) -> float:
    return float((economy.calls.outcome == SERVED).mean())


def _fee_share(economy: Economy) -> float:
    return float(economy.agents.fees_msat.sum() / max(1, economy.agents.spent_msat.sum()))


def fee_cap(seed: int) -> Cliff:
    """A price of 1,000 sat, two routers that ask for more and more: the L402 client's cap of 10 sat bites."""
    lines = []
    for label, cap_sat in (("L402 client", 10), ("LND alone", 1_000_000)):
        buyer = replace(PATIENT_BUYER, max_fee_sat=cap_sat)
        shares = [
            _served_share(_trade(corridor(3, fee_ppm=round(500 * fee_sat)), 1_000.0, buyer, seed=seed))
            for fee_sat in FEES_SAT
        ]
        lines.append(Line(label, FEES_SAT, tuple(shares)))
    return Cliff("fee_cap", "Routing cap of 10 sat", "routing fee of the route, sat", tuple(lines), (10.0,))


def base_fee(seed: int) -> Cliff:
    """Two routers with LND's and Core Lightning's base fee of 1 sat: below 2 sat fees exceed the price."""
    runs = [_trade(corridor(3, base_fee_sat=1.0), price, PATIENT_BUYER, seed=seed) for price in PRICES_SAT]
    served = Line("calls served", PRICES_SAT, tuple(_served_share(economy) for economy in runs))
    paid = [(price, _fee_share(economy)) for price, economy in zip(PRICES_SAT, runs, strict=True) if _paid(economy)]
    share = Line("fees over price, where paid", tuple(x for x, _ in paid), tuple(y for _, y in paid), is_trade=False)
    return Cliff("base_fee", "Base fees above the price", "price of a call, sat", (served, share), (2.0,))


def _paid(economy: Economy) -> bool:
    return bool(economy.agents.spent_msat.sum() > 0)


def htlc_min(seed: int) -> Cliff:
    """Channels that take no HTLC below 1 sat (LND's default), or below 10 sat."""
    lines = []
    for least_sat in (1.0, 10.0):
        network = corridor(3, htlc_min_sat=least_sat)
        shares = [_served_share(_trade(network, price, PATIENT_BUYER, seed=seed)) for price in PRICES_SAT]
        lines.append(Line(f"htlc_minimum {least_sat:g} sat", PRICES_SAT, tuple(shares)))
    return Cliff("htlc_min", "Smallest HTLC above the price", "price of a call, sat", tuple(lines), (1.0, 10.0))


def slots(seed: int) -> Cliff:
    """One channel of all agents, slow peers: payments in flight run into the number of HTLC slots."""
    lines = []
    for label, (n_slots, cltv_delta) in SLOTS.items():
        shares = [_carried_share(corridor(2, cltv_delta=cltv_delta), load * n_slots, seed) for load in LOADS]
        lines.append(Line(label, LOADS, tuple(shares)))
        theory = tuple(1.0 - erlang_b(n_slots, load * n_slots) for load in LOADS)
        lines.append(Line(f"Erlang B, {n_slots}", LOADS, theory, theory=True))
    title = "payments in flight asked for, over slots"
    return Cliff("slots", "HTLC slots exhausted", title, tuple(lines), (1.0,), log_x=False)


def _carried_share(network: Network, erlangs: float, seed: int) -> float:
    """Share of payments that find a slot when ``erlangs`` are asked for at a time; the first holds are left out."""
    hold_ms, n_agents = 4 * HOP_MS, 4_000
    per_hour = erlangs / hold_ms * MS_PER_HOUR / n_agents
    buyers = replace(PATIENT_BUYER, count=n_agents, tasks_per_hour=per_hour)
    slow = SimulationConfig(latency_median_ms=HOP_MS, latency_sigma=0.0)
    end_ms = int(14 * hold_ms)
    economy = _trade(network, 1.0, buyers, seed=seed, duration_ms=end_ms, behaviour=slow)
    payments = machine_payments(economy)
    counted = payments[(payments.start_ms > 2 * hold_ms) & (payments.start_ms < end_ms - 2 * hold_ms)]
    return float((counted.status == SUCCEEDED).mean())


def erlang_b(n_servers: int, erlangs: float) -> float:
    """Share of arrivals that find all servers busy (Erlang 1917), by the usual recursion."""
    blocked = 1.0
    for n in range(1, n_servers + 1):
        blocked = erlangs * blocked / (n + erlangs * blocked)
    return blocked


def one_way_drain(seed: int) -> Cliff:
    """Agents pay and nobody pays back: the channel empties towards the service, then nothing is served."""
    hours, price_sat, own_sat = 8, 50.0, 500_000
    network = corridor(2)
    network.channels.capacity_msat[0] = 2 * own_sat * MSAT_PER_SAT
    network = network.with_balances(np.array([own_sat * MSAT_PER_SAT, own_sat * MSAT_PER_SAT, 5 * 10**11, 5 * 10**11]))
    buyers = replace(PATIENT_BUYER, tasks_per_hour=100.0)
    economy = _trade(network, price_sat, buyers, seed=seed, duration_ms=hours * MS_PER_HOUR)
    calls, width_ms = economy.calls, 10 * MS_PER_MINUTE
    bins = calls.end_ms // width_ms
    middle = tuple((np.arange(hours * 6) + 0.5) / 6)
    served = np.bincount(bins, weights=calls.outcome == SERVED, minlength=hours * 6) / np.bincount(bins)
    spent_sat = np.cumsum(np.bincount(bins, weights=calls.price_msat, minlength=hours * 6)) / MSAT_PER_SAT
    lines = (
        Line("calls served", middle, tuple(served.tolist())),
        Line("own side, share", middle, tuple((0.5 - spent_sat / (2 * own_sat)).tolist()), is_trade=False),
    )
    reserve_sat = 2 * own_sat * SimulationConfig().reserve_ppm / 1e6
    empty_h = (own_sat - reserve_sat) / (price_sat * buyers.count * buyers.tasks_per_hour)
    return Cliff("drain", "One-way drain", "hours", lines, (empty_h,), log_x=False)


def whole_network(network: Network, seed: int) -> Cliff:
    """The same agents on nodes of a whole network, services at well-connected ones, prices from 0.1 to 1,000 sat."""
    seller = replace(SELLER, count=10)
    buyer = replace(PATIENT_BUYER, count=200, tasks_per_hour=4.0, nodes=ANYWHERE)
    served, shares = [], []
    for price in NETWORK_PRICES_SAT:
        config = EconomyConfig((replace(seller, price_sat=price),), (buyer,))
        economy = settle(network, config, seed=seed, duration_ms=MS_PER_HOUR)
        economy.run(MS_PER_HOUR)
        served.append(_served_share(economy))
        shares.append(_fee_share(economy))
    lines = (
        Line("calls served", NETWORK_PRICES_SAT, tuple(served)),
        Line("fees over price, where paid", NETWORK_PRICES_SAT, tuple(shares), is_trade=False),
    )
    return Cliff("network", f"All of them: {network.name}", "price of a call, sat", lines, (1.0,))


def edge_of(line: Line) -> tuple[float, float] | None:
    """Between which two points the line crosses one half, ascending in x; None where it does not."""
    y = np.array(line.y) >= 0.5
    crossings = np.flatnonzero(y[1:] != y[:-1])
    return (line.x[crossings[0]], line.x[crossings[0] + 1]) if len(crossings) else None


def rows(cliffs: Sequence[Cliff]) -> list[tuple[str, str, float, float]]:
    """One row a point: panel, line, x, y."""
    return [
        (cliff.name, line.label, x, y)
        for cliff in cliffs
        for line in cliff.lines
        for x, y in zip(line.x, line.y, strict=True)
    ]


COLUMNS = ("panel", "line", "x", "y")
"""Of ``cliffs.csv``."""


def where_rows(cliffs: Sequence[Cliff]) -> list[tuple[str, str, str, str]]:
    """One row a simulated line of calls served: where its cliff should be and where it is."""
    lines = []
    for cliff in cliffs:
        expected = ", ".join(f"{edge:g}" for edge in cliff.edges)
        for line in cliff.lines:
            found = edge_of(line)
            if line.is_trade and not line.theory:
                lines.append((cliff.title, line.label, expected, f"{found[0]:g} and {found[1]:g}" if found else "–"))
    return lines
