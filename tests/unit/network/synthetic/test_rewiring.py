import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from lnherd.network.measures.cohesion import local_clustering
from lnherd.network.synthetic.matching import match_stubs, stub_classes
from lnherd.network.synthetic.rewiring import ParallelLimit, close_triads, join_components, limit_parallel


@pytest.fixture
def stubs():
    stubs = np.random.default_rng(3).zipf(2.0, 3_000).clip(1, 300)
    stubs[0] += stubs.sum() % 2
    return stubs


@pytest.fixture
def ends(stubs):
    return match_stubs(stubs, 0.3, np.random.default_rng(0))


def degrees(ends, n_nodes):
    return np.bincount(np.concatenate(ends), minlength=n_nodes)


def channels_per_pair(ends, n_nodes):
    return np.unique(np.minimum(*ends) * n_nodes + np.maximum(*ends), return_counts=True)[1]


def n_components(ends, n_nodes):
    arcs = csr_array((np.ones(len(ends[0])), ends), shape=(n_nodes, n_nodes))
    return connected_components(arcs, directed=False)[0]


def test_without_tolerance_no_parallel_channel_and_no_loop_is_left(ends, stubs):
    limit = ParallelLimit(0.0, 1.0, np.random.default_rng(1))
    rewired = limit_parallel(ends, len(stubs), limit, np.random.default_rng(2))
    assert channels_per_pair(ends, len(stubs)).max() > 1
    assert channels_per_pair(rewired, len(stubs)).max() == 1
    assert (rewired[0] != rewired[1]).all()
    assert (degrees(rewired, len(stubs)) == degrees(ends, len(stubs))).all()


def test_some_pairs_may_keep_parallel_channels(ends, stubs):
    limit = ParallelLimit(0.5, 0.3, np.random.default_rng(1))
    rewired = limit_parallel(ends, len(stubs), limit, np.random.default_rng(2))
    before, after = (np.mean(channels_per_pair(e, len(stubs)) > 1) for e in (ends, rewired))
    assert 0 < after < 0.8 * before


def test_the_limit_is_a_fixed_number_of_each_pair():
    limit = ParallelLimit(0.4, 1.0, np.random.default_rng(0))
    pairs = np.arange(100_000)
    extra = limit.extra_channels(pairs)
    assert (extra == limit.extra_channels(pairs)).all()
    assert np.mean(extra >= 1) == pytest.approx(0.4, abs=0.01)
    assert np.mean(extra >= 2) == pytest.approx(0.2, abs=0.01)


def test_what_cannot_be_resolved_stays_but_loops_go():
    near, far = np.array([0, 0, 0, 1]), np.array([1, 1, 1, 1])
    limit = ParallelLimit(0.0, 1.0, np.random.default_rng(0))
    rewired = limit_parallel((near, far), 2, limit, np.random.default_rng(0))
    assert (rewired[0] != rewired[1]).all()
    assert len(rewired[0]) == 3


def test_triads_close_and_nothing_else_changes(ends, stubs):
    n_nodes, label = len(stubs), stub_classes(stubs)

    def mixing(e):
        count = np.zeros((label.max() + 1,) * 2)
        np.add.at(count, (label[e[0]], label[e[1]]), 1)
        return count + count.T

    def clustering(e):
        pair = np.unique(np.minimum(*e) * n_nodes + np.maximum(*e))
        pair = pair[pair // n_nodes != pair % n_nodes]
        return local_clustering(pair // n_nodes, pair % n_nodes, n_nodes)[0].mean()

    closed = ends
    for sweep in range(8):
        closed = close_triads(closed, label, np.random.default_rng(sweep))
    assert clustering(closed) > 1.1 * clustering(ends)
    assert (degrees(closed, n_nodes) == degrees(ends, n_nodes)).all()
    assert (mixing(closed) == mixing(ends)).all()


def test_triads_of_nothing():
    nothing = np.empty(0, dtype=np.int64)
    assert len(close_triads((nothing, nothing), np.zeros(3, dtype=np.int64), np.random.default_rng(0))[0]) == 0


def test_components_are_joined_by_exchanges_alone_where_there_are_cycles(ends, stubs):
    assert n_components(ends, len(stubs)) > 1
    joined = join_components(ends, len(stubs), np.random.default_rng(0))
    assert n_components(joined, len(stubs)) == 1
    assert (degrees(joined, len(stubs)) == degrees(ends, len(stubs))).all()


def test_trees_and_isolated_nodes_are_joined_by_added_channels():
    near, far = np.array([0, 1, 3]), np.array([1, 2, 4])  # a path of three, a pair, and node 5 alone
    joined = join_components((near, far), 6, np.random.default_rng(0))
    assert n_components(joined, 6) == 1
    assert len(joined[0]) == 5


def test_a_network_without_any_channel_is_joined():
    nothing = np.empty(0, dtype=np.int64)
    joined = join_components((nothing, nothing), 4, np.random.default_rng(0))
    assert n_components(joined, 4) == 1
