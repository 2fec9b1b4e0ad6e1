"""Drawing choices from a scoring network, and recording them."""

import numpy as np
import pytest
from small_networks import SAT, network_of, payments_of

from lnherd.control.hop_encode import CANDIDATE_FEATURES, FIRST_CHANNEL
from lnherd.engine import ExitReason, Simulation, SimulationConfig
from lnherd.engine.codes import GIVE_UP
from lnherd.engine.hop_network import Exploration, ScoringNetwork
from lnherd.engine.hop_observing import PendingChoices

FAN = [(0, peer, 500_000, 0) for peer in range(1, 5)] + [(peer, 5, 500_000, 0) for peer in range(1, 5)]
"""From node 0 to 5 over one of four."""
POLICIES = {2 * channel: {"fee_ppm": 50 * channel} for channel in range(8)}
MANY = payments_of(*((10 * k, 0, 5, SAT) for k in range(600)))


def by_hops(hop_policy, payments, **settings):
    config = SimulationConfig(sender="policy", hop_policy=hop_policy, **settings)
    return Simulation(network_of(FAN, policies=POLICIES), payments, config=config)


def scorer(seed=3, size=1.0):
    network = ScoringNetwork.random(8, np.random.default_rng(seed))
    return ScoringNetwork(network.w1, network.b1, network.w2, network.b2, network.w3 * np.float32(size))


def plain_scores(network, context, features):
    inputs = np.concatenate([np.tile(context, (len(features), 1)), features], axis=1)
    return np.maximum(np.maximum(inputs @ network.w1 + network.b1, 0) @ network.w2 + network.b2, 0) @ network.w3


def test_what_is_recorded_is_what_was_seen_and_its_probability_that_of_the_softmax():
    network = scorer()
    inside = by_hops("network", MANY)
    inside.use_network(network, Exploration(seed=1))
    assert inside.run() == ExitReason.IDLE
    choices, rows = inside.fetch_choices()
    assert len(rows) == choices.n_choices.sum() and (choices.n_choices >= 2).all()
    starts = np.cumsum(choices.n_choices) - choices.n_choices
    for entry, start in zip(choices, starts, strict=True):
        features = rows.features[start : start + entry.n_choices]
        scores = plain_scores(network, entry.context, features).astype(float)
        expected = scores[entry.chosen] - np.log(np.exp(scores).sum())
        assert entry.log_probability == pytest.approx(expected, abs=1e-5)
    outside = by_hops("external", MANY)
    outside.run()
    room = PendingChoices.room_for(1, outside.config.max_candidates)
    room.observe(outside.state)
    assert np.array_equal(choices.context[0], room.context[0])
    assert np.array_equal(rows.features[: choices.n_choices[0]], room.candidates[0][room.mask[0]])
    assert len(inside.fetch_choices()[0]) == 0


def test_every_recorded_choice_has_one_outcome():
    simulation = by_hops("network", MANY)
    simulation.use_network(scorer(), Exploration(seed=1))
    simulation.run()
    outcomes, choices = simulation.fetch_outcomes(), simulation.fetch_choices()[0]
    assert len(np.unique(outcomes.decision)) == len(outcomes) == simulation.state.clock[0].decisions_total
    assert np.isin(choices.decision, outcomes.decision).all()


def shares(exploration, size=1.0):
    """How often each of the possibilities of the first decisions of node 0 was taken."""
    simulation = by_hops("network", MANY, policy_attempts=1)
    simulation.use_network(scorer(size=size), exploration)
    simulation.run(until_ms=6_500)
    choices, rows = simulation.fetch_choices()
    first = choices.node == 0
    return np.bincount(choices.chosen[first], minlength=5) / first.sum(), choices, rows


def test_choices_are_drawn_with_their_probabilities():
    found, choices, _ = shares(Exploration(seed=5))
    first = choices[choices.node == 0]
    expected = np.exp(first.log_probability)
    for position in range(5):
        taken = first.chosen == position
        if taken.sum() > 20:  # the mean probability with which it was drawn is how often it was
            assert found[position] == pytest.approx(expected[taken].mean(), abs=0.07)


def test_epsilon_draws_that_share_among_all_alike():
    found, _, _ = shares(Exploration(seed=5, epsilon=0.5))
    assert found.max() == pytest.approx(0.5 + 0.1, abs=0.08)
    assert np.sort(found)[:-1] == pytest.approx(0.1, abs=0.05)


def test_draws_follow_from_their_seed_and_without_exploration_nothing_is_drawn_or_recorded():
    first, again, other = (shares(Exploration(seed=seed))[1].chosen for seed in (5, 5, 6))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    simulation = by_hops("network", MANY)
    simulation.use_network(scorer())
    simulation.run()
    assert len(simulation.fetch_choices()[0]) == 0 and len(simulation.fetch_outcomes()) == 0


def test_news_of_a_channel_are_told():
    channels = [(0, 1, 500_000, 0), (0, 2, 500_000, 0), (1, 3, 500_000, 0), (2, 3, 500_000, 0)]
    config = SimulationConfig(sender="policy", hop_policy="external", latency_sigma=0.0)
    payments = payments_of((0, 0, 3, 100_000 * SAT))
    simulation = Simulation(network_of(channels), payments, config=config)

    def ask():
        assert simulation.run() == ExitReason.DECISION_NEEDED
        room = PendingChoices.room_for(1, config.max_candidates)
        room.observe(simulation.state)
        rows = room.candidates[0, FIRST_CHANNEL : FIRST_CHANNEL + 2]
        return dict(zip(CANDIDATE_FEATURES, rows.T.tolist(), strict=True)), room

    before, room = ask()
    assert before["was_tried"] == [0.0, 0.0] and before["failed_amount"] == [0.0, 0.0]
    first = room.choices[0, FIRST_CHANNEL]
    simulation.decide(np.array([first]))
    ask()
    simulation.decide(np.array([GIVE_UP]))  # node 1 fails it
    after, room = ask()
    assert room.choices[0, FIRST_CHANNEL] == first
    assert after["was_tried"] == [1.0, 0.0] and after["failed_amount"] == [1.0, 0.0]
    assert after["failed_lately"] == [1.0, 0.0] and after["passed_amount"] == [0.0, 0.0]
    assert after["success_rate"] == pytest.approx([1 / 3, 0.5])
    simulation.decide(np.array([room.choices[0, FIRST_CHANNEL + 1]]))
    ask()
    simulation.decide(np.array([6]))
    simulation.run()
    simulation.send(0, 3, 50_000 * SAT)
    last, room = ask()
    by_edge = dict(zip(room.choices[0, FIRST_CHANNEL:].tolist(), zip(*last.values(), strict=True), strict=False))
    names = list(last)
    tried, passed = (dict(zip(names, by_edge[edge], strict=True)) for edge in (0, 2))
    assert tried["was_tried"] == 0.0 and tried["failed_amount"] == pytest.approx(50_204 / 100_404)
    assert passed["passed_amount"] == pytest.approx(50_204 / 100_404) and passed["passed_lately"] == 1.0
