"""B6, rebalance to 50 % (rebalance-lnd, regolancer): circular payments from full channels to empty ones.

While there are a channel i with p_i < 0.3 and a channel j with p_j > 0.7, send
``a = min(c_i / 2 - l_i, l_j - c_j / 2)`` out of j and back into i; on failure halve, up to five times.
Send iff ``fee_route + f_j * a <= phi * min(f_i, 2000 ppm) * a``: what the trip costs and what j would have
earned must not exceed what i can earn. The route's fee is not known beforehand, so the condition becomes
the fee limit of the payment. phi = infinity is "reckless": no limit but the sender's own.
"""

import math
from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.network.records import Floats, Ints
from lnherd.units import MSAT_PER_SAT, PPM


@dataclass(frozen=True)
class RebalanceHalf:
    """Plans all pairs of a tick at once, each channel used as if the earlier trips had succeeded."""

    phi: float = tunable(1.0, low=0.1, high=1_000.0, log=True)
    """Fee factor: share of the target's expected earnings that may be spent; infinity is reckless."""
    low: float = tunable(0.3, low=0.02, high=0.5)
    """Channels below this local share are filled."""
    high: float = tunable(0.7, low=0.5, high=0.98)
    """Channels above this local share give."""
    fee_cap_ppm: int = 2_000
    """The target's fee is counted up to this."""
    min_amount_msat: int = tunable(
        10_000 * MSAT_PER_SAT, low=1_000 * MSAT_PER_SAT, high=500_000 * MSAT_PER_SAT, log=True
    )
    """Smaller trips are not worth it (rebalance-lnd: 10k sat)."""
    halvings: int = 5
    """Retries with half the amount."""
    name: str = "rebalance-half"
    """Short name for tables."""

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def act(self, decision: Decision) -> Plan:
        """Every trip that the rule allows now, or wait."""
        return tuple(self._trips(decision.view)) or WAIT

    def _trips(self, view: NodeView) -> list[Action]:
        """Pair the emptiest with the fullest channel until no pair is left."""
        capacity, local = view.channels.capacity_msat, view.channels.local_msat.copy()
        allowed = view.channels.usable & view.channels.peer_usable & ~view.busy
        trips: list[Action] = []
        while len(trips) < len(capacity):
            share: Floats = local / capacity
            targets, sources = (share < self.low) & allowed, (share > self.high) & allowed
            if not (targets.any() and sources.any()):
                break
            target = int(np.argmin(np.where(targets, share, np.inf)))
            source = int(np.argmax(np.where(sources, share, -np.inf)))
            amount = trip_amount_msat(capacity, local, source, target)
            trip = self.trip(view, source, target, amount)
            if trip is None:
                allowed[target] = False
                continue
            trips.append(trip)
            local[source] -= amount
            local[target] += amount
        return trips

    def trip(self, view: NodeView, source: int, target: int, amount_msat: int) -> Action | None:
        """The payment from row ``source`` to row ``target``, or None where the rule forbids it."""
        limit = self.fee_limit_msat(int(view.channels.fee_ppm[source]), int(view.channels.fee_ppm[target]), amount_msat)
        if amount_msat < self.min_amount_msat or (limit is not None and limit <= 0):
            return None
        return Action(
            ActionKind.REBALANCE,
            channel=int(view.channels.channel[source]),
            to_channel=int(view.channels.channel[target]),
            amount_msat=amount_msat,
            fee_limit_msat=limit,
            halvings=self.halvings,
        )

    def fee_limit_msat(self, source_ppm: int, target_ppm: int, amount_msat: int) -> int | None:
        """``(phi * min(f_i, cap) - f_j) * a``; None is no limit."""
        if math.isinf(self.phi):
            return None
        return int((self.phi * min(target_ppm, self.fee_cap_ppm) - source_ppm) * amount_msat) // PPM


def trip_amount_msat(capacity_msat: Ints, local_msat: Ints, source: int, target: int) -> int:
    """``min(c_i / 2 - l_i, l_j - c_j / 2)`` for target i and source j."""
    missing = int(capacity_msat[target]) // 2 - int(local_msat[target])
    surplus = int(local_msat[source]) - int(capacity_msat[source]) // 2
    return min(missing, surplus)
