import numpy as np
import pytest
from small_networks import line_of, network_of

from lnherd.network.measures.centrality import betweenness


def test_a_line_by_hand():
    # pairs through node 1: (0,2) (0,3) (0,4) = 3, node 2: (0,3) (0,4) (1,3) (1,4) = 4
    assert betweenness(line_of(5), 5, seed=0) == pytest.approx([0, 0.75, 1, 0.75, 0])


def test_two_shortest_paths_share():
    diamond = network_of([(0, 1, 1, 1), (0, 2, 1, 1), (1, 3, 1, 1), (2, 3, 1, 1), (3, 4, 1, 1)])
    # 0-3 and 0-4 are split over nodes 1 and 2; 1-4, 2-4, 0-4 and (1,2) half pass node 3
    assert betweenness(diamond, 5, seed=0) == pytest.approx(np.array([0.5, 1.0, 1.0, 3.5, 0]) / 3.5)


def test_nobody_is_between_on_a_single_channel_and_dead_ones_do_not_count():
    assert betweenness(network_of([(0, 1, 1, 1)]), 2, seed=0).tolist() == [0, 0]
    dead = network_of([(0, 1, 1, 1), (1, 2, 1, 1)], policies={2: {"enabled": False}, 3: {"enabled": False}})
    assert betweenness(dead, 3, seed=0).tolist() == [0, 0, 0]
