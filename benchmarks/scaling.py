"""How speed and memory grow with the network and with the number of payments.

    python benchmarks/scaling.py [--full] [--json] [--save]

Generated networks of 1,000 to 100,000 nodes (``--full``: 1,000,000) with the same traffic, then 10^3 to 10^5 payments
(``--full``: 10^7) on a network of 200 nodes. Each row runs in a process of its own: CPU seconds of the run alone, peak
memory of the whole process, drawing network and payments included. ``--save`` also draws ``docs/images/scaling.png``.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from report import in_fresh_process, machine, peak_rss_mb, print_table, save

from lnherd.engine import Simulation
from lnherd.engine.codes import SUCCEEDED
from lnherd.experiments.simulate import warm_up
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.synthetic.topology import TopologyConfig
from lnherd.traffic.demand import mixed

NODES, MORE_NODES = (1_000, 10_000, 100_000), (1_000_000,)
PAYMENTS_EACH = 20_000
PAYMENTS, MORE_PAYMENTS = (1_000, 10_000, 100_000), (1_000_000, 10_000_000)
SMALL_NETWORK = 200
SPARSE = TopologyConfig(degree_mu=-6.25)
"""Three channels a node among a million; calibrated to mainnet's size, the generator would make them six."""
IMAGE = Path(__file__).resolve().parents[1] / "docs/images/scaling.png"


def measure(n_nodes: int, n_payments: int) -> dict:
    """One run: payments of the mixed preset at a rate that grows with the network."""
    warm_up()
    topology = SPARSE if n_nodes in MORE_NODES else TopologyConfig()
    network = generate(GeneratorConfig(n_nodes=n_nodes, topology=topology), 1)
    rate_per_s = max(10.0, n_nodes / 1_000)
    payments = mixed(rate_per_s).sample(network, n_payments=n_payments, rng=np.random.default_rng(2))
    simulation = Simulation(network, payments)
    before = time.process_time()
    simulation.run()
    cpu_s = time.process_time() - before
    return {
        "nodes": n_nodes,
        "channels": network.n_channels,
        "payments": n_payments,
        "payments_per_cpu_s": n_payments / cpu_s,
        "cpu_s": cpu_s,
        "success": float((simulation.payments.status == SUCCEEDED).mean()),
        "peak_rss_mb": peak_rss_mb(),
    }


def draw(rows: list[dict], path: Path) -> None:
    """Speed and memory over both sizes, log-log."""
    import matplotlib.pyplot as plt

    by_nodes = [row for row in rows if row["payments"] == PAYMENTS_EACH]
    by_payments = [row for row in rows if row["nodes"] == SMALL_NETWORK]
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    for column, (part, size) in enumerate(((by_nodes, "nodes"), (by_payments, "payments"))):
        for row, (figure_of, unit) in enumerate(
            (("payments_per_cpu_s", "payments / CPU s"), ("peak_rss_mb", "peak MB"))
        ):
            axis = axes[row][column]
            axis.loglog([r[size] for r in part], [r[figure_of] for r in part], "o-")
            axis.set(xlabel=size, ylabel=unit)
            axis.grid(True, which="both", alpha=0.3)
    axes[0][0].set_title(f"{PAYMENTS_EACH:,} payments on networks of ...")
    axes[0][1].set_title(f"network of {SMALL_NETWORK} nodes, ...")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--one", nargs=2, type=int, metavar=("NODES", "PAYMENTS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(*arguments.one)))
        return
    sizes = [(n, PAYMENTS_EACH) for n in NODES + arguments.full * MORE_NODES]
    sizes += [(SMALL_NETWORK, n) for n in PAYMENTS + arguments.full * MORE_PAYMENTS]
    warm_up()  # compiling takes memory, which no row should be charged for
    rows = []
    for n_nodes, n_payments in sizes:
        rows.append(in_fresh_process(__file__, "--one", str(n_nodes), str(n_payments)))
        if not arguments.json:
            print_table(rows[-1:])
    if arguments.save:
        save("scaling", rows)
        draw(rows, IMAGE)
    print(json.dumps({"machine": machine(), "rows": rows}, indent=2)) if arguments.json else print_table(rows)


if __name__ == "__main__":
    main()
