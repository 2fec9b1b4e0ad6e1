"""What a forwarding comparison hands over: a row a run, results for programs, the leaderboard page and its figures."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.experiments.directory import write_csv, write_json, write_text
from lnherd.experiments.forwarding.board import LND, THRESHOLDS, Board, BoardRow, CellRow, Episodes
from lnherd.experiments.forwarding.contenders import NAIVE
from lnherd.experiments.forwarding.measuring import WINDOW_MS, ForwardingRun
from lnherd.experiments.forwarding.shifts import Continual, ShiftRow, continual, shift_rows
from lnherd.experiments.forwarding.suite import Played
from lnherd.experiments.forwarding.worlds import Cell, ForwardingSuite, scenario
from lnherd.experiments.json_config import to_json
from lnherd.experiments.report.svg import Bar, curves, intervals
from lnherd.experiments.statistics import Estimate
from lnherd.units import MS_PER_SECOND

N_LINES = 8
"""Contenders in a figure of curves."""
BOARD_COLUMNS = ("policy", "cells", "of the limit (IQM, 95 %)", "success volume (95 %)", "beats naive", "loses to it")
CELL_COLUMNS = ("policy", "success volume (95 %)", "against naive, points", "against lnd, points", "of limit",
                "succeed", "earned ppm", "paid ppm", "fee/hop ppm", "latency s", "attempts", "load", "Gini", "top 5 %",
                "s/episode", "hub earns, sat")  # fmt: skip
SHIFT_COLUMNS = ("policy", "before (95 %)", "after (95 %)", "regret, points", "recovered after")
CSV_COLUMNS = ("cell", "world", "limit", *(field.name for field in fields(ForwardingRun) if "window" not in field.name))


def board_table(found: Board) -> list[list[str]]:
    """One line a contender."""
    return [
        [row.policy, str(row.cells), _percent(row.score), _percent(row.volume), str(row.wins), str(row.losses)]
        for row in found.rows
    ]


def cell_table(rows: Sequence[CellRow]) -> list[list[str]]:
    """One line a contender, the best first."""
    return [_cell_line(row) for row in sorted(rows, key=lambda row: -row.volume.value)]


def _cell_line(row: CellRow) -> list[str]:
    shown = row.figures
    return [
        row.policy,
        _percent(row.volume),
        _points(row.against_naive),
        "" if row.against_lnd is None else _points(row.against_lnd),
        f"{row.of_limit.value:.0%}",
        f"{shown['success_rate']:.1%}",
        *(f"{shown[name]:,.0f}" for name in ("earned_ppm", "paid_ppm", "hop_fee_ppm")),
        *(f"{shown[name]:.2f}" for name in ("latency_s", "attempts", "utilisation", "hub_gini", "hub_share", "wall_s")),
        f"{shown['hub_earned_sat']:,.0f}",
    ]


def _percent(estimate: Estimate) -> str:
    return f"{estimate.value:.1%} ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def _points(estimate: Estimate) -> str:
    return f"{100 * estimate.value:+.1f} ({100 * estimate.low:+.1f} to {100 * estimate.high:+.1f})"


def shift_table(rows: Sequence[ShiftRow]) -> list[list[str]]:
    """One line a contender."""
    return [
        [
            row.policy,
            _percent(row.before),
            _percent(row.after),
            _points(row.regret),
            "never" if row.recovery_s is None else f"{row.recovery_s:.0f} s",
        ]
        for row in rows
    ]


def changes(suite: ForwardingSuite, episodes: Episodes) -> dict[str, tuple[list[ShiftRow], list[Continual]]]:
    """What change did, by cell, in those whose world changes."""
    found = {}
    for cell in suite.cells():
        change_ms = _scenario(suite, cell).changes_ms
        if change_ms is not None and cell.name in episodes.cells:
            rows = shift_rows(episodes, cell.name, change_ms, seed=suite.seed)
            found[cell.name] = rows, continual(episodes, cell.name, change_ms, seed=suite.seed)
    return found


def _scenario(suite: ForwardingSuite, cell: Cell) -> Any:
    return scenario(cell.family, suite.nodes, suite.duration_s, suite.payments_per_s)


def page(suite: ForwardingSuite, found: Board, episodes: Episodes, provenance: dict[str, Any]) -> str:
    """The leaderboard as Markdown."""
    origin = "cut out of a snapshot" if suite.snapshot else "cut out of a generated network, no snapshot was given"
    parts = [
        "# Leaderboard: forwarding\n",
        f"Written by `{provenance['command']}`, lnherd {provenance['lnherd']} (commit {provenance['commit']}).\n",
        f"Every cell: {suite.worlds} networks of {suite.nodes} nodes, {len(suite.held_out())} held-out episodes of\n"
        f"{suite.duration_s} s, {suite.payments_per_s:g} payments a second. Places called `mainnet` are {origin}.\n"
        "Success volume is the share of the offered value that arrived; the limit is the fluid limit of each\n"
        "episode. Differences are points of success volume, episode by episode, from the best naive rule of the\n"
        "cell in hindsight and from LND-like source routing.\n",
        "![share of the limit](scores.svg)\n",
        "![profiles](profiles.svg)\n",
        _markdown(BOARD_COLUMNS, board_table(found)),
    ]
    changed = changes(suite, episodes)
    for cell in dict.fromkeys(row.cell for row in found.cells):
        rows = [row for row in found.cells if row.cell == cell]
        parts += [f"## {cell}\n", f"Best naive rule in hindsight: {found.best_naive[cell]}.\n"]
        parts.append(_markdown(CELL_COLUMNS, cell_table(rows)))
        if cell in changed:
            parts += _change_section(cell, *changed[cell])
    return "\n".join(parts)


def _change_section(cell: str, rows: list[ShiftRow], learning: list[Continual]) -> list[str]:
    parts = [
        "The world changes half-way. Regret: short of the contender that did best after the change.\n",
        f"![{cell} by time](windows-{cell}.svg)\n",
        _markdown(SHIFT_COLUMNS, shift_table(rows)),
    ]
    return parts + [
        f"{each.policy}, going on learning against stopping: {_points(each.gain)} points.\n" for each in learning
    ]


def _markdown(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"
    return head + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def figures(found: Board) -> dict[str, str]:
    """Scores with intervals, and performance profiles, as SVG by file name."""
    bars = [
        Bar(row.policy, row.score.value, row.score.low, row.score.high, strong=row.policy not in (*NAIVE, LND))
        for row in found.rows
    ]
    lines = [(row.policy, row.profile.value) for row in found.rows[:N_LINES]]
    ends = [bar.low for bar in bars] + [bar.high for bar in bars]
    marks = [(tenth / 10, f"{10 * tenth} %") for tenth in range(11) if min(ends) <= tenth / 10 <= max(ends)]
    return {
        "scores.svg": intervals("Share of the fluid limit, interquartile mean, 95 % intervals", bars, marks),
        "profiles.svg": curves("Performance profiles", THRESHOLDS, lines, ("share of the limit", "episodes above")),
    }


def change_figures(changed: dict[str, tuple[list[ShiftRow], list[Continual]]]) -> dict[str, str]:
    """Success volume over time in the cells that change, as SVG by file name."""
    drawn = {}
    for cell, (rows, _) in changed.items():
        time_s = (np.arange(len(rows[0].windows)) + 0.5) * WINDOW_MS / MS_PER_SECOND
        lines = [(row.policy, row.windows) for row in rows[:N_LINES]]
        drawn[f"windows-{cell}.svg"] = curves(cell, time_s, lines, ("seconds", "success volume"))
    return drawn


def as_json(found: Board, changed: dict[str, tuple[list[ShiftRow], list[Continual]]]) -> dict[str, Any]:
    """The findings for programs."""
    return {
        "best_naive": found.best_naive,
        "rows": [_without(row, "profile") for row in found.rows],
        "cells": [to_json(row) for row in found.cells],
        "changes": {
            cell: {"policies": [_shift_json(row) for row in rows], "continual": [to_json(each) for each in learning]}
            for cell, (rows, learning) in changed.items()
        },
    }


def _without(row: BoardRow, name: str) -> dict[str, Any]:
    return {key: to_json(value) for key, value in vars(row).items() if key != name}


def _shift_json(row: ShiftRow) -> dict[str, Any]:
    return {key: value.tolist() if key == "windows" else to_json(value) for key, value in vars(row).items()}


def publish(
    out: Path,
    suite: ForwardingSuite,
    played: Sequence[Played],
    found: Board,
    episodes: Episodes,
    provenance: dict[str, Any],
) -> tuple[dict[str, Any], list[Path]]:
    """Write page, figures and results into ``out``; returns the findings for programs, and the files."""
    changed = changes(suite, episodes)
    content = as_json(found, changed)
    write_json(out / "results.json", {"config": to_json(suite), "provenance": provenance, **content})
    write_csv(out / "results.csv", CSV_COLUMNS, [_csv_row(each) for each in played])
    drawn = figures(found) | change_figures(changed)
    for name, figure in drawn.items():
        write_text(out / name, figure)
    write_text(out / "leaderboard.md", page(suite, found, episodes, provenance))
    return content, [out / name for name in ("leaderboard.md", "results.json", "results.csv", *drawn)]


def _csv_row(each: Played) -> list[Any]:
    run = asdict(each.run)
    return [each.cell, each.world, each.limit, *(run[name] for name in CSV_COLUMNS[3:])]
