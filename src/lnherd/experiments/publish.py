"""What a comparison hands over: the table of episodes, the figures in JSON, the report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.control.view import Role
from lnherd.experiments.compare import OUTPUTS, Findings
from lnherd.experiments.config import CompareConfig
from lnherd.experiments.curves import Curve
from lnherd.experiments.directory import write_csv, write_json, write_text
from lnherd.experiments.episodes import REWARD, Episode
from lnherd.experiments.json_config import to_json
from lnherd.experiments.marl_eval import marl_eval
from lnherd.experiments.report import words
from lnherd.experiments.report.page import Comparison, render
from lnherd.experiments.report.svg import bands
from lnherd.experiments.results import BASELINE, PolicySummary, Results, net_sat, success_rate, summarise
from lnherd.experiments.scenario import World
from lnherd.experiments.statistics import Band, Estimate, curve_band, paired_difference

TERM_COLUMNS = ("S", "F", "C", "revenue", "capital", "rebalance_fees", "swap_fees", "chain_fees", "forward_fees")
"""Totals of an episode in sat, as the task logs them."""
COLUMNS = (
    "policy", "training", "seed", "R", *TERM_COLUMNS, "net_sat", "successes", "failures", "success_rate",
    "decisions", "refused", "wall_s",
)  # fmt: skip
"""Columns of ``results.csv``, one row an episode; all but ``wall_s`` follow from configuration and seed."""
WORK = {
    Role.CONSUMER: "It is the node of an AI agent that pays for API calls: every payment it sends counts.",
    Role.PROVIDER: "It is the node of an API that is paid by the call: every payment that reaches it counts.",
    Role.ROUTER: "It forwards payments for others: every forward that settles counts.",
}


@dataclass(frozen=True, eq=False)
class Published:
    """A comparison, summarised."""

    comparison: Comparison
    """What the report shows."""
    content: dict[str, Any]
    """What ``results.json`` holds."""
    files: tuple[Path, ...]
    """What was written."""


def publish(
    out: Path, config: CompareConfig, world: World, findings: Findings, provenance: dict[str, Any]
) -> Published:
    """Summarise ``findings`` and write the OUTPUTS into ``out``."""
    comparison = compose(config, world, findings, provenance)
    content = as_json(config, comparison, provenance)
    table, figures, raw, curves, report = (out / name for name in OUTPUTS)
    write_table(table, findings.final)
    write_json(figures, content)
    write_json(raw, marl_eval(config.scenario.role, comparison.results, findings.curves))
    if findings.curves:
        write_text(curves, learning_curves(findings.curves, comparison.summaries))
    write_text(report, render(comparison))
    written = (table, figures, raw, *([curves] if findings.curves else []), report)
    return Published(comparison, content, written)


def learning_curves(found: Sequence[Curve], summaries: Sequence[PolicySummary]) -> str:
    """A picture of what learners earned on held-out seeds as they learned, beside doing nothing and the best rule."""
    episodes = found[0].episodes
    lines = [(curve.policy, curve_band(curve.held_out_per_day, seed=0)) for curve in found]
    others = {summary.name: summary for summary in summaries if summary.trainings == 0}
    rule = words.best_rule(summaries)
    for name in dict.fromkeys([*([rule.name] if rule else []), BASELINE]):
        reward = others[name].reward
        level = (np.full(len(episodes), value) for value in (reward.value, reward.low, reward.high))
        lines.append((name, Band(*level)))
    return bands("Learning curves on held-out days", episodes, lines, ("training episodes", "R, sat a day, 95 %"))


def compose(config: CompareConfig, world: World, findings: Findings, provenance: dict[str, Any]) -> Comparison:
    """Everything that the report tells."""
    results = Results(findings.final, episode_ms=world.episode_ms)
    learned = [curve.policy for curve in findings.curves]
    summaries = summarise(results, learned, seed=config.seed)
    best, rule = words.leading(summaries), words.best_rule(summaries)
    against_rule = None
    if rule is not None and rule is not best:
        against_rule = paired_difference(results.per_day(best.name), results.per_day(rule.name), seed=config.seed)
    return Comparison(
        title=f"Herding the channels of a {config.scenario.role}",
        setting=setting(config, world),
        results=results,
        summaries=summaries,
        curves=findings.curves,
        against_rule=against_rule,
        network=world.network,
        node=world.node,
        facts=facts(config, world, provenance),
    )


def setting(config: CompareConfig, world: World) -> str:
    """The task in a few sentences."""
    herding = world.config
    name = str(world.network.node_ids[world.node])
    alias = "" if world.network.aliases is None else str(world.network.aliases[world.node])
    called = f"{alias} ({name[:16]}…)" if alias and alias != name else name
    ticks = f"{herding.tick_ms / 60_000:g} minutes"
    own, others = (86_400 * rate for rate in (herding.own_rate_per_s, herding.background.rate_per_s))
    return (
        f"The herder is {called}, a node with {world.n_channels} live channels in {world.origin}. "
        f"{WORK[config.scenario.role]} Every {ticks} of the simulated day it may wait, rebalance, swap in or out, open "
        f"or close a channel, or change a fee. A success is worth {herding.reward.value_per_success_sat:g} sat; about "
        f"{own:,.0f} payments a day are its own, and {others:,.0f} go on around it."
    )


def facts(config: CompareConfig, world: World, provenance: dict[str, Any]) -> dict[str, str]:
    """Configuration and provenance as a list for people."""
    packages = ", ".join(f"{name} {version}" for name, version in provenance["packages"].items())
    commit = f" (commit {provenance['commit']})" if provenance["commit"] else ""
    trained = f"{config.trainings} trainings of {config.train_episodes} episodes" if config.algorithms else "none"
    return {
        "lnherd": provenance["lnherd"] + commit,
        "command": provenance["command"],
        "seed": str(config.seed),
        "network": f"{world.network.name}: {world.network.n_nodes} nodes, {world.network.n_channels} channels",
        "learning": f"{', '.join(config.algorithms) or 'none'}: {trained}",
        "held-out seeds": f"{config.evaluations}, each an episode of {world.days:g} day",
        "python": f"{provenance['python']}, {packages}, {provenance['machine']}",
    }


def write_table(path: Path, episodes: Sequence[Episode]) -> None:
    """Write one row an episode."""
    write_csv(path, COLUMNS, [row(episode) for episode in episodes])


def is_table(path: Path) -> bool:
    """Whether ``path`` is something that :func:`write_table` wrote."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().rstrip("\n") == ",".join(COLUMNS)
    except (OSError, UnicodeDecodeError):
        return False


