"""B11, closing channels (CLBOSS' PeerJudge): what earns less than the median for its size has to go.

A peer is expected to earn the size-weighted median of earnings per size, times its size. It is closed if expected -
earned - the cost of reopening is positive, or if it was connected for less than a quarter of the last three days.
Peers younger than two days and the top 40 % of earners are left alone. CLBOSS also closes what forwarded less than one
payment in ten days; a view counts forwards, so that is judged too. CLBOSS has this off by default.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.earnings import Earnings
from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.costs import CLOSE_VBYTES, OPEN_VBYTES
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.network.records import Bools, Floats
from lnherd.units import MS_PER_DAY, MS_PER_HOUR

MIN_CONNECTED = 0.25
"""Connected for less of the time: closed."""
MIN_SUCCESSES_PER_DAY = 0.1
"""Fewer forwards a day over two weeks: closed."""
SUCCESS_WINDOW_MS = 14 * MS_PER_DAY
CONNECTED_WINDOW_MS = 3 * MS_PER_DAY


@dataclass
class PeerJudge:
    """Judges channels one by one; closes at most one a tick, and never the last."""

    min_age_ms: int = tunable(2 * MS_PER_DAY, low=2 * MS_PER_HOUR, high=2 * MS_PER_DAY, log=True)
    """Channels known for less time are left alone."""
    spared: float = tunable(0.4, low=0.0, high=0.95)
    """Top part of the earners that is left alone."""
    name: str = "peer-judge"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget all channels."""
        self._earnings = Earnings()
        self._age_ms: Counter[int] = Counter()
        self._connected_ms: Counter[int] = Counter()
        self._successes: Counter[int] = Counter()

    def act(self, decision: Decision) -> Plan:
        """Close the channel that falls shortest, if one is to go."""
        view = decision.view
        self._watch(view)
        condemned = np.flatnonzero(self.condemned(view) & ~view.busy & (view.channels.n_htlcs == 0))
        if len(condemned) == 0 or len(view.channels) < 2:
            return WAIT
        worst = condemned[np.argmax(self.shortfall_msat(view)[condemned])]
        return Action(ActionKind.CLOSE, channel=int(view.channels.channel[worst]))

    def _watch(self, view: NodeView) -> None:
        self._earnings.add(view)
        for channel in view.channels:
            number = int(channel.channel)
            self._age_ms[number] += view.tick_ms
            self._connected_ms[number] += view.tick_ms * bool(channel.usable and channel.peer_usable)
            self._successes[number] += int(channel.n_forwarded)

    def shortfall_msat(self, view: NodeView) -> Floats:
        """``[n]`` expected less earned less the cost of closing and opening again."""
        capacity = view.channels.capacity_msat.astype(np.float64)
        earned = self._earned_msat(view)
        reopen = (CLOSE_VBYTES + OPEN_VBYTES) * view.feerate_msat_per_vb
        shortfall: Floats = weighted_median(earned / capacity, capacity) * capacity - earned - reopen
        return shortfall

    def condemned(self, view: NodeView) -> Bools:
        """``[n]`` which channels are to be closed."""
        if len(view.channels) == 0:
            return np.zeros(0, dtype=np.bool_)
        ids = view.channels.channel.tolist()
        age = np.array([self._age_ms[number] for number in ids])
        connected = np.array([self._connected_ms[number] for number in ids]) / age
        per_day = np.array([self._successes[number] for number in ids]) * MS_PER_DAY / age
        absent = (connected < MIN_CONNECTED) & (age >= CONNECTED_WINDOW_MS)
        idle = (per_day < MIN_SUCCESSES_PER_DAY) & (age >= SUCCESS_WINDOW_MS)
        earned = self._earned_msat(view)
        best = earned > np.quantile(earned, 1.0 - self.spared) if self.spared > 0 else np.zeros(len(ids), np.bool_)
        condemned: Bools = ((self.shortfall_msat(view) > 0) | absent | idle) & (age >= self.min_age_ms) & ~best
        return condemned

    def _earned_msat(self, view: NodeView) -> Floats:
        """``[n]`` net earnings, both directions."""
        ids = view.channels.channel.tolist()
        return np.array([float(self._earnings.net_out(n) + self._earnings.net_in(n)) for n in ids])


def weighted_median(values: Floats, weights: Floats) -> float:
    """The value at which half of the weight is reached."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
