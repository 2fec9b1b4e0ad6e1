"""Teams find the way round a shortest path that cannot carry anything, however they learn together."""

from dataclasses import replace

import numpy as np
import pytest
from small_networks import network_of

from lnherd.agents.forwarding_learners import hop_dqn, hop_ppo
from lnherd.agents.team import Team, TeamConfig
from lnherd.control.hop_encode import GLOBAL_FEATURES
from lnherd.engine import SimulationConfig
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_play import payment_totals
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.team_play import ForwardingTeamPlayer, run_team
from lnherd.traffic.amounts import LogNormal
from lnherd.traffic.demand import OTHER, Component, Demand
from lnherd.traffic.endpoints import FixedNodes

WIDE, NARROW = 20_000_000, 1_000
NETWORK = network_of(
    [(0, 1, WIDE, WIDE), (1, 4, NARROW, NARROW), (0, 2, WIDE, WIDE), (2, 3, WIDE, WIDE), (3, 4, WIDE, WIDE)]
)
AMOUNTS = LogNormal(median_sat=20_000, sigma=0.5, min_sat=5_000, max_sat=50_000)
CONFIG = ForwardingConfig(
    n_nodes=5,
    demand=Demand((Component(40.0, AMOUNTS, senders=FixedNodes((0,)), receivers=FixedNodes((4,)), kind=OTHER),)),
    duration_ms=2_000,
    balance_prior="half",
    simulation=SimulationConfig(sender="policy", max_candidates=4, policy_attempts=2),
)
PPO = replace(hop_ppo(), minibatch=128)
DQN = replace(hop_dqn(), warm_up=500, updates_per_decision=0.1, minibatch=128)
TEAMS = {
    "central critic": TeamConfig(PPO, central=True),
    "mean field": TeamConfig(PPO, mean_field=True),
    "own policies": TeamConfig(replace(PPO, minibatch=64), sharing="none"),
    "mean field Q": TeamConfig(DQN, mean_field=True),
}


def success(team, settings):
    simulation = run_team(settings, team.behaviours(), ForwardingTask(CONFIG, NETWORK), 1)
    totals = payment_totals(simulation.payments)
    return totals["successes"] / totals["payments"]


def trained(settings, episodes):
    team = Team(settings, int(settings.groups(NETWORK).max()) + 1, GLOBAL_FEATURES, seed=1)
    player = ForwardingTeamPlayer(settings, lambda seed: (CONFIG, NETWORK))
    team.train(player, episodes, range(1 << 31, (1 << 31) + episodes))
    return team


@pytest.mark.parametrize("name", TEAMS)
def test_every_team_learns_the_way_round(name):
    assert success(trained(TEAMS[name], 24), TEAMS[name]) > 0.9


def test_a_training_follows_from_its_seed():
    first, again = (trained(TEAMS["central critic"], 2).learners[0].network.arrays() for _ in range(2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
