"""The watch over one node: a look in, an alarm out, with its reason.

    view -> signals -> standard scores -> cumulative sums -> sums / thresholds -> alarm at 1

The thresholds come from calm weeks (:mod:`lnherd.anomaly.calibration`): each signal gets the same share of the false
alarms that are bearable. A view that carries the levels (``NodeView.alarm_levels``) tells policies of them.
"""

from dataclasses import dataclass, replace

import numpy as np

from lnherd.anomaly.baseline import Baseline, Past
from lnherd.anomaly.cusum import Cusum
from lnherd.anomaly.signals import N_SIGNALS, SIGNALS, read_signals
from lnherd.control.view import NodeView
from lnherd.errors import InputError
from lnherd.network.records import Floats

CEILING = 2.0
"""Sums stop at this many times their threshold."""


@dataclass(frozen=True)
class WatchConfig:
    """How a node is watched. Looks are meant to be a minute apart."""

    thresholds: tuple[float, ...] = (30.0,) * N_SIGNALS
    """Cumulative sum at which each of ``SIGNALS`` raises the alarm."""
    allowances: tuple[float, ...] = (0.5,) * N_SIGNALS
    """Standard deviations each of them may stray for ever."""
    half_life: float = 1440.0
    """Looks after which the past counts half: a day of minutes."""
    warm_up: int = 720
    """Looks before the first alarm is possible; none are needed where there is a ``past``."""
    past: Past | None = None
    """What is usual for the node, from an earlier watch (:meth:`Watch.so_far`); None starts from nothing."""

    def __post_init__(self) -> None:
        for name in ("thresholds", "allowances"):
            values = getattr(self, name)
            if len(values) != N_SIGNALS or min(values) <= 0:
                raise InputError(f"watch: {name} must be {N_SIGNALS} positive numbers, one for each signal")
        if self.past is not None and {len(values) for values in self.past} != {N_SIGNALS}:
            raise InputError(f"watch: past must be {len(Past._fields)} times {N_SIGNALS} numbers, one for each signal")


@dataclass(frozen=True)
class Alarm:
    """Something is wrong, judged by ``signal``; ``level`` is how many times its threshold has been reached."""

    at_ms: int
    signal: str
    level: float


class Scorer:
    """Turns looks, in order, into standard scores, once the past is long enough to compare with."""

    def __init__(self, config: WatchConfig) -> None:
        self._baseline = Baseline(config.half_life, config.past)
        self._warm_up = 0 if config.past else config.warm_up
        self._before: NodeView | None = None
        self._n_looks = 0

    @property
    def past(self) -> Past:
        """What is usual by now."""
        return self._baseline.past

    def look(self, view: NodeView) -> Floats | None:
        """``[N_SIGNALS]`` standard scores of one look, None during the warm-up."""
        before, self._before = self._before, view
        if before is None:
            return None
        self._n_looks += 1
        scores = self._baseline.score(read_signals(view, before))
        return scores if self._n_looks > self._warm_up else None


class Watch:
    """Watches one node. Feed it every look, in order."""

    def __init__(self, config: WatchConfig | None = None) -> None:
        self.config = config or WatchConfig()
        self._thresholds = np.array(self.config.thresholds)
        self._scorer = Scorer(self.config)
        self._cusum = Cusum(np.array(self.config.allowances), CEILING * self._thresholds)
        self.sums: Floats = np.zeros(N_SIGNALS)
        """Cumulative sum of each signal."""

    @property
    def levels(self) -> Floats:
        """``[N_SIGNALS]`` sums in units of their thresholds, 1 being an alarm: features for a policy."""
        levels: Floats = self.sums / self._thresholds
        return levels

    def so_far(self) -> WatchConfig:
        """A configuration whose watch goes on with what this one has learned: what to save before a restart."""
        return replace(self.config, past=self._scorer.past)

    def look(self, view: NodeView) -> Alarm | None:
        """Take in one look; returns the loudest alarm, if any is sounding."""
        scores = self._scorer.look(view)
        if scores is not None:
            self.sums = self._cusum.update(scores)
        loudest = int(np.argmax(self.levels))
        level = float(self.levels[loudest])
        return Alarm(view.now_ms, SIGNALS[loudest], level) if level >= 1.0 else None
