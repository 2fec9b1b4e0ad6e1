"""A real node in its real surroundings, small enough to simulate often."""

import heapq

import numpy as np
from scipy.sparse import csr_array

from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.measures.cohesion import pair_adjacency
from lnherd.network.records import Bools, Floats, Ints
from lnherd.network.stats import connected_pairs

_SIZE_DISCOUNT = 0.75
"""Exponent of a node's degree that its rank is divided by. At 0 only hubs are left and every path has two hops;
at 1 the hubs are gone; at 0.75 most of the largest twenty stay, with small and large nodes around them."""
_RESTART = 0.15
_ITERATIONS = 50


def neighbourhood(network: Network, node: int, n_nodes: int) -> Network:
    """The part of ``network`` that matters most to ``node``: it, its peers, and what routes lead through.

    Only live channels count. Nodes are ranked by personalised PageRank (Page et al. 1999), how often a
    walker is met who keeps coming back to ``node``, discounted for size: what is near, and the hubs that
    everything runs through. Peers come first; then the best-ranked neighbour of what has been taken joins,
    so that all hang together.

    Nodes are renumbered; find ``node`` again by its id: ``part.node_index(str(network.node_ids[node]))``.

    Raises:
        InputError: when ``node`` is no node, has no live channel, or ``n_nodes`` is below 2.
    """
    if not 0 <= node < network.n_nodes:
        raise InputError(f"{network.name}: no node {node}; give an index below {network.n_nodes}")
    node_id = str(network.node_ids[node])
    if n_nodes < 2:
        raise InputError(f"a neighbourhood of {n_nodes} nodes holds no channel; ask for 2 or more")
    low, high, _ = connected_pairs(network, network.live_channels)
    adjacency = pair_adjacency(low, high, network.n_nodes)
    if adjacency.indptr[node] == adjacency.indptr[node + 1]:
        raise InputError(f"{network.name}: node {node_id} has no live channel; choose one that has")
    size = np.maximum(np.diff(adjacency.indptr), 1)
    keep = _grow(adjacency, node, personalised_pagerank(adjacency, node) / size**_SIZE_DISCOUNT, n_nodes)
    return network.induced(keep, network.live_channels, name=f"{network.name} around {node_id}")


def mid_size_nodes(network: Network, low: int = 5, high: int = 15) -> Ints:
    """Nodes with ``low`` to ``high`` live channels, ascending: the size of node that an operator herds."""
    live_edge = np.repeat(network.live_channels, 2)
    n_live = np.bincount(network.edge_source[live_edge], minlength=network.n_nodes)
    return np.flatnonzero((n_live >= low) & (n_live <= high)).astype(np.int64)


def personalised_pagerank(adjacency: csr_array, node: int) -> Floats:
    """``[N]`` share of time a walker spends at each node who returns to ``node`` with probability 0.15 a step."""
    degree = np.diff(adjacency.indptr)
    per_partner = np.divide(1.0, degree, out=np.zeros(len(degree)), where=degree > 0)
    home = np.zeros(len(degree))
    home[node] = 1.0
    rank = home.copy()
    for _ in range(_ITERATIONS):
        rank = _RESTART * home + (1 - _RESTART) * (adjacency @ (rank * per_partner))
    return rank


def _grow(adjacency: csr_array, node: int, rank: Floats, n_nodes: int) -> Bools:
    """Mark ``node``, its peers and, best rank first, what is joined to the nodes marked so far: ``n_nodes`` in all."""
    marked = np.zeros(len(rank), dtype=np.bool_)
    marked[node] = True
    n_marked, waiting, seen = 1, _ranked(adjacency, node, rank, peers_of_home=True), {node}
    seen.update(candidate for _, _, candidate in waiting)
    heapq.heapify(waiting)
    while waiting and n_marked < n_nodes:
        candidate = heapq.heappop(waiting)[2]
        marked[candidate] = True
        n_marked += 1
        for entry in _ranked(adjacency, candidate, rank):
            if entry[2] not in seen:
                seen.add(entry[2])
                heapq.heappush(waiting, entry)
    return marked


def _ranked(
    adjacency: csr_array, node: int, rank: Floats, *, peers_of_home: bool = False
) -> list[tuple[bool, float, int]]:
    """Heap entries of the partners of ``node``: peers of home before all others, then by rank, ties by index."""
    partners = adjacency.indices[adjacency.indptr[node] : adjacency.indptr[node + 1]].tolist()
    return [(not peers_of_home, -float(rank[partner]), partner) for partner in partners]
