"""A sender at a hub with two peers, and what the sender's memory makes of the hub's channels."""

import numpy as np

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.liquidity import local_probability, pair_probability, recall_memory, recall_pairs
from lnherd.network.graph import CHANNEL_DTYPE, EDGE_DTYPE, Network
from lnherd.network.records import zero_records
from lnherd.traffic.demand import PAYMENT_DTYPE

SENDER, HUB, LEFT, RIGHT = 0, 1, 2, 3
CAPACITY_MSAT = 10_000_000_000


def simulation_of(n_nodes=4, **changes):
    channels = zero_records(n_nodes - 1, CHANNEL_DTYPE)
    channels.node1, channels.node2 = 1, [0, *range(2, n_nodes)]
    channels.capacity_msat, channels.scid = CAPACITY_MSAT, -1
    edges = zero_records(2 * len(channels), EDGE_DTYPE)
    edges.enabled = True
    network = Network(np.array([f"n{i}" for i in range(n_nodes)]), channels, edges)
    balance_msat = np.full(len(edges), CAPACITY_MSAT // 2)
    config = SimulationConfig(capacity_smearing=0.0, **changes)
    return Simulation(network, zero_records(0, PAYMENT_DTYPE), config=config, balance_msat=balance_msat)


def chance(simulation, target, amount_msat, source=HUB):
    """What a search of SENDER thinks now of the pair (source, target)."""
    state = simulation.state
    state.clock[0].query += 1
    state.search[0].query, state.search[0].sender = state.clock[0].query, SENDER
    recall_memory(state)
    recall_pairs(state, target)
    if source == SENDER:
        return local_probability(state, SENDER, target)
    return pair_probability(state, source, target, amount_msat, CAPACITY_MSAT)
