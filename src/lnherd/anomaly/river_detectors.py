"""Detectors of the river library behind one face, to compare the watch with.

Each takes standard scores look by look and says how loud it is; a level of 1 is its alarm. River's detectors answer
yes or no at a sensitivity fixed in advance, so an operating curve takes one detector for each sensitivity. River is in
the extra ``anomaly``: it brings pandas and takes seconds to import, which a node's watch should not need.

Sources: ADWIN (Bifet, Gavaldà 2007), Page-Hinkley (Page 1954), half-space trees (Tan, Ting, Liu 2011).
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from lnherd.anomaly.signals import N_SIGNALS, SIGNALS
from lnherd.errors import InputError
from lnherd.network.records import Floats

SPREAD = 10.0
"""Standard scores of this size and more look the same to half-space trees, which expect values in [0, 1]."""


class Detector(Protocol):
    """Says how unusual the latest look is."""

    def update(self, scores: Floats) -> float:
        """Level after one look's standard scores ``[N_SIGNALS]``; 1 and more is an alarm."""
        ...


class ChangeDetectors:
    """One of river's drift detectors for each signal; the alarm is that any of them sees a change."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._detectors = [make() for _ in range(N_SIGNALS)]

    def update(self, scores: Floats) -> float:
        """1 at the look in which a change was noticed, else 0."""
        for detector, score in zip(self._detectors, scores.tolist(), strict=True):
            detector.update(score)
        return float(any(detector.drift_detected for detector in self._detectors))


class HalfSpaceTrees:
    """River's half-space trees over all signals together; the level is how rare the look is, from 0 to 1."""

    def __init__(self, seed: int = 0) -> None:
        limits = dict.fromkeys(SIGNALS, (0.0, 1.0))
        self._trees = _river("anomaly").HalfSpaceTrees(n_trees=25, height=8, window_size=1440, limits=limits, seed=seed)

    def update(self, scores: Floats) -> float:
        """Anomaly score of the look, before it is learned."""
        squashed = np.clip(scores / (2 * SPREAD) + 0.5, 0.0, 1.0)
        look = dict(zip(SIGNALS, squashed.tolist(), strict=True))
        level = float(self._trees.score_one(look))
        self._trees.learn_one(look)
        return level


def adwin(delta: float) -> ChangeDetectors:
    """ADWIN, whose false alarms have the probability ``delta``."""
    return ChangeDetectors(lambda: _river("drift").ADWIN(delta=delta, clock=1))


def page_hinkley(threshold: float, allowance: float = 0.5) -> ChangeDetectors:
    """Page-Hinkley with the same allowance as the watch."""
    return ChangeDetectors(lambda: _river("drift").PageHinkley(threshold=threshold, delta=allowance))


def _river(module: str) -> Any:
    try:
        from river import anomaly, drift
    except ImportError as error:
        raise InputError("river is not installed; install it with: pip install 'lnherd[anomaly]'") from error
    return {"anomaly": anomaly, "drift": drift}[module]
