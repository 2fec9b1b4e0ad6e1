"""Mixed values: what VDN and QMIX are trained towards, and that each agent's best act is best for all."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from lnherd.agents.configs import DQNConfig, NetworkConfig, PPOConfig, Spaces
from lnherd.agents.dqn import DQNLearner
from lnherd.agents.mixing import mixed, mixer_weights
from lnherd.agents.networks import Batch
from lnherd.agents.packing import Packed
from lnherd.agents.rollout import Trajectory
from lnherd.agents.team import TeamConfig
from lnherd.errors import InputError

SPACES = Spaces(("a", "b"), ("x", "y", "z"), ("s", "t"))
AGENTS = 3
CONFIG = DQNConfig(
    spaces=SPACES,
    network=NetworkConfig(hidden=(8, 8)),
    discount=0.9,
    n_steps=2,
    mixer="monotonic",
    agents=AGENTS,
    mixer_units=5,
    warm_up=10,
    capacity=100,
    minibatch=24,
    scale_rewards=False,
)


def episode(steps=12, seed=0):
    """Three agents that meet several times; the state is the same for all of a moment."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 5, (steps + 1) * AGENTS)
    context = rng.random((len(counts), 2)).astype(np.float32)
    state = np.repeat(rng.random((steps + 1, 2)), AGENTS, axis=0).astype(np.float32)
    decisions = Packed(context, rng.random((counts.sum(), 3)).astype(np.float32), counts, state)
    chosen = rng.integers(0, counts[: steps * AGENTS])
    rewards = rng.random(steps * AGENTS)
    return Trajectory(decisions, chosen, np.zeros(len(chosen)), rewards, True, {}, agents=AGENTS)


def filled(mixer):
    learner = DQNLearner(replace(CONFIG, mixer=mixer), seed=1)
    learner.replay.add(episode())
    return learner


def monotonic(n_agents, n_state, rng):
    return {name: torch.from_numpy(array) for name, array in mixer_weights(n_agents, n_state, 6, rng).items()}


def test_values_that_rise_raise_the_mixture_whatever_the_state():
    rng = np.random.default_rng(0)
    weights = monotonic(AGENTS, 4, rng)
    values = torch.from_numpy(rng.normal(size=(50, AGENTS)).astype(np.float32)).requires_grad_()
    state = torch.from_numpy(rng.normal(size=(50, 4)).astype(np.float32))
    mixed(values, state, weights).sum().backward()
    assert (values.grad >= 0).all() and (values.grad > 0).float().mean() > 0.9
    with torch.no_grad():
        assert not torch.allclose(mixed(values, state, weights), mixed(values, state.flip(0), weights))


@pytest.mark.parametrize("mixer", ["sum", "monotonic"])
def test_the_best_of_each_is_the_best_of_all(mixer):
    rng = np.random.default_rng(2)
    weights = {} if mixer == "sum" else monotonic(2, 3, rng)
    state = torch.from_numpy(rng.normal(size=(1, 3)).astype(np.float32))
    own = rng.normal(size=(2, 4)).astype(np.float32)
    joint = {
        pair: float(mixed(torch.from_numpy(own[[0, 1], pair][None]), state, weights))
        for pair in product(range(4), repeat=2)
    }
    assert joint[tuple(own.argmax(axis=1))] == max(joint.values())


def test_the_target_of_vdn_is_the_mean_reward_and_the_sum_of_the_best_values():
    learner = filled("sum")
    sample = learner.replay.sample(8, np.random.default_rng(3), 0.0)
    played, moments = episode(), sample.slots // AGENTS
    rewards = played.rewards.reshape(-1, AGENTS).mean(axis=1)
    assert sample.slots.shape == (1, 8) and (sample.slots % AGENTS == 0).all()
    for row, moment in enumerate(moments[0]):
        after = min(moment + 2, 12)
        returned = sum(0.9**k * rewards[moment + k] for k in range(after - moment))
        best = 0.0
        for agent in range(AGENTS if after < 12 else 0):
            look = replace_hidden(Batch(played.decisions.select(np.array([after * AGENTS + agent])), "cpu"))
            position = int(learner.network.scores(look).argmax())
            best += float(learner.target.action_values(look, heads="first")[position])
        expected = returned + 0.9 ** (after - moment) * best
        assert learner.targets(sample.slots)[0, row] == pytest.approx(expected, abs=5e-3)  # replay keeps half precision


