"""What the drift experiment hands over: the days, the table of regrets, a figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.experiments.directory import CONFIG_FILE, claim, write_csv, write_json, write_text
from lnherd.experiments.drift import DriftConfig, Found, Measured
from lnherd.experiments.json_config import to_json
from lnherd.experiments.report.svg import bands
from lnherd.experiments.statistics import Estimate


def columns(config: DriftConfig) -> tuple[str, ...]:
    """Head of :func:`table`."""
    return ("policy", *(f"{number + 1}: {phase}" for number, phase in enumerate(config.phases)))


def table(found: Found) -> list[list[str]]:
    """Regret of every policy in every phase, in sat a day."""
    phases = range(len(found.config.phases))
    return [[policy, *(_words(found.regret(policy, phase)) for phase in phases)] for policy in found.policies]


def _words(estimate: Estimate) -> str:
    return f"{estimate.value:,.0f} ({estimate.low:,.0f} to {estimate.high:,.0f})"


def as_json(found: Found) -> dict[str, Any]:
    """The findings for programs: regrets by policy and phase, and R through the life."""
    phases = range(len(found.config.phases))
    return {
        "config": to_json(found.config),
        "regret": {name: [to_json(found.regret(name, phase)) for phase in phases] for name in found.policies},
        "reward": {name: found.band(name).value.tolist() for name in found.policies},
    }


def figure(found: Found) -> str:
    """R through the life."""
    stops = found.config.stops
    across = np.array([phase * stops[-1] + stop for phase in range(len(found.config.phases)) for stop in stops])
    lines = [(name, found.band(name)) for name in found.policies]
    title = f"Traffic changes: {', then '.join(found.config.phases)}"
    return bands(title, across, lines, ("training episodes since the beginning", "R, sat a day, 95 %"))


def claim_directory(out: Path, config: DriftConfig) -> None:
    """Make ``out`` the home of this run, or find that it is.

    Raises:
        InputError: when something else is there.
    """
    claim(out, {"kind": "compare drift", "config": to_json(config)})


def publish(
    out: Path, config: DriftConfig, measured: Sequence[Measured], provenance: dict[str, Any]
) -> tuple[Path, ...]:
    """Write everything into ``out``."""
    claim_directory(out, config)
    files = tuple(out / name for name in ("days.csv", "results.json", "drift.svg"))
    write_csv(files[0], tuple(vars(measured[0])), [[str(value) for value in vars(each).values()] for each in measured])
    found = Found(config, measured)
    write_json(files[1], {**as_json(found), "provenance": provenance})
    write_text(files[2], figure(found))
    return (out / CONFIG_FILE, *files)
