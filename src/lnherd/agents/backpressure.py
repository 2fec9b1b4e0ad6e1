"""Backpressure (Tassiulas and Ephremides 1992), biased towards short ways (Neely, Modiano and Rohrs 2005).

A router serves the link with the largest difference between its own queue for a destination and its peer's.
Lightning has no queues: a node sends an HTLC on or fails it. What piles up where ways are slow or clogged are HTLCs
that have been taken on and are not yet resolved. So the queue of node w for destination d is *the number of HTLCs for
d that w has taken on and that have neither been settled nor failed*; that of the destination itself is 0. The pressure
of the way over w is

    queue(v, d) - queue(w, d) + bias * (hops(v, d) - hops(w, d))

and the largest is chosen, also where it is negative, because holding back is no option. Peers have to tell each other
their queue lengths, which Lightning nodes do not do.
"""

import numpy as np

from lnherd.agents.destination_rows import DestinationRows, Numbers
from lnherd.control.hop_decision import CHOOSE_GIVE_UP, CHOOSE_SPLIT, DecisionBatch
from lnherd.network.graph import Network
from lnherd.network.measures.paths import hops_to
from lnherd.network.records import Ints

UNREACHABLE = 1_000.0
"""Hops to what cannot be reached."""


class Backpressure:
    """All nodes of one network, and what they have taken on."""

    def __init__(self, network: Network, bias: float = 4.0) -> None:
        self._network, self._bias = network, bias
        self._hops = DestinationRows(network.n_nodes, self._hops_to)
        self.begin(0)

    def _hops_to(self, destination: int) -> Numbers:
        return np.minimum(hops_to(self._network, destination), UNREACHABLE).astype(np.float32)

    def begin(self, seed: int) -> None:
        """A new episode: nothing is on its way. Nothing is drawn."""
        n_nodes = self._network.n_nodes
        self._queues = DestinationRows(n_nodes, lambda _: np.zeros(n_nodes, dtype=np.float32))
        self._taken_by: Ints = np.zeros((2, 0), dtype=np.int64)

    def choose(self, batch: DecisionBatch) -> Ints:
        """The channel with the most pressure; without one, split at the source or give up."""
        self._resolve(batch.outcomes.decision)
        if len(batch.number) == 0:
            return np.zeros(0, dtype=np.int64)
        destination = batch.receiver.astype(np.int64)
        hops, queues = self._hops.of(destination)[:, None], self._queues.of(destination)[:, None]
        peer = self._network.edge_target[batch.edges]
        backlog = np.where(peer == batch.receiver[:, None], 0.0, self._queues.table[queues, peer])
        against = backlog + self._bias * self._hops.table[hops, peer]
        against = np.where(batch.mask & (batch.edges >= 0), against, np.inf)
        choices: Ints = against.argmin(axis=1)
        has_way = np.isfinite(against.min(axis=1))
        self._take_on(batch.number, destination, np.where(has_way, peer[np.arange(len(peer)), choices], -1))
        return np.where(has_way, choices, np.where(batch.mask[:, CHOOSE_SPLIT], CHOOSE_SPLIT, CHOOSE_GIVE_UP))

    def _take_on(self, number: Ints, destination: Ints, peer: Ints) -> None:
        """Note who now has the HTLC of each decision; -1 where there is none."""
        n_known = self._taken_by.shape[1]
        if number[-1] >= n_known:
            longer = np.full((2, max(1024, 2 * int(number[-1]) + 2)), -1, dtype=np.int64)
            longer[:, :n_known] = self._taken_by
            self._taken_by = longer
        self._taken_by[:, number] = self._queues.of(destination), peer
        sent = peer >= 0
        np.add.at(self._queues.table, (self._taken_by[0, number[sent]], peer[sent]), 1.0)

    def _resolve(self, decided: Ints) -> None:
        row, peer = self._taken_by[:, decided]
        np.subtract.at(self._queues.table, (row[peer >= 0], peer[peer >= 0]), 1.0)
