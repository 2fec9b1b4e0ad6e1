"""DQN against small worlds whose solution is known, and its targets against formulas written out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_worlds import WorldTask, chain, greedy_actions, gridworld, names

from lnherd.agents.configs import DQNConfig, NetworkConfig, Spaces
from lnherd.agents.dqn import DQNLearner
from lnherd.agents.networks import Batch
from lnherd.agents.packing import pack
from lnherd.errors import InputError

DISCOUNT = 0.9
OPTIONS = {
    "plain": {"double": False, "dueling": False, "n_steps": 1},
    "double-dueling": {"n_steps": 1},
    "over-the-mean": {"n_steps": 1, "advantage": "mean"},
    "prioritised-n-step": {"n_steps": 3, "prioritised": True},
}


def config_for(world, **settings):
    plain = DQNConfig(
        spaces=Spaces(*names(world)),
        network=NetworkConfig(hidden=(32, 32)),
        discount=DISCOUNT,
        minibatch=64,
        warm_up=200,
        epsilon_start=1.0,
        epsilon_end=0.2,
        explore_kinds=0,
        learning_rate=2e-3,
        target_rate=0.05,
        updates_per_decision=0.35,
        shared_targets=4,
        n_steps=1,
    )
    return replace(plain, **settings)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("world, episodes", [(chain(), 72), (gridworld(), 320)], ids=["chain", "gridworld"])
def test_solves_a_known_world(world, episodes, options):
    tasks = []

    def factory():
        tasks.append(WorldTask(world))
        return tasks[-1]

    learner = DQNLearner(config_for(world, **options), seed=1)
    learner.train(factory, episodes, range(episodes))
    learned = world.value_of(greedy_actions(learner.policy(), tasks[0]), DISCOUNT)
    best = world.solve(DISCOUNT).max(axis=1)
    assert learned[tasks[0].starts].mean() > best[tasks[0].starts].mean() - 0.03
    assert sum(task.masked_choices for task in tasks) == 0


def test_action_values_come_near_the_exact_ones():
    world = chain(slip=0.0)
    learner = DQNLearner(config_for(world, scale_rewards=False), seed=2)
    learner.train(lambda: WorldTask(world), 96, range(96))
    with torch.no_grad():
        looks = [WorldTask(world).decision(state) for state in range(6)]
        q = learner.network.action_values(Batch(pack(looks), "cpu"), heads="first").numpy()
    exact = world.solve(DISCOUNT)
    assert np.abs(q - exact[np.isfinite(exact)]).mean() < 0.35
    assert np.corrcoef(q, exact[np.isfinite(exact)])[0, 1] > 0.98


@pytest.mark.parametrize("double", [False, True])
def test_targets_are_the_formula(double):
    world = gridworld()
    learner = DQNLearner(config_for(world, double=double, dueling=False, n_steps=2, warm_up=10_000), seed=0)
    learner.train(lambda: WorldTask(world), 24, range(24))
    # make the two networks disagree
    learner.target.flat += torch.from_numpy(np.random.default_rng(1).normal(size=learner.target.flat.shape) * 0.3)
    replay = learner.replay
    slots = replay.sample(64, np.random.default_rng(0), 0.0).slots
    following, weights = replay.packed(replay.next[slots[0]]), replay.weights[slots[0]]
    online, slow = learner.network.scorer().scores(following), learner.target.scorer().scores(following)
    for index, target in enumerate(learner.targets(slots)[0]):
        rows = following.owners == index
        value = slow[rows][online[rows].argmax()] if double else slow[rows].max()
        expected = replay.returns[slots[0, index]] / learner.reward_scale.scale + weights[index] * value
        assert target == pytest.approx(expected, abs=1e-5)
    assert (weights == 0).any() and (weights > 0).any()


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_gradients_by_hand_are_those_of_autograd(options):
    learner = DQNLearner(config_for(gridworld(), warm_up=10_000, scale_rewards=False, **options), seed=0)
    learner.train(lambda: WorldTask(gridworld()), 16, range(16))
    network, replay = learner.network, learner.replay
    slots = replay.sample(64, np.random.default_rng(0), 0.0).slots[0]
    targets = torch.from_numpy(learner.targets(slots).astype(np.float32))
    errors, set_gradients = learner._action_values(slots)
    set_gradients((errors - targets).clamp(-1.0, 1.0) / 64)
    by_hand = network.gradient.clone()
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    batch = Batch(replay.packed(slots), "cpu")
    values = network.action_values(batch, heads=learner.config.heads)
    chosen = values[batch.starts + torch.from_numpy(replay.chosen[slots])]
    torch.nn.functional.smooth_l1_loss(chosen, targets).backward()
    theirs = [
        parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
        for parameter in network.parameters()
    ]
    assert torch.allclose(by_hand, torch.cat([each.ravel() for each in theirs]), atol=2e-6)
    assert by_hand.abs().max() > 1e-3


def test_the_target_network_follows_slowly_and_is_what_is_saved():
    world = chain()
    learner = DQNLearner(config_for(world, target_rate=0.25, warm_up=1, updates_per_decision=1 / 240), seed=0)
    before = learner.network.arrays()
    learner.train(lambda: WorldTask(world), 8, range(8))
    assert learner.n_updates == 1
    after, slow = learner.network.arrays(), learner.target.arrays()
    for name in after:
        assert np.allclose(slow[name], 0.75 * before[name] + 0.25 * after[name], atol=1e-6)
    assert np.array_equal(learner.policy().scorer.w1, slow["w1"])


def test_saved_in_the_middle_it_ends_where_a_straight_one_does(tmp_path):
    config = config_for(gridworld(), prioritised=True, n_steps=3, capacity=300, warm_up=100)
    straight, first, second = (DQNLearner(config, seed=2) for _ in range(3))
    straight.train(lambda: WorldTask(gridworld()), 40, range(40))
    first.train(lambda: WorldTask(gridworld()), 40, range(40), last=24)
    first.save(tmp_path / "learner.npz")
    second.restore(tmp_path / "learner.npz")
    second.train(lambda: WorldTask(gridworld()), 40, range(40), first=24)
    straight.save(tmp_path / "a.npz")
    second.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_exploration_draws_kinds_evenly():
    config = config_for(chain(), epsilon_start=1.0, epsilon_end=1.0, explore_kinds=2, warm_up=1_000)
    learner = DQNLearner(config, seed=0)
    behaviour = learner.behaviour(0.0)
    looks = pack([WorldTask(chain()).decision(2)])
    chosen = [behaviour.choose(looks, [np.random.default_rng(k)])[0][0] for k in range(2_000)]
    # of three candidates the first and the last have kind 0: half the draws share two of them
    assert np.bincount(chosen) / 2_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.04)


def test_bad_settings_are_refused():
    with pytest.raises(InputError, match="capacity is 10"):
        DQNConfig(capacity=10)
    with pytest.raises(InputError, match="at least 1"):
        DQNConfig(n_steps=0)
