"""Many herders at once: one of them alone is the herding task, and nobody's money gets lost."""

from dataclasses import replace

import numpy as np
import pytest

from lnherd.agents.rules import RULES, RandomChoice
from lnherd.control.action import WAIT
from lnherd.control.view import Role
from lnherd.envs import HerdingConfig, HerdingTask
from lnherd.envs.flock import FlockConfig, FlockTask
from lnherd.errors import InputError
from lnherd.traffic.demand import l402

HERDING = HerdingConfig(horizon=6, background=l402(0.005), own_rate_per_s=0.01)


def play(task, policies, seed):
    """Rewards ``[T, M]`` of one episode under one policy for each learner."""
    decisions, rewards, step = task.reset(seed), [], None
    for policy in policies:
        policy.reset(seed)
    while step is None or not step.truncated:
        step = task.step([policy.act(each) for policy, each in zip(policies, decisions, strict=True)])
        decisions = step.decisions
        rewards.append(step.rewards)
    return np.array(rewards)


@pytest.mark.parametrize("role", [Role.CONSUMER, Role.ROUTER])
def test_a_flock_of_one_is_the_herding_task(small_network, role):
    alone = HerdingTask(replace(HERDING, role=role), small_network)
    flock = FlockTask(FlockConfig(HERDING, roles=(role,), nodes=(alone.node,)), small_network)
    policy, other = RandomChoice(), RandomChoice()
    policy.reset(5), other.reset(5)
    decision, (same,) = alone.reset(5), flock.reset(5)
    for _ in range(HERDING.horizon):
        assert np.array_equal(decision.features, same.features) and np.array_equal(decision.context, same.context)
        result, step = alone.step(policy.act(decision)), flock.step([other.act(same)])
        assert (result.reward, result.terms, result.refused) == (step.rewards[0], step.terms[0], step.refused[0])
        decision, (same,) = result.decision, step.decisions
    assert step.truncated


def test_many_herders_leave_a_sound_world(small_network):
    task = FlockTask(FlockConfig(HERDING, roles=tuple(Role), n_herders=4), small_network)
    assert len(set(task.nodes)) == 4
    rewards = play(task, [RandomChoice() for _ in range(4)], 2)
    assert rewards.shape == (6, 4) and np.isfinite(rewards).all()
    assert task.simulation.audit() == []
    assert np.array_equal(play(task, [RandomChoice() for _ in range(4)], 2), rewards)


def test_those_that_do_not_learn_follow_a_rule(small_network):
    config = FlockConfig(HERDING, n_herders=3, learners=(1,), others=RULES["threshold-swap"])
    some, everybody = FlockTask(config, small_network), FlockTask(replace(config, learners=None), small_network)
    assert len(some.reset(3)) == 1
    waiting = play(some, [RULES["do-nothing"]()], 3)[:, 0]
    rules = [RULES["threshold-swap"](), RULES["do-nothing"](), RULES["threshold-swap"]()]
    assert np.array_equal(waiting, play(everybody, rules, 3)[:, 1])


def test_cooperation_shares_the_mean(small_network):
    own, mixed, shared = (
        play(FlockTask(FlockConfig(HERDING, n_herders=3, cooperation=w), small_network), [RandomChoice()] * 3, 4)
        for w in (0.0, 0.5, 1.0)
    )
    assert np.allclose(shared, own.mean(axis=1, keepdims=True))
    assert np.allclose(mixed, (own + shared) / 2) and own.std(axis=1).max() > 0


def test_what_makes_no_flock_is_refused(small_network):
    for changes in ({"n_herders": 0}, {"roles": ()}, {"cooperation": 2.0}, {"nodes": (1, 1)}, {"learners": (9,)}):
        with pytest.raises(InputError):
            FlockConfig(**changes)
    with pytest.raises(InputError, match="too few"):
        FlockTask(FlockConfig(HERDING, n_herders=30), small_network)
    task = FlockTask(FlockConfig(HERDING, n_herders=2), small_network)
    with pytest.raises(InputError, match="reset"):
        task.step([WAIT, WAIT])
    task.reset(0)
    with pytest.raises(InputError, match="2 herders"):
        task.step([WAIT])
