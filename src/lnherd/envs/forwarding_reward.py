"""What a forwarding decision is worth, once it is known what came of it."""

from dataclasses import dataclass

import numpy as np

from lnherd.network.records import Floats, Records, plain
from lnherd.units import MS_PER_SECOND, MSAT_PER_SAT


@dataclass(frozen=True)
class ForwardingReward:
    """In sat. ``cooperation`` 0 makes nodes compete for fees, 1 makes delivery everybody's concern."""

    failure_sat: float = 1.0
    """Lost with a decision that failed, giving up included."""
    latency_sat_per_s: float = 0.1
    """Lost for each second until the outcome was known: liquidity is locked so long."""
    success_sat: float = 1.0
    """Gained by all decisions on the way of a part that arrived, times ``cooperation``."""
    fee_weight: float = 1.0
    """Weight of the fees earned."""
    amount_power: float = 0.0
    """Successes and failures count ``(amount / 1000 sat) ** amount_power``: 0 all alike, 1 in proportion to what was
    to be paid."""
    cooperation: float = 1.0
    """Weight of the success of the network, from 0 to 1."""

    def of(self, outcomes: Records) -> Floats:
        """``[R]`` rewards of ``engine.hop_state.OUTCOME_DTYPE`` records. A split by itself is worth nothing."""
        known = plain(outcomes)
        fee_sat = known["fee_msat"] / MSAT_PER_SAT
        latency_s = known["latency_ms"] / MS_PER_SECOND
        has_arrived = known["succeeded"] & (known["latency_ms"] > 0)
        bonus = self._weight(outcomes) * self.cooperation * self.success_sat * has_arrived
        reward: Floats = self.fee_weight * fee_sat + bonus - self.lost(outcomes) - self.latency_sat_per_s * latency_s
        return np.asarray(reward, dtype=np.float64)

    def lost(self, outcomes: Records) -> Floats:
        """``[R]`` what failures cost."""
        cost: Floats = self._weight(outcomes) * self.failure_sat * ~plain(outcomes)["succeeded"]
        return np.asarray(cost, dtype=np.float64)

    def _weight(self, outcomes: Records) -> Floats | float:
        if self.amount_power == 0.0:
            return 1.0
        weight: Floats = (np.maximum(outcomes.amount_msat, 1) / (1_000 * MSAT_PER_SAT)) ** self.amount_power
        return weight
