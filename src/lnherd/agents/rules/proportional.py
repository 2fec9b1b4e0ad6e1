"""B2, proportional fees (charge-lnd): the less we hold in a channel, the more its use costs.

``ppm = max(0, int(min + (1 - p) * (max - min)))`` with p = local / (local + remote), balances including
pending HTLCs; set only when it differs by at least ``min_change_ppm`` (charge-lnd's default: 10).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.network.records import Floats
from lnherd.units import MS_PER_HOUR


@dataclass
class Proportional:
    """Sweeps over all channels once an interval."""

    min_ppm: int = tunable(10, low=0, high=500)
    """Fee of a channel that is all ours."""
    max_ppm: int = tunable(1_000, low=10, high=5_000, log=True)
    """Fee of a channel that is all theirs."""
    min_change_ppm: int = 10
    """Smaller changes are not announced."""
    interval_ms: int = tunable(MS_PER_HOUR, low=MS_PER_HOUR // 2, high=12 * MS_PER_HOUR, log=True)
    """Time between two sweeps (cron: hourly)."""
    name: str = "proportional"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self._next_ms = 0

    def reset(self, seed: int) -> None:
        """Sweep at the first tick."""
        self._next_ms = 0

    def act(self, decision: Decision) -> Plan:
        """Set the fees that are off by enough, if it is time."""
        if decision.view.now_ms < self._next_ms:
            return WAIT
        self._next_ms = decision.view.now_ms + self.interval_ms
        return tuple(self._changes(decision.view)) or WAIT

    def _changes(self, view: NodeView) -> Iterator[Action]:
        for channel, share in zip(view.channels, share_with_pending(view), strict=True):
            ppm = self.fee_ppm(float(share))
            if abs(ppm - int(channel.fee_ppm)) >= self.min_change_ppm:
                yield Action(ActionKind.SET_FEE, channel=int(channel.channel), fee_ppm=ppm)

    def fee_ppm(self, local_share: float) -> int:
        """The fee for a channel of which ``local_share`` is ours."""
        return max(0, int(self.min_ppm + (1.0 - local_share) * (self.max_ppm - self.min_ppm)))


def share_with_pending(view: NodeView) -> Floats:
    """``[n]`` p = local / (local + remote), HTLCs in flight counted with the side that offered them."""
    local = view.channels.local_msat + view.channels.in_flight_out_msat
    remote = view.channels.remote_msat + view.channels.in_flight_in_msat
    ratio: Floats = local / (local + remote)
    return ratio
