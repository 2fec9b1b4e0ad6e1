"""Learners of forwarding find the way round a shortest path that cannot carry anything."""

from dataclasses import replace

import pytest
from small_networks import network_of

from lnherd.agents.forwarding_learners import hop_dqn, hop_ppo, hop_q
from lnherd.agents.hop_scorer import HopScorerPolicy, HopTablePolicy
from lnherd.agents.learners import make_learner
from lnherd.engine import SimulationConfig
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_play import ForwardingPlayer, payment_totals
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.traffic.amounts import LogNormal
from lnherd.traffic.demand import OTHER, Component, Demand
from lnherd.traffic.endpoints import FixedNodes

WIDE, NARROW = 20_000_000, 1_000
NETWORK = network_of(
    [(0, 1, WIDE, WIDE), (1, 4, NARROW, NARROW), (0, 2, WIDE, WIDE), (2, 3, WIDE, WIDE), (3, 4, WIDE, WIDE)]
)
"""From 0 to 4 over 1, which has next to nothing on the last channel, or round over 2 and 3."""
AMOUNTS = LogNormal(median_sat=20_000, sigma=0.5, min_sat=5_000, max_sat=50_000)
DEMAND = Demand((Component(40.0, AMOUNTS, senders=FixedNodes((0,)), receivers=FixedNodes((4,)), kind=OTHER),))
CONFIG = ForwardingConfig(
    n_nodes=5,
    demand=DEMAND,
    duration_ms=4_000,
    balance_prior="half",
    simulation=SimulationConfig(
        sender="policy", max_candidates=4, policy_attempts=2, mpp=False, decision_interval_ms=100
    ),
)
LEARNERS = {
    "ppo": (replace(hop_ppo(), minibatch=128), 32),
    "dqn": (replace(hop_dqn(), warm_up=200, updates_per_decision=0.05, minibatch=128, target_rate=0.05), 30),
    "q": (hop_q(), 30),
}


def success(policy, seeds=range(3)):
    paid = payments = 0.0
    for seed in seeds:
        task = ForwardingTask(CONFIG, NETWORK)
        batch = task.reset(seed)
        policy.begin(seed)
        while not batch.is_over:
            batch = task.step(policy.choose(batch))
        totals = payment_totals(task.simulation.payments)
        paid, payments = paid + totals["successes"], payments + totals["payments"]
    return paid / payments


def shortest_success():
    task = ForwardingTask(CONFIG, NETWORK)
    task.begin(0, "shortest")
    task.run_out()
    totals = payment_totals(task.simulation.payments)
    return totals["successes"] / totals["payments"]


@pytest.mark.parametrize(
    "name, credit",
    [
        ("ppo", "own"),
        ("ppo", "path"),
        ("ppo", "payment"),
        ("ppo", "stream"),
        ("dqn", "own"),
        ("dqn", "path"),
        ("q", "own"),
        ("q", "path"),
    ],
)
def test_finds_the_way_round(name, credit):
    config, episodes = LEARNERS[name]
    learner = make_learner(replace(config, credit=credit), seed=1)
    learner.train(ForwardingPlayer(lambda seed: (CONFIG, NETWORK)), episodes, range(100, 100 + episodes))
    policy = HopTablePolicy(learner.table) if name == "q" else HopScorerPolicy(learner.deployed())
    assert shortest_success() < 0.1
    assert success(policy) > 0.9
