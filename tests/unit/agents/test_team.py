"""Who learns with whom, and what only a critic sees."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lnherd.agents.configs import NetworkConfig, Spaces
from lnherd.agents.forwarding_learners import hop_dqn, hop_ppo
from lnherd.agents.networks import Batch, CandidateNetwork
from lnherd.agents.packing import Packed, joined
from lnherd.agents.team import TeamConfig
from lnherd.control.hop_encode import MEAN_ACTIONS
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate


def packed_with(hidden):
    rng = np.random.default_rng(0)
    counts = np.array([2, 3])
    context, features = rng.random((2, 2)).astype(np.float32), rng.random((5, 3)).astype(np.float32)
    return Packed(context, features, counts, hidden.astype(np.float32))


def test_only_the_critic_sees_what_is_hidden():
    spaces = Spaces(("a", "b"), ("c", "d", "e"), ("h",))
    network = CandidateNetwork(spaces, NetworkConfig(hidden=(8, 8)), np.random.default_rng(1))
    low, high = (Batch(packed_with(np.full((2, 1), level)), "cpu") for level in (0.0, 1.0))
    with torch.no_grad():
        assert not torch.equal(network.values(low), network.values(high))
        assert torch.equal(network.scores(low), network.scores(high))
    assert network.scorer().w1.shape[0] == 5


def test_hidden_columns_stay_with_their_decisions():
    everything = joined([packed_with(np.array([[1.0], [2.0]])), packed_with(np.array([[3.0], [4.0]]))])
    chosen = everything.select(np.array([3, 1]))
    assert chosen.hidden[:, 0].tolist() == [4.0, 2.0] and chosen.counts.tolist() == [3, 3]
    assert joined([Packed(each.context, each.features, each.counts) for each in [everything] * 2]).hidden is None


def test_groups():
    network = generate(GeneratorConfig(n_nodes=30), 1)
    shared, own, roles = (TeamConfig(hop_ppo(), sharing=name).groups(network) for name in ("all", "none", "role"))
    assert set(shared) == {0} and own.tolist() == list(range(30))
    degrees = [network.degree[roles == role] for role in range(3)]
    assert degrees[0].max() <= 2 < degrees[1].min() and degrees[1].max() <= degrees[2].min() and len(degrees[2]) == 3


def test_what_a_team_sees():
    plain, rich = TeamConfig(hop_ppo()), TeamConfig(hop_ppo(), central=True, mean_field=True)
    assert plain.spaces(("h",)).hidden == () and rich.spaces(("h",)).hidden == ("h",)
    assert rich.spaces(("h",)).context == plain.spaces(("h",)).context + MEAN_ACTIONS


def test_teams_without_sense_are_refused():
    with pytest.raises(InputError, match="sharing"):
        TeamConfig(hop_ppo(), sharing="some")
    with pytest.raises(InputError, match="central"):
        TeamConfig(replace(hop_dqn()), central=True)
