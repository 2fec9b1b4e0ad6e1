"""Hop by hop: what the nodes on the way choose, what it costs, and what is told about it afterwards."""

import numpy as np
import pytest
from small_networks import SAT, line_of, network_of, payments_of

from lnherd.engine import ExitReason, Simulation, SimulationConfig
from lnherd.engine.codes import FAILED, GIVE_UP, NO_ROUTE, SPLIT, SUCCEEDED
from lnherd.engine.hop_features import CANDIDATE_FEATURES, CONTEXT_FEATURES, FIRST_CHANNEL
from lnherd.engine.hop_network import N_INPUTS, ScoringNetwork
from lnherd.engine.hop_observing import PendingChoices
from lnherd.errors import InputError

DIAMOND = [(0, 1, 500_000, 0), (0, 2, 500_000, 0), (1, 3, 500_000, 0), (2, 3, 500_000, 0)]
"""From node 0 to 3 over 1 or 2."""


def by_hops(hop_policy="shortest", **changes):
    return SimulationConfig(sender="policy", hop_policy=hop_policy, **changes)


def ask(simulation, until_ms=None):
    assert simulation.run(until_ms) == ExitReason.DECISION_NEEDED
    room = PendingChoices.room_for(len(simulation.pending), simulation.config.max_candidates)
    assert room.observe(simulation.state) == len(simulation.pending)
    return room


def test_each_hop_takes_its_fee_and_the_rest_of_the_budget_reaches_the_receiver():
    simulation = Simulation(line_of(4), payments_of((0, 0, 3, 100_000 * SAT)), config=by_hops())
    simulation.run()
    payment, edges = simulation.payments[0], simulation.state.edges
    assert payment.status == SUCCEEDED and payment.hops == 3
    offered_msat = 100_404 * SAT  # 4 sat + 0.4 %
    first_fee = 1_000 + offered_msat * 100 // 10**6
    second_fee = 1_000 + (offered_msat - first_fee) * 100 // 10**6
    assert payment.fee_msat == 404 * SAT
    assert simulation.state.flows.fees_msat[[2, 4]].tolist() == [first_fee, second_fee]
    assert edges.balance_msat[5] == 500_000 * SAT + offered_msat - first_fee - second_fee
    assert simulation.audit() == []


@pytest.mark.parametrize(("hop_policy", "through"), [("cheapest", 2), ("balance", 1), ("shortest", 2)])
def test_policies_differ_in_the_channel_they_take(hop_policy, through):
    channels = [(4, 0, 900_000, 0), (0, 1, 600_000, 0), (0, 2, 500_000, 0), (1, 3, 500_000, 0), (2, 3, 500_000, 0)]
    network = network_of(channels, policies={2: {"fee_ppm": 200}})
    simulation = Simulation(network, payments_of((0, 4, 3, 10_000 * SAT)), config=by_hops(hop_policy))
    simulation.run()
    assert simulation.payments[0].status == SUCCEEDED
    assert simulation.state.flows.n_settled[2 * through] == 1


def test_a_payment_fails_when_its_attempts_are_used_up():
    network = network_of([(0, 1, 500_000, 0), (1, 2, 0, 500_000)])
    simulation = Simulation(network, payments_of((0, 0, 2, SAT)), config=by_hops(policy_attempts=3))
    simulation.run()
    payment = simulation.payments[0]
    assert (payment.status, payment.failure, payment.attempts) == (FAILED, NO_ROUTE, 3)
    assert simulation.state.edges.balance_msat[0] == 500_000 * SAT


def test_the_source_splits_what_no_channel_takes_whole():
    simulation = Simulation(network_of(DIAMOND), payments_of((0, 0, 3, 700_000 * SAT)), config=by_hops())
    simulation.run()
    assert (simulation.payments[0].status, simulation.payments[0].parts) == (SUCCEEDED, 2)
    assert simulation.state.flows.n_settled[[0, 2]].tolist() == [1, 1]


