"""Q-routing: begins with hops, believes what the next node tells, forgets between episodes unless told to keep."""

import numpy as np
import pytest
from tests.support.hop_batches import batch_of
from tests.support.small_networks import network_of

from lnherd.agents.q_routing import QRouting, QRoutingConfig
from lnherd.errors import InputError

# A short way 0 - 1 - 4 and a longer one 0 - 2 - 3 - 4.
NETWORK = network_of([(0, 1, 50, 50), (1, 4, 50, 50), (0, 2, 50, 50), (2, 3, 50, 50), (3, 4, 50, 50)])
AT_SOURCE = (0, 4, -1, 10, [4, 0], False)
STUCK_AT_1 = (1, 4, 0, 10, [], False)


def test_it_begins_with_the_shortest_way():
    assert QRouting(NETWORK).choose(batch_of(AT_SOURCE)).tolist() == [3]


def test_a_way_that_fails_is_left_after_some_reports():
    policy = QRouting(NETWORK, QRoutingConfig(learning_rate=0.5, failure_cost=20.0))
    policy.choose(batch_of(STUCK_AT_1))
    assert policy.choose(batch_of(AT_SOURCE)).tolist() == [2]


def test_what_the_next_node_expects_is_believed_step_by_step():
    policy = QRouting(NETWORK, QRoutingConfig(learning_rate=1.0))
    policy.choose(batch_of((3, 4, 6, 10, [], False)))  # 3 is stuck: 2 thinks 20 of the way over 3
    policy.choose(batch_of((2, 4, 4, 10, [6], False)))  # and tells 0
    policy.choose(batch_of(STUCK_AT_1))
    assert policy._rows.table[0, [0, 4, 6]].tolist() == [20.0, 20.0, 20.0]


def test_it_forgets_unless_told_to_keep():
    policy = QRouting(NETWORK)
    policy.choose(batch_of(STUCK_AT_1))
    policy.begin(1)
    assert policy.choose(batch_of(AT_SOURCE)).tolist() == [3]
    policy.choose(batch_of(STUCK_AT_1))
    policy.keep()
    policy.begin(2)
    assert policy.choose(batch_of(AT_SOURCE)).tolist() == [2]


def test_it_learns_nothing_once_frozen():
    policy = QRouting(NETWORK)
    policy.freeze_after(1_000)
    policy.choose(batch_of(STUCK_AT_1, now_ms=1_000))
    assert policy.choose(batch_of(AT_SOURCE, now_ms=1_000)).tolist() == [3]
    policy.choose(batch_of(STUCK_AT_1, now_ms=999))
    assert policy.choose(batch_of(AT_SOURCE, now_ms=1_000)).tolist() == [2]


def test_amounts_are_told_apart_where_asked():
    policy = QRouting(NETWORK, QRoutingConfig(bands_sat=(100,)))
    policy.choose(batch_of((1, 4, 0, 500, [], False)))
    small, large = (0, 4, -1, 99, [4, 0], False), (0, 4, -1, 100, [4, 0], False)
    assert policy.choose(batch_of(small, large)).tolist() == [3, 2]


def test_without_a_channel_it_splits_or_gives_up():
    policy = QRouting(NETWORK)
    assert policy.choose(batch_of((0, 4, -1, 10, [], True), (1, 4, 0, 10, [], False))).tolist() == [1, 0]
    assert policy.choose(batch_of()).tolist() == []


@pytest.mark.parametrize("wrong", [{"learning_rate": 1.5}, {"failure_cost": 0.0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        QRoutingConfig(**wrong)


def test_many_destinations_keep_their_rows():
    n_nodes = 40
    line = network_of([(node, node + 1, 50, 50) for node in range(n_nodes - 1)])
    policy = QRouting(line)
    for receiver in range(1, n_nodes):
        policy.choose(batch_of((0, receiver, -1, 10, [0], False)))
    rows = policy._rows.of(np.array([1, 10, 15]))
    assert policy._rows.table[rows, 0].tolist() == [1.0, 10.0, 15.0]
