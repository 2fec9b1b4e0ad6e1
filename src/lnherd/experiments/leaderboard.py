"""What a standard suite found: normalised scores with intervals, improvement over the best heuristic, a page.

In every cell a run's score is its gain over doing nothing on the same world and seed, divided by the gain of the best
heuristic *chosen in hindsight for that cell*: 0 is doing nothing, 1 that heuristic. Where no heuristic gains anything
worth naming, the gain of 1 is set to ``LEAST_GAIN`` of what lies between doing nothing and the fluid bound.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lnherd.experiments import statistics
from lnherd.experiments.episodes import REWARD
from lnherd.experiments.results import BASELINE, net_sat, success_rate
from lnherd.experiments.standard import LEARNED, Played
from lnherd.experiments.statistics import Band, Estimate, interquartile_mean
from lnherd.network.records import Floats

LEAST_GAIN = 0.02
"""Part of the room above doing nothing that counts as the best heuristic's gain at least."""
THRESHOLDS = np.linspace(-1.0, 3.0, 81)
"""Scores at which performance profiles are drawn."""
TERMS = ("S", "F", "C")


@dataclass(frozen=True)
class CellRow:
    """One policy in one cell. Money in sat a day."""

    cell: str
    policy: str
    reward: float
    """Interquartile mean of R."""
    gain: Estimate
    """Over doing nothing on the same world and seed, interquartile mean."""
    score: float
    """The same as a share of the best heuristic's gain."""
    against_best: Estimate
    """Over the best heuristic, on the same world and seed."""
    improvement: float
    """Probability that a run beats a run of the best heuristic."""
    share_of_bound: float
    """Mean R over mean fluid bound."""
    net_sat: float
    success_rate: float
    terms: dict[str, float]
    """Means of S, F and C."""
    episode_s: float
    """Wall time of an episode."""


@dataclass(frozen=True)
class BoardRow:
    """One policy over all cells it plays in."""

    policy: str
    cells: int
    score: Estimate
    """Interquartile mean of the normalised scores."""
    improvement: Estimate
    """Probability of improvement over doing nothing."""
    wins: int
    """Cells in which it does better than the best heuristic, the interval of the difference clear of zero."""
    losses: int
    """And worse."""
    profile: Band
    """Share of runs above each of THRESHOLDS."""


@dataclass(frozen=True)
class Leaderboard:
    """The findings of a suite."""

    rows: tuple[BoardRow, ...]
    """The best first."""
    cells: tuple[CellRow, ...]
    best: dict[str, str]
    """The best heuristic of each cell, in hindsight."""


class Runs:
    """Complete runs of a suite, as arrays by cell and policy."""

    def __init__(self, played: Sequence[Played], days: float) -> None:
        """Policies of which an episode is missing in a cell are left out of that cell."""
        self.days = days
        self._by_place: dict[tuple[str, str], dict[tuple[int, int, int], Played]] = {}
        for each in played:
            episode = each.episode
            places = self._by_place.setdefault((each.cell, episode.policy), {})
            places[episode.training, each.world, episode.seed] = each
        self.cells = list(dict.fromkeys(each.cell for each in played))
        self._points = {cell: sorted({p[1:] for p in self._by_place.get((cell, BASELINE), {})}) for cell in self.cells}
        self.cells = [cell for cell in self.cells if self._points[cell]]

    def policies(self, cell: str) -> list[str]:
        """Those that are complete in ``cell``."""
        return [policy for place, policy in self._by_place if place == cell and self._complete(cell, policy)]

    def _trainings(self, cell: str, policy: str) -> list[int]:
        return sorted({place[0] for place in self._by_place[cell, policy]})

    def _complete(self, cell: str, policy: str) -> bool:
        expected = len(self._trainings(cell, policy)) * len(self._points[cell])
        return len(self._by_place[cell, policy]) == expected

    def scores(self, cell: str, policy: str, of: Callable[[Played], float]) -> Floats:
        """``[T, E]`` a figure of every run of a policy."""
        places = self._by_place[cell, policy]
        return np.array(
            [[of(places[(t, *point)]) for point in self._points[cell]] for t in self._trainings(cell, policy)]
        )

    def reward(self, cell: str, policy: str) -> Floats:
        """``[T, E]`` R a day."""
        return self.scores(cell, policy, lambda each: each.episode.totals[REWARD]) / self.days

    def gain(self, cell: str, policy: str) -> Floats:
        """``[T, E]`` R a day beyond that of doing nothing."""
        gain: Floats = self.reward(cell, policy) - self.reward(cell, BASELINE)
        return gain

    def bound(self, cell: str) -> float:
        """Mean fluid bound a day."""
        return float(self.scores(cell, BASELINE, lambda each: each.bound).mean()) / self.days