def row(episode: Episode) -> list[str]:
    """One line of ``results.csv``."""
    totals = episode.totals
    return [
        episode.policy,
        str(episode.training),
        str(episode.seed),
        f"{totals[REWARD]:.3f}",
        *(f"{totals[term]:.3f}" for term in TERM_COLUMNS),
        f"{net_sat(episode):.3f}",
        f"{totals['successes']:.0f}",
        f"{totals['failures']:.0f}",
        f"{success_rate(episode):.6f}",
        str(episode.n_decisions),
        str(episode.n_refused),
        f"{episode.wall_s:.3f}",
    ]


def as_json(config: CompareConfig, comparison: Comparison, provenance: dict[str, Any]) -> dict[str, Any]:
    """``results.json``: money in sat per simulated day, every interval 95 %."""
    return {
        "headline": "".join(words.headline(comparison.summaries)),
        "best": words.leading(comparison.summaries).name,
        "best_rule_in_hindsight": rule.name if (rule := words.best_rule(comparison.summaries)) else None,
        "against_best_rule": _estimate(comparison.against_rule),
        "policies": [policy_json(summary) for summary in comparison.summaries],
        "curves": [_curve(curve) for curve in comparison.curves],
        "evaluation_seeds": list(comparison.results.seeds),
        "config": to_json(config),
        "provenance": provenance,
    }


def policy_json(summary: PolicySummary) -> dict[str, Any]:
    """A summary as JSON."""
    return {name: _estimate(value) if isinstance(value, Estimate) else value for name, value in vars(summary).items()}


def _estimate(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else {name: round(value, 6) for name, value in asdict(estimate).items()}


def _curve(curve: Curve) -> dict[str, Any]:
    band = curve_band(curve.held_out_per_day, seed=0)
    columns = {"reward": band.value, "low": band.low, "high": band.high, "wall_s": curve.wall_s}
    return {
        "policy": curve.policy,
        "episodes": curve.episodes.tolist(),
        "decisions": curve.decisions.tolist(),
        **{name: [round(float(value), 3) for value in values] for name, values in columns.items()},
    }


TABLE_COLUMNS = ("policy", "R", "gain", "95 % interval", "success", "S", "F", "C")
"""Head of :func:`table_rows`; money in sat per day, the gain is over the baseline on the same traffic."""


def table_rows(summaries: Sequence[PolicySummary]) -> list[tuple[str, ...]]:
    """The table for terminals, in the order of TABLE_COLUMNS."""
    return [
        (
            summary.name,
            words.sat(summary.reward.value),
            "0" if summary.name == BASELINE else words.signed(summary.advantage.value),
            "reference" if summary.name == BASELINE else words.interval(summary.advantage),
            words.percent(summary.success_rate.value),
            *(words.sat(summary.terms[term]) for term in ("S", "F", "C")),
        )
        for summary in summaries
    ]
