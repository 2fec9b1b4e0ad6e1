"""Hold ``--profile cloth`` to recorded runs of CLoTH: same topology, same payments, statistics side by side.

    python verification/cloth.py --topology cloth-ln-2020-12-17-csv.tar.xz --runs cloth-reference-runs.tar.xz

Each folder in the archive of runs holds ``cloth_input.txt``, ``payments.csv`` and ``payments_output.csv`` as
CLoTH wrote them. Exits with 1 when a figure leaves its tolerance: success rate within 1 percentage point; mean
attempts, route length and payment time within 3 %. Without the files (they are not shipped) it says so and exits
with 0.
"""

import argparse
import csv
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from lnherd.engine import Simulation
from lnherd.engine.codes import SUCCEEDED
from lnherd.engine.config import profile
from lnherd.network.graph import Network
from lnherd.network.snapshots import read_network
from lnherd.traffic.traces import read_payments

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
TOLERANCES = {
    "success": (0.01, "points"),
    "attempts": (0.03, "relative"),
    "hops": (0.03, "relative"),
    "time_ms": (0.03, "relative"),
}


def recorded(folder: Path) -> dict[str, float]:
    """Figures of a recorded run; attempts over all payments, hops and time over successful ones."""
    with (folder / "payments_output.csv").open() as file:
        rows = list(csv.DictReader(file))
    paid = [row for row in rows if row["is_success"] == "1"]
    return {
        "success": len(paid) / len(rows),
        "attempts": float(np.mean([int(row["attempts"]) for row in rows])),
        "hops": float(np.mean([row["route"].count("-") + 1 for row in paid])),
        "time_ms": float(np.mean([int(row["end_time"]) - int(row["start_time"]) for row in paid])),
    }


def simulated(folder: Path, network: Network) -> dict[str, float]:
    """The same figures from the engine."""
    settings = dict(line.split("=", 1) for line in (folder / "cloth_input.txt").read_text().splitlines() if "=" in line)
    config = profile("cloth", mpp=settings["mpp"] == "1")
    simulation = Simulation(network, read_payments(folder / "payments.csv", network), config=config, seed=1)
    simulation.run()
    payments = simulation.payments
    paid = payments[payments.status == SUCCEEDED]
    return {
        "success": len(paid) / len(payments),
        "attempts": float(payments.attempts.mean()),
        "hops": float(paid.hops.mean()),
        "time_ms": float((paid.end_ms - paid.start_ms).mean()),
    }


def deviation(kind: str, ours: float, theirs: float) -> float:
    """Difference in the terms of the tolerance."""
    return abs(ours - theirs) if kind == "points" else abs(ours / theirs - 1)


def compare(folder: Path, network: Network) -> bool:
    """Print one run's table; true when every figure is within its tolerance."""
    theirs, ours = recorded(folder), simulated(folder, network)
    good = True
    print(f"\n{folder.name}\n{'figure':<10}{'CLoTH':>12}{'lnherd':>12}{'off by':>10}{'allowed':>10}")
    for name, (tolerance, kind) in TOLERANCES.items():
        off = deviation(kind, ours[name], theirs[name])
        good &= off <= tolerance
        verdict = "" if off <= tolerance else "  <-- OFF"
        print(f"{name:<10}{theirs[name]:>12.4f}{ours[name]:>12.4f}{off:>10.4f}{tolerance:>10.2f}{verdict}")
    return good


def main() -> int:
    """Compare every run of the archive; the exit code says whether all are within tolerance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topology", type=Path, default=DATA / "cloth-ln-2020-12-17-csv.tar.xz")
    parser.add_argument("--runs", type=Path, default=DATA / "cloth-reference-runs.tar.xz")
    arguments = parser.parse_args()
    if not (arguments.topology.exists() and arguments.runs.exists()):
        print(f"cloth: {arguments.topology} and {arguments.runs} are not both there; nothing to compare with")
        return 0
    network = read_network(arguments.topology)
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(arguments.runs) as archive:
        archive.extractall(scratch, filter="data")
        folders = sorted(path.parent for path in Path(scratch).rglob("payments_output.csv"))
        verdicts = [compare(folder, network) for folder in folders]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
