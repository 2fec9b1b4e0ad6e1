"""Distance tables: exact where there is a row, an upper bound by way of a hub elsewhere."""

import numpy as np
import pytest
from small_networks import line_of

from lnherd.engine import distances
from lnherd.engine.distances import FAR, distance_tables
from lnherd.network.generate import GeneratorConfig, generate


def looked_up(tables, n_nodes, node, destination):
    entry = tables["destinations"][destination]
    hops = int(tables["distances"][int(entry.row) * n_nodes + node]) + int(entry.offset)
    return 0 if node == destination else min(FAR, hops)


def test_hops_go_over_enabled_directions_only():
    network = line_of(5, policies={2: {"enabled": False}})  # from node 1 to node 2
    tables = distance_tables(network, np.array([4]))
    assert [looked_up(tables, 5, node, 4) for node in range(5)] == [FAR, FAR, 2, 1, 0]
    assert [looked_up(tables, 5, node, 0) for node in range(5)] == [0, 1, 2, 3, 4]


def test_tables_of_one_network_are_shared():
    network = line_of(3)
    again = network.with_balances(network.balance_msat // 1)
    assert distance_tables(network, np.array([0]))["distances"] is distance_tables(again, np.array([1]))["distances"]


def test_without_room_the_frequent_receivers_are_exact_and_others_bounded(monkeypatch: pytest.MonkeyPatch):
    network = generate(GeneratorConfig(n_nodes=100), 1)
    network.edges.enabled[:] = True  # distances are then the same both ways
    exact = distance_tables(network, np.array([5]))
    monkeypatch.setattr(distances, "TABLE_BYTES", 20 * network.n_nodes)
    network.derived.clear()
    bounded = distance_tables(network, np.array([50, 51, 50, 52, 53, 51]))
    assert len(bounded["distances"]) == 20 * network.n_nodes
    hops = np.array(
        [[looked_up(tables, 100, node, to) for node in range(100) for to in range(100)] for tables in (exact, bounded)]
    ).reshape(2, 100, 100)
    assert (hops[0, :, 50:54] == hops[1, :, 50:54]).all()
    assert (hops[1] >= hops[0]).all()
    assert (hops[1] > hops[0]).any()
