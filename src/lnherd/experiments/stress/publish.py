"""What a stress test hands over: the table of days, the figures in JSON, the report."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from lnherd.experiments.config import CompareConfig
from lnherd.experiments.directory import write_csv, write_json, write_text
from lnherd.experiments.json_config import to_json
from lnherd.experiments.publish import setting
from lnherd.experiments.report import words
from lnherd.experiments.report.stress_page import StressReport, render
from lnherd.experiments.scenario import World
from lnherd.experiments.statistics import Estimate
from lnherd.experiments.stress.config import StressConfig
from lnherd.experiments.stress.runs import StressRun
from lnherd.experiments.stress.summary import CaseSummary, summarise
from lnherd.traffic.shocks import CASES
from lnherd.units import MS_PER_HOUR

OUTPUTS = ("results.csv", "results.json", "report.html")
COLUMNS = tuple(field.name for field in fields(StressRun) if field.name != "successes")
"""Columns of ``results.csv``, one row a day."""
TABLE_COLUMNS = ("policy", "case", "R", "success", "90 % h", "95 % interval", "revenue", "net", "drained", "budget")
"""Head of :func:`table_rows`: changes a day, hours; then further changes, most drained, ticks over budget."""


def publish(
    out: Path, config: StressConfig, world: World, runs: Sequence[StressRun], provenance: dict[str, Any]
) -> tuple[tuple[CaseSummary, ...], dict[str, Any], tuple[Path, ...]]:
    """Summarise ``runs`` and write the OUTPUTS into ``out``; returns summaries, JSON and files."""
    summaries = summarise(config, runs, world.config.tick_ms)
    content = as_json(config, summaries, provenance)
    table, figures, report = (out / name for name in OUTPUTS)
    write_csv(table, COLUMNS, [[getattr(run, name) for name in COLUMNS] for run in runs])
    write_json(figures, content)
    write_text(report, render(compose(config, world, summaries, provenance)))
    return summaries, content, (table, figures, report)


def compose(
    config: StressConfig, world: World, summaries: tuple[CaseSummary, ...], provenance: dict[str, Any]
) -> StressReport:
    """Everything that the report tells."""
    tick_h = world.config.tick_ms / MS_PER_HOUR
    packages = ", ".join(f"{name} {version}" for name, version in provenance["packages"].items())
    return StressReport(
        title=f"Stress test of a {config.scenario.role}",
        setting=setting(CompareConfig(config.scenario), world),
        summaries=summaries,
        descriptions={name: described(name) for name in config.cases},
        onset_h=config.onset_tick * tick_h,
        lasts_h=config.lasting_ticks * tick_h,
        budget_sat=config.budget_sat,
        seeds=config.seeds,
        facts={
            "lnherd": provenance["lnherd"] + (f" (commit {provenance['commit']})" if provenance["commit"] else ""),
            "command": provenance["command"],
            "seed": str(config.seed),
            "network": f"{world.network.name}: {world.network.n_nodes} nodes, {world.network.n_channels} channels",
            "python": f"{provenance['python']}, {packages}, {provenance['machine']}",
        },
    )


def described(case: str) -> str:
    """What happens in a case: the first sentence of its description."""
    return (CASES[case].__doc__ or "").split("\n")[0]


def as_json(config: StressConfig, summaries: Sequence[CaseSummary], provenance: dict[str, Any]) -> dict[str, Any]:
    """``results.json``: money in sat a day, every interval 95 %."""
    return {
        "cases": [_summary_json(each) for each in summaries],
        "days": list(config.days()),
        "config": to_json(config),
        "provenance": provenance,
    }


def _summary_json(summary: CaseSummary) -> dict[str, Any]:
    return {
        name: {end: round(number, 6) for end, number in asdict(value).items()} if isinstance(value, Estimate) else value
        for name, value in vars(summary).items()
    } | {"moved": summary.moved, "moves_as_meant": summary.moves_as_meant}


def table_rows(summaries: Sequence[CaseSummary]) -> list[tuple[str, ...]]:
    """The table for terminals, in the order of TABLE_COLUMNS."""
    return [
        (
            each.policy,
            each.case,
            words.signed(each.R.value),
            f"{100 * each.success_rate.value:+.1f}",
            f"{each.recovery_h.value:.1f}",
            words.interval(each.R),
            words.signed(each.revenue.value),
            words.signed(each.net_sat.value),
            words.percent(each.drained_max.value),
            f"{each.breaches.value:.1f}",
        )
        for each in summaries
    ]
