"""What all benchmarks share: the machine in words, tables, results in ``benchmarks/results``."""

import json
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np

RESULTS = Path(__file__).with_name("results")
DATA = Path(__file__).resolve().parents[1] / "../shared/data"
MAINNET, CLOTH = DATA / "mainnet-2026-02-03-edges.csv.xz", DATA / "cloth-ln-2020-12-17-csv.tar.xz"


def machine() -> dict[str, str]:
    """Processor and versions, without which a speed says nothing."""
    model = "unknown"
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return {
        "processor": f"{model}, {os.cpu_count()} cores",
        "load_average": f"{os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        "numba": numba.__version__,
        "numpy": np.__version__,
    }


def save(name: str, rows: list[dict]) -> Path:
    """Write rows with the machine to ``results/NAME.json``."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    return path


def print_table(rows: list[dict]) -> None:
    """Rows under the names of their columns."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    texts = [columns, *([_text(row.get(column, "")) for column in columns] for row in rows)]
    widths = [max(len(text[index]) for text in texts) for index in range(len(columns))]
    for text in texts:
        print("  ".join(cell.ljust(width) for cell, width in zip(text, widths, strict=True)).rstrip(), flush=True)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def peak_rss_mb() -> float:
    """Most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_fresh_process(script: str, *arguments: str) -> dict:
    """Run a script with arguments that make it print one JSON object, so that its memory is its own."""
    command = [sys.executable, script, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])