def test_the_target_of_qmix_is_the_mixture_of_the_best_values_at_the_next_state():
    learner, played = filled("monotonic"), episode()
    slots = np.array([[0, 3 * AGENTS]])
    expected = []
    for moment in (0, 3):
        best = []
        for agent in range(AGENTS):
            look = Batch(played.decisions.select(np.array([(moment + 2) * AGENTS + agent])), "cpu")
            position = int(learner.network.scores(look).argmax())
            best.append(float(learner.target.action_values(replace_hidden(look), heads="first")[position]))
        state = torch.from_numpy(played.decisions.hidden[[(moment + 2) * AGENTS]])
        ahead = float(mixed(torch.tensor([best]), state, learner.target.mixer))
        rewards = played.rewards.reshape(-1, AGENTS).mean(axis=1)
        expected.append(rewards[moment] + 0.9 * rewards[moment + 1] + 0.81 * ahead)
    assert learner.targets(slots)[0] == pytest.approx(expected, abs=5e-3)


def replace_hidden(look):
    """Own values are made without the state."""
    look.hidden = None
    return look


def test_gradients_of_the_mixture_are_those_of_finite_differences():
    learner = filled("monotonic")
    slots, network = np.array([0, 3, 9]), learner.network
    learn = learner._values(slots)[1]
    learn(torch.ones(3))
    for name in ("w2", "v_w3", "mix_w1", "mix_b1", "mix_v2"):
        weights, slope = network.get_parameter(name), network.gradients[name].clone()
        place = np.unravel_index(int(slope.abs().argmax()), slope.shape)
        totals = []
        for step in (1e-2, -1e-2):
            weights[place] += step
            totals.append(float(learner._values(slots)[0].sum()))
            weights[place] -= step
        assert (totals[0] - totals[1]) / 2e-2 == pytest.approx(float(slope[place]), rel=0.05, abs=1e-3)
    assert learner.deployed().w1.shape[0] == 5  # own values never see the state


def test_a_mixing_learner_goes_on_where_it_was_saved(tmp_path):
    first, again = (DQNLearner(CONFIG, seed=1) for _ in range(2))
    first.improve([episode(seed=4)], 0.0)
    first.save(tmp_path / "learner.npz")
    again.restore(tmp_path / "learner.npz")
    losses = [each.improve([episode(seed=5)], 0.5)["loss"] for each in (first, again)]
    assert losses[0] == losses[1] > 0
    weights, others = (each.network.arrays() for each in (first, again))
    assert len(first.network.mixer) == 10 and all(np.array_equal(weights[name], others[name]) for name in weights)


def test_alone_nothing_is_mixed():
    learner = filled("none")
    sample = learner.replay.sample(8, np.random.default_rng(3), 0.0)
    assert len(set(sample.slots[0] % AGENTS)) > 1 and learner.network.mixer == {}
    assert np.array_equal(learner.replay.everyone(sample.slots)[..., 0], sample.slots)


def test_mixtures_without_sense_are_refused():
    with pytest.raises(InputError, match="mixer"):
        DQNConfig(mixer="product")
    with pytest.raises(InputError, match="agents"):
        DQNConfig(agents=0)
    with pytest.raises(InputError, match="sharing"):
        TeamConfig(CONFIG, sharing="role")
    assert TeamConfig(CONFIG).sees_state and not TeamConfig(PPOConfig()).sees_state
