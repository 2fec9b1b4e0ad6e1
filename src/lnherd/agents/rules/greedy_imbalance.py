"""B7, greedy on imbalance (Pickhardt & Nowostawski, arXiv 1912.09555): bring every channel to the node's own mean.

With nu = sum of local / sum of capacity and zeta_i = l_i / c_i: draw a channel i with zeta_i > nu, move
c_i (zeta_i - nu) over a circle that ends in a channel j with zeta_j < nu (never more than brings j to nu, so that no
channel becomes less balanced), and repeat. The paper's circles have four to five hops and cost nothing; here the
sender looks for the cheapest one within a fee limit.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.network.records import Floats
from lnherd.units import MSAT_PER_SAT, PPM


@dataclass
class GreedyImbalance:
    """All circles of a tick at once, as if each succeeded."""

    max_ppm: int = tunable(1_000, low=1, high=5_000, log=True)
    """Most that a circle may cost, of its amount."""
    tolerance: float = tunable(0.05, low=0.01, high=0.4)
    """Channels this close to the mean are left alone."""
    min_amount_msat: int = tunable(
        10_000 * MSAT_PER_SAT, low=1_000 * MSAT_PER_SAT, high=500_000 * MSAT_PER_SAT, log=True
    )
    """Smaller trips are not made."""
    halvings: int = 3
    """Retries with half the amount."""
    name: str = "greedy-imbalance"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start a new stream of choices."""
        self._rng = np.random.default_rng([seed, 8])

    def act(self, decision: Decision) -> Plan:
        """Circles until none is worth making."""
        return tuple(self._circles(decision.view)) or WAIT

    def _circles(self, view: NodeView) -> Iterator[Action]:
        capacity = view.channels.capacity_msat.astype(np.float64)
        local = view.channels.local_msat.astype(np.float64)
        ready = view.channels.usable & view.channels.peer_usable & ~view.busy
        mean = local.sum() / max(capacity.sum(), 1.0)
        while True:
            excess: Floats = np.where(ready, local - mean * capacity, 0.0)
            sources = np.flatnonzero(excess > self.tolerance * capacity)
            targets = np.flatnonzero(-excess > self.tolerance * capacity)
            if not (len(sources) and len(targets)):
                return
            source, target = int(self._rng.choice(sources)), int(self._rng.choice(targets))
            amount = int(min(excess[source], -excess[target]))
            if amount < self.min_amount_msat:
                ready[source if excess[source] < -excess[target] else target] = False
                continue
            local[source] -= amount
            local[target] += amount
            yield Action(
                ActionKind.REBALANCE,
                channel=int(view.channels.channel[source]),
                to_channel=int(view.channels.channel[target]),
                amount_msat=amount,
                fee_limit_msat=amount * self.max_ppm // PPM,
                halvings=self.halvings,
            )


def gini(shares: Floats) -> float:
    """Gini coefficient of local shares: the paper's measure of imbalance, 0 when all are equal."""
    ordered = np.sort(shares)
    total = float(ordered.sum())
    if total == 0:
        return 0.0
    n = len(ordered)
    return float(2.0 * (np.arange(1, n + 1) * ordered).sum() / (n * total) - (n + 1) / n)
