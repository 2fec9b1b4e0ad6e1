"""Thresholds from calm weeks: what a node's signals do when nothing is wrong must not sound the alarm.

A signal may wander: fee rates revert over hours, own rebalances move balances. So its *allowance* is as far as its
hourly mean has strayed. Its *threshold* is how high its cumulative sum comes so rarely that all signals together give
the false alarms a week that are asked for, each its share. Ten calm weeks have not seen what happens once in a
hundred, so the tail is extrapolated: the highest sums of blocks of ``BLOCK`` looks follow, whatever the signal, a
generalised extreme-value law (Fisher & Tippett 1928), which is fitted to them by its L-moments (Hosking 1990). Sums
of independent scores have exponential tails (Gumbel's law); heavier ones are believed, bounded ones are not.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import gamma, log

import numpy as np

from lnherd.anomaly.baseline import Baseline
from lnherd.anomaly.cusum import Cusum
from lnherd.anomaly.signals import N_SIGNALS, read_signals
from lnherd.anomaly.watch import WatchConfig
from lnherd.control.view import NodeView
from lnherd.errors import InputError
from lnherd.network.records import Floats

LOOKS_PER_HOUR = 60
LOOKS_PER_WEEK = 7 * 24 * LOOKS_PER_HOUR
BLOCK = 8 * LOOKS_PER_HOUR
"""Blocks long enough that their highest sums are all but independent."""
FEWEST_BLOCKS = 3
"""A law with three parameters needs as many."""
ALARMS_A_WEEK = 0.1
"""False alarms that a calibrated watch aims at, a tenth of what is bearable: the rate is extrapolated, and a node's
weeks are not all alike. What it costs is little: severe shocks add ``STEP`` a minute."""
LEAST_ALLOWANCE = 0.5
LEAST_THRESHOLD = 10.0
"""However calm a signal was: three looks in a row must be out of the ordinary."""
HEAVIEST = -0.3
"""Shape of the heaviest tail that is believed (Hosking's sign: 0 is Gumbel's law, negative ones are heavier)."""
EULER = 0.5772156649
NO_CEILING = np.full(N_SIGNALS, np.inf)


def standard_scores(views: Sequence[NodeView], config: WatchConfig) -> Floats:
    """``[T, N_SIGNALS]`` standard scores of looks in order, those of the warm-up left out."""
    baseline = Baseline(config.half_life)
    scores = [baseline.score(read_signals(view, before)) for before, view in pairwise(views)]
    return np.array(scores[config.warm_up :]).reshape(-1, N_SIGNALS)


def calibrate(calm: Sequence[Floats], config: WatchConfig, *, alarms_a_week: float = ALARMS_A_WEEK) -> WatchConfig:
    """``config`` with thresholds and allowances for the calm series ``calm`` of standard scores ``[T, N_SIGNALS]``.

    Raises:
        InputError: if there is too little to learn from.
    """
    strayed = np.max([_hourly_means(series) for series in calm], axis=0, initial=0.0)
    allowances = np.maximum(LEAST_ALLOWANCE, strayed)
    highest = [top for series in calm for top in _block_maxima(sums(series, allowances))]
    if len(highest) < FEWEST_BLOCKS:
        raise InputError(
            f"watch: {FEWEST_BLOCKS} calm blocks of {BLOCK} looks beyond the warm-up are needed to calibrate, there "
            f"are {len(highest)}; give longer calm series"
        )
    chance = alarms_a_week / N_SIGNALS * BLOCK / LOOKS_PER_WEEK
    rare = [rare_maximum(np.array(maxima), chance) for maxima in zip(*highest, strict=True)]
    thresholds = np.maximum(LEAST_THRESHOLD, rare)
    return replace(config, thresholds=tuple(thresholds.tolist()), allowances=tuple(allowances.tolist()))


def sums(scores: Floats, allowances: Floats) -> Floats:
    """``[T, N_SIGNALS]`` cumulative sums, without a ceiling."""
    cusum = Cusum(allowances, NO_CEILING)
    return np.array([cusum.update(look) for look in scores]).reshape(-1, N_SIGNALS)


def rare_maximum(maxima: Floats, chance: float) -> float:
    """What the maximum of a block exceeds with probability ``chance``, given the maxima ``[B]`` of B blocks."""
    location, scale, shape = extreme_value_fit(maxima)
    reduced = -log(1.0 - chance)
    return location - scale * log(reduced) if shape == 0 else location + scale / shape * (1.0 - reduced**shape)


def extreme_value_fit(maxima: Floats) -> tuple[float, float, float]:
    """Location, scale and shape of the extreme-value law with the L-moments of ``maxima [B]``, B at least 3.

    Hosking's approximation of the shape (1990, table 1), cut to [HEAVIEST, 0].
    """
    ordered, n = np.sort(maxima), len(maxima)
    rank = np.arange(n)
    b0, b1, b2 = ordered.mean(), rank @ ordered / (n * (n - 1)), rank * (rank - 1) @ ordered / (n * (n - 1) * (n - 2))
    spread, skew = 2 * b1 - b0, 6 * b2 - 6 * b1 + b0
    if spread <= 0:
        return float(b0), 0.0, 0.0
    c = 2.0 / (3.0 + skew / spread) - log(2) / log(3)
    shape = min(0.0, max(7.8590 * c + 2.9554 * c**2, HEAVIEST))
    if shape == 0:
        scale = spread / log(2)
        return float(b0 - EULER * scale), float(scale), 0.0
    scale = spread * shape / ((1.0 - 2.0**-shape) * gamma(1.0 + shape))
    return float(b0 - scale * (1.0 - gamma(1.0 + shape)) / shape), float(scale), float(shape)


def _block_maxima(series: Floats) -> list[Floats]:
    """``[N_SIGNALS]`` of each whole block."""
    return [series[start : start + BLOCK].max(axis=0) for start in range(0, len(series) - BLOCK + 1, BLOCK)]


def _hourly_means(scores: Floats) -> Floats:
    """``[N_SIGNALS]`` largest mean over an hour, either way."""
    running = np.cumsum(np.vstack([np.zeros(N_SIGNALS), scores]), axis=0)
    means = (running[LOOKS_PER_HOUR:] - running[:-LOOKS_PER_HOUR]) / LOOKS_PER_HOUR
    return np.abs(means).max(axis=0) if len(means) else np.zeros(N_SIGNALS)
