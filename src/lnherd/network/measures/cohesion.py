"""How tightly a network is knit: triangles, clustering, cores. On the simple graph of connected pairs."""

import numpy as np
from scipy.sparse import csr_array

from lnherd.network.records import Floats, Indices, Ints

_ROWS_PER_BLOCK = 8_192


def pair_adjacency(low: Indices, high: Indices, n_nodes: int) -> csr_array:
    """Symmetric 0/1 matrix ``[N, N]`` of the node pairs ``(low, high)``, each listed once."""
    ones = np.ones(2 * len(low), dtype=np.int32)
    ends = (np.concatenate([low, high]), np.concatenate([high, low]))
    return csr_array((ones, ends), shape=(n_nodes, n_nodes))


def triangles(low: Indices, high: Indices, n_nodes: int) -> Ints:
    """``[N]`` triangles through each node.

    Pairs are directed from the node of lower degree to that of higher degree, so that even a hub has
    few outgoing ones and the sparse products stay small (Latapy 2008).
    """
    degree = np.bincount(np.concatenate([low, high]), minlength=n_nodes)
    rank = np.empty(n_nodes, dtype=np.int64)
    rank[np.argsort(degree, kind="stable")] = np.arange(n_nodes)
    tail, head = np.where(rank[low] < rank[high], (low, high), (high, low))
    upward = csr_array((np.ones(len(tail), dtype=np.int32), (tail, head)), shape=(n_nodes, n_nodes))
    upward_t = upward.T.tocsr()
    count = np.zeros(n_nodes, dtype=np.int64)
    for first in range(0, n_nodes, _ROWS_PER_BLOCK):
        rows = upward[first : first + _ROWS_PER_BLOCK]
        closed = (rows @ upward).multiply(rows).tocsr()  # i -> j -> k with i -> k
        count[first : first + rows.shape[0]] += closed.sum(axis=1)
        count += closed.sum(axis=0)
        count += (rows @ upward_t).multiply(rows).tocsr().sum(axis=0)  # i -> j, j -> k with i -> k, at j
    return count


def local_clustering(low: Indices, high: Indices, n_nodes: int) -> tuple[Floats, float]:
    """Clustering coefficient ``[N]`` of each node (0 below two neighbours) and the transitivity of the whole."""
    degree = np.bincount(np.concatenate([low, high]), minlength=n_nodes)
    possible = degree * (degree - 1) / 2
    count = triangles(low, high, n_nodes)
    local = np.divide(count, possible, out=np.zeros(n_nodes), where=possible > 0)
    return local, float(count.sum() / possible.sum()) if possible.any() else 0.0


def max_core(adjacency: csr_array) -> int:
    """Largest ``k`` for which some nodes all have ``k`` neighbours among themselves (Seidman 1983)."""
    degree = np.diff(adjacency.indptr).astype(np.int64)
    alive = np.ones(len(degree), dtype=np.bool_)
    core = 0
    while alive.any():
        core = max(core, int(degree[alive].min()))
        leaving = alive & (degree <= core)
        alive &= ~leaving
        degree -= adjacency @ leaving.astype(np.int64)
    return core
