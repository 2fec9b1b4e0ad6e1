"""What senders make of the same payments: success, attempts, fees, hops and speed, by sender, estimator and amount.

    python benchmarks/senders.py [--mainnet SNAPSHOT] [--cloth TOPOLOGY] [--payments 2000] [--json]

On each network the same payments of one amount each, between nodes drawn uniformly, ten a second, over balances drawn
from a bimodal prior (or the topology's own). Rows whose snapshot is not there are left out. Attempts are over all
payments; parts, hops and fees over those that succeeded; CPU seconds of the run alone, kernels compiled before.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.codes import SUCCEEDED
from lnherd.experiments.simulate import warm_up
from lnherd.network.balances import draw_balances
from lnherd.network.graph import Network
from lnherd.network.records import Ints
from lnherd.network.snapshots import read_network
from lnherd.traffic.amounts import LogNormal
from lnherd.traffic.demand import Component, Demand
from lnherd.traffic.endpoints import Uniform

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
SENDERS = (("lnd", "apriori"), ("lnd", "bimodal"), ("cheapest", "apriori"), ("shortest", "apriori"))
FLOW_SENDER = ("mincostflow", "apriori")
AMOUNTS_SAT = (10_000, 100_000, 1_000_000)
FIGURES = ("success", "attempts", "parts", "hops", "fee_ppm", "seconds", "payments_per_cpu_s")


def demand(amount_sat: int) -> Demand:
    """Payments of one amount between any two nodes."""
    amounts = LogNormal(median_sat=amount_sat, sigma=1e-6, min_sat=amount_sat, max_sat=amount_sat)
    return Demand((Component(10.0, amounts, senders=Uniform(), receivers=Uniform()),))


def figures(
    network: Network, balance_msat: Ints, amount_sat: int, config: SimulationConfig, n: int
) -> dict[str, float]:
    """One row of the table."""
    payments = demand(amount_sat).sample(network, n_payments=n, rng=np.random.default_rng(5))
    simulation = Simulation(network, payments, config=config, balance_msat=balance_msat, seed=1)
    before = time.process_time()
    simulation.run()
    cpu_s = time.process_time() - before
    done = simulation.payments
    paid = done[done.status == SUCCEEDED]
    return {
        "success": len(paid) / len(done),
        "attempts": float(done.attempts.mean()),
        "parts": float(paid.parts.mean()),
        "hops": float(paid.hops.mean()),
        "fee_ppm": float(paid.fee_msat.sum() / paid.amount_msat.sum() * 1e6),
        "seconds": float((paid.end_ms - paid.start_ms).mean() / 1000),
        "payments_per_cpu_s": len(done) / cpu_s,
    }


def networks(arguments: argparse.Namespace) -> dict[str, tuple[Network, Ints]]:
    """Name -> network with its balances."""
    found = {}
    if arguments.mainnet.exists():
        mainnet = read_network(arguments.mainnet).live()
        found["mainnet 2026 live"] = (mainnet, draw_balances(mainnet, "bimodal", np.random.default_rng(4)))
    if arguments.cloth.exists():
        cloth = read_network(arguments.cloth)
        assert cloth.balance_msat is not None
        found["CLoTH 2020"] = (cloth, cloth.balance_msat)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mainnet", type=Path, default=DATA / "mainnet-2026-02-03-edges.csv.xz")
    parser.add_argument("--cloth", type=Path, default=DATA / "cloth-ln-2020-12-17-csv.tar.xz")
    parser.add_argument("--payments", type=int, default=2_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    warm_up()
    rows = []
    for name, (network, balance_msat) in networks(arguments).items():
        for amount_sat in AMOUNTS_SAT:
            for sender, estimator in (*SENDERS, FLOW_SENDER):
                config = SimulationConfig(sender=sender, estimator=estimator)
                row = figures(network, balance_msat, amount_sat, config, arguments.payments)
                rows.append({"network": name, "amount_sat": amount_sat, "sender": f"{sender} {estimator}", **row})
                if not arguments.json:
                    cells = " | ".join(f"{row[figure]:,.3g}" for figure in FIGURES)
                    print(f"| {name} | {amount_sat:,} | {sender} {estimator} | {cells} |", flush=True)
    if arguments.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
