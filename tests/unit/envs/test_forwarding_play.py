"""Whole episodes inside compiled code: the same policy, the same choices, however it is run."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lnherd.agents.forwarding_learners import hop_ppo
from lnherd.agents.hop_scorer import HopScorerPolicy, choices_at, load_hop_policy, packed_hops
from lnherd.agents.networks import Batch
from lnherd.agents.ppo import PPOLearner
from lnherd.agents.rollout import EpisodeKey, SoftmaxBehaviour
from lnherd.agents.scorer import best
from lnherd.engine import SimulationConfig
from lnherd.engine.codes import SUCCEEDED
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_curriculum import Curriculum
from lnherd.envs.forwarding_play import ForwardingPlayer, payment_totals, play_asking, run_compiled
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.errors import InputError
from lnherd.traffic.demand import mixed

AT_ONCE = SimulationConfig(sender="policy", max_candidates=8, decision_interval_ms=0)
SMALL = ForwardingConfig(n_nodes=30, duration_ms=3_000, demand=mixed(30.0), simulation=AT_ONCE)
NETWORK = SMALL.network()


def learner():
    """Untrained, with scores of a trained network's size."""
    made = PPOLearner(hop_ppo(), seed=4)
    with torch.no_grad():
        made.network.w3.add_(torch.from_numpy(np.random.default_rng(0).normal(size=32)).float() * 0.3)
        made.network.b3.add_(0.7)
    return made


def outcome(simulation):
    payments = simulation.payments
    return payments.status.tobytes(), payments.end_ms.tobytes(), simulation.state.flows.n_settled.tobytes()


def test_numpy_pytorch_and_the_compiled_engine_choose_the_same():
    made = learner()
    inside = run_compiled(SMALL, NETWORK, 5, made.deployed())
    policy, task = HopScorerPolicy(made.deployed()), ForwardingTask(SMALL, NETWORK)
    batch, differing, asked = task.reset(5), 0, 0
    policy.begin(5)
    while not batch.is_over:
        chosen, decisions = policy.choose(batch), packed_hops(batch)
        with torch.no_grad():
            scores = made.network.scores(Batch(decisions, "cpu")).numpy()
        differing += int((choices_at(best(scores, decisions), decisions, batch) != chosen).sum())
        asked += len(chosen)
        batch = task.step(chosen)
    assert asked > 300 and differing == 0
    assert outcome(task.simulation) == outcome(inside)


def test_a_saved_policy_goes_on_choosing_the_same_and_others_are_refused(tmp_path):
    made = learner()
    made.save_policy(tmp_path / "policy.npz")
    loaded = load_hop_policy(tmp_path / "policy.npz")
    assert loaded.greedy and loaded.name == "ppo"
    kept, fresh = (run_compiled(SMALL, NETWORK, 5, each) for each in (loaded.scorer, made.deployed()))
    assert outcome(kept) == outcome(fresh)
    herder = PPOLearner()
    herder.save_policy(tmp_path / "herder.npz")
    with pytest.raises(InputError, match="trained on other features than forwarding has"):
        load_hop_policy(tmp_path / "herder.npz")


def test_a_policy_that_draws_does_so_by_its_seed():
    policy = HopScorerPolicy(learner().deployed(), greedy=False)
    batch = ForwardingTask(replace(SMALL, n_nodes=30), NETWORK).reset(1)
    draws = []
    for seed in (1, 1, *range(2, 30)):
        policy.begin(seed)
        draws.append(tuple(policy.choose(batch).tolist()))
    assert draws[0] == draws[1] and len(set(draws)) > 1


def test_episodes_are_the_same_in_threads():
    curriculum = Curriculum(replace(SMALL, duration_ms=1_500), n_networks=3)
    keys = [EpisodeKey(seed, (1, seed)) for seed in range(4)]
    behaviour = learner().behaviour(0.0)
    alone, together = (ForwardingPlayer(curriculum.draw, n).collect(behaviour, keys) for n in (1, 2))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.rewards, other.rewards) and np.array_equal(one.chosen, other.chosen)
        assert np.array_equal(one.decisions.features, other.decisions.features) and one.totals == other.totals


def check_trajectory(played):
    assert played.decisions.counts.min() >= 2 and (played.chosen < played.decisions.counts).all()
    assert len(played.decisions.features) == played.decisions.counts.sum()
    assert played.totals["R"] == pytest.approx(played.rewards.sum())
    assert np.unique(played.path, return_counts=True)[1].max() >= 3  # ways of several hops


def test_asking_from_outside_plays_what_the_compiled_player_plays():
    made, key = learner(), EpisodeKey(7, (3,))
    asked = play_asking(SMALL, NETWORK, SoftmaxBehaviour(made.deployed()), key)
    played = ForwardingPlayer(lambda seed: (SMALL, NETWORK)).play(made.behaviour(0.0), key)
    for each in (asked, played):
        check_trajectory(each)
    assert asked.totals["payments"] == played.totals["payments"]
    assert asked.totals["successes"] == pytest.approx(played.totals["successes"], rel=0.15)  # other draws
    assert np.exp(asked.log_probabilities).mean() == pytest.approx(np.exp(played.log_probabilities).mean(), abs=0.05)


def test_only_the_hub_is_recorded_where_it_learns_alone():
    config = replace(SMALL, learner="hub")
    played = ForwardingPlayer(lambda seed: (config, NETWORK)).play(learner().behaviour(0.0), EpisodeKey(7, (3,)))
    assert set(played.node.tolist()) == {int(np.argmax(NETWORK.degree))} and len(played) > 50


def test_totals_say_what_arrived():
    simulation = run_compiled(SMALL, NETWORK, 5, learner().deployed())
    totals, payments = payment_totals(simulation.payments), simulation.payments
    paid = payments[payments.status == SUCCEEDED]
    assert totals["success_volume"] == pytest.approx(paid.amount_msat.sum() / payments.amount_msat.sum())
    assert 0 < totals["successes"] < totals["payments"] == len(payments)


def test_who_is_asked_cannot_run_by_itself():
    task = ForwardingTask(SMALL, NETWORK)
    task.begin(1)
    with pytest.raises(InputError, match="use reset and step"):
        task.run_out()
