"""Waterfilling: the path with most room, counted down within a moment; followed on the way; split where none fits."""

import numpy as np
from tests.support.hop_batches import batch_of
from tests.support.small_networks import network_of

from lnherd.agents.waterfilling import Waterfilling

NETWORK = network_of([(0, 1, 50, 50), (1, 4, 50, 50), (0, 2, 50, 50), (2, 3, 50, 50), (3, 4, 50, 50)])
OVER_1, OVER_2 = 3, 2


def policy_with(short_sat, long_sat):
    """Room along 0 - 1 - 4 and 0 - 2 - 3 - 4."""
    room = np.full(10, 90_000, dtype=np.int64)
    room[2], room[6] = 1_000 * short_sat, 1_000 * long_sat
    return Waterfilling(NETWORK, lambda: room.copy())


def at_source(amount_sat, may_split=False):
    return (0, 4, -1, amount_sat, [4, 0], may_split)


def test_the_path_with_most_room_is_taken_and_gets_fuller():
    policy = policy_with(short_sat=30, long_sat=40)
    assert policy.choose(batch_of(at_source(15), at_source(5), at_source(5))).tolist() == [OVER_2, OVER_1, OVER_1]


def test_the_path_is_followed_on_the_way():
    policy = policy_with(short_sat=10, long_sat=40)
    policy.choose(batch_of(at_source(15)))
    assert policy.choose(batch_of((2, 4, 4, 15, [5, 6], False))).tolist() == [3]


def test_a_channel_that_cannot_carry_it_any_more_fails_the_part():
    policy = policy_with(short_sat=10, long_sat=40)
    policy.choose(batch_of(at_source(15)))
    assert policy.choose(batch_of((2, 4, 4, 15, [5], False))).tolist() == [0]


def test_what_no_path_can_carry_is_split_or_tried():
    policy = policy_with(short_sat=10, long_sat=12)
    assert policy.choose(batch_of(at_source(20, may_split=True))).tolist() == [1]
    assert policy.choose(batch_of(at_source(20, may_split=False))).tolist() == [OVER_2]


def test_a_path_whose_first_channel_is_not_possible_is_left_out():
    policy = policy_with(short_sat=10, long_sat=40)
    assert policy.choose(batch_of((0, 4, -1, 5, [0], False))).tolist() == [2]
    assert policy.choose(batch_of((0, 4, -1, 5, [], False))).tolist() == [0]
    assert policy.choose(batch_of()).tolist() == []
