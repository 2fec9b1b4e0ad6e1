import math

import numpy as np
import pytest
from small_networks import line_of, network_of

from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network, empty_edges
from lnherd.network.records import zero_records
from lnherd.network.stats import capacity_regression, path_shares, summarise

OFF = {"enabled": False}


def test_a_line_of_three():
    figures = summarise(line_of(3))
    assert figures["nodes"] == 3
    assert figures["channels"] == figures["connected_pairs"] == 2
    assert figures["capacity_btc"] == pytest.approx(0.02)
    assert figures["degree_mean"] == pytest.approx(4 / 3)
    assert figures["path_mean"] == pytest.approx(4 / 3)
    assert figures["path_1_share"] == pytest.approx(2 / 3)
    assert figures["path_longest"] == 2
    assert figures["assortativity"] == pytest.approx(-1)
    assert figures["clustering"] == 0
    assert figures["fee_ppm_p50"] == 100
    assert figures["fee_on_50k_sat_msat_p50"] == 1_000 + 5_000


def test_parallel_channels_count_once_as_pairs():
    figures = summarise(
        network_of([(0, 1, 5, 5), (1, 0, 5, 5), (0, 1, 5, 5), (1, 2, 5, 5), (2, 1, 5, 5), (2, 0, 5, 5)])
    )
    assert figures["connected_pairs"] == 3
    assert figures["degree_mean"] == 4
    assert figures["pairs_with_2_channels_share"] == pytest.approx(1 / 3)
    assert figures["pairs_with_3_plus_channels_share"] == pytest.approx(1 / 3)
    assert figures["parallel_channels_max"] == 3
    assert figures["clustering"] == 1


def test_paths_are_those_of_the_largest_component():
    figures = summarise(network_of([(0, 1, 5, 5), (1, 2, 5, 5), (2, 3, 5, 5), (4, 5, 5, 5)], n_nodes=7))
    assert figures["components"] == 3
    assert figures["largest_component_share"] == pytest.approx(4 / 7)
    assert figures["path_longest"] == 3


def test_disabled_directions_are_counted_but_not_measured():
    network = network_of(
        [(0, 1, 5, 5), (1, 2, 5, 5), (2, 3, 5, 5)],
        policies={0: OFF, 2: OFF, 3: OFF, 4: {"fee_ppm": 7}, 5: {"fee_ppm": 7}},
    )
    figures = summarise(network)
    assert figures["directions_off_share"] == pytest.approx(3 / 6)
    assert figures["channels_with_one_direction_off_share"] == pytest.approx(1 / 3)
    assert figures["channels_with_both_directions_off_share"] == pytest.approx(1 / 3)
    assert figures["fee_ppm_p50"] == 7


def test_habits_of_nodes():
    """Node 0 asks one fee on three channels, node 1 two fees on three."""
    fees = {edge: {"fee_ppm": 5} for edge in (0, 2, 4)} | {1: {"fee_ppm": 6}, 6: {"fee_ppm": 7}, 8: {"fee_ppm": 7}}
    network = network_of([(0, 1, 5, 5), (0, 2, 5, 5), (0, 3, 5, 5), (1, 2, 5, 5), (1, 3, 5, 5)], policies=fees)
    figures = summarise(network)
    assert figures["nodes_with_one_fee_ppm_share"] == pytest.approx(0.5)
    assert figures["nodes_with_one_base_fee_share"] == 1


def test_capacity_regression_recovers_its_own_coefficients():
    network = generate(GeneratorConfig(n_nodes=400), seed=0)
    degree = np.sort(np.stack([network.degree[network.channels.node1], network.degree[network.channels.node2]]), axis=0)
    network.channels.capacity_msat = np.rint(1_000 * np.exp(12) * degree[0] ** 0.8 * degree[1] ** 0.1)
    found = capacity_regression(network)
    assert found["capacity_regression_intercept"] == pytest.approx(12, abs=1e-3)
    assert found["capacity_regression_ln_min_degree"] == pytest.approx(0.8, abs=1e-3)
    assert found["capacity_regression_ln_max_degree"] == pytest.approx(0.1, abs=1e-3)
    assert found["capacity_regression_residual_sd"] == pytest.approx(0, abs=1e-3)


def test_path_shares_put_long_paths_together():
    shares = path_shares(np.array([10, 20, 30, 20, 10, 6, 4]))
    assert shares["path_6_plus_share"] == pytest.approx(0.1)
    assert sum(value for key, value in shares.items() if key.endswith("share")) == pytest.approx(1)
    assert shares["path_longest"] == 7


@pytest.mark.parametrize("n_nodes", [0, 1, 4])
def test_a_network_without_channels_has_a_table_too(n_nodes):
    channels = zero_records(0, np.dtype([("node1", "i4"), ("node2", "i4"), ("capacity_msat", "i8"), ("scid", "i8")]))
    figures = summarise(Network(np.array([f"n{i}" for i in range(n_nodes)], dtype=str), channels, empty_edges(0)))
    assert figures["nodes"] == n_nodes
    assert figures["components"] == n_nodes
    assert math.isnan(figures["path_mean"])
    assert math.isnan(figures["fee_ppm_p50"])


def test_every_network_has_the_same_rows():
    assert list(summarise(line_of(2))) == list(summarise(generate(GeneratorConfig(n_nodes=100), seed=0)))


def test_sampled_path_lengths_come_close_and_depend_on_the_seed(monkeypatch):
    network = generate(GeneratorConfig(n_nodes=2_000), seed=0)
    exact = summarise(network)["path_mean"]
    monkeypatch.setattr("lnherd.network.stats._PATH_BUDGET", 1)
    first, again, other = (summarise(network, seed)["path_mean"] for seed in (1, 1, 2))
    assert first == again != other
    assert first == pytest.approx(exact, abs=0.15)
