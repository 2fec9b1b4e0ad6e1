"""Thresholds from calm weeks: what a node's signals do when nothing is wrong must not sound the alarm.

A signal may wander: fee rates revert over hours, own rebalances move balances. So its *allowance* is as far as its
hourly mean has strayed, and its *threshold* the highest its cumulative sum has then come, with a margin: the sums
of calm weeks have exponential tails, so a tenth more is several times rarer.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lnherd.anomaly.baseline import Baseline
from lnherd.anomaly.cusum import Cusum
from lnherd.anomaly.signals import N_SIGNALS, read_signals
from lnherd.anomaly.watch import WatchConfig
from lnherd.control.view import NodeView
from lnherd.errors import InputError
from lnherd.network.records import Floats

LOOKS_PER_HOUR = 60
LEAST_ALLOWANCE = 0.5
LEAST_THRESHOLD = 5.0
NO_CEILING = np.full(N_SIGNALS, np.inf)


def standard_scores(views: Sequence[NodeView], config: WatchConfig) -> Floats:
    """``[T, N_SIGNALS]`` standard scores of looks in order, those of the warm-up left out."""
    baseline = Baseline(config.half_life)
    scores = [baseline.score(read_signals(view, before)) for before, view in pairwise(views)]
    return np.array(scores[config.warm_up :]).reshape(-1, N_SIGNALS)


def calibrate(calm: Sequence[Floats], config: WatchConfig, *, margin: float = 1.1) -> WatchConfig:
    """``config`` with thresholds and allowances for the calm series ``calm`` of standard scores ``[T, N_SIGNALS]``.

    Raises:
        InputError: if there is nothing to learn from.
    """
    if not any(len(series) >= LOOKS_PER_HOUR for series in calm):
        raise InputError("watch: at least one calm series of an hour beyond the warm-up is needed to calibrate")
    strayed = np.max([_hourly_means(series) for series in calm], axis=0)
    allowances = np.maximum(LEAST_ALLOWANCE, strayed)
    highest = np.max([sums(series, allowances).max(axis=0) for series in calm], axis=0)
    thresholds = np.maximum(LEAST_THRESHOLD, margin * highest)
    return WatchConfig(tuple(thresholds.tolist()), tuple(allowances.tolist()), config.half_life, config.warm_up)


def sums(scores: Floats, allowances: Floats) -> Floats:
    """``[T, N_SIGNALS]`` cumulative sums, without a ceiling."""
    cusum = Cusum(allowances, NO_CEILING)
    return np.array([cusum.update(look) for look in scores])


def _hourly_means(scores: Floats) -> Floats:
    """``[N_SIGNALS]`` largest mean over an hour, either way."""
    running = np.cumsum(np.vstack([np.zeros(N_SIGNALS), scores]), axis=0)
    means = (running[LOOKS_PER_HOUR:] - running[:-LOOKS_PER_HOUR]) / LOOKS_PER_HOUR
    return np.abs(means).max(axis=0) if len(means) else np.zeros(N_SIGNALS)
