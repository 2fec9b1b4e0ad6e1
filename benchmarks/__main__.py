"""All benchmarks in one go: ``python -m benchmarks [--full]``; each one's own help tells what it measures.

``--full`` adds the heavy rows of scaling (a million nodes, ten million payments: about 15 CPU minutes). What is
measured is written to ``benchmarks/results``.
"""

import argparse
import subprocess
import sys
from pathlib import Path

SCRIPTS = ("startup", "routing", "engine", "scaling", "forwarding", "learners", "l402", "l402_load")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    is_full = parser.parse_args().full
    for name in SCRIPTS:
        print(f"\n== {name} ==", flush=True)
        options = [] if name.startswith("l402") else ["--save"]
        if is_full and name == "scaling":
            options.append("--full")
        subprocess.run([sys.executable, str(Path(__file__).with_name(f"{name}.py")), *options], check=True)


if __name__ == "__main__":
    main()
