"""How much the engine does in a second of CPU, by workload, against the goals set for it.

    python benchmarks/engine.py [--repeats 3] [--json] [--save]

Each workload runs in a process of its own, kernels loaded before: medians of fresh simulations, CPU seconds of the
run alone, memory above what Python, Numba and the kernels take. Rows whose snapshot is not there are left out.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numba
import numpy as np
from report import CLOTH, MAINNET, in_fresh_process, machine, peak_rss_mb, print_table, save

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.attempts import dispatch
from lnherd.engine.codes import ACTIVE
from lnherd.engine.config import profile
from lnherd.engine.loop import NEVER, run
from lnherd.experiments.simulate import warm_up
from lnherd.network.balances import draw_balances
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import CHANNEL_DTYPE, EDGE_DTYPE, Network
from lnherd.network.records import Records, zero_records
from lnherd.network.snapshots import read_network
from lnherd.traffic.amounts import LogNormal
from lnherd.traffic.demand import PAYMENT_DTYPE, Component, Demand, mixed
from lnherd.traffic.endpoints import Uniform

LINE_HOPS, LINE_CLTV = 3, 40


def line_network() -> tuple[Network, Records]:
    """Payments along a line of four nodes: nothing to choose, every event is plain HTLC work."""
    channels = zero_records(LINE_HOPS, CHANNEL_DTYPE)
    channels.node1, channels.node2 = np.arange(LINE_HOPS), np.arange(1, LINE_HOPS + 1)
    channels.capacity_msat, channels.scid = 10**15, -1
    edges = zero_records(2 * len(channels), EDGE_DTYPE)
    edges.enabled, edges.cltv_delta = True, LINE_CLTV
    balance_msat = np.full(len(edges), 10**15 // 2)
    network = Network(np.array([f"n{i}" for i in range(LINE_HOPS + 1)]), channels, edges, balance_msat=balance_msat)
    payments = zero_records(300_000, PAYMENT_DTYPE)
    payments.start_ms = np.arange(len(payments)) * 10
    payments.amount_msat, payments.receiver = 1_000, LINE_HOPS
    return network, payments


@numba.njit(nogil=True, error_model="numpy", _nrt=False)
def send_along_the_line(state) -> None:
    """Every payment at its time over the one route there is, without searching for it."""
    route, n_payments = state.route[0], state.clock[0].n_payments
    route.n_hops = LINE_HOPS
    for hop in range(LINE_HOPS):
        route.edges[hop], route.amounts[hop], route.cltv[hop] = 2 * hop, 1_000, LINE_CLTV * (LINE_HOPS - hop)
    for payment_id in range(n_payments):
        run(state, state.payments[payment_id].start_ms, NEVER)
        state.payments[payment_id].status = ACTIVE
        dispatch(state, payment_id, 1_000)
    run(state, NEVER, NEVER)


def run_fixed_routes(simulation: Simulation) -> None:
    """Let the payments be sent from outside."""
    simulation.state.clock[0].n_scheduled = 0
    send_along_the_line(simulation.state)


def uniform_demand(median_sat: int, sigma: float) -> Demand:
    """Payments between any two nodes."""
    amounts = LogNormal(median_sat=median_sat, sigma=sigma, min_sat=1, max_sat=100_000_000)
    return Demand((Component(10.0, amounts, senders=Uniform(), receivers=Uniform()),))


def line() -> Simulation:
    """See :func:`line_network`."""
    return Simulation(*line_network(), config=SimulationConfig(max_htlcs=1 << 20))


def synthetic() -> Simulation:
    """A small network."""
    network = generate(GeneratorConfig(n_nodes=200), 1)
    traffic = mixed(10.0).sample(network, n_payments=50_000, rng=np.random.default_rng(2))
    return Simulation(network, traffic)


def cloth() -> Simulation:
    """The peer's topology and semantics."""
    network = read_network(CLOTH)
    traffic = uniform_demand(50_000, 0.0001).sample(network, n_payments=5_000, rng=np.random.default_rng(3))
    return Simulation(network, traffic, config=profile("cloth"))


def mainnet(demand: Demand, n_payments: int) -> Simulation:
    """Mainnet of February 2026, its live part."""
    network = read_network(MAINNET).live()
    balances = draw_balances(network, "bimodal", np.random.default_rng(4))
    traffic = demand.sample(network, n_payments=n_payments, rng=np.random.default_rng(5))
    return Simulation(network, traffic, balance_msat=balances)


WORKLOADS: dict[str, tuple[Callable[[], Simulation], Callable[[Simulation], object]]] = {
    "line of 4 nodes, fixed routes": (line, run_fixed_routes),
    "line of 4 nodes": (line, Simulation.run),
    "200 generated nodes, mixed": (synthetic, Simulation.run),
    "cloth 2020, 50k sat, cloth profile": (cloth, Simulation.run),
    "mainnet 2026, mixed": (lambda: mainnet(mixed(10.0), 20_000), Simulation.run),
    "mainnet 2026, uniform 50k sat": (lambda: mainnet(uniform_demand(50_000, 0.5), 5_000), Simulation.run),
    "mainnet 2026, uniform 1M sat": (lambda: mainnet(uniform_demand(1_000_000, 0.5), 2_000), Simulation.run),
}
GOALS = {
    "line of 4 nodes, fixed routes": "5,000,000 events/s",
    "cloth 2020, 50k sat, cloth profile": "8,000 attempts/s (CLoTH: 31-43; 12-40 payments/s)",
    "mainnet 2026, mixed": "5,000 payments/s, 150 MB",
}


def measure(name: str, repeats: int) -> dict[str, object]:
    """Medians over fresh simulations, after one that loads the kernels."""
    build, go = WORKLOADS[name]
    warm_up()
    before_mb = peak_rss_mb()
    go(build())
    memory_mb = peak_rss_mb() - before_mb
    rows = []
    for _ in range(repeats):
        simulation = build()
        before = time.process_time()
        go(simulation)
        cpu_s = time.process_time() - before
        clock = simulation.state.clock[0]
        rows.append((len(simulation.payments) / cpu_s, clock.attempts_total / cpu_s, clock.n_processed / cpu_s))
    payments, attempts, events = (statistics.median(column) for column in zip(*rows, strict=True))
    return {
        "workload": name,
        "payments_per_cpu_s": payments,
        "attempts_per_cpu_s": attempts,
        "events_per_cpu_s": events,
        "memory_mb": memory_mb,
        "goal": GOALS.get(name, ""),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.repeats)))
        return
    missing = [word for word, path in (("cloth", CLOTH), ("mainnet", MAINNET)) if not path.exists()]
    names = [name for name in WORKLOADS if name.split()[0] not in missing]
    rows = [in_fresh_process(__file__, "--one", name, "--repeats", str(arguments.repeats)) for name in names]
    if arguments.save:
        save("engine", rows)
    print(json.dumps({"machine": machine(), "rows": rows}, indent=2)) if arguments.json else print_table(rows)


if __name__ == "__main__":
    main()
