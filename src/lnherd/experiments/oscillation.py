"""Oscillation: whether a series of fees swings to and fro with a period, as feedback loops between nodes make it.

The largest peak of the periodogram against what a series with short memory and no period shows. Each power is divided
by the spectrum of the fitted first-order autoregression (Torrence and Compo, BAMS 79, 1998); the largest share of the
sum is then tested by Fisher's exact test (Proc. R. Soc. A 125, 1929):

    g = max P / sum P,     p = sum_{j=1}^{floor(1/g)} (-1)^{j-1} C(n, j) (1 - j g)^{n-1}

Turns count besides: a series without memory turns two times out of three, a trend never.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from lnherd.errors import InputError
from lnherd.network.records import Floats

SHORTEST = 16
"""Fewer values say nothing about periods."""
LEVEL = 0.01
"""Chance of a false alarm for a series without a period."""
CERTAIN = 20.0
"""Peaks of this height expected by chance: one is certain, and the alternating sum would lose its digits."""


@dataclass(frozen=True)
class Oscillation:
    """What was found in one series."""

    period: float
    """Length of the strongest cycle, in steps of the series."""
    strength: float
    """Its share of the variance beyond short memory, from 0 to 1 (g)."""
    p_value: float
    """Chance of a peak as high without any period."""
    turns: float
    """Share of the changes that go against the one before."""

    @property
    def is_periodic(self) -> bool:
        """Whether chance is no explanation."""
        return self.p_value < LEVEL


def oscillation(values: ArrayLike) -> Oscillation:
    """The strongest cycle of ``values [T]``, the straight trend taken out.

    Raises:
        InputError: for series that are too short or not finite.
    """
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or len(series) < SHORTEST or not np.isfinite(series).all():
        raise InputError(f"oscillation: give one series of at least {SHORTEST} finite values")
    level = _detrended(series)
    if np.ptp(level) <= 1e-9 * max(1.0, float(np.abs(series).max())):
        return Oscillation(float("inf"), 0.0, 1.0, 0.0)
    power = np.abs(np.fft.rfft(level))[1 : (len(level) - 1) // 2 + 1] ** 2
    frequencies = np.arange(1, len(power) + 1) / len(level)
    power = power / _short_memory(level, frequencies)
    peak, strength = int(power.argmax()), float(power.max() / power.sum())
    return Oscillation(1.0 / float(frequencies[peak]), strength, fisher_p(strength, len(power)), turns(series))


def _detrended(series: Floats) -> Floats:
    steps = np.arange(len(series), dtype=np.float64)
    slope, offset = np.polyfit(steps, series, 1)
    level: Floats = series - (slope * steps + offset)
    return level


def _short_memory(level: Floats, frequencies: Floats) -> Floats:
    """Spectrum of the first-order autoregression of the series, up to a factor. A cycle makes neighbours alike or
    opposite, too; memory is therefore taken to be positive, and at most 0.9."""
    memory = float(np.clip((level[1:] * level[:-1]).sum() / (level**2).sum(), 0.0, 0.9))
    spectrum: Floats = 1.0 / (1.0 + memory**2 - 2.0 * memory * np.cos(2.0 * np.pi * frequencies))
    return spectrum


def fisher_p(g: float, n: int) -> float:
    """Chance that the largest of ``n`` exponential powers is a share ``g`` of their sum or more."""
    if n * (1.0 - g) ** (n - 1) > CERTAIN:
        return 1.0
    terms = [(-1.0) ** (j - 1) * comb(n, j) * (1.0 - j * g) ** (n - 1) for j in range(1, min(n, int(1.0 / g)) + 1)]
    return float(np.clip(sum(terms), 0.0, 1.0))


def turns(series: Floats) -> float:
    """Share of the changes of ``[T]`` that go against the one before; steps without change are left out."""
    changes = np.diff(series)
    changes = changes[changes != 0]
    return float((np.sign(changes[1:]) != np.sign(changes[:-1])).mean()) if len(changes) > 1 else 0.0


def periodic_share(series: ArrayLike) -> float:
    """Share of the columns of ``[T, n]`` that oscillate (Benjamini and Hochberg 1995 at ``LEVEL``)."""
    columns = np.asarray(series, dtype=np.float64).T
    p_values = np.sort([oscillation(column).p_value for column in columns])
    below = np.flatnonzero(p_values <= LEVEL * np.arange(1, len(p_values) + 1) / len(p_values))
    return float((below[-1] + 1) / len(p_values)) if len(below) else 0.0
