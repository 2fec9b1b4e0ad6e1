"""What a forwarding suite found: figures with intervals by cell, a ranking over all cells, behaviour under change.

The score of an episode is its success volume, the share of the offered value that was delivered, divided by the fluid
limit of that episode: 1 is what divisible money without fees, time or ignorance could do. Differences are taken episode
by episode, since all contenders meet the same networks, balances and payments.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lnherd.experiments import statistics
from lnherd.experiments.forwarding.contenders import NAIVE
from lnherd.experiments.forwarding.measuring import ForwardingRun
from lnherd.experiments.forwarding.suite import Played
from lnherd.experiments.statistics import Band, Estimate, interquartile_mean
from lnherd.network.records import Floats

LND = "lnd"
THRESHOLDS = np.linspace(0.0, 1.0, 41)
"""Shares of the limit at which performance profiles are drawn."""
COLUMNS: dict[str, Callable[[ForwardingRun], float]] = {
    "success_rate": lambda run: run.success_rate,
    "earned_ppm": lambda run: run.earned_ppm,
    "paid_ppm": lambda run: run.paid_ppm,
    "hop_fee_ppm": lambda run: run.hop_fee_ppm,
    "latency_s": lambda run: run.latency_s,
    "attempts": lambda run: run.attempts,
    "utilisation": lambda run: run.utilisation,
    "hub_gini": lambda run: run.hub_gini,
    "hub_share": lambda run: run.hub_share,
    "hub_earned_sat": lambda run: run.hub_earned_sat,
    "decisions": lambda run: float(run.n_decisions),
    "wall_s": lambda run: run.wall_s,
}
"""Figures of which a cell tells the interquartile mean, beside the success volume."""


@dataclass(frozen=True)
class CellRow:
    """One contender in one cell."""

    cell: str
    policy: str
    volume: Estimate
    """Success volume, interquartile mean."""
    of_limit: Estimate
    """The same as a share of the fluid limit."""
    against_naive: Estimate
    """Difference in success volume from the best naive rule of the cell, in hindsight."""
    against_lnd: Estimate | None
    """And from LND-like source routing, where that was played."""
    figures: dict[str, float]
    """By the names in COLUMNS."""


@dataclass(frozen=True)
class BoardRow:
    """One contender over all cells it was played in."""

    policy: str
    cells: int
    score: Estimate
    """Interquartile mean of the shares of the limit."""
    volume: Estimate
    """And of the success volume."""
    wins: int
    """Cells in which it delivers more than the best naive rule, the interval of the difference clear of zero."""
    losses: int
    """And less."""
    profile: Band
    """Share of episodes above each of THRESHOLDS."""


@dataclass(frozen=True)
class Board:
    """The findings."""

    rows: tuple[BoardRow, ...]
    """The best first."""
    cells: tuple[CellRow, ...]
    best_naive: dict[str, str]
    """By cell, in hindsight."""


class Episodes:
    """The episodes of a suite, by cell and contender."""

    def __init__(self, played: Sequence[Played]) -> None:
        self._found: dict[tuple[str, str], dict[tuple[int, int, int], Played]] = {}
        self._points: dict[str, set[tuple[int, int]]] = {}
        for each in played:
            place = self._found.setdefault((each.cell, each.run.policy), {})
            place[each.run.training, each.world, each.run.seed] = each
            self._points.setdefault(each.cell, set()).add((each.world, each.run.seed))
        self.cells = list(self._points)

    def policies(self, cell: str) -> list[str]:
        """Those of which no episode is missing in ``cell``."""
        return [policy for place, policy in self._found if place == cell and self._is_complete(cell, policy)]

    def _trainings(self, cell: str, policy: str) -> list[int]:
        return sorted({place[0] for place in self._found[cell, policy]})

    def _is_complete(self, cell: str, policy: str) -> bool:
        expected = len(self._trainings(cell, policy)) * len(self._points[cell])
        return len(self._found[cell, policy]) == expected

    def figure(self, cell: str, policy: str, of: Callable[[Played], float | Sequence[float]]) -> Floats:
        """``[T, E]`` or ``[T, E, ...]`` something of every episode: trainings, then worlds and seeds in order."""
        found, points = self._found[cell, policy], sorted(self._points[cell])
        return np.array([[of(found[(t, *point)]) for point in points] for t in self._trainings(cell, policy)])

    def volume(self, cell: str, policy: str) -> Floats:
        """``[T, E]`` success volume."""
        return self.figure(cell, policy, lambda each: each.run.success_volume)

    def score(self, cell: str, policy: str) -> Floats:
        """``[T, E]`` share of the fluid limit."""
        return self.figure(cell, policy, lambda each: each.run.success_volume / max(each.limit, 1e-9))


def board(episodes: Episodes, *, seed: int) -> Board:
    """Compare everybody, in each cell and over all."""
    best = {cell: _best_naive(episodes, cell) for cell in episodes.cells}
    cells = [
        _cell_row(episodes, cell, policy, best[cell], seed)
        for cell in episodes.cells
        for policy in episodes.policies(cell)
    ]
    names = dict.fromkeys(row.policy for row in cells)
    rows = [_board_row(episodes, [row for row in cells if row.policy == name], seed) for name in names]
    ranked = sorted(rows, key=lambda row: (-row.cells, -row.score.value))
    return Board(tuple(ranked), tuple(cells), best)


def _best_naive(episodes: Episodes, cell: str) -> str:
    """The naive rule that delivers most; without any, the contender that delivers least."""
    volume = {policy: interquartile_mean(episodes.volume(cell, policy)) for policy in episodes.policies(cell)}
    naive = {policy: value for policy, value in volume.items() if policy in NAIVE}
    if naive:
        return max(naive, key=lambda policy: naive[policy])
    return min(volume, key=lambda policy: volume[policy])


def _cell_row(episodes: Episodes, cell: str, policy: str, best: str, seed: int) -> CellRow:
    volume = episodes.volume(cell, policy)
    has_lnd = LND in episodes.policies(cell)
    return CellRow(
        cell=cell,
        policy=policy,
        volume=statistics.interquartile_mean_interval(volume, seed=seed),
        of_limit=statistics.interquartile_mean_interval(episodes.score(cell, policy), seed=seed),
        against_naive=statistics.paired_difference(volume, episodes.volume(cell, best), seed=seed),
        against_lnd=statistics.paired_difference(volume, episodes.volume(cell, LND), seed=seed) if has_lnd else None,
        figures={name: _middle(episodes, cell, policy, of) for name, of in COLUMNS.items()},
    )


def _middle(episodes: Episodes, cell: str, policy: str, of: Callable[[ForwardingRun], float]) -> float:
    return interquartile_mean(episodes.figure(cell, policy, lambda each: of(each.run)))


def _board_row(episodes: Episodes, rows: Sequence[CellRow], seed: int) -> BoardRow:
    policy = rows[0].policy
    scores = np.stack([episodes.score(row.cell, policy) for row in rows])
    volumes = np.stack([episodes.volume(row.cell, policy) for row in rows])
    return BoardRow(
        policy=policy,
        cells=len(rows),
        score=statistics.interquartile_mean_interval(scores, seed=seed),
        volume=statistics.interquartile_mean_interval(volumes, seed=seed),
        wins=sum(row.against_naive.low > 0 for row in rows),
        losses=sum(row.against_naive.high < 0 for row in rows),
        profile=statistics.performance_profile(scores, THRESHOLDS, seed=seed),
    )
