"""Source mode: routes come from gossip and own failures, and parts follow them whatever lies on the way."""

import numpy as np
from small_networks import SAT, network_of, payments_of

from lnherd.agents.scorer import Scorer
from lnherd.control.hop_encode import CANDIDATE_FEATURES, N_CONTEXT, N_FEATURES
from lnherd.engine import ExitReason, Simulation, SimulationConfig
from lnherd.engine.codes import SUCCEEDED
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.forwarding_source import SourceModePolicy

DIAMOND = [
    (0, 1, 500_000, 500_000),
    (0, 2, 500_000, 500_000),
    (1, 3, 0, 900_000),
    (2, 4, 500_000, 500_000),
    (4, 3, 500_000, 500_000),
]
"""From node 0 to 3: short over 1, whose next channel is drained, or long over 2 and 4."""


def short_ways():
    """Prefers what leads nearer, and channels to anything else."""
    w1 = np.zeros((N_CONTEXT + N_FEATURES, 2), np.float32)
    w1[N_CONTEXT + CANDIDATE_FEATURES.index("is_channel")] = 2.0
    w1[N_CONTEXT + CANDIDATE_FEATURES.index("distance"), 0] = -10.0
    ones = np.ones(2, np.float32)
    return Scorer(w1, ones, np.eye(2, dtype=np.float32), 0 * ones, ones, np.zeros((), np.float32))


def world(amount_sat=50_000):
    config = SimulationConfig(sender="policy", hop_policy="external", mpp=False)
    return Simulation(network_of(DIAMOND), payments_of((0, 0, 3, amount_sat * SAT)), config=config)


def policy_for(simulation):
    policy = SourceModePolicy(short_ways(), lambda: simulation)
    policy.begin(0)
    return policy


def test_routes_know_gossip_and_own_balances_only():
    simulation = world()
    policy = policy_for(simulation)
    assert policy.route(0, 3, 50_000 * SAT) == [0, 4]  # node 1 has nothing towards 3, but who could know
    simulation.shift_liquidity(0, 495_000 * SAT)
    assert policy.route(0, 3, 50_000 * SAT) == [2, 6, 8]  # its own channel the sender knows
    assert policy.route(0, 3, 5_000_000 * SAT) == []


def test_what_failed_is_not_tried_again_and_the_way_round_is_found():
    simulation = world()
    config = ForwardingConfig(n_nodes=5, simulation=simulation.config)
    task = ForwardingTask(config, simulation.network)
    task.simulation, task._churn_rng = simulation, np.random.default_rng(0)
    task._next_churn_ms = task._next_watch_ms = None
    policy, batch = policy_for(simulation), task._run_to_decisions()
    taken = []
    while not batch.is_over:
        choices = policy.choose(batch)
        taken += batch.edges[np.arange(len(choices)), choices].tolist()
        batch = task.step(choices)
    assert taken == [0, -1, 2, 6, 8]  # node 1 gives up; the next attempt goes round
    assert simulation.payments.status[0] == SUCCEEDED and simulation.payments.attempts[0] == 2


def test_the_imagined_world_leaves_the_real_one_alone():
    simulation = world()
    before = simulation.state.edges.balance_msat.copy()
    policy_for(simulation).route(0, 3, 50_000 * SAT)
    assert np.array_equal(simulation.state.edges.balance_msat, before)
    assert simulation.run() == ExitReason.DECISION_NEEDED and len(simulation.pending) == 1
