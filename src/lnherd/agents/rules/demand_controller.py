"""B9, demand controller (lndmanage): a fee grows with what flows out, shrinks where nothing does.

``f <- f * clip(1 + 0.5 (r / r_t - 1), floor, 1.5)`` every three days, r the outflow and r_t = 100,000 sat per 7 days;
floor = 1 + 0.05 (R - l) / R for a local balance l < R = 500,000 sat, else 1 - 0.5 (l - R) / (c - R); 5 <= f <= 5000.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.history import ChannelHistory
from lnherd.agents.rules.timer import Timer, fee_changes
from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.units import MS_PER_DAY, MS_PER_HOUR, MSAT_PER_SAT

CAP = 1.5
"""Most that a fee grows at once."""
MIN_PPM, MAX_PPM = 5, 5_000
"""Fees stay within."""


@dataclass
class DemandController:
    """Watches for an interval, then adjusts every interval."""

    target_msat: int = tunable(
        100_000 * MSAT_PER_SAT, low=1_000 * MSAT_PER_SAT, high=10_000_000 * MSAT_PER_SAT, log=True
    )
    """r_t: outflow of a channel in 7 days that keeps its fee."""
    reserve_msat: int = tunable(
        500_000 * MSAT_PER_SAT, low=20_000 * MSAT_PER_SAT, high=2_000_000 * MSAT_PER_SAT, log=True
    )
    """R: local balance below which fees never fall."""
    interval_ms: int = tunable(3 * MS_PER_DAY, low=MS_PER_HOUR, high=3 * MS_PER_DAY, log=True)
    """Time between two adjustments."""
    name: str = "demand-controller"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget all flows."""
        self._history = ChannelHistory(7 * MS_PER_DAY)
        self._timer = Timer(self.interval_ms, first_ms=self.interval_ms)

    def act(self, decision: Decision) -> Plan:
        """Adjust the fees, if it is time."""
        view = decision.view
        self._history.add(view)
        if not self._timer.due(view.now_ms):
            return WAIT
        return tuple(fee_changes(view, self.new_fees(view))) or WAIT

    def new_fees(self, view: NodeView) -> list[int | None]:
        """The fee of every channel after one adjustment; flows count per 7 days."""
        weeks = max(self._history.watched_ms(view.now_ms), 1) / (7 * MS_PER_DAY)
        demand = self._history.total(view, "forwarded_msat") / weeks / self.target_msat
        return [
            self.new_ppm(int(channel.fee_ppm), float(ratio), int(channel.local_msat), int(channel.capacity_msat))
            for channel, ratio in zip(view.channels, demand, strict=True)
        ]

    def new_ppm(self, old_ppm: int, demand: float, local_msat: int, capacity_msat: int) -> int:
        """One adjustment at a ``demand`` of r / r_t."""
        factor = float(np.clip(1.0 + 0.5 * (demand - 1.0), self.floor(local_msat, capacity_msat), CAP))
        return int(np.clip(round(old_ppm * factor), MIN_PPM, MAX_PPM))

    def floor(self, local_msat: int, capacity_msat: int) -> float:
        """Least factor: above 1 where the balance runs out, down to 1/2 where all is ours."""
        reserve = self.reserve_msat
        if local_msat < reserve:
            return 1.0 + 0.05 * (reserve - local_msat) / reserve
        if capacity_msat <= reserve:
            return 1.0
        return 1.0 - 0.5 * (local_msat - reserve) / (capacity_msat - reserve)
