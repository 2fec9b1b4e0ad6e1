"""Edge-disjoint shortest paths: the shortest first, no channel twice, larger channels where hops are equal."""

from small_networks import network_of

from lnherd.network.disjoint_paths import disjoint_paths

# Two ways of two hops, over 1 and over 2, and one of three over 3 and 4; the way over 2 has larger channels.
CHANNELS = [
    (0, 1, 50, 50),
    (1, 5, 50, 50),
    (0, 2, 90, 90),
    (2, 5, 90, 90),
    (0, 3, 70, 70),
    (3, 4, 70, 70),
    (4, 5, 70, 70),
]


def test_short_ways_come_first_and_larger_channels_before_smaller():
    assert disjoint_paths(network_of(CHANNELS), 0, 5, 4) == [[4, 6], [0, 2], [8, 10, 12]]


def test_no_more_than_asked_for():
    assert disjoint_paths(network_of(CHANNELS), 0, 5, 1) == [[4, 6]]


def test_disabled_directions_are_no_way():
    network = network_of(CHANNELS, policies={4: {"enabled": False}})
    assert disjoint_paths(network, 0, 5, 4) == [[0, 2], [8, 10, 12]]
    assert disjoint_paths(network, 5, 0, 1) == [[7, 5]]


def test_nowhere_to_go():
    assert disjoint_paths(network_of([(0, 1, 5, 5), (2, 3, 5, 5)]), 0, 3, 4) == []


def test_channels_of_others_that_charge_more_are_no_way_but_the_payers_own_cost_it_nothing():
    network = network_of(CHANNELS, policies={0: {"fee_ppm": 900}, 6: {"fee_ppm": 900}})
    assert disjoint_paths(network, 0, 5, 4, most_ppm=500) == [[0, 2], [8, 10, 12]]
