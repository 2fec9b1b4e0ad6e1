"""Two-sided cumulative sums (Page 1954): how much a series has lately strayed from what is usual.

``high = max(0, high + z - allowance)`` and ``low`` likewise for ``-z``. A steady shift of d standard deviations is
noticed after about ``threshold / (d - allowance)`` looks, the fastest possible for a given rate of false alarms
(Moustakides 1986). No single look adds more than ``STEP``: one burst of refusals is a minute's bad luck, what lasts is
noticed within ``threshold / STEP`` looks all the same, and sums of calm weeks get tails light enough to extrapolate.

The larger of the two is the score; comparing it with a threshold is left to the caller, so one run over a series
serves every operating point.
"""

import numpy as np

from lnherd.anomaly.signals import N_SIGNALS
from lnherd.network.records import Floats

STEP = 3.0
"""Most that one look adds to a sum, in standard deviations beyond the allowance."""


class Cusum:
    """Cumulative sums of all signals at once."""

    def __init__(self, allowance: Floats, ceiling: Floats) -> None:
        """``allowance [N_SIGNALS]`` is half the shift to notice, in standard deviations; sums stop at ``ceiling
        [..., N_SIGNALS]``, so that an alarm ends soon after its cause. Sums have the shape of the ceiling."""
        self._allowance, self._ceiling = allowance, ceiling
        self._high = np.zeros(N_SIGNALS)
        self._low = np.zeros(N_SIGNALS)

    def update(self, scores: Floats) -> Floats:
        """Add one look's standard scores ``[N_SIGNALS]``; returns the larger sum of each signal."""
        self._high = np.clip(self._high + np.minimum(scores - self._allowance, STEP), 0.0, self._ceiling)
        self._low = np.clip(self._low + np.minimum(-scores - self._allowance, STEP), 0.0, self._ceiling)
        return np.maximum(self._high, self._low)