def test_decisions_of_one_moment_are_asked_together_and_the_clock_waits():
    payments = payments_of((5, 0, 3, SAT), (5, 0, 3, 2 * SAT), (9, 0, 3, SAT))
    simulation = Simulation(network_of(DIAMOND), payments, config=by_hops("external"))
    room = ask(simulation)
    assert simulation.now_ms == 5 and len(simulation.pending) == 2
    assert simulation.holders().tolist() == [0, 0]
    assert simulation.run() == ExitReason.DECISION_NEEDED and simulation.now_ms == 5
    assert room.mask[0].tolist()[:5] == [True, False, True, True, False]  # too small to split
    assert set(room.choices[0, 2:4]) == {0, 2}
    assert simulation.decide(np.array([0, GIVE_UP])) == 0
    assert simulation.payments[1].failure == NO_ROUTE
    ask(simulation)
    assert simulation.now_ms == 9


def test_a_decision_interval_gathers_more():
    payments = payments_of((5, 0, 3, SAT), (9, 0, 3, SAT), (50, 0, 3, SAT), (51, 0, 3, SAT))
    simulation = Simulation(network_of(DIAMOND), payments, config=by_hops("external", decision_interval_ms=50))
    ask(simulation)
    assert (simulation.now_ms, len(simulation.pending)) == (50, 3)


def test_a_node_on_the_way_sees_no_loop_and_may_give_up():
    simulation = Simulation(network_of(DIAMOND), payments_of((0, 0, 3, SAT)), config=by_hops("external"))
    ask(simulation)
    simulation.decide(np.array([2]))
    room = ask(simulation)
    assert simulation.holders().tolist() == [2]
    assert room.choices[0][room.mask[0]].tolist() == [GIVE_UP, 6]  # not back to node 0
    simulation.decide(np.array([GIVE_UP]))
    ask(simulation)  # the source again
    assert simulation.holders().tolist() == [0] and simulation.payments[0].attempts == 2
    assert simulation.fetch_outcomes().succeeded.tolist() == [False, False]


