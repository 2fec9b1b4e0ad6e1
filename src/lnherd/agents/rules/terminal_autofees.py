"""B9, Lightning Terminal's Autofees: steer every channel's flow to that of the best earning peers.

The target is the mean outflow of the five peers that earned most within 60 days; below it the fee falls by a step,
above it rises, every three days; a channel of which less than 1/8 is ours rises in any case. The product's step sizes
are not published: 10 % is our choice.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.history import ChannelHistory
from lnherd.agents.rules.timer import Timer, fee_changes
from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.network.records import Floats
from lnherd.units import MS_PER_DAY, MS_PER_HOUR

TOP = 5
"""Peers that set the target."""


@dataclass
class TerminalAutofees:
    """Watches for an interval, then adjusts every interval."""

    step: float = tunable(0.1, low=0.01, high=1.0, log=True)
    """A fee is multiplied or divided by 1 plus this."""
    depleted: float = tunable(0.125, low=0.02, high=0.5)
    """Local share below which the fee rises in any case."""
    interval_ms: int = tunable(3 * MS_PER_DAY, low=MS_PER_HOUR, high=3 * MS_PER_DAY, log=True)
    """Time between two adjustments."""
    min_ppm: int = 1
    """Smallest fee."""
    max_ppm: int = 5_000
    """Largest fee."""
    name: str = "terminal-autofees"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget all flows."""
        self._history = ChannelHistory(60 * MS_PER_DAY)
        self._timer = Timer(self.interval_ms, first_ms=self.interval_ms)

    def act(self, decision: Decision) -> Plan:
        """Adjust the fees, if it is time."""
        view = decision.view
        self._history.add(view)
        if len(view.channels) == 0 or not self._timer.due(view.now_ms):
            return WAIT
        return tuple(fee_changes(view, self.new_fees(view))) or WAIT

    def new_fees(self, view: NodeView) -> list[int | None]:
        """The fee of every channel after one adjustment."""
        peers, of_row = np.unique(view.channels.peer, return_inverse=True)
        flow, earned = (
            np.bincount(of_row, self._history.total(view, name), len(peers)).astype(np.float64)
            for name in ("forwarded_msat", "fees_msat")
        )
        target = target_flow(flow, earned)
        return [
            self.new_ppm(int(channel.fee_ppm), float(flow[peer]) - target, float(share))
            for channel, peer, share in zip(view.channels, of_row, view.local_share, strict=True)
        ]

    def new_ppm(self, old_ppm: int, above_target: float, local_share: float) -> int:
        """One step up, down, or none; at least 1 ppm."""
        if local_share < self.depleted or above_target > 0:
            ppm = max(round(old_ppm * (1.0 + self.step)), old_ppm + 1)
        elif above_target < 0:
            ppm = min(round(old_ppm / (1.0 + self.step)), old_ppm - 1)
        else:
            ppm = old_ppm
        return int(np.clip(ppm, self.min_ppm, self.max_ppm))


def target_flow(flow: Floats, earned: Floats) -> float:
    """Mean flow of the (up to) five peers that earned most."""
    return float(flow[np.argsort(-earned, kind="stable")[:TOP]].mean())
