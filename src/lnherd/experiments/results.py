"""What a comparison found: episodes by policy, training and seed, and their summary with intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lnherd.errors import InputError
from lnherd.experiments import statistics
from lnherd.experiments.episodes import REWARD, Episode
from lnherd.experiments.statistics import Estimate
from lnherd.network.records import Floats
from lnherd.units import MS_PER_DAY

BASELINE = "do-nothing"
"""What every policy is measured against."""
TERMS = ("S", "F", "C", "revenue", "capital")
"""R = S - F - C + revenue - capital, as herding tasks log them (``envs.reward``)."""


@dataclass(frozen=True)
class PolicySummary:
    """One row of the table. Money in sat per simulated day; intervals are 95 % bootstrap intervals."""

    name: str
    """Policy."""
    trainings: int
    """Independent trainings; 0 for a rule."""
    reward: Estimate
    """Interquartile mean of R."""
    advantage: Estimate
    """Interquartile mean of R minus the baseline's R on the same seed."""
    improvement: Estimate
    """Probability that a run beats a run of the baseline."""
    success_rate: Estimate
    """Mean share of the role's payments that succeeded."""
    net_sat: Estimate
    """Interquartile mean of what the node has earned less what it has paid, values of successes left out."""
    terms: dict[str, float]
    """Means of the parts of R, which add up to the mean of R."""
    actions: dict[str, float]
    """Acts per day by kind, waiting left out."""
    refused: float
    """Acts per day that could not be carried out."""
    decision_ms: float
    """Wall time of one tick, simulation included."""


class Results:
    """Episodes of a comparison, complete: every training of every policy on every seed."""

    def __init__(self, episodes: Sequence[Episode], *, episode_ms: int) -> None:
        """Sort the episodes.

        Args:
            episodes: in any order.
            episode_ms: simulated length of one.

        Raises:
            InputError: when a seed is missing for some policy, or there is no baseline.
        """
        self.episodes = tuple(episodes)
        self.days = episode_ms / MS_PER_DAY
        self.seeds = tuple(sorted({episode.seed for episode in episodes}))
        self.policies = tuple(dict.fromkeys(episode.policy for episode in episodes))
        self._by_place = {(e.policy, e.training, e.seed): e for e in episodes}
        if BASELINE not in self.policies:
            raise InputError(f"comparison: {BASELINE} is missing; every policy is measured against it, add it")
        for policy in self.policies:
            self._grid(policy)

    def trainings(self, policy: str) -> tuple[int, ...]:
        """Numbers of the trainings of ``policy``."""
        return tuple(sorted({episode.training for episode in self.episodes if episode.policy == policy}))

    def _grid(self, policy: str) -> list[list[Episode]]:
        """Episodes of ``policy``, ``[T][E]``."""
        places = [[(policy, training, seed) for seed in self.seeds] for training in self.trainings(policy)]
        missing = [place for row in places for place in row if place not in self._by_place]
        if missing:
            raise InputError(f"comparison: {policy} was not run on seed {missing[0][2]}; run every policy on all seeds")
        return [[self._by_place[place] for place in row] for row in places]

    def scores(self, policy: str, of: Callable[[Episode], float]) -> Floats:
        """A figure of every episode of ``policy``, ``[T, E]``."""
        return np.array([[of(episode) for episode in row] for row in self._grid(policy)])

    def per_day(self, policy: str, term: str = REWARD) -> Floats:
        """A total per simulated day, ``[T, E]``."""
        return self.scores(policy, lambda episode: episode.totals[term]) / self.days


def success_rate(episode: Episode) -> float:
    """Share of the role's payments that succeeded; 1 where there were none."""
    succeeded, failed = episode.totals["successes"], episode.totals["failures"]
    return succeeded / (succeeded + failed) if succeeded + failed else 1.0


def net_sat(episode: Episode) -> float:
    """Fees earned less fees paid and costs, in sat: what the node's money did, whatever a success is worth."""
    return episode.totals["forward_fees"] - episode.totals["F"] - episode.totals["C"]


def summarise(results: Results, learned: Sequence[str], *, seed: int) -> tuple[PolicySummary, ...]:
    """One summary a policy, in the order of ``results.policies``; ``learned`` names those that were trained."""
    return tuple(_summary(results, policy, policy in learned, seed) for policy in results.policies)


def _summary(results: Results, policy: str, learned: bool, seed: int) -> PolicySummary:
    reward, base = results.per_day(policy), results.per_day(BASELINE)
    return PolicySummary(
        name=policy,
        trainings=len(results.trainings(policy)) if learned else 0,
        reward=statistics.interquartile_mean_interval(reward, seed=seed),
        advantage=statistics.paired_difference(reward, base, seed=seed),
        improvement=statistics.probability_of_improvement(reward, base, seed=seed),
        success_rate=statistics.mean_interval(results.scores(policy, success_rate), seed=seed),
        net_sat=statistics.interquartile_mean_interval(results.scores(policy, net_sat) / results.days, seed=seed),
        terms={term: float(results.per_day(policy, term).mean()) for term in TERMS},
        actions=_actions_per_day(results, policy),
        refused=float(results.scores(policy, lambda episode: episode.n_refused).mean()) / results.days,
        decision_ms=1_000 * float(results.scores(policy, lambda episode: episode.wall_s / episode.n_decisions).mean()),
    )


def _actions_per_day(results: Results, policy: str) -> dict[str, float]:
    """Mean acts a day by kind, waiting left out."""
    episodes = [episode for episode in results.episodes if episode.policy == policy]
    kinds = sorted({kind for episode in episodes for kind in episode.actions} - {"wait"})
    return {
        kind: float(np.mean([episode.actions.get(kind, 0) for episode in episodes])) / results.days for kind in kinds
    }
