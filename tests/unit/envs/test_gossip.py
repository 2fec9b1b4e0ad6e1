import numpy as np
from small_networks import network_of

from lnherd.envs.gossip import Gossip, weighted_median


def test_weighted_median():
    assert weighted_median(np.array([5, 1, 9]), np.array([1, 1, 3])) == 9
    assert weighted_median(np.array([5, 1]), np.array([1, 1])) == 1
    assert weighted_median(np.array([], dtype=np.int64), np.array([], dtype=np.int64)) == -1


def test_rivals_are_those_who_send_into_the_same_peer():
    # node 0 herds; its peer 1 has channels with 2 (large) and 3 (small), its peer 4 has none
    network = network_of(
        [(0, 1, 100, 100), (2, 1, 400, 400), (3, 1, 50, 50), (0, 4, 100, 100)],
        policies={2: {"fee_ppm": 700, "base_fee_msat": 5}, 4: {"fee_ppm": 10}},
    )
    columns = Gossip(network).rivals(network.edges, np.array([1, 4]), 0)
    assert columns["market_fee_ppm"].tolist() == [700, -1]
    assert columns["market_base_fee_msat"].tolist() == [5, -1]
    assert columns["n_larger_rivals"].tolist() == [1, 0]
    assert columns["n_smaller_rivals"].tolist() == [1, 0]


def test_fees_are_those_of_the_moment():
    network = network_of([(0, 1, 100, 100), (2, 1, 100, 100)])
    gossip, edges = Gossip(network), network.edges.copy()
    edges.fee_ppm[2] = 9
    assert gossip.rivals(edges, np.array([1]), 0)["market_fee_ppm"].tolist() == [9]
