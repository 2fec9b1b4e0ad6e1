"""The network: what it refuses, how parts of it are cut out, how nodes are found."""

from dataclasses import replace

import numpy as np
import pytest
from small_networks import network_of

from lnherd.errors import InputError
from lnherd.network.graph import Network, channel_label, empty_edges

SCID = (800_000 << 40) | (1_234 << 16) | 1


@pytest.fixture
def network() -> Network:
    """0 - 1 - 2 - 0 and 2 - 3, of which 2 - 3 is dead and 1 - 2 enabled one way."""
    disabled = {"enabled": False}
    network = network_of(
        [(0, 1, 10, 20), (1, 2, 30, 40), (2, 0, 50, 60), (2, 3, 70, 80)],
        policies={3: disabled, 6: disabled, 7: disabled, 4: {"fee_ppm": 444}},
        n_nodes=5,
        name="toy",
    )
    return replace(network, aliases=np.array(["alice", "bob", "carol", "bob", ""]))


def broken(network: Network, pool: str, field: str, index: int, value: int) -> dict:
    records = getattr(network, pool).copy()
    records[field][index] = value
    return {pool: records}


def test_edges_come_in_pairs(network):
    assert network.edge_source.tolist() == [0, 1, 1, 2, 2, 0, 2, 3]
    assert network.edge_target.tolist() == [1, 0, 2, 1, 0, 2, 3, 2]
    assert network.degree.tolist() == [2, 2, 3, 1, 0]
    assert network.out_edges(2).tolist() == [3, 4, 6]
    start, order = network.incoming
    assert order[start[2] : start[3]].tolist() == [2, 5, 7]


@pytest.mark.parametrize(
    ("pool", "field", "index", "value", "sentence"),
    [
        ("channels", "node1", 2, -1, "toy: channel 2 refers to a node below 0; correct or remove it"),
        ("channels", "node2", 1, 5, "toy: channel 1 refers to a node that is not listed; correct or remove it"),
        ("channels", "node2", 0, 0, "toy: channel 0 joins a node to itself; correct or remove it"),
        ("channels", "capacity_msat", 3, 0, "toy: channel 3 has no positive capacity; correct or remove it"),
        ("edges", "base_fee_msat", 5, -1, "toy: channel 2 has a negative base_fee_msat; correct or remove it"),
        ("edges", "fee_ppm", 0, -1, "toy: channel 0 has a negative fee_ppm; correct or remove it"),
        ("edges", "htlc_min_msat", 1, -1, "toy: channel 0 has a negative htlc_min_msat; correct or remove it"),
        ("edges", "htlc_max_msat", 2, -1, "toy: channel 1 has a negative htlc_max_msat; correct or remove it"),
        ("edges", "cltv_delta", 3, -1, "toy: channel 1 has a negative cltv_delta; correct or remove it"),
    ],
)
def test_broken_channels_are_named(network, pool, field, index, value, sentence):
    with pytest.raises(InputError) as caught:
        replace(network, **broken(network, pool, field, index, value))
    assert str(caught.value) == sentence


def test_channels_with_a_short_channel_id_are_called_by_it(network):
    channels = network.channels.copy()
    channels.scid[[1, 3]] = SCID
    with pytest.raises(InputError) as caught:
        replace(network, channels=channels)
    assert str(caught.value) == "toy: channel 800000x1234x1 occurs twice; correct or remove it"
    assert channel_label(network, 2) == "2"


def test_inbound_fees_may_be_negative(network):
    discounted = replace(network, **broken(network, "edges", "inbound_fee_ppm", 0, -100))
    assert discounted.edges.inbound_fee_ppm[0] == -100


def test_edges_and_balances_must_match_the_channels(network):
    with pytest.raises(InputError, match="toy: 4 channels need 8 edges, found 6"):
        replace(network, edges=empty_edges(3), balance_msat=None)
    with pytest.raises(InputError, match="toy: 8 edges need as many balances, found 4"):
        network.with_balances(network.balance_msat[:4])
    wrong = network.balance_msat.copy()
    wrong[2] += 1
    with pytest.raises(InputError, match="toy: channel 1 has balances that do not sum to its capacity"):
        network.with_balances(wrong)
    wrong = network.balance_msat.copy()
    wrong[:2] = -1, 30_001
    with pytest.raises(InputError, match="toy: channel 0 has a negative balance"):
        network.with_balances(wrong)


def test_node_ids_are_unique(network):
    with pytest.raises(InputError, match="toy: a node id occurs twice; every node needs its own"):
        replace(network, node_ids=np.array(["a", "b", "c", "d", "a"]))


def test_nodes_are_found_by_key_index_and_unique_alias(network):
    assert network.node_index("node3") == 3
    assert network.node_index("2") == 2
    assert network.node_index("carol") == 2


@pytest.mark.parametrize(
    ("name", "problem"),
    [("dave", "no node called 'dave'"), ("bob", "2 nodes called 'bob'"), ("5", "no node called '5'")],
)
def test_nodes_that_cannot_be_told_are_refused(network, name, problem):
    with pytest.raises(InputError) as caught:
        network.node_index(name)
    assert str(caught.value) == f"toy: {problem}; give a public key or an index below 5"


def test_without_aliases_names_are_keys_or_indices(network):
    with pytest.raises(InputError, match="no node called 'carol'"):
        replace(network, aliases=None).node_index("carol")


def test_an_induced_network_keeps_what_lies_between_its_nodes(network):
    part = network.induced(np.array([True, False, True, True, False]), name="part")
    assert part.node_ids.tolist() == ["node0", "node2", "node3"]
    assert part.aliases.tolist() == ["alice", "carol", "bob"]
    assert list(zip(part.channels.node1, part.channels.node2, strict=True)) == [(1, 0), (1, 2)]
    assert part.edges.fee_ppm[0] == 444
    assert part.balance_msat.tolist() == [50_000, 60_000, 70_000, 80_000]
    assert part.name == "part"


def test_an_induced_network_may_leave_channels_out(network):
    part = network.induced(np.ones(5, dtype=bool), np.array([True, False, False, True]))
    assert part.channels.capacity_msat.tolist() == [30_000, 150_000]


def test_a_cut_leaves_the_original_alone(network):
    part = network.induced(np.ones(5, dtype=bool))
    part.edges.fee_ppm[:] = 7
    part.channels.capacity_msat[:] = 7
    assert network.edges.fee_ppm[0] == 100
    assert network.channels.capacity_msat[0] == 30_000


def test_the_live_part_has_an_enabled_direction_everywhere(network):
    assert network.live_channels.tolist() == [True, True, True, False]
    live = network.live()
    assert live.node_ids.tolist() == ["node0", "node1", "node2"]
    assert live.n_channels == 3
    assert live.live().n_channels == 3
