"""A policy that goes on learning hears its outcomes, changes, and starts every episode afresh."""

from dataclasses import replace

import numpy as np

from lnherd.agents.forwarding_learners import hop_ppo
from lnherd.agents.hop_online import OnlineHopPolicy
from lnherd.agents.ppo import PPOLearner
from lnherd.engine import SimulationConfig
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.traffic.demand import mixed

CONFIG = ForwardingConfig(
    n_nodes=20,
    duration_ms=2_000,
    demand=mixed(40.0),
    simulation=SimulationConfig(sender="policy", max_candidates=6, decision_interval_ms=100),
)


class Watched(PPOLearner):
    """Keeps what it is given."""

    heard = ()

    def learn(self, played, progress):
        self.heard = (*self.heard, *played)
        return super().learn(played, progress)


def play(policy, seed):
    task = ForwardingTask(CONFIG, NETWORK)
    batch, answers, rewards = task.reset(seed), [], {}
    policy.begin(seed)
    while True:
        rewards |= dict(zip(batch.outcomes.decision.tolist(), batch.rewards.tolist(), strict=True))
        chosen = policy.choose(batch)
        if batch.is_over:
            return np.concatenate(answers), rewards
        answers.append(chosen)
        batch = task.step(chosen)


NETWORK = CONFIG.network()


def test_each_outcome_is_learned_from_once_with_its_own_reward():
    learner = Watched(replace(hop_ppo(), minibatch=64), seed=1)
    policy = OnlineHopPolicy(learner, update_every=50)
    before = learner.network.arrays()["w1"]
    _, rewards = play(policy, 3)
    assert len(learner.heard) >= 3 and not np.array_equal(learner.network.arrays()["w1"], before)
    learned = np.concatenate([each.rewards for each in learner.heard])
    assert len(learned) <= len(rewards)
    values, counts = np.unique(learned, return_counts=True)
    theirs = dict(zip(*np.unique(list(rewards.values()), return_counts=True), strict=True))
    assert all(count <= theirs[value] for value, count in zip(values.tolist(), counts.tolist(), strict=True))
    for each in learner.heard:
        assert each.decisions.counts.min() >= 2 and (each.chosen < each.decisions.counts).all()
        assert np.isfinite(each.log_probabilities).all() and (each.log_probabilities <= 0).all()


def test_every_episode_starts_from_the_same_weights():
    policy = OnlineHopPolicy(PPOLearner(replace(hop_ppo(), minibatch=64), seed=1), update_every=50)
    first, _ = play(policy, 3)
    play(policy, 4)
    again, _ = play(policy, 3)
    assert np.array_equal(first, again)
