"""Betweenness: on how large a share of shortest paths a node lies (Brandes 2001, sources sampled).

lnd's autopilot ranks nodes by it. Paths count hops; channels without a live direction are left out.
"""

import numpy as np
from scipy.sparse import csr_array

from lnherd.network.graph import Network
from lnherd.network.records import Floats, Ints


def betweenness(network: Network, n_sources: int, *, seed: int) -> Floats:
    """``[N]`` betweenness estimated from ``n_sources`` nodes, as a share of the largest value."""
    live = network.live_channels
    ends = network.channels.node1[live], network.channels.node2[live]
    n = network.n_nodes
    links = csr_array((np.ones(2 * len(ends[0])), (np.concatenate(ends), np.concatenate(ends[::-1]))), shape=(n, n))
    links.data[:] = 1.0
    linked = np.flatnonzero(np.diff(links.indptr) > 0)
    sources = np.random.default_rng(seed).permutation(linked)[:n_sources]
    total = np.zeros(n)
    for source in sources.tolist():
        total += _dependencies(links, source)
    largest = float(total.max(initial=0.0))
    return total / largest if largest > 0 else total


def _dependencies(links: csr_array, source: int) -> Floats:
    """``[N]`` share of the shortest paths from ``source`` that pass through each node, summed over their ends."""
    levels, n_paths = _paths(links, source)
    through = np.zeros(links.shape[0])
    for before, level in zip(reversed(levels[:-1]), reversed(levels[1:]), strict=True):
        share = np.zeros(links.shape[0])
        share[level] = (1.0 + through[level]) / n_paths[level]
        through[before] += (links[before] @ share) * n_paths[before]
    through[source] = 0.0
    return through


def _paths(links: csr_array, source: int) -> tuple[list[Ints], Floats]:
    """Nodes by distance from ``source``, and to each the number of shortest paths."""
    n_paths = np.zeros(links.shape[0])
    seen = np.zeros(links.shape[0], dtype=np.bool_)
    n_paths[source], seen[source] = 1.0, True
    levels: list[Ints] = [np.array([source])]
    while True:
        frontier = np.zeros(links.shape[0])
        frontier[levels[-1]] = n_paths[levels[-1]]
        reached = links @ frontier
        level = np.flatnonzero((reached > 0) & ~seen)
        if len(level) == 0:
            return levels, n_paths
        n_paths[level], seen[level] = reached[level], True
        levels.append(level)
