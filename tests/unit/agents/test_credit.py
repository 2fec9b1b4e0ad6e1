"""Per-hop credit against computations written out one decision at a time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lnherd.agents.credit import followers, increments, linked_gae, linked_returns, retries
from lnherd.agents.hop_trajectory import ATTEMPT_BITS, HopTrajectory
from lnherd.agents.packing import Packed
from lnherd.agents.returns import gae, n_step


def plain_followers(keys):
    return [next((later for later in range(t + 1, len(keys)) if keys[later] == keys[t]), -1) for t in range(len(keys))]


def plain_advantage(t, rewards, values, links, discount, trace):
    """The sum of A_t = sum_k (gamma lambda)^k delta, walked along the links."""
    total, weight = 0.0, 1.0
    while t >= 0:
        following = values[links[t]] if links[t] >= 0 else 0.0
        total += weight * (rewards[t] + discount * following - values[t])
        weight *= discount * trace
        t = links[t]
    return total


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(0, 10**6))
def test_advantages_follow_the_links(keys, seed):
    rng = np.random.default_rng(seed)
    rewards, values = rng.normal(size=len(keys)), rng.normal(size=len(keys))
    links = followers(np.array(keys))
    assert links.tolist() == plain_followers(keys)
    found = linked_gae(rewards, values, links, discount=0.9, trace=0.7)
    expected = [plain_advantage(t, rewards, values, links, 0.9, 0.7) for t in range(len(keys))]
    assert found == pytest.approx(expected)


def test_one_stream_is_the_usual_estimator():
    rng = np.random.default_rng(0)
    rewards, values = rng.normal(size=20), rng.normal(size=20)
    links = followers(np.zeros(20, dtype=np.int64))
    usual = gae(rewards, np.append(values, 0.0), discount=0.95, trace=0.8, terminated=True)
    assert linked_gae(rewards, values, links, discount=0.95, trace=0.8) == pytest.approx(usual)
    returns, following, weights = linked_returns(rewards, links, n_steps=4, discount=0.95)
    theirs, their_next, their_weights = n_step(rewards, n_steps=4, discount=0.95, terminated=True)
    assert returns == pytest.approx(theirs) and weights == pytest.approx(their_weights)
    assert np.array_equal(following[weights > 0], their_next[their_weights > 0])


def way():
    """Two parts: node 0, 1, 2 forward the first, which arrives after 3 s; node 0 splits, then fails the second."""
    rewards = np.array([1.0 - 0.3, 0.0, 1.0 + 5.0 - 0.2, -1.0, 1.0 + 2.0 - 0.1])
    return HopTrajectory(
        decisions=Packed(np.zeros((5, 1), np.float32), np.zeros((10, 1), np.float32), np.full(5, 2)),
        chosen=np.zeros(5, dtype=np.int64),
        log_probabilities=np.zeros(5),
        rewards=rewards,
        fees=np.array([0.0, 0.0, 5.0, 0.0, 2.0]),
        lost=np.array([0.0, 0.0, 0.0, 1.0, 0.0]),
        node=np.array([0, 0, 1, 0, 2]),
        path=np.array([7, 9, 7, 9, 7]),
        is_split=np.array([False, True, False, False, False]),
        amounts=np.ones(5),
        totals={},
    )


def monte_carlo(credit, discount=1.0):
    return way().advantages(np.zeros(5), 1.0, discount=discount, trace=1.0, credit=credit)


def test_own_credit_is_the_outcome_and_a_split_that_of_its_half():
    assert monte_carlo("own") == pytest.approx([0.7, -1.0, 5.8, -1.0, 2.9])


def test_path_credit_adds_the_fees_earned_further_on_and_counts_the_outcome_once():
    assert monte_carlo("path") == pytest.approx([0.7 + 5.0 + 2.0, -1.0, 5.8 + 2.0, -1.0, 2.9])
    # each step is worth what it adds: the source 0.1 s, the first forwarder 0.1 s and its fee
    added = increments(way().rewards, way().fees, followers(way().path), way().is_split)
    assert added == pytest.approx([-0.1, 0.0, 4.9, -1.0, 2.9])
    assert monte_carlo("path", discount=0.5)[0] == pytest.approx(-0.1 + 0.5 * 4.9 + 0.25 * 2.9)


def test_payment_credit_forgives_a_failure_that_is_made_good():
    """Payment 3 fails behind node 1, then arrives over node 2; payment 4 fails for good, at node 0."""
    rewards = np.array([-1.0 - 0.4, -1.0, -1.0 - 0.2, 1.0 - 0.3, 1.0 + 5.0 - 0.1])
    payment, attempt = np.array([3, 4, 3, 3, 3]), np.array([0, 0, 0, 1, 1])
    played = replace(
        way(),
        rewards=rewards,
        fees=np.array([0.0, 0.0, 0.0, 0.0, 5.0]),
        lost=np.array([1.0, 1.0, 1.0, 0.0, 0.0]),
        path=(payment << ATTEMPT_BITS) + attempt,
        is_split=np.zeros(5, dtype=np.bool_),
    )
    found = played.advantages(np.zeros(5), 1.0, discount=1.0, trace=1.0, credit="payment")
    arrived = 1.0 - 0.3 + 5.0
    assert found == pytest.approx([arrived - 0.4, -1.0, arrived - 0.2, arrived, 5.9])


def test_retries_are_begun_later_by_the_same_payment():
    payment = np.array([1, 1, 2, 1, 2, 1])
    way, starts = np.array([3, 5, -1, -1, -1, -1]), np.array([0, 1, 2, 0, 4, 1])  # two parts of payment 1 side by side
    assert retries(payment, way, starts).tolist() == [-1, -1, 4, -1, -1, -1]
    assert retries(payment[:0], payment[:0], payment[:0]).tolist() == []


def test_stream_credit_adds_up_what_the_node_meets_later():
    assert monte_carlo("stream") == pytest.approx([0.7 + 0.0 - 1.0, -1.0, 5.8, -1.0, 2.9])


def test_returns_for_replay_stop_where_the_links_do():
    returns, following, weights = way().transitions(n_steps=1, discount=0.9, credit="own")
    assert returns == pytest.approx(way().rewards) and weights.tolist() == [0.0, 0.9, 0.0, 0.0, 0.0]
    assert following[1] == 3
