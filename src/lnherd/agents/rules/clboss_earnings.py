"""B5, CLBOSS' earnings rebalancer: fill what has earned by going out from what has earned by coming in.

Hourly, with probability one half: destinations are channels with less than 25 % spendable, sources those with
more than 27.5 %. Destinations are sorted by net earnings out, sources by net earnings in, and the top fifth of
the pairs (at least one) is served: up to 75 % at the destination, down to 27.5 % at the source, for at most
1000 ppm and at most what the destination has earned; never if that is nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.earnings import Earnings
from lnherd.agents.rules.timer import Timer
from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.units import MS_PER_HOUR, MSAT_PER_SAT, PPM


@dataclass
class ClbossEarnings:
    """Remembers what every channel earned and cost."""

    low: float = tunable(0.25, low=0.02, high=0.5)
    """Spendable share below which a channel is a destination."""
    source_min: float = tunable(0.275, low=0.1, high=0.7)
    """Spendable share above which it is a source, and which it keeps."""
    target: float = tunable(0.75, low=0.3, high=0.95)
    """Spendable share that destinations are filled to."""
    top: float = tunable(0.2, low=0.05, high=1.0)
    """Part of the pairs that is served."""
    max_ppm: int = tunable(1_000, low=50, high=5_000, log=True)
    """Most that may be paid for the amount moved."""
    min_amount_msat: int = 10_000 * MSAT_PER_SAT
    """Smaller trips are not made."""
    name: str = "clboss-earnings"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget all earnings."""
        self._rng = np.random.default_rng([seed, 6])
        self._earnings = Earnings()
        self._timer = Timer(MS_PER_HOUR)

    def act(self, decision: Decision) -> Plan:
        """Serve the best pairs, every other hour on average."""
        view = decision.view
        self._earnings.add(view)
        if not self._timer.due(view.now_ms) or self._rng.random() < 0.5:
            return WAIT
        return tuple(self.trips(view)) or WAIT

    def trips(self, view: NodeView) -> Iterator[Action]:
        """Rebalances that the rule asks for now."""
        share = view.spendable_msat / np.maximum(view.channels.capacity_msat, 1)
        ready = view.channels.usable & view.channels.peer_usable & ~view.busy
        ids = view.channels.channel.tolist()
        targets = sorted(np.flatnonzero((share < self.low) & ready), key=lambda r: -self._earnings.net_out(ids[r]))
        sources = sorted(
            np.flatnonzero((share > self.source_min) & ready), key=lambda r: -self._earnings.net_in(ids[r])
        )
        pairs = list(zip(sources, targets, strict=False))
        for source, target in pairs[: max(1, int(self.top * len(pairs)))]:
            trip = self._trip(view, int(source), int(target))
            if trip is not None:
                yield trip

    def _trip(self, view: NodeView, source: int, target: int) -> Action | None:
        capacity, spendable = view.channels.capacity_msat, view.spendable_msat
        wanted = int(self.target * capacity[target]) - int(spendable[target])
        amount = min(wanted, int(spendable[source]) - int(self.source_min * capacity[source]))
        limit = min(amount * self.max_ppm // PPM, self._earnings.net_out(int(view.channels.channel[target])))
        if amount < self.min_amount_msat or limit <= 0:
            return None
        return Action(
            ActionKind.REBALANCE,
            channel=int(view.channels.channel[source]),
            to_channel=int(view.channels.channel[target]),
            amount_msat=amount,
            fee_limit_msat=limit,
        )
