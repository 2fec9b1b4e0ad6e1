"""Non-stationary worlds, window by window: what a change costs each contender, and how fast it is over it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lnherd.experiments import statistics
from lnherd.experiments.forwarding.board import Episodes
from lnherd.experiments.forwarding.contenders import FROZEN, ONLINE, WARM
from lnherd.experiments.forwarding.measuring import WINDOW_MS
from lnherd.experiments.statistics import Estimate, interquartile_mean
from lnherd.network.records import Floats
from lnherd.units import MS_PER_SECOND

TOLERANCE = 0.02
"""A contender has recovered when it is no more than this further from the best than before the change."""


@dataclass(frozen=True, eq=False)
class ShiftRow:
    """One contender in one world that changes. Shares of the value offered."""

    cell: str
    policy: str
    before: Estimate
    """Success volume before the change, interquartile mean."""
    after: Estimate
    """And after it."""
    regret: Estimate
    """After the change, short of the contender that then did best, episode by episode."""
    recovery_s: float | None
    """Time from which its mean distance from that one is what it was before the change; None where there is none."""
    windows: Floats
    """``[W]`` success volume in each stretch of ``WINDOW_MS``, interquartile mean."""


@dataclass(frozen=True)
class Continual:
    """What it is worth to go on learning: continual less frozen, after the change, episode by episode."""

    cell: str
    policy: str
    """The one that goes on learning."""
    gain: Estimate


def shift_rows(episodes: Episodes, cell: str, change_ms: int, *, seed: int) -> list[ShiftRow]:
    """Every contender of ``cell``, the least regret first."""
    first = change_ms // WINDOW_MS
    shares = {policy: _shares(episodes, cell, policy) for policy in episodes.policies(cell)}
    after = {policy: share[..., first:].mean(axis=-1) for policy, share in shares.items()}
    best = max(after, key=lambda policy: interquartile_mean(after[policy]))
    gaps = {policy: _middles(shares[best]) - _middles(share) for policy, share in shares.items()}
    rows = [
        ShiftRow(
            cell=cell,
            policy=policy,
            before=statistics.interquartile_mean_interval(share[..., :first].mean(axis=-1), seed=seed),
            after=statistics.interquartile_mean_interval(after[policy], seed=seed),
            regret=_regret(after[best], after[policy], seed),
            recovery_s=_recovery_s(gaps[policy], first),
            windows=_middles(share),
        )
        for policy, share in shares.items()
    ]
    return sorted(rows, key=lambda row: row.regret.value)


def continual(episodes: Episodes, cell: str, change_ms: int, *, seed: int) -> list[Continual]:
    """The same learners with and without learning after the change, where both were played."""
    played, first = episodes.policies(cell), change_ms // WINDOW_MS
    pairs = [(WARM, FROZEN), *((policy, policy.removesuffix(ONLINE)) for policy in played if policy.endswith(ONLINE))]
    found = []
    for pair in pairs:
        if set(pair) <= set(played):
            on, off = (_shares(episodes, cell, policy)[..., first:].mean(axis=-1) for policy in pair)
            found.append(Continual(cell, pair[0], statistics.paired_difference(on, off, seed=seed)))
    return found


def _shares(episodes: Episodes, cell: str, policy: str) -> Floats:
    """``[T, E, W]`` success volume of each window; 1 where nothing was offered."""
    delivered = episodes.figure(cell, policy, lambda each: each.run.delivered_by_window_sat)
    offered = episodes.figure(cell, policy, lambda each: each.run.offered_by_window_sat)
    return np.where(offered > 0, delivered / np.maximum(offered, 1e-9), 1.0)


def _middles(shares: Floats) -> Floats:
    return np.array([interquartile_mean(shares[..., window]) for window in range(shares.shape[-1])])


def _regret(best: Floats, own: Floats, seed: int) -> Estimate:
    """The best one may have several trainings or one; its mean over them is what is compared with."""
    return statistics.paired_difference(best.mean(axis=0), own.mean(axis=0), seed=seed)


def _recovery_s(gap: Sequence[float] | Floats, first: int) -> float | None:
    bearable = float(np.mean(gap[:first])) + TOLERANCE
    for window in range(first, len(gap)):
        if np.mean(gap[window:]) <= bearable:
            return (window - first) * WINDOW_MS / MS_PER_SECOND
    return None
