"""Waterfilling over edge-disjoint paths (Spider: Sivaraman et al., NSDI 2020, section 5.3), routed at the source.

The payer knows a few shortest paths that share no channel, and how much each of them could carry now: the least that
is spendable on its channels, which Spider measures by probes. Every part goes over the path with most room; what no
path can carry is split. Nodes on the way send on along the path, or fail the part back if its channel cannot carry it
any more.

**This policy sees the spendable balances of channels that are not its own**, more than any Lightning node can see and
more than any other policy here does.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from lnherd.control.hop_decision import CHOOSE_GIVE_UP, CHOOSE_SPLIT, DecisionBatch
from lnherd.network.disjoint_paths import disjoint_paths
from lnherd.network.graph import Network
from lnherd.network.records import Ints

NO_WAY, IN_HALVES = -1, -2
"""What a plan may want instead of an edge."""


class Waterfilling:
    """All payers of one network. ``spendable`` tells what can be sent over each edge now, ``[E]`` msat.

    Spider knows no fees. Here paths whose announced rates add up to more than ``budget_ppm``, what payers offer, are
    left out: nobody could be paid on them.
    """

    def __init__(
        self, network: Network, spendable: Callable[[], Ints], n_paths: int = 4, budget_ppm: int = 4_000
    ) -> None:
        self._network, self._spendable, self._n_paths, self._budget_ppm = network, spendable, n_paths, budget_ppm
        self._plans: dict[tuple[int, int], _Plan] = {}
        self.begin(0)

    def begin(self, seed: int) -> None:
        """A new episode. Nothing is drawn; paths hold for all episodes on the network."""
        self._plan_of: dict[int, _Plan] = {}

    def choose(self, batch: DecisionBatch) -> Ints:
        """At the source, the path with most room; on the way, the path's next channel."""
        if len(batch.number) == 0:
            return np.zeros(0, dtype=np.int64)
        room_msat = self._spendable()
        wanted = np.array([self._wanted(batch, row, room_msat) for row in range(len(batch.number))])
        matches = batch.mask & (batch.edges == wanted[:, None]) & (wanted[:, None] >= 0)
        without = np.where(wanted == IN_HALVES, CHOOSE_SPLIT, CHOOSE_GIVE_UP)
        choices: Ints = np.where(matches.any(axis=1), matches.argmax(axis=1), without)
        return choices

    def _wanted(self, batch: DecisionBatch, row: int, room_msat: Ints) -> int:
        """An edge, NO_WAY or IN_HALVES; what a path is given is gone from ``room_msat``."""
        payment, incoming = int(batch.payment[row]), int(batch.incoming[row])
        if incoming >= 0:
            return self._plan_of[payment].next_edge.get(incoming, NO_WAY)
        plan = self._plan(int(batch.node[row]), int(batch.receiver[row]))
        self._plan_of[payment] = plan
        may_split, offered = bool(batch.mask[row, CHOOSE_SPLIT]), batch.edges[row][batch.mask[row]]
        paths = [path for path in plan.paths if path[0] in offered]
        if not paths:
            return IN_HALVES if plan.paths and may_split else NO_WAY
        room = [int(room_msat[path].min()) for path in paths]
        best = paths[int(np.argmax(room))]
        if max(room) < batch.amount_msat[row] and may_split:
            return IN_HALVES
        room_msat[best] -= batch.amount_msat[row]
        return int(best[0])

    def _plan(self, payer: int, receiver: int) -> "_Plan":
        if (payer, receiver) not in self._plans:
            many = disjoint_paths(self._network, payer, receiver, 2 * self._n_paths, most_ppm=self._budget_ppm)
            rates = self._network.edges.fee_ppm
            affordable = [path for path in many if rates[path[1:]].sum() <= self._budget_ppm]
            self._plans[payer, receiver] = _Plan(affordable[: self._n_paths])
        return self._plans[payer, receiver]


class _Plan:
    """The paths between two nodes. They share no channel, so the last one says which path a part is on."""

    def __init__(self, paths: list[list[int]]) -> None:
        self.paths = [np.array(path, dtype=np.int64) for path in paths]
        self.next_edge = {before: after for path in paths for before, after in pairwise(path)}
