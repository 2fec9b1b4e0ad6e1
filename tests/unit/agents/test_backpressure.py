"""Backpressure: the short way first, away from where HTLCs pile up, back when they are resolved."""

from tests.support.hop_batches import batch_of
from tests.support.small_networks import network_of

from lnherd.agents.backpressure import Backpressure

NETWORK = network_of([(0, 1, 50, 50), (1, 4, 50, 50), (0, 2, 50, 50), (2, 3, 50, 50), (3, 4, 50, 50)])
AT_SOURCE = (0, 4, -1, 10, [4, 0], False)
OVER_1, OVER_2 = 3, 2


def test_what_piles_up_is_gone_around_and_resolved_htlcs_count_no_more():
    policy = Backpressure(NETWORK, bias=1.5)
    chosen = [policy.choose(batch_of(AT_SOURCE, first=number)).tolist()[0] for number in range(3)]
    assert chosen == [OVER_1, OVER_1, OVER_2]
    resolved = batch_of(AT_SOURCE, first=3, outcomes=[(0, True), (1, False)])
    assert policy.choose(resolved).tolist() == [OVER_1]


def test_the_destination_has_no_queue():
    policy = Backpressure(NETWORK, bias=0.1)
    to_receiver = (1, 4, 0, 10, [1, 2], False)
    chosen = [policy.choose(batch_of(to_receiver, first=number)).tolist()[0] for number in range(5)]
    assert chosen == [3] * 5


def test_an_episode_begins_with_empty_queues():
    policy = Backpressure(NETWORK, bias=1.5)
    policy.choose(batch_of(*[AT_SOURCE] * 9))
    policy.begin(1)
    assert policy.choose(batch_of(AT_SOURCE)).tolist() == [OVER_1]


def test_giving_up_and_splitting_fill_no_queue():
    policy = Backpressure(NETWORK, bias=1.5)
    assert policy.choose(batch_of((0, 4, -1, 10, [], True), (0, 4, -1, 10, [], False))).tolist() == [1, 0]
    told = batch_of(AT_SOURCE, first=2, outcomes=[(0, True), (1, False)])
    assert policy.choose(told).tolist() == [OVER_1]
    assert policy.choose(batch_of()).tolist() == []
