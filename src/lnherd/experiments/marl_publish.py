"""What a comparison of teams hands over: the leaderboard page, results for programs, raw runs and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lnherd.experiments.directory import write_json, write_text
from lnherd.experiments.marl_board import Finished, MarlRow
from lnherd.experiments.report.svg import Bar, bands, intervals
from lnherd.experiments.statistics import Estimate

COLUMNS = ("policy", "value delivered, %", "of the fluid limit, %", "payments, %", "over the best rule, points",
           "over the first variant, points", "P(better than it), %", "decisions learned from")  # fmt: skip
SHOWN = (0, 1, 2, 4, 5)
"""Columns that fit a terminal."""
SOCIETY_COLUMNS = ("policy", "delivered", "payments", "welfare, sat", "earned, ppm", "paid, ppm", "top 5 % forward",
                   "Gini", "latency, s", "attempts", "moves, points")  # fmt: skip


def publish(finished: Finished, out: Path, made_by: Mapping[str, Any]) -> dict[str, Any]:
    """Write every file to ``out``; returns the content of ``results.json``."""
    rows, study = finished.rows, finished.study
    content = {
        "kind": "compare marl",
        "study": asdict(study),
        "provenance": dict(made_by),
        "best_rule": finished.best_rule,
        "leaderboard": [asdict(row) for row in rows],
        "price_of_anarchy": {name: asdict(found) for name, found in finished.price_of_anarchy().items()},
    }
    write_json(out / "results.json", content)
    finished.write_marl_eval(out / "marl-eval.json")
    bars = [
        Bar(row.name, 100 * row.delivered.value, 100 * row.delivered.low, 100 * row.delivered.high, row.decisions > 0)
        for row in rows
    ]
    write_text(out / "marl.svg", intervals("Value delivered, % (interquartile mean, 95 % interval)", bars))
    across, lines = finished.curves()
    axes = ("decisions learned from", "value delivered in held-out episodes, % (interquartile mean, 95 % interval)")
    if len(across) > 1:
        write_text(out / "curves.svg", bands(f"Sample efficiency, {study.family}", across, lines, axes))
    write_text(out / "leaderboard.md", page(finished, rows, made_by))
    return content


def page(finished: Finished, rows: Sequence[MarlRow], made_by: Mapping[str, Any]) -> str:
    """The leaderboard as a page."""
    study = finished.study
    where = "the same network" if study.same_network else f"{study.networks} held-out networks"
    parts = [
        f"# Teams of learners: {study.family}",
        f"Written by `{made_by.get('command', 'lnherd compare marl')}`.",
        f"{study.nodes} nodes, {study.seconds} s, {study.payments_per_s:g} payments a second. "
        f"{study.trainings} trainings of {study.episodes} episodes each; {study.seeds} held-out episodes in {where}. "
        "Interquartile means with 95 % bootstrap intervals over trainings and episodes. "
        f"Best rule: {finished.best_rule}.",
        _markdown(COLUMNS, board_table(rows)),
        "Means of the same episodes:",
        _markdown(SOCIETY_COLUMNS, society_table(rows)),
    ]
    for name, found in finished.price_of_anarchy().items():
        parts.append(f"Price of anarchy, {name}: {found.value:.3f} ({found.low:.3f} to {found.high:.3f}).")
    return "\n\n".join(parts) + "\n"


def board_table(rows: Sequence[MarlRow]) -> list[list[str]]:
    """One line a policy."""
    return [
        [
            row.name,
            *(_interval(each) for each in (row.delivered, row.of_limit, row.success, row.gain)),
            *("" if each is None else _interval(each) for each in (row.over_first, row.p_over_first)),
            f"{row.decisions:,.0f}" if row.decisions else "",
        ]
        for row in rows
    ]


def society_table(rows: Sequence[MarlRow]) -> list[list[str]]:
    """One line a policy: means."""
    return [
        [
            row.name,
            *(f"{100 * row.figures[name]:.1f} %" for name in ("delivered", "success")),
            f"{row.figures['welfare']:,.0f}",
            *(f"{row.figures[name]:,.0f}" for name in ("earned_ppm", "paid_ppm")),
            f"{100 * row.figures['hub_share']:.1f} %",
            *(f"{row.figures[name]:.2f}" for name in ("hub_gini", "latency_s", "attempts")),
            f"{100 * row.figures['moves']:.1f}" if row.decisions else "",
        ]
        for row in rows
    ]


def _interval(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.1f} ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def _markdown(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [columns, ["---"] * len(columns), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
