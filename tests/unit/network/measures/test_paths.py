import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from lnherd.network.measures.cohesion import pair_adjacency
from lnherd.network.measures.paths import hop_counts


def line(n_nodes):
    return pair_adjacency(np.arange(n_nodes - 1), np.arange(1, n_nodes), n_nodes)


def test_a_line_seen_from_one_end():
    assert hop_counts(line(5), np.array([0])).tolist() == [1, 1, 1, 1, 1]


def test_a_line_seen_from_everywhere():
    assert hop_counts(line(4), np.arange(4)).tolist() == [4, 6, 4, 2]


def test_nodes_without_neighbours_reach_nobody():
    adjacency = pair_adjacency(np.array([1]), np.array([3]), 5)
    assert hop_counts(adjacency, np.arange(5)).tolist() == [5, 2]


def test_no_sources():
    assert hop_counts(line(4), np.empty(0, dtype=np.int64)).tolist() == []


def test_more_sources_than_bits_in_a_word_agree_with_dijkstra():
    rng = np.random.default_rng(0)
    low, high = np.unique(np.sort(rng.integers(150, size=(220, 2)), axis=1), axis=0).T
    apart = low != high
    adjacency: csr_array = pair_adjacency(low[apart], high[apart], 150)
    distance = shortest_path(adjacency, unweighted=True)
    expected = np.bincount(distance[np.isfinite(distance)].astype(int))
    assert hop_counts(adjacency, np.arange(150)).tolist() == expected.tolist()
