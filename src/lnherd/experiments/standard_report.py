"""What the standard suite hands over: results for programs, and the leaderboard page with its figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lnherd.experiments.directory import write_json, write_text
from lnherd.experiments.json_config import to_json
from lnherd.experiments.leaderboard import THRESHOLDS, BoardRow, CellRow, Leaderboard, Runs, leaderboard
from lnherd.experiments.report.svg import Bar, curves, intervals
from lnherd.experiments.results import BASELINE
from lnherd.experiments.standard import LEARNED, Played
from lnherd.experiments.statistics import Estimate
from lnherd.experiments.suites import SuiteConfig
from lnherd.units import MS_PER_DAY, MS_PER_MINUTE

TICK_MS = 30 * MS_PER_MINUTE
"""Length of a tick in every cell."""
N_PROFILES = 7
"""Policies in the figure of performance profiles."""
BOARD_COLUMNS = ("policy", "cells", "score (IQM, 95 %)", "better than doing nothing", "beats best rule", "loses to it")
CELL_COLUMNS = ("policy", "R", "gain (95 %)", "score", "against best rule (95 %)", "P(better)", "S", "F", "C",
                "net sat", "succeed", "of bound", "s/episode")  # fmt: skip


def board(config: SuiteConfig, played: Sequence[Played]) -> Leaderboard:
    """Summarise what has been played."""
    return leaderboard(Runs(played, config.horizon * TICK_MS / MS_PER_DAY), seed=config.seed)


def board_table(found: Leaderboard) -> list[list[str]]:
    """One line a policy."""
    return [
        [
            row.policy,
            str(row.cells),
            _interval(row.score, 2),
            f"{row.improvement.value:.0%}",
            str(row.wins),
            str(row.losses),
        ]
        for row in found.rows
    ]


def cell_table(rows: Sequence[CellRow]) -> list[list[str]]:
    """One line a policy, the best first."""
    return [
        [
            row.policy,
            f"{row.reward:,.0f}",
            _interval(row.gain, 0),
            f"{row.score:.2f}",
            _interval(row.against_best, 0),
            f"{row.improvement:.0%}",
            *(f"{row.terms[term]:,.0f}" for term in ("S", "F", "C")),
            f"{row.net_sat:,.0f}",
            f"{row.success_rate:.1%}",
            f"{row.share_of_bound:.1%}",
            f"{row.episode_s:.2f}",
        ]
        for row in sorted(rows, key=lambda row: -row.gain.value)
    ]


def _interval(estimate: Estimate, digits: int) -> str:
    return f"{estimate.value:,.{digits}f} ({estimate.low:,.{digits}f} to {estimate.high:,.{digits}f})"


def page(config: SuiteConfig, found: Leaderboard, provenance: dict[str, Any]) -> str:
    """The leaderboard as Markdown."""
    origin = "real ones of a snapshot" if config.snapshot else "generated look-alikes, no snapshot was given"
    episodes = config.worlds * config.seeds
    parts = [
        "# Leaderboard: herding, standard suite\n",
        f"Written by `{provenance['command']}` with lnherd {provenance['lnherd']} (commit {provenance['commit']}).\n",
        f"Every cell: {config.worlds} worlds of {config.nodes} nodes to train and tune in, {config.worlds} others to "
        f"be scored in, {episodes} held-out episodes of {config.horizon} decisions. Neighbourhoods of the family\n"
        f"`mainnet` are {origin}. Rules are tuned with {config.budget} episodes each, learners trained with as\n"
        f"many; independent trainings of each: {config.trainings}. Money in sat a day. Where no rule gains, a score\n"
        "of 1 stands for 2 % of the room below the fluid bound.\n",
        "![scores](scores.svg)\n",
        "![profiles](profiles.svg)\n",
        _markdown(BOARD_COLUMNS, board_table(found)),
    ]
    for cell in dict.fromkeys(row.cell for row in found.cells):
        rows = [row for row in found.cells if row.cell == cell]
        parts += [f"## {cell}\n", f"Best rule in hindsight: {found.best[cell]}.\n"]
        parts.append(_markdown(CELL_COLUMNS, cell_table(rows)))
        parts += losses(rows)
    return "\n".join(parts)


def losses(rows: Sequence[CellRow]) -> list[str]:
    """Says it where learning loses."""
    lost = [row.policy for row in rows if row.policy in LEARNED and row.against_best.high < 0]
    return [f"**Learning loses here**: {', '.join(lost)} earns less than the best rule.\n"] if lost else []


def _markdown(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"
    return head + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def figures(found: Leaderboard) -> tuple[str, str]:
    """Scores with intervals, and performance profiles, as SVG."""
    bars = [_bar(row) for row in found.rows if row.policy != BASELINE]
    scores = intervals("Normalised score, interquartile mean, 95 % intervals (cut at -2 and 4)", bars,
                       [(0.0, "do-nothing"), (1.0, "best rule in hindsight")])  # fmt: skip
    shown = _profiled(found.rows)
    lines = [(row.policy, row.profile.value) for row in shown]
    profiles = curves("Performance profiles", THRESHOLDS, lines, ("normalised score", "share of runs above it"))
    return scores, profiles


def _bar(row: BoardRow) -> Bar:
    value, low, high = (min(max(x, -2.0), 4.0) for x in (row.score.value, row.score.low, row.score.high))
    return Bar(row.policy, value, low, high, strong=row.policy in LEARNED)


def _profiled(rows: Sequence[BoardRow]) -> list[BoardRow]:
    """All learners and the best rules."""
    learners = [row for row in rows if row.policy in LEARNED]
    rules = [row for row in rows if row.policy not in (*LEARNED, BASELINE)]
    return [*learners, *rules[: N_PROFILES - len(learners)]]


def as_json(found: Leaderboard) -> dict[str, Any]:
    """The findings for programs."""
    rows = [{k: v for k, v in to_json(row).items() if k != "profile"} for row in found.rows]
    return {"best": found.best, "rows": rows, "cells": [to_json(row) for row in found.cells]}


def publish(out: Path, config: SuiteConfig, found: Leaderboard, provenance: dict[str, Any]) -> tuple[Path, ...]:
    """Write page, figures and results into ``out``."""
    files = tuple(out / name for name in ("results.json", "leaderboard.md", "scores.svg", "profiles.svg"))
    write_json(files[0], {"config": to_json(config), "provenance": provenance, **as_json(found)})
    write_text(files[1], page(config, found, provenance))
    for path, figure in zip(files[2:], figures(found), strict=True):
        write_text(path, figure)
    return files
