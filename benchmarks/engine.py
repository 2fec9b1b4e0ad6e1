"""How much the engine does in a second of CPU, by workload.

    python benchmarks/engine.py [--mainnet SNAPSHOT] [--cloth TOPOLOGY] [--repeats 3] [--json]

Rows whose snapshot is not there are left out. Each row is the median of fresh simulations in this process,
kernels compiled before; CPU seconds of the run alone, memory as growth of the peak over the whole process.
"""

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.config import profile
from lnherd.experiments.simulate import warm_up
from lnherd.network.balances import draw_balances
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import CHANNEL_DTYPE, EDGE_DTYPE, Network
from lnherd.network.records import Records, zero_records
from lnherd.network.snapshots import read_network
from lnherd.traffic.amounts import LogNormal
from lnherd.traffic.demand import PAYMENT_DTYPE, Component, Demand, mixed
from lnherd.traffic.endpoints import Uniform

DATA = Path(__file__).resolve().parents[1] / "../shared/data"


def line_network(n_nodes: int = 4) -> tuple[Network, Records]:
    """Payments along a line of nodes: nothing to search, every event is plain HTLC work."""
    channels = zero_records(n_nodes - 1, CHANNEL_DTYPE)
    channels.node1, channels.node2 = np.arange(n_nodes - 1), np.arange(1, n_nodes)
    channels.capacity_msat, channels.scid = 10**15, -1
    edges = zero_records(2 * len(channels), EDGE_DTYPE)
    edges.enabled, edges.cltv_delta = True, 40
    balance_msat = np.full(len(edges), 10**15 // 2)
    network = Network(np.array([f"n{i}" for i in range(n_nodes)]), channels, edges, balance_msat=balance_msat)
    payments = zero_records(300_000, PAYMENT_DTYPE)
    payments.start_ms = np.arange(len(payments)) * 10
    payments.amount_msat, payments.receiver = 1_000, n_nodes - 1
    return network, payments


def uniform_demand(median_sat: int, sigma: float) -> Demand:
    amounts = LogNormal(median_sat=median_sat, sigma=sigma, min_sat=1, max_sat=100_000_000)
    return Demand((Component(10.0, amounts, senders=Uniform(), receivers=Uniform()),))


def figures(build: Callable[[], Simulation], repeats: int) -> dict[str, float]:
    rows = []
    for _ in range(repeats):
        simulation = build()
        before = time.process_time()
        simulation.run()
        cpu_s = time.process_time() - before
        clock = simulation.state.clock[0]
        rows.append((len(simulation.payments) / cpu_s, clock.attempts_total / cpu_s, clock.n_processed / cpu_s))
    payments, attempts, events = (statistics.median(column) for column in zip(*rows, strict=True))
    return {
        "payments_per_cpu_s": payments,
        "attempts_per_cpu_s": attempts,
        "events_per_cpu_s": events,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def workloads(arguments: argparse.Namespace) -> dict[str, Callable[[], Simulation]]:
    """Name -> how to build a fresh simulation."""
    line, line_payments = line_network()
    busy = SimulationConfig(max_htlcs=1 << 20)
    builders = {"events: line of 4 nodes": lambda: Simulation(line, line_payments, config=busy)}
    synthetic = generate(GeneratorConfig(n_nodes=200), 1)
    traffic = mixed(10.0).sample(synthetic, n_payments=50_000, rng=np.random.default_rng(2))
    builders["synthetic 200 nodes, mixed"] = lambda: Simulation(synthetic, traffic)
    if arguments.cloth.exists():
        cloth = read_network(arguments.cloth)
        fifty = uniform_demand(50_000, 0.0001).sample(cloth, n_payments=5_000, rng=np.random.default_rng(3))
        builders["cloth topology, 50k sat, --profile cloth"] = lambda: Simulation(cloth, fifty, config=profile("cloth"))
    if arguments.mainnet.exists():
        mainnet = read_network(arguments.mainnet).live()
        balances = draw_balances(mainnet, "bimodal", np.random.default_rng(4))
        drawn = mixed(10.0).sample(mainnet, n_payments=20_000, rng=np.random.default_rng(5))
        builders["mainnet 2026 live, mixed, lnd"] = lambda: Simulation(mainnet, drawn, balance_msat=balances)
    return builders


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mainnet", type=Path, default=DATA / "mainnet-2026-02-03-edges.csv.xz")
    parser.add_argument("--cloth", type=Path, default=DATA / "cloth-ln-2020-12-17-csv.tar.xz")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    warm_up()
    rows = {name: figures(build, arguments.repeats) for name, build in workloads(arguments).items()}
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'workload':<44}{'payments/s':>12}{'attempts/s':>12}{'events/s':>12}{'RSS MB':>9}")
    for name, row in rows.items():
        print(f"{name:<44}" + "".join(f"{row[key]:>12,.0f}" for key in list(row)[:3]) + f"{row['peak_rss_mb']:>9,.0f}")


if __name__ == "__main__":
    main()
