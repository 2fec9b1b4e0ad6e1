"""What a team records is what the learners of one policy are given, whoever shares what."""

from dataclasses import replace

import numpy as np
import pytest

from lnherd.agents.configs import HOP_SPACES, NetworkConfig
from lnherd.agents.forwarding_learners import hop_ppo
from lnherd.agents.mean_field import MEAN_ACTIONS
from lnherd.agents.networks import CandidateNetwork
from lnherd.agents.rollout import EpisodeKey, GreedyBehaviour
from lnherd.agents.team import TeamConfig
from lnherd.envs import ForwardingConfig
from lnherd.envs.forwarding_play import play_asking
from lnherd.envs.global_state import GLOBAL_FEATURES
from lnherd.envs.team_play import ForwardingTeamPlayer
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.traffic.demand import retail

CONFIG = ForwardingConfig(demand=retail(20.0), duration_ms=2_000)
PPO = replace(hop_ppo(), credit="own")
KEY = EpisodeKey(5, (1, 2, 3))


@pytest.fixture(scope="module")
def network():
    return generate(GeneratorConfig(n_nodes=20), 1)


def greedy(spaces=HOP_SPACES):
    network = CandidateNetwork(spaces, NetworkConfig(hidden=(8, 8), wait_logit=1.0), np.random.default_rng(3))
    return GreedyBehaviour(network.scorer(), 0.0, 0)


def played(team, network, n_groups=1, spaces=HOP_SPACES):
    player = ForwardingTeamPlayer(team, lambda seed: (CONFIG, network))
    return player.collect([greedy(spaces)] * n_groups, [KEY])[0]


def test_one_policy_for_all_is_the_plain_learner(network):
    (team,) = played(TeamConfig(PPO), network)
    alone = play_asking(CONFIG, network, greedy(), KEY)
    assert len(team) == len(alone) > 50
    assert np.array_equal(team.decisions.features, alone.decisions.features)
    assert np.array_equal(team.chosen, alone.chosen) and np.array_equal(team.node, alone.node)
    assert np.allclose(team.rewards, alone.rewards) and np.array_equal(team.is_split, alone.is_split)
    assert team.totals["success_volume"] == alone.totals["success_volume"]


def test_groups_split_the_same_episode(network):
    (whole,) = played(TeamConfig(PPO), network)
    parts = played(TeamConfig(PPO, sharing="none"), network, n_groups=20)
    assert sum(len(part) for part in parts) == len(whole)
    for node, part in enumerate(parts):
        assert (part.node == node).all()
        assert np.allclose(part.rewards, whole.rewards[whole.node == node])


def test_central_critics_and_mean_fields_see_more(network):
    team = TeamConfig(PPO, central=True, mean_field=True)
    (rich,) = played(team, network, spaces=team.spaces(GLOBAL_FEATURES))
    assert rich.decisions.hidden.shape == (len(rich), len(GLOBAL_FEATURES))
    around = rich.decisions.context[:, -len(MEAN_ACTIONS) :]
    assert np.allclose(around.sum(axis=1), 1.0, atol=1e-5) and around.std() > 0
