"""What a team of herders records is what the flock lived through, whoever shares what."""

from dataclasses import replace

import numpy as np
import pytest

from lnherd.agents.configs import NetworkConfig, PPOConfig, Spaces
from lnherd.agents.networks import CandidateNetwork
from lnherd.agents.rollout import EpisodeKey, GreedyBehaviour, SoftmaxBehaviour
from lnherd.agents.rules import DoNothing
from lnherd.agents.team import TeamConfig
from lnherd.control.encode import CONTEXT_FEATURES, MEAN_KINDS
from lnherd.control.view import Role
from lnherd.envs.flock import FlockConfig, FlockTask
from lnherd.envs.flock_play import FlockTeamPlayer, herder_groups, play
from lnherd.envs.flock_state import flock_state_names
from lnherd.envs.scenario import HerdingConfig

HERDING = HerdingConfig(n_nodes=30, horizon=4, warm_up_ticks=1, start_hours=1.0)
KEY = EpisodeKey(5, (1, 2))
M = 3


@pytest.fixture(scope="module")
def task():
    return FlockTask(FlockConfig(HERDING, n_herders=M, cooperation=0.5))


def network(spaces):
    return CandidateNetwork(spaces, NetworkConfig(hidden=(8, 8), wait_logit=2.0), np.random.default_rng(3)).scorer()


def played(team, task, n_groups=1):
    behaviour = SoftmaxBehaviour(network(team.spaces(flock_state_names(M), Spaces())))
    return FlockTeamPlayer(team, task).collect([behaviour] * n_groups, [KEY])[0]


def test_the_record_is_the_episode_in_turn(task):
    (whole,) = played(TeamConfig(PPOConfig()), task)
    assert whole.agents == M and len(whole) == 4 * M and len(whole.decisions.counts) == 5 * M
    parts = played(TeamConfig(PPOConfig(), sharing="none"), task, n_groups=M)
    for place, part in enumerate(parts):
        assert part.agents == 1 and np.array_equal(part.rewards, whole.rewards[place::M])
        assert np.array_equal(part.chosen, whole.chosen[place::M])
        assert np.array_equal(part.decisions.context, whole.decisions.context[place::M])
    assert set(whole.chosen) != {0}


def test_groups_follow_the_roles(task):
    groups = {name: herder_groups(TeamConfig(PPOConfig(), sharing=name), task) for name in ("all", "role", "none")}
    assert task.roles == (Role.CONSUMER, Role.PROVIDER, Role.CONSUMER)
    assert [groups[name].tolist() for name in groups] == [[0, 0, 0], [0, 1, 0], [0, 1, 2]]


def test_rewards_are_less_what_was_wanted_from_outside(task):
    waiting = GreedyBehaviour(network(Spaces()), 0.0, 0)
    ((record,),) = FlockTeamPlayer(TeamConfig(PPOConfig()), task).collect([waiting], [KEY])
    assert (record.chosen == 0).all()
    steps = play(task, lambda decisions: [DoNothing().act(each) for each in decisions], KEY.seed)
    own = np.array([[terms["S"] - terms["F"] - terms["C"] for terms in step.terms] for step in steps])
    wanted = np.array([[10.0 * (terms["successes"] + terms["failures"]) for terms in step.terms] for step in steps])
    missed = own - wanted
    expected = 0.5 * missed + 0.5 * missed.mean(axis=1, keepdims=True)
    assert np.allclose(record.rewards, expected.ravel()) and expected.min() < 0
    assert record.totals["R"] == pytest.approx(own.mean(axis=1).sum())


def test_a_central_critic_sees_all_and_true_balances(task):
    names = flock_state_names(M)
    (record,) = played(TeamConfig(PPOConfig(), central=True), task)
    state = record.decisions.hidden
    assert state.shape == (5 * M, len(names)) and np.abs(state).max() <= 1.0
    assert np.array_equal(state[::M], state[1::M]) and state.std(axis=0).max() > 0
    own = state[:, : len(CONTEXT_FEATURES)][::M]
    assert np.allclose(own, record.decisions.context[::M])
    peers = state[:, names.index("is_consumer_0") + len(CONTEXT_FEATURES)]
    assert 0 < peers.min() < 1


def test_mean_field_hears_the_others(task):
    team = TeamConfig(PPOConfig(), mean_field=True)
    (record,) = played(team, task)
    heard = record.decisions.context[:, -len(MEAN_KINDS) :]
    assert np.allclose(heard.sum(axis=1), 1.0, atol=1e-5)
    assert (heard[:M, 0] == 1.0).all() and heard[-M:, 0].min() < 1.0


def test_routers_want_nothing_from_outside():
    flock = FlockTask(FlockConfig(replace(HERDING, horizon=1), roles=(Role.ROUTER,), n_herders=1))
    (step,) = play(flock, lambda decisions: [DoNothing().act(each) for each in decisions], 1)
    assert step.wanted.tolist() == [0.0]
