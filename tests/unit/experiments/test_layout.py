import numpy as np

from lnherd.experiments.report.layout import BREADTH, hops_from, positions
from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import zero_records

TREE = [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (5, 6)]


def network_of(n_nodes, pairs):
    channels = zero_records(len(pairs), CHANNEL_DTYPE)
    channels.node1, channels.node2 = np.array(pairs).T
    channels.capacity_msat, channels.scid = 1_000_000, -1
    return Network(np.array([f"n{i}" for i in range(n_nodes)]), channels, empty_edges(len(pairs)))


def test_hops_by_hand():
    network = network_of(8, [*TREE, (3, 5)])
    assert hops_from(network, 0).tolist() == [0, 1, 1, 2, 2, 2, 3, -1]
    assert hops_from(network, 6).tolist() == [3, 3, 2, 2, 4, 1, 0, -1]


def test_every_node_is_on_the_ring_of_its_hops():
    network = network_of(7, TREE)
    radius = np.linalg.norm(positions(network, 0), axis=1)
    unit = radius[6] / (3 + BREADTH * ((6 * 0.6180339887498949) % 1.0 - 0.5))
    assert radius[0] == 0.0
    assert np.all(np.abs(radius / unit - hops_from(network, 0)) <= BREADTH / 2 + 1e-9)


def test_branches_of_a_tree_do_not_cross():
    """Sectors: everything behind node 1 lies on one side, everything behind node 2 on the other."""
    place = positions(network_of(7, TREE), 0)
    angle = np.arctan2(place[:, 1], place[:, 0]) % (2 * np.pi)
    assert max(angle[[1, 3, 4]]) < min(angle[[2, 5, 6]])


def test_the_disc_fills_evenly():
    star = network_of(9, [(0, i) for i in range(1, 9)])
    place = positions(star, 0)[1:]
    angle = np.sort(np.arctan2(place[:, 1], place[:, 0]))
    assert np.allclose(np.diff(angle), np.pi / 4)


def test_parts_that_cannot_be_reached_are_outermost():
    place = positions(network_of(4, [(0, 1), (2, 3)]), 0)
    radius = np.linalg.norm(place, axis=1)
    assert min(radius[2:]) > max(radius[:2])


def test_same_network_same_drawing_and_tiny_ones():
    network = network_of(7, TREE)
    assert np.array_equal(positions(network, 2), positions(network, 2))
    assert np.array_equal(positions(network_of(2, [(0, 1)]), 1)[1], [0.0, 0.0])
