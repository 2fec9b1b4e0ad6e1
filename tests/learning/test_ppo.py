"""PPO against a reference computation and against small worlds whose solution is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_worlds import WorldTask, chain, greedy_actions, gridworld, names

from lnherd.agents.configs import NetworkConfig, PPOConfig, Spaces
from lnherd.agents.networks import Batch
from lnherd.agents.packing import pack
from lnherd.agents.ppo import PPOLearner
from lnherd.agents.rollout import EpisodeKey, SoftmaxBehaviour, play_together
from lnherd.errors import InputError

DISCOUNT = 0.9


def config_for(world, **settings):
    plain = PPOConfig(
        spaces=Spaces(*names(world)),
        network=NetworkConfig(hidden=(32, 32)),
        discount=DISCOUNT,
        learning_rate=3e-3,
        learning_rate_end=1e-3,
        minibatch=64,
        batch_episodes=8,
        target_kl=None,
        greedy=True,
    )
    return replace(plain, **settings)


@pytest.mark.parametrize("world", [chain(), gridworld()], ids=["chain", "gridworld"])
def test_solves_a_known_world(world):
    tasks = []

    def factory():
        tasks.append(WorldTask(world))
        return tasks[-1]

    learner = PPOLearner(config_for(world), seed=1)
    learner.train(factory, 320, range(320))
    learned = world.value_of(greedy_actions(learner.policy(), tasks[0]), DISCOUNT)
    best = world.solve(DISCOUNT).max(axis=1)
    assert learned[tasks[0].starts].mean() > best[tasks[0].starts].mean() - 0.02
    assert sum(task.masked_choices for task in tasks) == 0


class Reference:
    """PPO's first update in double precision, decision by decision, with Adam by its formula."""

    def __init__(self, weights, config):
        self.weights = {name: torch.tensor(array, dtype=torch.float64, requires_grad=True) for name, array in weights}
        self.config = config

    def score(self, context, rows):
        w = self.weights
        inputs = torch.cat([context.expand(len(rows), -1), rows], dim=1)
        return torch.relu(torch.relu(inputs @ w["w1"] + w["b1"]) @ w["w2"] + w["b2"]) @ w["w3"] + w["b3"]

    def value(self, context, rows):
        w = self.weights
        inputs = torch.cat([context, rows.mean(dim=0)])
        return torch.relu(torch.relu(inputs @ w["v_w1"] + w["v_b1"]) @ w["v_w2"] + w["v_b2"]) @ w["v_w3"] + w["v_b3"]

    def steps(self, episodes):
        """``(context, rows, chosen, advantage, target)`` of every decision taken."""
        sums = []
        for episode in episodes:
            for t in range(len(episode)):
                sums.append(sum(self.config.discount ** (t - k) * episode.rewards[k] for k in range(t + 1)))
        scale = np.std(sums)
        taken = []
        for episode in episodes:
            looks = [
                (torch.tensor(context).double(), torch.tensor(rows).double())
                for context, rows in zip(
                    episode.decisions.context,
                    np.split(episode.decisions.features, episode.decisions.starts[1:]),
                    strict=True,
                )
            ]
            values = [float(self.value(*look).detach()) for look in looks]
            if episode.terminated:
                values[-1] = 0.0
            for t, look in enumerate(looks[:-1]):
                advantage = 0.0
                for k in range(t, len(episode)):
                    delta = episode.rewards[k] / scale + self.config.discount * values[k + 1] - values[k]
                    advantage += (self.config.discount * self.config.trace) ** (k - t) * delta
                taken.append((*look, int(episode.chosen[t]), advantage, advantage + values[t]))
        return taken

    def update(self, episodes):
        config, taken = self.config, self.steps(episodes)
        advantages = torch.tensor([each[3] for each in taken], dtype=torch.float64)
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        policy, value, entropy = 0.0, 0.0, 0.0
        for (context, rows, chosen, _, target), advantage in zip(taken, advantages, strict=True):
            logs = torch.log_softmax(self.score(context, rows), dim=0)
            ratio = torch.exp(logs[chosen] - logs[chosen].detach())
            policy = policy - torch.min(ratio * advantage, ratio.clamp(1 - config.clip, 1 + config.clip) * advantage)
            value = value + 0.5 * (self.value(context, rows) - target) ** 2
            entropy = entropy - (logs.exp() * logs).sum()
        loss = (policy + config.value_weight * value - config.entropy * entropy) / len(taken)
        loss.backward()
        norm = torch.sqrt(sum((w.grad**2).sum() for w in self.weights.values()))
        cut = min(1.0, float(config.max_gradient / (norm + 1e-6)))
        after = {}
        for name, weight in self.weights.items():
            gradient = weight.grad * cut
            # Adam's first step: both bias corrections cancel the decay
            after[name] = (weight - config.learning_rate * gradient / (gradient.abs() + 1e-5)).detach().numpy()
        return after


