import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from small_networks import network_of

from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.measures.cohesion import pair_adjacency
from lnherd.network.neighbourhood import mid_size_nodes, neighbourhood, personalised_pagerank
from lnherd.network.stats import connected_pairs


@pytest.fixture(scope="module")
def network():
    return generate(GeneratorConfig(n_nodes=1_000), seed=4)


@pytest.fixture(scope="module")
def node(network):
    return int(mid_size_nodes(network)[17])


@pytest.mark.parametrize("n_nodes", [2, 20, 200, 999])
def test_size_and_connectedness(network, node, n_nodes):
    part = neighbourhood(network, node, n_nodes)
    low, high, _ = connected_pairs(part)
    assert part.n_nodes == n_nodes
    assert connected_components(pair_adjacency(low, high, part.n_nodes), directed=False)[0] == 1


def test_the_node_keeps_all_its_channels_and_its_id(network, node):
    part = neighbourhood(network, node, 60)
    here = part.node_index(str(network.node_ids[node]))
    assert part.degree[here] == network.degree[node]
    assert sorted(part.channels.scid[part.out_edges(here) >> 1]) == sorted(
        network.channels.scid[network.out_edges(node) >> 1]
    )


def test_policies_and_balances_come_along(network, node):
    part = neighbourhood(network, node, 60)
    original = {scid: index for index, scid in enumerate(network.channels.scid.tolist())}
    for channel in range(0, part.n_channels, 7):
        there = original[int(part.channels.scid[channel])]
        assert part.edges[2 * channel] == network.edges[2 * there]
        assert part.balance_msat[2 * channel] == network.balance_msat[2 * there]


def test_hubs_stay_and_so_do_small_nodes(network, node):
    part = neighbourhood(network, node, 200)
    kept = np.isin(network.node_ids, part.node_ids)
    assert kept[:10].sum() >= 6
    assert (network.degree[kept] <= 3).sum() >= 20


def test_all_there_is_when_more_is_asked_for(network, node):
    assert neighbourhood(network, node, 5_000).n_nodes == 1_000


def test_dead_channels_are_no_neighbourhood():
    off = {"enabled": False}
    network = network_of([(0, 1, 5, 5), (1, 2, 5, 5), (0, 3, 5, 5), (3, 4, 5, 5)], policies={4: off, 5: off})
    part = neighbourhood(network, 0, 5)
    assert part.node_ids.tolist() == ["node0", "node1", "node2"]
    with pytest.raises(InputError, match=r"small: node node5 has no live channel; choose one that has"):
        neighbourhood(network_of([(0, 1, 5, 5)], n_nodes=6), 5, 3)


def test_nonsense_is_refused(network):
    with pytest.raises(InputError, match="no node 1000; give an index below 1000"):
        neighbourhood(network, 1_000, 5)
    with pytest.raises(InputError, match="of 1 nodes holds no channel; ask for 2 or more"):
        neighbourhood(network, 0, 1)


def test_pagerank_of_a_pair_is_known():
    """r0 = 0.15 + 0.85 r1 and r1 = 0.85 r0."""
    rank = personalised_pagerank(pair_adjacency(np.array([0]), np.array([1]), 2), 0)
    assert rank.tolist() == pytest.approx([0.15 / (1 - 0.85**2), 0.85 * 0.15 / (1 - 0.85**2)], abs=1e-3)


def test_mid_size_nodes_count_live_channels_only():
    off = {"enabled": False}
    star = network_of([(0, peer, 5, 5) for peer in range(1, 7)], policies={0: off, 1: off})
    assert mid_size_nodes(star).tolist() == [0]
    assert mid_size_nodes(star, 6, 9).tolist() == []
    assert mid_size_nodes(star, 0, 0).tolist() == [1]
