"""What a team records is what the learners of one policy are given, whoever shares what."""

from dataclasses import replace

import numpy as np
import pytest

from lnherd.agents.configs import NetworkConfig
from lnherd.agents.forwarding_learners import hop_ppo
from lnherd.agents.networks import CandidateNetwork
from lnherd.agents.rollout import EpisodeKey, GreedyBehaviour, SoftmaxBehaviour
from lnherd.agents.team import TeamConfig
from lnherd.control.hop_encode import GLOBAL_FEATURES, MEAN_ACTIONS
from lnherd.engine import SimulationConfig
from lnherd.envs import ForwardingConfig
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_play import ForwardingPlayer, play_asking
from lnherd.envs.team_play import ForwardingTeamPlayer, play_team_asking
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.traffic.demand import retail

AT_ONCE = SimulationConfig(sender="policy", max_candidates=8, decision_interval_ms=0, hop_limit=20, max_parts=1)
CONFIG = ForwardingConfig(demand=retail(8.0), duration_ms=8_000, simulation=AT_ONCE)
PPO = replace(hop_ppo(), credit="path")
KEY = EpisodeKey(5, (1, 2, 3))
COLUMNS = ("chosen", "rewards", "fees", "node", "path", "is_split", "amounts")
TEAMS = {
    "shared": TeamConfig(PPO),
    "own": TeamConfig(PPO, sharing="none"),
    "everything": TeamConfig(PPO, sharing="role", central=True, mean_field=True),
}


@pytest.fixture(scope="module")
def network():
    return generate(GeneratorConfig(n_nodes=20), 1)


def behaviours(team, n_groups):
    """Greedy, with scores of the size of a trained network's, different for every group."""
    made = []
    for group in range(n_groups):
        config, rng = NetworkConfig(hidden=(8, 8), wait_logit=1.0), np.random.default_rng(group)
        scorer = CandidateNetwork(team.spaces(GLOBAL_FEATURES), config, rng).scorer()
        made.append(GreedyBehaviour(replace(scorer, w3=scorer.w3 + rng.normal(size=8).astype(np.float32)), 0.0, 0))
    return made


def n_groups(team, network):
    return int(team.groups(network).max()) + 1


def compiled(team, network, policies):
    return ForwardingTeamPlayer(team, lambda seed: (CONFIG, network)).collect(policies, [KEY])[0]


def alike(one, other):
    """But for one row: of two decisions in one moment the engine carries one out before it describes the other."""
    return (np.abs(one - other).max(axis=1, initial=0.0) > 1e-6).sum() <= 1


@pytest.mark.parametrize("name", TEAMS)
def test_compiled_and_asked_teams_record_the_same(network, name):
    team = TEAMS[name]
    policies = behaviours(team, n_groups(team, network))
    asked = play_team_asking(team, policies, ForwardingTask(CONFIG, network), KEY)
    parts = compiled(team, network, policies)
    assert sum(map(len, parts)) == len(asked) > 100
    for group, part in zip(asked.of_groups(team.groups(network), len(policies)), parts, strict=True):
        assert all(np.array_equal(getattr(group, column), getattr(part, column)) for column in COLUMNS)
        assert alike(group.decisions.features, part.decisions.features)
        assert alike(group.decisions.context, part.decisions.context)
        assert group.decisions.context.shape[1] == len(team.spaces(GLOBAL_FEATURES).context)
        assert team.central == (part.decisions.hidden is not None) and group.totals == part.totals
        if team.central:
            assert alike(group.decisions.hidden, part.decisions.hidden)
            around = part.decisions.context[:, -len(MEAN_ACTIONS) :]
            assert np.allclose(around.sum(axis=1), 1.0, atol=1e-5) and around.std() > 0


def test_one_policy_for_all_is_the_plain_learner(network):
    (policy,) = behaviours(TEAMS["shared"], 1)
    (team,) = compiled(TEAMS["shared"], network, [policy])
    alone = play_asking(CONFIG, network, policy, KEY)
    assert all(np.array_equal(getattr(team, column), getattr(alone, column)) for column in COLUMNS)
    drawing = SoftmaxBehaviour(policy.scorer)
    (team,) = compiled(TEAMS["shared"], network, [drawing])
    alone = ForwardingPlayer(lambda seed: (CONFIG, network)).play(drawing, KEY)
    assert np.array_equal(team.log_probabilities, alone.log_probabilities)


def test_a_way_goes_on_at_the_next_decision_of_the_same_group(network):
    """Path credit adds up: over a group's part of a way, what is added comes to what came of its first decision."""
    team = TEAMS["own"]
    for part in compiled(team, network, behaviours(team, 20)):
        rewards, following = part._credited("path")
        for first in np.flatnonzero(~np.isin(np.arange(len(part)), following)):
            way = [first]
            while following[way[-1]] >= 0:
                way.append(following[way[-1]])
            if not part.is_split[way].any():
                expected = part.rewards[first] + part.fees[way[1:]].sum()
                assert rewards[way].sum() == pytest.approx(expected)