def leaderboard(runs: Runs, *, seed: int) -> Leaderboard:
    """Compare everybody with doing nothing, and with the best heuristic of each cell."""
    best, unit = {}, {}
    for cell in runs.cells:
        rules = [policy for policy in runs.policies(cell) if policy not in LEARNED]
        gains = {policy: interquartile_mean(runs.gain(cell, policy)) for policy in rules}
        best[cell] = max(gains, key=lambda policy: gains[policy])
        room = runs.bound(cell) - float(runs.reward(cell, BASELINE).mean())
        unit[cell] = max(gains[best[cell]], LEAST_GAIN * room)
    cells = [
        _cell_row(runs, cell, policy, best[cell], unit[cell], seed)
        for cell in runs.cells
        for policy in runs.policies(cell)
    ]
    policies = dict.fromkeys(row.policy for row in cells)
    rows = [_board_row(runs, [row for row in cells if row.policy == policy], unit, seed) for policy in policies]
    return Leaderboard(tuple(sorted(rows, key=lambda row: -row.score.value)), tuple(cells), best)


def _cell_row(runs: Runs, cell: str, policy: str, best: str, unit: float, seed: int) -> CellRow:
    reward, champion = runs.reward(cell, policy), runs.reward(cell, best)
    gain = statistics.interquartile_mean_interval(runs.gain(cell, policy), seed=seed)

    def mean(of: Callable[[Played], float]) -> float:
        return float(runs.scores(cell, policy, of).mean())

    def total(term: str) -> float:
        return mean(lambda each: each.episode.totals[term])

    return CellRow(
        cell=cell,
        policy=policy,
        reward=interquartile_mean(reward),
        gain=gain,
        score=gain.value / unit,
        against_best=statistics.paired_difference(reward, champion, seed=seed),
        improvement=statistics.probability_of_improvement(reward, champion, seed=seed, resamples=10).value,
        share_of_bound=float(reward.mean()) / runs.bound(cell),
        net_sat=mean(lambda each: net_sat(each.episode)) / runs.days,
        success_rate=mean(lambda each: success_rate(each.episode)),
        terms={term: total(term) / runs.days for term in TERMS},
        episode_s=mean(lambda each: each.episode.wall_s),
    )


def _board_row(runs: Runs, rows: list[CellRow], unit: dict[str, float], seed: int) -> BoardRow:
    policy = rows[0].policy
    scores = np.stack([runs.gain(row.cell, policy) / unit[row.cell] for row in rows])
    baseline = np.zeros((len(rows), 1, scores.shape[2]))
    return BoardRow(
        policy=policy,
        cells=len(rows),
        score=statistics.interquartile_mean_interval(scores, seed=seed),
        improvement=statistics.probability_of_improvement(scores, baseline, seed=seed, resamples=1_000),
        wins=sum(row.against_best.low > 0 for row in rows),
        losses=sum(row.against_best.high < 0 for row in rows),
        profile=statistics.performance_profile(scores, THRESHOLDS, seed=seed),
    )
