import itertools

import numpy as np
import pytest

from lnherd.network.measures.cohesion import local_clustering, max_core, pair_adjacency, triangles


def graph(*pairs):
    low, high = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return low, high


def random_graph(n_nodes, seed):
    pairs = np.array(list(itertools.combinations(range(n_nodes), 2)))
    return pairs[np.random.default_rng(seed).random(len(pairs)) < 0.25].T


def test_a_triangle_with_a_tail():
    low, high = graph((0, 1), (0, 2), (1, 2), (2, 3))
    assert triangles(low, high, 4).tolist() == [1, 1, 1, 0]
    local, transitivity = local_clustering(low, high, 4)
    assert local.tolist() == pytest.approx([1, 1, 1 / 3, 0])
    assert transitivity == pytest.approx(3 / 5)


@pytest.mark.parametrize("seed", range(5))
def test_triangles_agree_with_counting_them_one_by_one(seed):
    low, high = random_graph(25, seed)
    joined = {frozenset(pair) for pair in zip(low.tolist(), high.tolist(), strict=True)}
    expected = np.zeros(25, dtype=int)
    for trio in itertools.combinations(range(25), 3):
        if all(frozenset(pair) in joined for pair in itertools.combinations(trio, 2)):
            expected[list(trio)] += 1
    assert triangles(low, high, 25).tolist() == expected.tolist()


def test_no_pairs_at_all():
    low, high = graph()
    local, transitivity = local_clustering(low, high, 3)
    assert local.tolist() == [0, 0, 0]
    assert transitivity == 0
    assert max_core(pair_adjacency(low, high, 3)) == 0


def test_the_core_of_a_clique_with_a_tail():
    clique = list(itertools.combinations(range(5), 2))
    assert max_core(pair_adjacency(*graph(*clique, (4, 5), (5, 6)), 7)) == 4


def test_the_core_of_a_cycle_and_of_a_tree():
    assert max_core(pair_adjacency(*graph((0, 1), (1, 2), (2, 3), (0, 3)), 4)) == 2
    assert max_core(pair_adjacency(*graph((0, 1), (0, 2), (0, 3)), 4)) == 1
