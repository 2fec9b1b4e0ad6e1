"""CartPole-v1 within the samples that Stable-Baselines3's tuned settings are given (PPO 100,000; DQN 50,000)."""

import gymnasium
import numpy as np
import pytest

from lnherd.agents.configs import DQNConfig, NetworkConfig, PPOConfig, Spaces
from lnherd.agents.dqn import DQNLearner
from lnherd.agents.ppo import PPOLearner
from lnherd.envs.plain import PlainTask
from lnherd.errors import InputError

SPACES = Spaces(("position", "speed", "angle", "spin"), ("left", "right"))
PPO = PPOConfig(
    spaces=SPACES,
    network=NetworkConfig(),
    discount=0.98,
    entropy=0.0,
    entropy_end=0.0,
    epochs=10,
    minibatch=64,
    batch_episodes=8,
    target_kl=None,
    greedy=True,
)
DQN = DQNConfig(
    spaces=SPACES,
    discount=0.98,
    n_steps=3,
    advantage="mean",
    shared_targets=1,
    explore_kinds=0,
    epsilon_start=1.0,
    epsilon_end=0.02,
    exploration_share=0.5,
    minibatch=64,
    batch_episodes=2,
    lanes=2,
)


def cartpole():
    return PlainTask(gymnasium.make("CartPole-v1"), (2.4, 3.0, 0.21, 3.0))


def mean_return(policy, episodes):
    task, total = cartpole(), 0.0
    for seed in range(10**6, 10**6 + episodes):
        decision, over = task.reset(seed), False
        while not over:
            result = task.step(policy.act(decision))
            decision, over = result.decision, result.terminated or result.truncated
            total += result.reward
    return total / episodes


@pytest.mark.slow
@pytest.mark.parametrize(
    "learner, budget", [(PPOLearner(PPO, seed=0), 100_000), (DQNLearner(DQN, seed=0), 50_000)], ids=["ppo", "dqn"]
)
def test_balances_the_pole_within_the_budget(learner, budget):
    decisions, reached = 0, 0.0

    def count(progress):
        nonlocal decisions
        decisions += int(progress.totals["decisions"])

    while decisions < budget and reached < 475.0:
        played = learner.episodes_played
        learner.train(cartpole, 200, range(4_000), count, first=played, last=min(played + 40, 200))
        if mean_return(learner.policy(), 5) >= 475.0:
            reached = mean_return(learner.policy(), 20)
        if learner.episodes_played == 200:
            break
    assert reached >= 475.0 and decisions <= budget


def test_observations_are_scaled_and_actions_numbered():
    task = cartpole()
    decision = task.reset(3)
    plain, _ = gymnasium.make("CartPole-v1").reset(seed=3)
    assert decision.context == pytest.approx(plain / np.array([2.4, 3.0, 0.21, 3.0]))
    assert np.array_equal(decision.features, np.eye(2))
    assert [each.channel for each in decision.candidates] == [0, 1]
    result = task.step(decision.candidates[1])
    assert result.reward == 1.0 and result.decision.context[1] > decision.context[1]


def test_other_spaces_are_refused():
    with pytest.raises(InputError, match="needs a flat Box observation and Discrete actions"):
        PlainTask(gymnasium.make("Pendulum-v1"))
