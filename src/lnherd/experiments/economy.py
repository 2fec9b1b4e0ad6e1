"""A day of the machine economy: build it, run it with progress, write tables, figures and the report."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.economy import Economy, preset, scaled, settle
from lnherd.economy.outcomes import (
    AGENT_COLUMNS,
    CALL_COLUMNS,
    INTERVAL_COLUMNS,
    SERVICE_COLUMNS,
    DepletionSample,
    agent_rows,
    call_rows,
    drained_at_first,
    interval_rows,
    sample_depletion,
    service_rows,
    summarise,
)
from lnherd.errors import InputError
from lnherd.experiments.directory import write_csv, write_json, write_text
from lnherd.experiments.report.economy_page import EconomyReport, render
from lnherd.network.balances import draw_balances
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network
from lnherd.network.snapshots import read_network
from lnherd.units import MS_PER_HOUR, MS_PER_MINUTE

N_INTERVALS = 96
"""Rows of ``intervals.csv`` of a long run; a day has one every 15 minutes."""


@dataclass(frozen=True)
class EconomyRunConfig:
    """What ``lnherd economy run`` runs."""

    preset: str = "agent-swarm"
    """Name of the economy."""
    network: str | None = None
    """Snapshot of any format (its live part is used); None generates one."""
    nodes: int = 500
    """Size of a generated network."""
    hours: float = 24.0
    """Simulated time."""
    scale: float = 1.0
    """Factor on the number of agents."""
    balances: str = "bimodal"
    """Prior of what each end of a channel owns, where it is not known."""
    seed: int = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        if not 0 < self.hours <= 24 * 366:
            raise InputError(f"--hours is {self.hours}; give a number above 0 and at most a year")


@dataclass(frozen=True, eq=False)
class EconomyRun:
    """A finished run."""

    economy: Economy
    samples: tuple[DepletionSample, ...]
    """Of the channels, from time 0 on."""
    cpu_s: float
    """CPU seconds of the simulation itself, compiling left out."""


def load_network(config: EconomyRunConfig) -> Network:
    """The live part of the snapshot, or a generated network, with balances."""
    if config.network is None:
        network = generate(GeneratorConfig(n_nodes=config.nodes), config.seed)
    else:
        network = read_network(Path(config.network)).live()
    if network.balance_msat is None:
        network = network.with_balances(draw_balances(network, config.balances, np.random.default_rng(config.seed)))
    return network


def run_economy(
    config: EconomyRunConfig, network: Network, on_progress: Callable[[int], None] = lambda done_ms: None
) -> EconomyRun:
    """Run the whole time, telling how many simulated milliseconds are done."""
    setup = scaled(preset(config.preset), config.scale)
    end_ms = round(config.hours * MS_PER_HOUR)
    warm = settle(network, setup, seed=config.seed, duration_ms=1)
    warm.run(1)  # compiles; time and memory are measured without it
    economy = settle(network, setup, seed=config.seed, duration_ms=end_ms)
    samples, before = [DepletionSample(0, 0.0, 0.0)], time.process_time()
    step_ms = max(MS_PER_MINUTE, end_ms // N_INTERVALS)
    for stop_ms in [*range(step_ms, end_ms, step_ms), end_ms]:
        economy.run(stop_ms)
        samples.append(sample_depletion(economy.simulation))
        on_progress(stop_ms)
    samples[0] = replace(samples[0], drained_share=drained_at_first(economy.simulation))
    return EconomyRun(economy, tuple(samples), time.process_time() - before)


def publish(
    out: Path, config: EconomyRunConfig, run: EconomyRun, provenance: dict[str, Any], *, every_call: bool
) -> dict[str, Any]:
    """Write tables, ``summary.json`` and ``report.html`` into ``out``; returns the summary."""
    economy = run.economy
    summary = summarise(economy) | {"cpu_s": run.cpu_s, "calls_per_cpu_s": len(economy.calls) / max(run.cpu_s, 1e-9)}
    intervals, services = interval_rows(economy, run.samples), service_rows(economy)
    write_csv(out / "intervals.csv", INTERVAL_COLUMNS, intervals)
    write_csv(out / "services.csv", SERVICE_COLUMNS, services)
    write_csv(out / "agents.csv", AGENT_COLUMNS, agent_rows(economy))
    if every_call:
        write_csv(out / "calls.csv", CALL_COLUMNS, call_rows(economy.calls))
    content = {"kind": "economy run", "config": asdict(config), "summary": summary, "provenance": provenance}
    write_json(out / "summary.json", content)
    facts = {name: str(value) for name, value in asdict(config).items()} | {
        name: str(provenance[name]) for name in ("command", "lnherd", "commit", "python")
    }
    write_text(out / "report.html", render(EconomyReport(config.preset, summary, intervals, services, facts)))
    return summary