def test_outcomes_tell_fee_and_latency_of_each_decision():
    config = by_hops("external", latency_sigma=0.0)
    simulation = Simulation(network_of(DIAMOND), payments_of((0, 0, 3, SAT)), config=config)
    ask(simulation)
    first = simulation.decide(np.array([0]))
    ask(simulation)
    second = simulation.decide(np.array([4]))
    assert simulation.run() == ExitReason.IDLE
    outcomes = simulation.fetch_outcomes()
    assert outcomes.decision.tolist() == [second, first]
    assert outcomes.node.tolist() == [1, 0]
    assert outcomes.latency_ms.tolist() == [200, 400]
    assert outcomes.fee_msat.tolist() == [1_000 + 5_004 * 100 // 10**6, 0]
    assert outcomes.succeeded.all() and len(simulation.fetch_outcomes()) == 0


def test_what_an_earlier_choice_of_the_batch_took_is_no_longer_there():
    payments = payments_of((0, 0, 3, 300_000 * SAT), (0, 0, 3, 300_000 * SAT))
    simulation = Simulation(network_of(DIAMOND), payments, config=by_hops("external"))
    ask(simulation)
    simulation.decide(np.array([0, 0]))
    ask(simulation)
    assert simulation.payments.attempts.tolist() == [1, 2]


def test_a_split_from_outside_makes_two_parts():
    simulation = Simulation(network_of(DIAMOND), payments_of((0, 0, 3, 60_000 * SAT)), config=by_hops("external"))
    assert ask(simulation).mask[0, 1]
    simulation.decide(np.array([SPLIT]))
    ask(simulation)
    assert simulation.state.attempts[simulation.pending].amount_msat.tolist() == [30_000 * SAT] * 2


def test_features_are_those_named_and_within_bounds():
    simulation = Simulation(network_of(DIAMOND), payments_of((0, 0, 3, 100_000 * SAT)), config=by_hops("external"))
    room = ask(simulation)
    context = dict(zip(CONTEXT_FEATURES, room.context[0].tolist(), strict=True))
    assert context["is_source"] == 1.0 and context["distance"] == pytest.approx(0.2)
    channel = dict(zip(CANDIDATE_FEATURES, room.candidates[0, FIRST_CHANNEL].tolist(), strict=True))
    assert channel["balance"] == pytest.approx(0.99) and channel["distance"] == pytest.approx(0.1)
    assert channel["amount_of_balance"] == pytest.approx(100_404 / 495_000)
    assert (channel["is_channel"], channel["step"], channel["success_rate"]) == (1.0, 0.5, 0.5)
    assert np.abs(room.candidates).max() <= 1.0 and np.abs(room.context).max() <= 1.0


def test_the_compiled_network_scores_as_numpy_does():
    rng = np.random.default_rng(3)
    network = ScoringNetwork.random(8, rng)
    channels = [(0, peer, 500_000, 0) for peer in range(1, 7)] + [(peer, 7, 500_000, 0) for peer in range(1, 7)]
    policies = {2 * c: {"fee_ppm": 50 * c} for c in range(12)}
    payments = payments_of((0, 0, 7, 100_000 * SAT))
    outside = Simulation(network_of(channels, policies=policies), payments, config=by_hops("external"))
    room = ask(outside)
    inputs = np.concatenate([np.tile(room.context[0], (len(room.mask[0]), 1)), room.candidates[0]], axis=1)
    layer = np.maximum(inputs @ network.w1 + network.b1, 0)
    scores = np.maximum(layer @ network.w2 + network.b2, 0) @ network.w3
    best = room.choices[0, np.argmax(np.where(room.mask[0], scores, -np.inf))]
    inside = Simulation(network_of(channels, policies=policies), payments, config=by_hops("network"))
    inside.use_network(network)
    inside.run(max_events=2)
    assert inside.state.clock[0].decisions_total == 1
    assert (inside.state.edges.n_htlcs > 0).nonzero()[0].tolist() == ([best] if best >= 0 else [])


def test_one_node_can_choose_otherwise_than_the_rest():
    simulation = Simulation(network_of(DIAMOND), payments_of((0, 0, 3, SAT)), config=by_hops("shortest"))
    simulation.set_hop_policy(2, "external")
    simulation.set_hop_policy(1, "external")
    ask(simulation)
    assert simulation.holders()[0] in (1, 2)
    with pytest.raises(InputError, match="hop policy 'best' is unknown"):
        simulation.set_hop_policy(0, "best")


@pytest.mark.parametrize(
    ("choices", "message"),
    [([], "1 decisions wait, got 0"), ([1], "does not leave the node"), ([-3], "must be an edge"), ([8], "must be an")],
)
def test_choices_that_make_no_sense_are_refused(choices, message):
    simulation = Simulation(network_of(DIAMOND), payments_of((0, 0, 3, SAT)), config=by_hops("external"))
    ask(simulation)
    with pytest.raises(InputError, match=message):
        simulation.decide(np.array(choices, dtype=np.int64))


def test_weights_must_fit_together():
    narrow = np.zeros((N_INPUTS, 4), np.float32)
    with pytest.raises(InputError, match="weights of shapes"):
        ScoringNetwork(narrow, np.zeros(4, np.float32), narrow, np.zeros(4, np.float32), np.zeros(4, np.float32))


def test_prescribed_channels_are_routed_by_their_sender():
    ring = network_of([(0, 1, 500_000, 500_000), (1, 2, 500_000, 500_000), (2, 0, 500_000, 500_000)])
    simulation = Simulation(ring, payments_of(), config=by_hops("external"))
    simulation.send(0, 0, 1_000 * SAT, first_edge=0, last_edge=4)
    assert simulation.run() == ExitReason.IDLE
    assert simulation.payments[0].status == SUCCEEDED


def test_rows_that_are_used_again_hold_nothing_of_earlier_decisions():
    """A room that described the many channels of a hub before says of a leaf what a fresh room says."""
    star = [(0, leaf, 500_000, 500_000) for leaf in range(1, 6)]
    payments = payments_of((0, 0, 5, SAT), (5_000, 1, 5, SAT))
    simulation = Simulation(network_of(star), payments, config=by_hops("external"))
    used = ask(simulation)
    assert used.mask[0].sum() == 6  # giving up and five channels
    simulation.decide(np.array([GIVE_UP]))
    fresh = ask(simulation)
    assert used.observe(simulation.state) == 1
    for name in ("context", "candidates", "mask", "choices"):
        np.testing.assert_array_equal(getattr(used, name)[:1], getattr(fresh, name)[:1])
    assert used.mask[0].sum() == 2


def test_rows_say_who_decides_about_what():
    simulation = Simulation(line_of(3), payments_of((0, 0, 2, 5 * SAT)), config=by_hops("external"))
    room = ask(simulation)
    assert room.about[0].tolist()[:5] == (5 * SAT, 0, 2, 0, -1)
    simulation.decide(np.array([0]))
    room = ask(simulation)
    assert room.about[0].tolist()[:5] == (5 * SAT, 1, 2, 0, 0)
    assert room.about.node[:1].tolist() == simulation.holders().tolist()
