"""B8, threshold swaps (Loop's autoloop, Boltz' autoswap): move a channel back to the middle by a submarine swap.

Loop's threshold rule: if incoming < min_in * cap and outgoing > min_out * cap, swap out
``(min_in * cap + (cap - min_out * cap)) / 2 - incoming``; swapping in is its mirror image. Fences as in
Loop: a fee budget per period, one swap in flight, a fee cap per swap, and a back-off after a failure.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.costs import estimated_cost_msat
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.units import MS_PER_DAY, MSAT_PER_SAT, PPM

SWAPS = (ActionKind.SWAP_OUT, ActionKind.SWAP_IN)


@dataclass
class ThresholdSwap:
    """Looks at every channel each tick, the one farthest off first; at most one swap is in flight."""

    min_in: float = tunable(0.25, low=0.005, high=0.45)
    """Incoming share below which a swap-out is due."""
    min_out: float = tunable(0.25, low=0.005, high=0.45)
    """Outgoing share below which a swap-in is due."""
    directions: tuple[ActionKind, ...] = SWAPS
    """Which swaps are allowed."""
    budget_msat: int = tunable(
        100_000 * MSAT_PER_SAT, low=1_000 * MSAT_PER_SAT, high=1_000_000 * MSAT_PER_SAT, log=True
    )
    """Fees that may be spent in a period (Boltz: 100k sat)."""
    period_ms: int = 7 * MS_PER_DAY
    """Length of a budget period."""
    max_fee_ppm: int = tunable(20_000, low=5_000, high=50_000, log=True)
    """Most that one swap may cost, of its amount (Loop: 2 %)."""
    route_fee_ppm: int = 10_000
    """Most that the payment to the service may cost in routing fees (Loop: 1 %)."""
    backoff_ms: int = MS_PER_DAY
    """A channel whose swap failed is left alone for this long."""
    min_amount_msat: int = 50_000 * MSAT_PER_SAT
    """Smallest swap of the server."""
    max_amount_msat: int = tunable(
        10_000_000 * MSAT_PER_SAT, low=50_000 * MSAT_PER_SAT, high=10_000_000 * MSAT_PER_SAT, log=True
    )
    """Largest swap of the server."""
    name: str = "threshold-swap"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """A fresh budget, nothing in flight, no back-offs."""
        self._spent_msat = 0
        self._period_end_ms: int | None = None
        self._in_flight: Action | None = None
        self._wait_until_ms: dict[int, int] = {}

    def act(self, decision: Decision) -> Plan:
        """The most urgent swap that the fences allow, or wait."""
        view = decision.view
        self._refresh_budget(view.now_ms)
        self._notice_outcome(view)
        if np.isin(view.pending.kind, SWAPS).any():
            return WAIT
        urgency = np.argsort(-np.abs(view.local_share - 0.5), kind="stable")
        for row in urgency:
            swap = self.swap(view, int(row))
            if swap is not None and self._affordable(view, swap):
                self._in_flight = swap
                self._spent_msat += _cost_msat(view, swap)
                return swap
        return WAIT

    def swap(self, view: NodeView, row: int) -> Action | None:
        """What the threshold rule asks for the channel in ``row``, None if nothing or backing off."""
        channel = view.channels[row]
        if view.now_ms < self._wait_until_ms.get(int(channel.channel), 0):
            return None
        capacity, incoming, outgoing = (int(channel[n]) for n in ("capacity_msat", "remote_msat", "local_msat"))
        if incoming < self.min_in * capacity and outgoing > self.min_out * capacity:
            kind, amount = ActionKind.SWAP_OUT, midpoint_msat(capacity, self.min_in, self.min_out) - incoming
        elif outgoing < self.min_out * capacity and incoming > self.min_in * capacity:
            kind, amount = ActionKind.SWAP_IN, midpoint_msat(capacity, self.min_out, self.min_in) - outgoing
        else:
            return None
        amount = min(amount, self.max_amount_msat)
        if kind not in self.directions or amount < self.min_amount_msat:
            return None
        limit = amount * self.route_fee_ppm // PPM
        return Action(kind, channel=int(channel.channel), amount_msat=amount, fee_limit_msat=limit)

    def _affordable(self, view: NodeView, swap: Action) -> bool:
        cost = _cost_msat(view, swap)
        if swap.kind == ActionKind.SWAP_IN and swap.amount_msat + cost > view.wallet_msat:
            return False
        within_cap = cost <= swap.amount_msat * self.max_fee_ppm // PPM
        return within_cap and self._spent_msat + cost <= self.budget_msat

    def _refresh_budget(self, now_ms: int) -> None:
        if self._period_end_ms is None or now_ms >= self._period_end_ms:
            self._period_end_ms = now_ms + self.period_ms
            self._spent_msat = 0

    def _notice_outcome(self, view: NodeView) -> None:
        """When the swap in flight is gone and something failed, back off from its channel."""
        swap = self._in_flight
        if swap is None or np.isin(view.pending.kind, SWAPS).any():
            return
        self._in_flight = None
        if view.operations_failed:
            self._wait_until_ms[swap.channel] = view.now_ms + self.backoff_ms


def midpoint_msat(capacity_msat: int, wanted: float, kept: float) -> int:
    """Middle of the band in which both thresholds hold: ``(wanted * cap + (cap - kept * cap)) / 2``."""
    return int((wanted * capacity_msat + (capacity_msat - kept * capacity_msat)) / 2)


def _cost_msat(view: NodeView, swap: Action) -> int:
    return estimated_cost_msat(swap, view.feerate_msat_per_vb, view.swap_fee_ppm)
