"""Path search against brute force: every simple path of a small network is tried and priced by hand."""

import itertools
import math

import numpy as np
import pytest

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.routing import find_route
from lnherd.engine.state import NONE
from lnherd.network.graph import CHANNEL_DTYPE, EDGE_DTYPE, Network
from lnherd.network.records import zero_records
from lnherd.traffic.demand import PAYMENT_DTYPE

NO_LIMIT_MSAT = 1 << 60


def random_network(rng, n_nodes=7, n_channels=13):
    channels = zero_records(n_channels, CHANNEL_DTYPE)
    channels.node1 = rng.integers(0, n_nodes, n_channels)
    channels.node2 = (channels.node1 + rng.integers(1, n_nodes, n_channels)) % n_nodes
    channels.capacity_msat = rng.integers(1, 20, n_channels) * 1_000_000
    channels.scid = -1
    edges = zero_records(2 * n_channels, EDGE_DTYPE)
    edges.base_fee_msat = rng.integers(0, 3_000, 2 * n_channels)
    edges.fee_ppm = rng.integers(0, 5_000, 2 * n_channels)
    edges.cltv_delta = rng.choice([18, 40, 80, 144], 2 * n_channels)
    edges.enabled = rng.random(2 * n_channels) < 0.85
    near = (channels.capacity_msat * rng.random(n_channels)).astype(np.int64)
    balance_msat = np.stack([near, channels.capacity_msat - near], axis=1).reshape(-1)
    return Network(np.array([f"n{i}" for i in range(n_nodes)]), channels, edges, balance_msat=balance_msat)


def simple_paths(network, sender, receiver, seen=()):
    """Every path of edges from sender to receiver that visits no node twice."""
    if sender == receiver:
        yield ()
        return
    for edge in network.out_edges(sender).tolist():
        after = int(network.edge_target[edge])
        if network.edges.enabled[edge] and after not in (*seen, sender):
            for rest in simple_paths(network, after, receiver, (*seen, sender)):
                yield (edge, *rest)


def price(network, config, path, amount_msat):
    """Cost of a path in the sender's terms, or infinity where it cannot carry the amount."""
    msat, weight, fee_total = amount_msat, 0.0, 0
    for edge in reversed(path[1:]):
        policy = network.edges[edge]
        if msat > network.channels.capacity_msat[edge >> 1]:
            return math.inf
        fee = int(policy.base_fee_msat + msat * policy.fee_ppm // 1_000_000)
        weight += fee + msat * policy.cltv_delta * config.risk_factor
        msat, fee_total = msat + fee, fee_total + fee
    capacity_msat = network.channels.capacity_msat[path[0] >> 1]
    reserve_msat = capacity_msat * config.reserve_ppm // 1_000_000
    if msat > min(network.balance_msat[path[0]] - reserve_msat, capacity_msat * config.max_in_flight_ppm // 1_000_000):
        return math.inf
    if config.sender == "cheapest":
        return fee_total
    if config.sender == "shortest":
        return len(path) * 1e12 + fee_total
    probability = config.success_probability * config.hop_probability ** (len(path) - 1)
    attempt_cost = config.attempt_cost_msat + amount_msat * config.attempt_cost_ppm // 1_000_000
    return weight + attempt_cost / probability if probability >= config.min_probability else math.inf


def queries(config, count=150):
    """(best cost by brute force, cost of the route found) on random networks."""
    rng = np.random.default_rng(11)
    for _ in range(count):
        network = random_network(rng)
        sender, receiver = (int(node) for node in rng.choice(network.n_nodes, 2, replace=False))
        amount_msat = int(rng.integers(1_000, 8_000_000))
        simulation = Simulation(network, zero_records(0, PAYMENT_DTYPE), config=config)
        n_hops = find_route(simulation.state, sender, receiver, amount_msat, NO_LIMIT_MSAT, NONE, NONE)
        route = simulation.state.route[0]
        found = tuple(route.edges[:n_hops].tolist())
        costs = [price(network, config, path, amount_msat) for path in simple_paths(network, sender, receiver)]
        yield min(costs, default=math.inf), price(network, config, found, amount_msat) if n_hops else math.inf


@pytest.mark.parametrize("sender", ["cheapest", "shortest"])
def test_fee_and_hop_senders_find_the_best_of_all_paths(sender):
    answers = list(queries(SimulationConfig(sender=sender)))
    assert sum(math.isfinite(best) for best, _ in answers) > 50
    for best, found in answers:
        assert found == pytest.approx(best)


def test_the_probable_sender_finds_the_best_of_all_paths_almost_always():
    """One label a node cannot be perfect where costs do not add up (LND's is not either); a miss is never cheaper."""
    answers = list(queries(SimulationConfig(sender="lnd", capacity_smearing=0.0)))
    assert all(math.isfinite(best) == math.isfinite(found) for best, found in answers)
    possible = [(best, found) for best, found in answers if math.isfinite(best)]
    assert all(found >= best - 1e-6 for best, found in possible)
    exact = sum(found <= best * (1 + 1e-9) for best, found in possible)
    assert len(possible) > 50
    assert exact >= 0.97 * len(possible)


def test_a_circle_leaves_and_returns_over_the_named_channels():
    rng = np.random.default_rng(5)
    n_circles = 0
    for _ in range(60):
        network = random_network(rng)
        simulation = Simulation(network, zero_records(0, PAYMENT_DTYPE))
        for first in network.out_edges(0).tolist():
            for out in network.out_edges(0).tolist():
                last = out ^ 1
                hops = find_route(simulation.state, 0, 0, 50_000, NO_LIMIT_MSAT, first, last)
                if hops:
                    edges = simulation.state.route[0].edges[:hops].tolist()
                    nodes = [int(network.edge_target[edge]) for edge in edges]
                    assert (edges[0], edges[-1], nodes[-1]) == (first, last, 0)
                    assert nodes.count(0) == 1
                    assert all(network.edge_source[b] == network.edge_target[a] for a, b in itertools.pairwise(edges))
                    n_circles += 1
    assert n_circles > 20
