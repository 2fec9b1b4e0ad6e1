import dataclasses

import numpy as np
import pytest

from lnherd.network.synthetic.topology import (
    MAINNET_NODES,
    TopologyConfig,
    degree_distribution,
    draw_degrees,
    draw_topology,
    pair_stars,
)

CONFIG = TopologyConfig()


def test_degrees_follow_their_distribution():
    degree = draw_degrees(CONFIG, MAINNET_NODES, np.random.default_rng(0))
    expected = np.cumsum(degree_distribution(CONFIG, MAINNET_NODES))
    measured = np.searchsorted(np.sort(degree), np.arange(1, len(expected) + 1), side="right") / len(degree)
    assert np.abs(measured - expected).max() < 0.001
    assert degree.sum() % 2 == 0
    assert (np.diff(degree) <= 0).all()


def test_the_largest_node_of_a_mainnet_has_a_quarter_of_the_nodes_as_channels():
    degree = draw_degrees(CONFIG, MAINNET_NODES, np.random.default_rng(0))
    assert degree[0] == pytest.approx(0.267 * MAINNET_NODES, abs=2)


@pytest.mark.parametrize(
    ("n_nodes", "lowest", "highest"), [(20, 2, 6), (200, 4, 8), (7_000, 9.3, 10.2), (100_000, 10, 14)]
)
def test_the_mean_degree_changes_slowly_with_size(n_nodes, lowest, highest):
    assert lowest < draw_degrees(CONFIG, n_nodes, np.random.default_rng(0)).mean() < highest


def test_no_node_has_more_channels_than_a_small_network_has_others():
    degree = draw_degrees(CONFIG, 8, np.random.default_rng(0))
    assert degree.max() <= 8


def test_stars_hold_their_share_of_the_leaves_and_little_else():
    degree = draw_degrees(CONFIG, MAINNET_NODES, np.random.default_rng(0))
    hub, partner = pair_stars(CONFIG, degree, np.random.default_rng(1))
    to_leaf = degree[partner] == 1
    assert to_leaf.sum() == pytest.approx(0.42 * (degree == 1).sum(), rel=0.03)
    assert to_leaf.mean() == pytest.approx(0.975, abs=0.01)
    assert len(np.unique(partner[to_leaf])) == to_leaf.sum()
    assert (np.bincount(hub, minlength=len(degree))[np.unique(hub)] == degree[np.unique(hub)]).all()
    assert degree[partner].max() < degree[np.unique(hub)].max()


def test_there_are_no_stars_where_nobody_is_a_leaf():
    hub, partner = pair_stars(CONFIG, np.array([4, 3, 3, 2, 2]), np.random.default_rng(0))
    assert len(hub) == len(partner) == 0


def test_without_joining_a_mainnet_keeps_small_components_and_all_degrees():
    config = dataclasses.replace(CONFIG, connected=False)
    ends = draw_topology(config, 3_000, np.random.default_rng(0))
    degree = draw_degrees(config, 3_000, np.random.default_rng(0))
    assert (np.bincount(np.concatenate(ends), minlength=3_000) == degree).all()


def test_triad_sweeps_make_the_clustering():
    from lnherd.network.measures.cohesion import local_clustering

    def clustering(sweeps):
        near, far = draw_topology(dataclasses.replace(CONFIG, triad_sweeps=sweeps), 3_000, np.random.default_rng(0))
        pair = np.unique(np.minimum(near, far) * 3_000 + np.maximum(near, far))
        return local_clustering(pair // 3_000, pair % 3_000, 3_000)[0].mean()

    assert clustering(6) > 1.3 * clustering(0)
