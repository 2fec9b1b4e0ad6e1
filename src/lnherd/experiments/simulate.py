"""One simulation from start to finish: run with progress, summarise, write one row per payment."""

import csv
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.engine import ExitReason, Simulation
from lnherd.engine.codes import FAILURE_NAMES, SUCCEEDED
from lnherd.network.graph import EDGE_DTYPE, Network
from lnherd.network.records import Records, zero_records
from lnherd.traffic.demand import PAYMENT_DTYPE

COLUMNS = (
    "id",
    "sender",
    "receiver",
    "amount_msat",
    "start_ms",
    "end_ms",
    "success",
    "failure",
    "attempts",
    "parts",
    "hops",
    "fee_msat",
)
"""Columns of ``payments.csv``; ``sender`` and ``receiver`` are node indices."""
CHUNK_EVENTS = 50_000


def warm_up() -> float:
    """Compile or load every kernel on a two-node network; returns the CPU seconds it took."""
    before = time.process_time()
    channels = np.array(
        [(0, 1, 1_000_000, -1)], dtype=[("node1", "i4"), ("node2", "i4"), ("capacity_msat", "i8"), ("scid", "i8")]
    )
    edges = zero_records(2, EDGE_DTYPE)
    edges.enabled = True
    network = Network(
        np.array(["a", "b"]), channels.view(np.recarray), edges, balance_msat=np.array([500_000, 500_000])
    )
    payments = zero_records(1, PAYMENT_DTYPE)
    payments[0].receiver, payments[0].amount_msat = 1, 1_000
    Simulation(network, payments).run()
    return time.process_time() - before


def run_to_end(simulation: Simulation, on_progress: Callable[[int], None]) -> float:
    """Run until nothing is left to happen, telling how many payments have started; returns CPU seconds."""
    before = time.process_time()
    while simulation.run(max_events=CHUNK_EVENTS) is not ExitReason.IDLE:
        on_progress(int(simulation.state.clock[0].next_payment))
    on_progress(len(simulation.payments))
    return time.process_time() - before


def summarise(simulation: Simulation, cpu_s: float) -> dict[str, Any]:
    """Figures of a finished run. Means of hops, fees and times are over successful payments."""
    payments, clock, network = simulation.payments, simulation.state.clock[0], simulation.network
    succeeded = payments.status == SUCCEEDED
    paid = payments[succeeded]
    time_ms = paid.end_ms - paid.start_ms
    failures = Counter(FAILURE_NAMES[int(code)] for code in payments.failure[~succeeded])
    return {
        "payments": len(payments),
        "success_rate": _mean(succeeded),
        "success_volume_share": float(paid.amount_msat.sum() / max(1, payments.amount_msat.sum())),
        "attempts_mean": _mean(payments.attempts),
        "attempts_mean_successful": _mean(paid.attempts),
        "parts_mean": _mean(paid.parts),
        "hops_mean": _mean(paid.hops),
        "fee_msat_mean": _mean(paid.fee_msat),
        "fee_msat_median": _median(paid.fee_msat),
        "time_ms_mean": _mean(time_ms),
        "time_ms_median": _median(time_ms),
        "failures": dict(failures.most_common()),
        "attempts": int(clock.attempts_total),
        "events": int(clock.n_processed),
        "simulated_s": simulation.now_ms / 1000,
        "cpu_s": cpu_s,
        "payments_per_cpu_s": len(payments) / max(cpu_s, 1e-9),
        "attempts_per_cpu_s": float(clock.attempts_total / max(cpu_s, 1e-9)),
        "events_per_cpu_s": float(clock.n_processed / max(cpu_s, 1e-9)),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "nodes": network.n_nodes,
        "channels": network.n_channels,
        "live_channels": int(network.live_channels.sum()),
    }


def _mean(values: Records) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _median(values: Records) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def write_payments(payments: Records, path: Path) -> None:
    """Write ``payments.csv``, whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(_rows(payments))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _rows(payments: Records) -> Iterator[tuple[Any, ...]]:
    succeeded = payments.status == SUCCEEDED
    fee_msat = np.where(succeeded, payments.fee_msat, 0)
    failure = [FAILURE_NAMES[int(code)] for code in np.where(succeeded, 0, payments.failure)]
    return zip(
        range(len(payments)),
        payments.sender.tolist(),
        payments.receiver.tolist(),
        payments.amount_msat.tolist(),
        payments.start_ms.tolist(),
        payments.end_ms.tolist(),
        succeeded.astype(int).tolist(),
        failure,
        payments.attempts.tolist(),
        payments.parts.tolist(),
        payments.hops.tolist(),
        fee_msat.tolist(),
        strict=True,
    )


__all__ = ["COLUMNS", "run_to_end", "summarise", "warm_up", "write_payments"]
