"""From facts to state: limits, rings of parallel channels, the senders' view."""

import pytest
from small_networks import network_of, payments_of

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.building import UNLIMITED_MSAT, edge_states, fee_limit_msat, gossip_view, parallel_ring
from lnherd.errors import InputError
from lnherd.network.graph import Network

PARALLEL = network_of([(0, 1, 100, 100), (1, 2, 50, 50), (1, 0, 30, 70), (0, 1, 10, 90)])


def test_parallel_edges_form_rings_in_the_direction_of_their_nodes():
    ring = parallel_ring(PARALLEL)
    assert [ring[0], ring[5], ring[6]] == [5, 6, 0]
    assert [ring[1], ring[4], ring[7]] == [4, 7, 1]
    assert [ring[2], ring[3]] == [2, 3]


def test_limits_are_shares_of_the_capacity_without_overflow():
    network = network_of([(0, 1, 5 * 10**11, 5 * 10**11)])  # 10,000 BTC
    edges = edge_states(network, network.balance_msat, SimulationConfig(reserve_ppm=10_001, max_in_flight_ppm=999_999))
    capacity_msat = 10**15
    assert edges.reserve_msat.tolist() == [capacity_msat * 10_001 // 10**6] * 2
    assert edges.max_in_flight_msat.tolist() == [capacity_msat * 999_999 // 10**6] * 2


def test_a_maximum_that_was_not_announced_is_no_limit_but_the_capacity_for_senders():
    network = network_of([(0, 1, 100, 100)], policies={0: {"htlc_max_msat": 0}, 1: {"htlc_max_msat": 70_000}})
    edges = edge_states(network, network.balance_msat, SimulationConfig())
    assert edges.htlc_max_msat.tolist() == [UNLIMITED_MSAT, 70_000]
    gossip, position = gossip_view(network)
    assert gossip.htlc_max_msat[position].tolist() == [200_000, 70_000]


def test_gossip_is_grouped_by_target_and_carries_the_targets_inbound_fee():
    network = network_of([(0, 1, 1, 1), (2, 1, 1, 1)], policies={1: {"inbound_base_fee_msat": -5, "fee_ppm": 9}})
    gossip, position = gossip_view(network)
    assert gossip.edge[position].tolist() == [0, 1, 2, 3]
    targets = network.edge_target[gossip.edge]
    assert targets.tolist() == sorted(targets)
    assert gossip.inbound_base_fee_msat[position].tolist() == [-5, 0, 0, 0]
    assert gossip.fee_ppm[position].tolist() == [100, 9, 100, 100]


def test_lnds_fee_limit_and_none():
    amounts = payments_of((0, 0, 1, 1_000_000), (0, 0, 1, 1_000_001), (0, 0, 1, 50_000_000)).amount_msat
    assert fee_limit_msat(amounts, "lnd").tolist() == [1_000_000, 50_000, 2_500_000]
    assert fee_limit_msat(amounts, "none").tolist() == [UNLIMITED_MSAT] * 3


@pytest.mark.parametrize(
    ("payments", "sentence"),
    [
        ([(0, 0, 3, 5)], "payment 0 names a node outside 0..2"),
        ([(0, 0, 1, 5), (0, -1, 1, 5)], "payment 1 names a node outside 0..2"),
        ([(0, 1, 1, 5)], "payment 0 pays its own sender"),
        ([(0, 0, 1, 0)], "payment 0 has no positive amount"),
        ([(-1, 0, 1, 5)], "payment 0 starts before time 0"),
        ([(9, 0, 1, 5), (8, 0, 1, 5)], "payment 1 starts before the one above it; sort by start"),
    ],
)
def test_bad_payments_are_named(payments, sentence):
    with pytest.raises(InputError) as caught:
        Simulation(PARALLEL, payments_of(*payments))
    assert str(caught.value) == sentence


def test_a_network_without_balances_is_refused():
    bare = Network(PARALLEL.node_ids, PARALLEL.channels, PARALLEL.edges, name="bare")
    with pytest.raises(InputError, match="bare: gossip holds no balances; draw them first"):
        Simulation(bare, payments_of())


def test_balances_can_be_given_beside_the_network():
    bare = Network(PARALLEL.node_ids, PARALLEL.channels, PARALLEL.edges)
    simulation = Simulation(bare, payments_of(), balance_msat=PARALLEL.balance_msat)
    assert simulation.state.edges.balance_msat.tolist() == PARALLEL.balance_msat.tolist()
    assert simulation.audit() == []
