"""B5, CLBOSS' just-in-time rebalancer: fill a channel that a forward did not fit through.

The amount is (forward + capacity) / 2 - local; it may cost at most 1000 ppm (but 5 sat are always allowed) and,
over the life of the channel, 10 sat plus a quarter of what it earned on the way out. The source is drawn in
proportion to local shares. CLBOSS holds the HTLC meanwhile; a herder that looks once a tick acts on the mean of
those refused since its last look, so that later ones fit.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.earnings import Earnings
from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.units import MSAT_PER_SAT, PPM


@dataclass
class ClbossJit:
    """One trip for every channel that refused something, within its budget."""

    free_msat: int = tunable(10 * MSAT_PER_SAT, low=MSAT_PER_SAT, high=10_000 * MSAT_PER_SAT, log=True)
    """What may be spent on a channel before it has earned anything."""
    earned_part: float = tunable(0.25, low=0.05, high=1.0)
    """Part of its earnings that may be spent on a channel."""
    max_ppm: int = tunable(1_000, low=50, high=5_000, log=True)
    """Most that a trip may cost, of its amount."""
    min_fee_msat: int = 5 * MSAT_PER_SAT
    """But so much is always allowed."""
    name: str = "clboss-jit"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget all earnings."""
        self._rng = np.random.default_rng([seed, 7])
        self._earnings = Earnings()

    def act(self, decision: Decision) -> Plan:
        """Fill what refused."""
        view = decision.view
        self._earnings.add(view)
        short = np.flatnonzero((view.channels.n_refused > 0) & ~view.busy & view.channels.peer_usable)
        trips = [self._trip(view, int(row)) for row in short]
        return tuple(trip for trip in trips if trip is not None) or WAIT

    def amount_msat(self, forward_msat: int, capacity_msat: int, local_msat: int) -> int:
        """``(forward + capacity) / 2 - local``."""
        return (forward_msat + capacity_msat) // 2 - local_msat

    def fee_limit_msat(self, channel: int, amount_msat: int) -> int:
        """The lesser of the price cap and what is left of the channel's budget."""
        budget = self.free_msat + int(self.earned_part * self._earnings.out_earned[channel])
        left = budget - self._earnings.out_spent[channel]
        return min(max(amount_msat * self.max_ppm // PPM, self.min_fee_msat), left)

    def _trip(self, view: NodeView, target: int) -> Action | None:
        channel = view.channels[target]
        forward = int(channel.refused_msat) // int(channel.n_refused)
        amount = self.amount_msat(forward, int(channel.capacity_msat), int(channel.local_msat))
        source = self._source(view, target, amount)
        limit = self.fee_limit_msat(int(channel.channel), amount)
        if amount <= 0 or source is None or limit <= 0:
            return None
        return Action(
            ActionKind.REBALANCE,
            channel=int(view.channels.channel[source]),
            to_channel=int(channel.channel),
            amount_msat=amount,
            fee_limit_msat=limit,
        )

    def _source(self, view: NodeView, target: int, amount_msat: int) -> int | None:
        """A channel that can pay the amount, drawn in proportion to its local share."""
        able = (view.spendable_msat >= amount_msat) & ~view.busy
        able[target] = False
        weights = view.local_share * able
        if weights.sum() <= 0:
            return None
        return int(self._rng.choice(len(weights), p=weights / weights.sum()))