@pytest.mark.parametrize("max_gradient", [0.5, 1e9])
def test_the_first_update_is_the_reference_one(max_gradient):
    world = gridworld()
    config = config_for(world, epochs=1, minibatch=10_000, max_gradient=max_gradient, entropy=0.03)
    learner = PPOLearner(config, seed=5)
    reference = Reference(list(learner.network.arrays().items()), config)
    keys = [EpisodeKey(seed, (5, 1, seed)) for seed in range(8)]
    tasks = [WorldTask(world) for _ in keys]
    expected = reference.update(play_together(tasks, SoftmaxBehaviour(learner.network.scorer()), keys))
    before = learner.network.arrays()
    learner.train(lambda: WorldTask(world), 1_000_000, range(8), last=8)
    for name, array in learner.network.arrays().items():
        assert np.abs(array - expected[name]).max() < 2e-5, name
        # one number added to every score changes nothing, so it is not learned
        assert name == "b3" or np.abs(array - before[name]).max() > 1e-4, name


def one_update(**settings):
    learner = PPOLearner(config_for(chain(), **settings), seed=3)
    losses = []
    learner.train(lambda: WorldTask(chain()), 16, range(16), lambda progress: losses.append(progress.losses))
    return learner, losses


def test_small_clips_and_kl_limits_hold_the_policy_back():
    free = one_update(epochs=20)[1][0]
    stopped = one_update(epochs=20, target_kl=1e-4)[1][0]
    clipped = one_update(epochs=20, clip=0.001)[1][0]
    assert free["kl"] > 2 * stopped["kl"] and free["kl"] > 2 * clipped["kl"]
    assert clipped["clipped"] > free["clipped"]


def test_clipped_values_move_less():
    looks = Batch(pack([WorldTask(chain()).decision(state) for state in range(6)]), "cpu")

    def moved(**settings):
        learner = PPOLearner(config_for(chain(), epochs=20, **settings), seed=3)
        before = learner.network.values(looks).detach()
        learner.train(lambda: WorldTask(chain()), 1_000, range(8), last=8)
        return float((learner.network.values(looks).detach() - before).abs().mean())

    assert moved(value_clip=0.01) < 0.7 * moved()


def test_same_seed_same_weights():
    def weights(seed):
        learner = PPOLearner(config_for(chain()), seed)
        learner.train(lambda: WorldTask(chain()), 16, range(16))
        return learner.network.arrays()

    first, again = weights(4), weights(4)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["w2"], weights(5)["w2"])


def test_saved_in_the_middle_it_ends_where_a_straight_one_does(tmp_path):
    config = config_for(chain())
    straight, first, second = (PPOLearner(config, seed=2) for _ in range(3))
    straight.train(lambda: WorldTask(chain()), 24, range(24))
    first.train(lambda: WorldTask(chain()), 24, range(24), last=8)
    first.save(tmp_path / "learner.npz")
    second.restore(tmp_path / "learner.npz")
    second.train(lambda: WorldTask(chain()), 24, range(24), first=8)
    assert second.episodes_played == 24
    for name, array in straight.network.arrays().items():
        assert np.array_equal(array, second.network.arrays()[name])
    straight.save(tmp_path / "a.npz")
    second.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_entropy_is_reported_as_exploration():
    heard = []
    PPOLearner(config_for(chain()), 0).train(lambda: WorldTask(chain()), 8, range(8), heard.append)
    assert heard[0].exploration == pytest.approx(np.log(3), abs=0.15)
    assert heard[0].totals["decisions"] == 30 and set(heard[0].losses) >= {"kl", "entropy", "explained_variance"}


def test_bad_settings_and_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="discount is 2"):
        PPOConfig(discount=2.0)
    with pytest.raises(InputError, match="clip is 0"):
        PPOConfig(clip=0.0)
    with pytest.raises(InputError, match="at least 1"):
        PPOConfig(lanes=0)
    with pytest.raises(InputError, match="device 'tpu' is not known"):
        PPOConfig(device="tpu")
    with pytest.raises(InputError, match="each layer needs"):
        NetworkConfig(hidden=(64, 1))
    with pytest.raises(InputError, match="no training seeds"):
        PPOLearner(config_for(chain())).train(lambda: WorldTask(chain()), 1, [])
    with pytest.raises(InputError, match="no such file"):
        PPOLearner(config_for(chain())).restore(tmp_path / "nowhere.npz")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_said():
    with pytest.raises(InputError, match="use --device cpu"):
        PPOLearner(PPOConfig(device="cuda"))


def test_what_is_wanted_from_outside_is_not_the_policys_doing():
    class Noisy(WorldTask):
        def step(self, plan):
            result = super().step(plan)
            noise = float(np.random.default_rng(self.t).normal(0, 100))
            return replace(result, reward=result.reward + noise, wanted=noise)

    quiet, noisy = (PPOLearner(config_for(chain()), seed=1) for _ in range(2))
    plain = quiet.train(lambda: WorldTask(chain()), 16, range(16))
    with_noise = noisy.train(lambda: Noisy(chain()), 16, range(16))
    assert np.abs(np.array(with_noise) - plain).min() > 1.0  # the record keeps what was earned
    for name, array in quiet.network.arrays().items():
        assert np.allclose(array, noisy.network.arrays()[name], atol=1e-4)
