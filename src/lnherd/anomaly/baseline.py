"""What is usual: the rate of each signal and how much it scatters, learned while watching.

Both are exponential averages that forget with a half-life, so that a slow change of the node's business is not an
alarm for ever. What is unusual counts little in them (residuals are cut at ``CLIP`` standard deviations), or a
shock would soon pass for usual.
"""

from typing import NamedTuple

import numpy as np

from lnherd.anomaly.signals import N_SIGNALS, SIGNALS, Signals
from lnherd.network.records import Floats

CLIP = 3.0
"""Standard deviations at which a residual is cut before it is learned from."""
MAX_SCORE = 30.0
"""Most a single look can weigh."""
SCATTER_FLOOR = 0.05
"""No signal is taken to scatter less, in its own units: what never moved is not alarming by moving a little."""
COUNT_FLOOR = 0.5
"""The same for roots of counts, whatever they count (Anscombe 1948)."""
COUNTS = ("arrivals", "forwards", "htlcs")


class Past(NamedTuple):
    """What a baseline has learned, ``[N_SIGNALS]`` each: averages of totals, of observations, of squared residuals;
    how many looks said something."""

    total: tuple[float, ...]
    observed: tuple[float, ...]
    variance: tuple[float, ...]
    n_looks: tuple[float, ...]


class Baseline:
    """Turns signals into standard scores against the node's own past."""

    def __init__(self, half_life: float = 1440.0, past: Past | None = None) -> None:
        """``half_life`` in looks; ``past`` is where another baseline of the same node has got to."""
        self._keep: float = 0.5 ** (1.0 / half_life)
        self._floor = np.where(np.isin(SIGNALS, COUNTS), COUNT_FLOOR, SCATTER_FLOOR)
        self.total, self.count, self.variance, self.n_looks = np.array(past or np.zeros((4, N_SIGNALS)))

    @property
    def past(self) -> Past:
        """Everything learned so far."""
        return Past(*(tuple(each.tolist()) for each in (self.total, self.count, self.variance, self.n_looks)))

    def score(self, signals: Signals) -> Floats:
        """``[N_SIGNALS]`` standard scores of one look, 0 where nothing was observed; then learns from the look."""
        observed = signals.observed > 0
        rate = np.divide(self.total, self.count, out=np.zeros(N_SIGNALS), where=self.count > 0)
        is_first = observed & (self.n_looks == 0)
        residual = np.where(observed & ~is_first, signals.total - rate * signals.observed, 0.0)
        scatter = np.sqrt(self.variance + self._floor**2)
        self._learn(signals, observed, rate, np.clip(residual, -CLIP * scatter, CLIP * scatter))
        scores: Floats = np.clip(residual / scatter, -MAX_SCORE, MAX_SCORE)
        return scores

    def _learn(self, signals: Signals, observed: np.ndarray, rate: Floats, residual: Floats) -> None:
        is_first = observed & (self.n_looks == 0)
        total = np.where(is_first, signals.total, rate * signals.observed + residual)
        self.n_looks += observed
        # a plain average at first, an exponential one later
        keep = np.where(observed, np.minimum(self._keep, 1.0 - 1.0 / np.maximum(self.n_looks, 1.0)), 1.0)
        self.total = keep * self.total + (1.0 - keep) * total
        self.count = keep * self.count + (1.0 - keep) * signals.observed
        self.variance = keep * self.variance + (1.0 - keep) * residual**2
