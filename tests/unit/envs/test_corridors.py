import numpy as np

from lnherd.envs.corridors import transit_pairs
from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import zero_records


def network_of(pairs, n_nodes):
    channels = zero_records(len(pairs), CHANNEL_DTYPE)
    channels.node1, channels.node2 = np.array(pairs).T
    channels.capacity_msat, channels.scid = 10**9, -1
    edges = empty_edges(len(pairs))
    edges.enabled = True
    return Network(np.array([f"n{i}" for i in range(n_nodes)]), channels, edges)


def test_everything_in_a_star_passes_its_centre():
    senders, receivers = transit_pairs(network_of([(0, 1), (0, 2), (0, 3)], 4), 0, 1_000)
    pairs = set(zip(senders.tolist(), receivers.tolist(), strict=True))
    assert pairs == {(a, b) for a in (1, 2, 3) for b in (1, 2, 3) if a != b}


def test_a_shortcut_takes_its_pair_away_and_a_dead_direction_counts_for_nothing():
    network = network_of([(0, 1), (0, 2), (0, 3), (1, 2)], 4)
    pairs = set(zip(*(side.tolist() for side in transit_pairs(network, 0, 1_000)), strict=True))
    assert (1, 2) not in pairs and (2, 1) not in pairs and (1, 3) in pairs
    network.edges.enabled[6] = False  # 1 -> 2
    pairs = set(zip(*(side.tolist() for side in transit_pairs(network, 0, 1_000)), strict=True))
    assert (1, 2) in pairs and (2, 1) not in pairs


def test_a_cheaper_way_of_the_same_length_wins():
    network = network_of([(0, 1), (0, 2), (3, 1), (3, 2)], 4)
    network.edges.base_fee_msat[:4] = 5_000
    assert len(transit_pairs(network, 0, 1_000)[0]) == 0
    network.edges.base_fee_msat[4:] = 9_000
    pairs = set(zip(*(side.tolist() for side in transit_pairs(network, 0, 1_000)), strict=True))
    assert pairs == {(1, 2), (2, 1)}


def test_too_small_channels_carry_nothing():
    assert len(transit_pairs(network_of([(0, 1), (0, 2)], 3), 0, 2 * 10**9)[0]) == 0
