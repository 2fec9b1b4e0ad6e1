"""What gossip tells a herder about other nodes: sizes, centrality, and what rivals charge into its own peers."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lnherd.network.graph import Network
from lnherd.network.measures.centrality import betweenness
from lnherd.network.records import Floats, Indices, Ints

N_HUBS = 64
"""How many of the largest nodes are considered as new peers; enough that some are no peers yet."""
N_SOURCES = 64
"""Betweenness is estimated from shortest paths of so many nodes."""


class Gossip:
    """Facts about a network, computed once; policies are read from the living state at each look."""

    def __init__(self, network: Network) -> None:
        """Facts are computed when they are first asked for."""
        self.network = network
        self._rivals_of: dict[int, Indices] = {}

    @cached_property
    def capacity_msat(self) -> Ints:
        """``[N]`` capacity of all channels of each node."""
        capacity = np.zeros(self.network.n_nodes, dtype=np.int64)
        np.add.at(capacity, self.network.channels.node1, self.network.channels.capacity_msat)
        np.add.at(capacity, self.network.channels.node2, self.network.channels.capacity_msat)
        return capacity

    @cached_property
    def hubs(self) -> Ints:
        """The largest nodes, the largest first."""
        return np.argsort(-self.capacity_msat, kind="stable")[:N_HUBS]

    @cached_property
    def centrality(self) -> Floats:
        """``[N]`` betweenness as a share of the most central node's."""
        return betweenness(self.network, N_SOURCES, seed=0)

    def rivals(self, edges: NDArray[np.void], peers: Indices, node: int) -> dict[str, Ints]:
        """Columns about the channels that lead to ``peers [n]`` from others than ``node``, as policies are now."""
        columns = {
            name: np.zeros(len(peers), dtype=np.int64)
            for name in ("market_base_fee_msat", "market_fee_ppm", "n_smaller_rivals", "n_larger_rivals")
        }
        capacity = self.capacity_msat
        for row, peer in enumerate(peers.tolist()):
            into = self._edges_into(peer, node)
            weights = self.network.channels.capacity_msat[into >> 1]
            others = capacity[np.unique(self.network.edge_source[into])]
            columns["market_base_fee_msat"][row] = weighted_median(edges["base_fee_msat"][into], weights)
            columns["market_fee_ppm"][row] = weighted_median(edges["fee_ppm"][into], weights)
            columns["n_smaller_rivals"][row] = int((others < capacity[node]).sum())
            columns["n_larger_rivals"][row] = int((others > capacity[node]).sum())
        return columns

    def _edges_into(self, peer: int, node: int) -> Indices:
        """Enabled edges into ``peer`` that others than ``node`` announced."""
        if peer not in self._rivals_of:
            start, order = self.network.incoming
            into = order[start[peer] : start[peer + 1]]
            keep = (self.network.edge_source[into] != node) & self.network.edges.enabled[into]
            self._rivals_of[peer] = into[keep]
        return self._rivals_of[peer]


def weighted_median(values: NDArray[np.int64], weights: NDArray[np.int64]) -> int:
    """The value at which half of the weight is reached; -1 where there are none."""
    if len(values) == 0:
        return -1
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return int(values[order][np.searchsorted(2 * reached, reached[-1])])
