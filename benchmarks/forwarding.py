"""Forwarding decisions in a second of CPU, hop by hop, by policy.

    python benchmarks/forwarding.py [--mainnet SNAPSHOT] [--payments 20000] [--repeats 3] [--json]

Each row is the best and the median of fresh simulations in this process, kernels compiled before; CPU seconds of the
run alone, in which every decision's HTLC also travels there and back.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.codes import SUCCEEDED
from lnherd.engine.hop_network import ScoringNetwork
from lnherd.network.balances import draw_balances
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network
from lnherd.network.records import Ints, Records
from lnherd.network.snapshots import read_network
from lnherd.traffic.demand import mixed

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
POLICIES = ("random", "shortest", "cheapest", "balance", "network")
HIDDEN = 64


def simulation(network: Network, balances: Ints, payments: Records, policy: str) -> Simulation:
    config = SimulationConfig(sender="policy", hop_policy=policy)
    fresh = Simulation(network, payments, balance_msat=balances, config=config)
    if policy == "network":
        fresh.use_network(ScoringNetwork.random(HIDDEN, np.random.default_rng(1)))
    return fresh


def figures(network: Network, balances: Ints, payments: Records, policy: str, repeats: int) -> dict[str, float]:
    """Decisions a second (best, median), what a decision leads to, and how many payments succeed."""
    speeds = []
    simulation(network, balances, payments[:10], policy).run()
    for _ in range(repeats):
        fresh = simulation(network, balances, payments, policy)
        before = time.process_time()
        fresh.run()
        speeds.append(fresh.state.clock[0].decisions_total / (time.process_time() - before))
    clock = fresh.state.clock[0]
    return {
        "decisions_per_cpu_s_best": max(speeds),
        "decisions_per_cpu_s_median": statistics.median(speeds),
        "decisions": int(clock.decisions_total),
        "success": float((fresh.payments.status == SUCCEEDED).mean()),
        "attempts_per_payment": float(clock.attempts_total / len(payments)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mainnet", type=Path, default=DATA / "mainnet-2026-02-03-edges.csv.xz")
    parser.add_argument("--payments", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    networks = {"synthetic 100 nodes": generate(GeneratorConfig(n_nodes=100), 1)}
    if arguments.mainnet.exists():
        networks["mainnet 2026 live"] = read_network(arguments.mainnet).live()
    rows = {}
    for name, network in networks.items():
        balances = draw_balances(network, "bimodal", np.random.default_rng(4))
        payments = mixed(10.0).sample(network, n_payments=arguments.payments, rng=np.random.default_rng(5))
        for policy in POLICIES:
            rows[f"{name}, {policy}"] = figures(network, balances, payments, policy, arguments.repeats)
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'workload':<32}{'decisions/s best':>18}{'median':>12}{'decisions':>12}{'success':>10}{'attempts':>10}")
    for name, row in rows.items():
        print(
            f"{name:<32}{row['decisions_per_cpu_s_best']:>18,.0f}{row['decisions_per_cpu_s_median']:>12,.0f}"
            f"{row['decisions']:>12,}{row['success']:>10.1%}{row['attempts_per_payment']:>10.2f}"
        )


if __name__ == "__main__":
    main()
