"""The detectors that are compared, each at several sensitivities, as alarms over a recording."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lnherd.anomaly.cusum import Cusum
from lnherd.anomaly.river_detectors import Detector, HalfSpaceTrees, adwin, page_hinkley
from lnherd.anomaly.watch import CEILING, WatchConfig
from lnherd.network.records import Bools, Floats

WATCH = "watch"
"""Name of our own."""
WATCH_LEVELS = (0.25, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.6, 2.0, 3.0)
TREE_LEVELS = (0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.94, 0.96, 0.98, 0.99)
ADWIN_DELTAS = (1e-2, 1e-4, 1e-8, 1e-16, 1e-32, 1e-64)
PAGE_HINKLEY_THRESHOLDS = (10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)


@dataclass(frozen=True)
class Setting:
    """One detector at one sensitivity."""

    detector: str
    sensitivity: float
    """Level, delta or threshold, in the detector's own terms."""


def watch_alarms(scores: Floats, watch: WatchConfig) -> dict[Setting, Bools]:
    """``[T]`` whether the watch sounds at each look, for multiples of its calibrated thresholds.

    As it does when it runs: sums stop at a ceiling, so that an alarm ends soon after its cause.
    """
    thresholds = np.multiply.outer(WATCH_LEVELS, watch.thresholds)
    cusum = Cusum(np.array(watch.allowances), CEILING * thresholds)
    sounding = np.array([(cusum.update(look) >= thresholds).any(axis=1) for look in scores])
    return {Setting(WATCH, level): sounding[:, index] for index, level in enumerate(WATCH_LEVELS)}


def river_alarms(scores: Floats) -> dict[Setting, Bools]:
    """The same for the detectors of river."""
    trees = _levels(HalfSpaceTrees(), scores)
    found = {Setting("half-space trees", level): trees >= level for level in TREE_LEVELS}
    found |= _of_each("ADWIN", ADWIN_DELTAS, adwin, scores)
    return found | _of_each("Page-Hinkley", PAGE_HINKLEY_THRESHOLDS, page_hinkley, scores)


def _of_each(
    name: str, sensitivities: Sequence[float], make: Callable[[float], Detector], scores: Floats
) -> dict[Setting, Bools]:
    return {Setting(name, each): _levels(make(each), scores) >= 1.0 for each in sensitivities}


def _levels(detector: Detector, scores: Floats) -> Floats:
    return np.array([detector.update(look) for look in scores])
