"""What a comparison of teams came to: the leaderboard, curves, and raw runs in the schema of marl-eval."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.experiments.directory import read_json, write_json
from lnherd.experiments.forwarding.contenders import NAIVE
from lnherd.experiments.marl import METRICS, MarlStudy, Runner, fluid_limits, jobs
from lnherd.experiments.statistics import (
    Band,
    Estimate,
    curve_band,
    interquartile_mean_interval,
    mean_interval,
    paired_difference,
    probability_of_improvement,
)
from lnherd.network.records import Floats

Points = list[list[dict[str, Any]]]
"""Of one name: trainings, then evaluations."""


@dataclass(frozen=True)
class MarlRow:
    """One policy at the end of its training."""

    name: str
    delivered: Estimate
    success: Estimate
    of_limit: Estimate
    """Delivered as a share of what the fluid limit allows, by episode."""
    gain: Estimate
    """Over the best of the rules that neither learn nor look farther than their node, paired by seed."""
    over_first: Estimate | None
    """Over the first variant in the same society; None for rules and itself."""
    p_over_first: Estimate | None
    """Probability that a run beats one of the first variant."""
    decisions: float
    """Learned from, mean over trainings."""
    figures: dict[str, float]
    """Means of all metrics; ``moves``: how far an episode's delivery moved between the last two evaluations."""


class Finished:
    """All results of a study."""

    def __init__(self, study: MarlStudy, out: Path) -> None:
        """Every job must be done."""
        self.study, self._out, runner = study, out, Runner(study, out)
        self.points: dict[str, Points] = {}
        self._first: dict[str, str] = {}
        for job in jobs(study):
            name = job.name if job.society is None else study.name(job.name, job.society)
            self.points.setdefault(name, []).append(read_json(runner.path(job))["points"])
            if job.society is not None and job.name != study.variants[0]:
                self._first[name] = study.name(study.variants[0], job.society)

    @cached_property
    def limits(self) -> Floats:
        """``[E]`` the fluid limit of every held-out episode; kept in a file, since each is a linear program."""
        path = self._out / "limits.json"
        if not path.exists():
            write_json(path, {"limits": fluid_limits(self.study)})
        return np.array(read_json(path)["limits"], dtype=np.float64)

    @cached_property
    def rows(self) -> list[MarlRow]:
        """Rules and variants, the best first."""
        limits = self.limits
        return sorted((self._row(name, limits) for name in self.points), key=lambda row: -row.delivered.value)

    def final(self, name: str, metric: str) -> Floats:
        """``[1, T, E]`` at the end of the trainings."""
        return np.array([[steps[-1][metric] for steps in self.points[name]]], dtype=np.float64)

    @property
    def best_rule(self) -> str:
        """Of those that see what learners see; of all if there are none."""
        rules = [rule for rule in self.study.rules if rule in NAIVE] or list(self.study.rules)
        return max(rules, key=lambda rule: float(self.final(rule, "delivered").mean()))

    def _row(self, name: str, limits: Floats) -> MarlRow:
        delivered, first = self.final(name, "delivered"), self._first.get(name)
        reference = None if first is None else self.final(first, "delivered")
        return MarlRow(
            name,
            interquartile_mean_interval(delivered, seed=0),
            interquartile_mean_interval(self.final(name, "success"), seed=0),
            interquartile_mean_interval(delivered / np.maximum(limits, 1e-9), seed=0),
            paired_difference(delivered, self.final(self.best_rule, "delivered"), seed=0),
            None if reference is None else paired_difference(delivered, reference, seed=0),
            None if reference is None else probability_of_improvement(delivered, reference, seed=0),
            float(np.mean([steps[-1]["decisions"] for steps in self.points[name]])),
            {metric: float(self.final(name, metric).mean()) for metric in METRICS} | {"moves": self._moves(name)},
        )

    def _moves(self, name: str) -> float:
        ends = [steps[-2:] for steps in self.points[name] if len(steps) > 1]
        return float(np.mean([np.abs(np.subtract(a["delivered"], b["delivered"])) for a, b in ends])) if ends else 0.0

    def curves(self) -> tuple[Floats, list[tuple[str, Band]]]:
        """Decisions learned from (mean over all) and of each variant the value delivered in %, by evaluation."""
        learned = {name: points for name, points in self.points.items() if name not in self.study.rules}
        decisions = np.mean(
            [[step["decisions"] for step in steps] for each in learned.values() for steps in each], axis=0
        )
        lines = []
        for name, trainings in learned.items():
            values = np.array([[step["delivered"] for step in steps] for steps in trainings])
            lines.append((name, curve_band(100.0 * values.transpose(0, 2, 1), seed=0)))
        return decisions, lines

    def price_of_anarchy(self) -> dict[str, Estimate]:
        """Of each variant where all nodes learn: welfare of all for all over that of each for itself, by episode."""
        study, found = self.study, {}
        alone, together = ([s for s in study.societies() if (s.share, s.cooperation) == (1.0, c)] for c in (0.0, 1.0))
        for variant in study.variants if alone and together else ():
            ours, own = (self.final(study.name(variant, each[0]), "welfare") for each in (together, alone))
            found[variant] = mean_interval(ours / np.maximum(own, 1e-9), seed=0)
        return found

    def write_marl_eval(self, path: Path) -> None:
        """Runs and steps in the schema of marl-eval; a rule's evaluation stands for all of its."""
        raw = marl_eval(self.points, self.study.trainings, self.study.steps)
        write_json(path, {"lnherd/Forwarding-v0": {self.study.family: raw}})


def marl_eval(
    points: dict[str, Points], n_trainings: int, n_steps: int, metrics: tuple[str, ...] = METRICS[:3]
) -> dict[str, Any]:
    """Runs and steps in the schema of marl-eval; a rule's evaluation stands for all of its."""
    algorithms: dict[str, Any] = {}
    for name, trainings in points.items():
        runs = {}
        for number in range(n_trainings):
            steps = trainings[min(number, len(trainings) - 1)]
            runs[f"run_{number}"] = _run(steps * n_steps if len(steps) == 1 else steps, metrics)
        algorithms[name] = runs
    return algorithms


def _run(steps: Sequence[dict[str, Any]], metrics: tuple[str, ...]) -> dict[str, Any]:
    entries: dict[str, Any] = {
        f"step_{place}": {"step_count": step["decisions"], **{metric: step[metric] for metric in metrics}}
        for place, step in enumerate(steps)
    }
    return entries | {"absolute_metrics": {metric: steps[-1][metric] for metric in metrics}}
