"""How soon commands answer: help, and a tiny simulation with cold and with cached kernels.

    python benchmarks/startup.py [--json] [--save]

Medians of wall-clock seconds over fresh processes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from report import save

LNHERD = [sys.executable, "-m", "lnherd"]
TINY = [*LNHERD, "simulate", "--nodes", "20", "--payments", "10", "--json"]
GOALS_S = {"help": 0.3, "simulate_cached": 1.5}


def seconds(command: list[str], environment: dict[str, str], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        before = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        times.append(time.perf_counter() - before)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "LNHERD_CACHE": cache}
        rows = {
            "help": seconds([*LNHERD, "--help"], environment, 9),
            "simulate_cold": seconds(TINY, environment, 1),
            "simulate_cached": seconds(TINY, environment, 5),
        }
    if arguments.save:
        save("startup", [{"command": name, "seconds": value} for name, value in rows.items()])
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    for name, value in rows.items():
        goal = f"  goal {GOALS_S[name]} s" if name in GOALS_S else ""
        print(f"{name:<18}{value:>8.2f} s{goal}")


if __name__ == "__main__":
    main()
