"""B4, LNDg's automated fees (``af.py``), once a day, by peer.

With out% = local / capacity, net = (out7d - in7d) / capacity, M the multiplier and failed the forwards refused
for want of balance within a day:

    out% <= low             +5M if failed > limit and nothing came in for a day
    low < out% < excess     -3M if nothing flowed for 7 days; +2M (1 + net) if net > 1
    excess <= out%          -5M if nothing flowed, or net < 0 and assisted revenue > 10 x own revenue

    new = clip(round((old + adjustment) / increment) * increment, min, max)

The inbound fee (opt-in) moves by -12M, +7M, -5M (1 + net), +12M in the same cells, within
[-65 % of the outbound fee, 0]. LNDg does not count forwards below 1000 sat; here all are counted, because a
view holds sums.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.history import ChannelHistory
from lnherd.agents.rules.timer import Timer
from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.network.records import Ints
from lnherd.units import MS_PER_DAY, MS_PER_HOUR

OUTBOUND = {"scarce": 5.0, "idle": -3.0, "draining": 2.0, "stuck": -5.0}
INBOUND = {"scarce": -12.0, "idle": 7.0, "draining": -5.0, "stuck": 12.0}
"""Steps in multiples of M, by cell of the table; *draining* steps are multiplied by 1 + net."""


@dataclass(frozen=True)
class PeerFigures:
    """One peer's channels, summed up."""

    out_share: float
    """out%, between 0 and 1."""
    net: float
    """(out7d - in7d) / capacity."""
    flowed: bool
    """Whether anything went in or out within 7 days."""
    came_in: bool
    """Whether anything came in within a day."""
    failed: int
    """Forwards refused within a day."""
    earned_msat: int
    """Fees of what left by it, 7 days."""
    assisted_msat: int
    """Fees of what came by it, 7 days."""


@dataclass
class LndgAutofees:
    """Watches for an interval, then adjusts every interval."""

    multiplier: float = tunable(5.0, low=0.5, high=100.0, log=True)
    """M."""
    increment_ppm: int = 5
    """Fees are multiples of this."""
    interval_ms: int = tunable(24 * MS_PER_HOUR, low=MS_PER_HOUR, high=24 * MS_PER_HOUR, log=True)
    """AF-UpdateHours."""
    min_ppm: int = 0
    """Smallest fee."""
    max_ppm: int = tunable(2_500, low=100, high=5_000, log=True)
    """Largest fee."""
    low: float = tunable(0.15, low=0.02, high=0.4)
    """AF-LowLiqLimit."""
    excess: float = tunable(0.95, low=0.6, high=0.99)
    """AF-ExcessLimit."""
    failed_limit: int = tunable(25, low=0, high=100)
    """AF-FailedHTLCs."""
    inbound: bool = False
    """Whether inbound fees are adjusted too."""
    max_cost: float = 0.65
    """AR-MaxCost%: the inbound discount is at most this part of the outbound fee."""
    name: str = "lndg-autofees"
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
        return tuple(self._changes(view)) or WAIT if self._timer.due(view.now_ms) else WAIT

    def _changes(self, view: NodeView) -> Iterator[Action]:
        peers, of_row = np.unique(view.channels.peer, return_inverse=True)
        cells = [self.cell(figures) for figures in self.figures(view, of_row, len(peers))]
        for channel, peer in zip(view.channels, of_row.tolist(), strict=True):
            cell, scale = cells[peer]
            ppm, inbound = self.new_ppm(int(channel.fee_ppm), cell, scale), int(channel.inbound_fee_ppm)
            if self.inbound:
                inbound = self.new_inbound_ppm(inbound, ppm, cell, scale)
            if (ppm, inbound) != (int(channel.fee_ppm), int(channel.inbound_fee_ppm)):
                yield Action(ActionKind.SET_FEE, channel=int(channel.channel), fee_ppm=ppm, inbound_fee_ppm=inbound)

    def figures(self, view: NodeView, of_row: Ints, n_peers: int) -> list[PeerFigures]:
        """The figures of each peer; row k of the channels belongs to peer ``of_row[k]``."""

        def by_peer(values: Ints) -> Ints:
            return np.bincount(of_row, weights=values, minlength=n_peers).astype(np.int64)

        total, day = self._history.total, MS_PER_DAY
        capacity, local = by_peer(view.channels.capacity_msat), by_peer(view.channels.local_msat)
        out, into = by_peer(total(view, "forwarded_msat")), by_peer(total(view, "received_msat"))
        into_today = by_peer(total(view, "received_msat", day))
        failed = by_peer(total(view, "n_refused", day))
        earned, assisted = by_peer(total(view, "fees_msat")), by_peer(total(view, "assisted_msat"))
        return [
            PeerFigures(
                out_share=float(local[k] / capacity[k]),
                net=float((out[k] - into[k]) / capacity[k]),
                flowed=bool(out[k] + into[k]),
                came_in=bool(into_today[k]),
                failed=int(failed[k]),
                earned_msat=int(earned[k]),
                assisted_msat=int(assisted[k]),
            )
            for k in range(n_peers)
        ]

    def cell(self, peer: PeerFigures) -> tuple[str | None, float]:
        """Cell of the table and the factor on its step; None is no change."""
        if peer.out_share <= self.low:
            return ("scarce", 1.0) if peer.failed > self.failed_limit and not peer.came_in else (None, 0.0)
        if peer.out_share < self.excess:
            if not peer.flowed:
                return "idle", 1.0
            return ("draining", 1.0 + peer.net) if peer.net > 1 else (None, 0.0)
        stuck = not peer.flowed or (peer.net < 0 and peer.assisted_msat > 10 * peer.earned_msat)
        return ("stuck", 1.0) if stuck else (None, 0.0)

    def new_ppm(self, old_ppm: int, cell: str | None, scale: float) -> int:
        """The outbound fee after one adjustment."""
        if cell is None:
            return old_ppm
        wished = old_ppm + OUTBOUND[cell] * scale * self.multiplier
        return int(np.clip(self._rounded(wished), self.min_ppm, self.max_ppm))

    def new_inbound_ppm(self, old_ppm: int, fee_ppm: int, cell: str | None, scale: float) -> int:
        """The inbound fee after one adjustment, beside an outbound fee of ``fee_ppm``."""
        if cell is None:
            return old_ppm
        wished = old_ppm + INBOUND[cell] * scale * self.multiplier
        return int(np.clip(self._rounded(wished), -int(self.max_cost * fee_ppm), 0))

    def _rounded(self, ppm: float) -> int:
        return round(ppm / self.increment_ppm) * self.increment_ppm
