"""What a comparison of markets writes: results.json, results.csv and a figure."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from lnherd.experiments.directory import write_csv, write_json, write_text
from lnherd.experiments.market import Condition, MarketRow, MarketStudy, Outcome, summarise
from lnherd.experiments.report.svg import Bar, intervals
from lnherd.experiments.statistics import Estimate

COLUMNS = (
    "condition",
    "success",
    "value delivered",
    "gain",
    "latency, s",
    "buyers, sat",
    "gain",
    "sellers, sat",
    "answers",
    "price, msat",
    "priorities",
    "price, msat",
)
"""Of the table: per payment; gains over no market, paired by seed."""
NARROW = 6
"""Columns that fit a small terminal."""


def table_rows(rows: list[MarketRow]) -> list[list[str]]:
    """Rows for people."""
    return [
        [
            row.condition.name,
            _percent(row.means["success"]),
            _percent(row.means["delivered"]),
            f"{_percent(row.gains['delivered'])} ({_percent_range(row.gains['delivered'])})",
            f"{row.means['latency_s'].value:.2f}",
            f"{row.means['buyers_sat'].value:.1f}",
            f"{row.gains['buyers_sat'].value:+.2f} ({_range(row.gains['buyers_sat'])})",
            f"{row.means['sellers_sat'].value:.2f}",
            f"{row.means['questions'].value:.2f}",
            f"{row.means['information_price_msat'].value:.0f}",
            f"{row.means['priorities'].value:.2f}",
            f"{row.means['priority_price_msat'].value:.0f}",
        ]
        for row in rows
    ]


def _percent(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.1f} %"


def _percent_range(estimate: Estimate) -> str:
    return f"{100 * estimate.low:+.1f} to {100 * estimate.high:+.1f}"


def _range(estimate: Estimate) -> str:
    return f"{estimate.low:+.2f} to {estimate.high:+.2f}"


def publish(
    out: Path, study: MarketStudy, results: dict[Condition, list[Outcome]], provenance: dict[str, Any]
) -> list[MarketRow]:
    """Write all files into ``out``; returns the rows of the table."""
    rows = summarise(dict(results))
    names = list(Outcome.__annotations__)
    episodes = [
        (condition.name, seed, *(getattr(each, name) for name in names))
        for condition, outcomes in results.items()
        for seed, each in enumerate(outcomes)
    ]
    write_csv(out / "results.csv", ("condition", "seed", *names), episodes)
    content = {
        "kind": "compare market",
        "study": asdict(study),
        "provenance": provenance,
        "conditions": [
            {
                **asdict(row.condition),
                "means": {name: asdict(each) for name, each in row.means.items()},
                "gains": {name: asdict(each) for name, each in row.gains.items()},
            }
            for row in rows
        ],
    }
    write_json(out / "results.json", content)
    bars = [_bar(row) for row in rows[1:]]
    write_text(out / "market.svg", intervals("Value delivered over no market, percentage points", bars, [(0.0, "0")]))
    return rows


def _bar(row: MarketRow) -> Bar:
    gain = row.gains["delivered"]
    return Bar(row.condition.name, 100 * gain.value, 100 * gain.low, 100 * gain.high, gain.excludes_zero)


def finding(rows: list[MarketRow]) -> str:
    """The result in a sentence."""
    sold = [row for row in rows[1:] if "sold" in (row.condition.information, row.condition.priority)]
    sold = [row for row in sold if row.condition.liars == 0.0]
    best = max(sold, key=lambda row: row.gains["delivered"].value)
    gain = best.gains["delivered"]
    verdict = "which excludes zero" if gain.excludes_zero else "which does not exclude zero"
    return (
        f"Best market: {best.condition.name}, {100 * gain.value:+.1f} percentage points of value delivered "
        f"(95 % interval {_percent_range(gain)}), {verdict}."
    )
