import numpy as np
import pytest

from lnherd.network.synthetic import mainnet2026
from lnherd.network.synthetic.capacities import draw_capacities
from lnherd.network.synthetic.policies import draw_policies
from lnherd.network.synthetic.topology import TopologyConfig, draw_topology

N_NODES = 3_000


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(5)
    ends = draw_topology(TopologyConfig(), N_NODES, rng)
    degree = np.bincount(np.concatenate(ends), minlength=N_NODES)
    capacity_msat = draw_capacities(*ends, degree, rng)
    return ends, degree, capacity_msat, draw_policies(ends, capacity_msat, N_NODES, rng)


def test_capacities_have_the_favourite_amounts_and_grow_with_the_smaller_end(drawn):
    ends, degree, capacity_msat, _ = drawn
    assert np.mean(capacity_msat == 1_000_000_000) == pytest.approx(0.106, abs=0.002)
    assert np.mean(capacity_msat == 5_000_000_000) == pytest.approx(0.100, abs=0.002)
    smaller = np.minimum(degree[ends[0]], degree[ends[1]])
    assert np.corrcoef(np.log(smaller), np.log(capacity_msat))[0, 1] == pytest.approx(0.64, abs=0.08)


def test_one_direction_of_every_channel_is_on_and_silent_ones_say_nothing(drawn):
    *_, edges = drawn
    assert edges.enabled.reshape(-1, 2).any(axis=1).all()
    silent = edges[~edges.enabled]
    assert len(silent) > 0
    assert not any(silent[name].any() for name in edges.dtype.names)


def test_limits_fit_the_channel(drawn):
    _, _, capacity_msat, edges = drawn
    on = edges.enabled
    assert (edges.htlc_max_msat[on] <= np.repeat(capacity_msat, 2)[on]).all()
    assert (edges.htlc_min_msat <= edges.htlc_max_msat).all()
    assert (edges.htlc_max_msat[on] > 0).all()


def test_htlc_minimum_goes_with_the_time_lock(drawn):
    *_, edges = drawn
    lowest = edges.htlc_min_msat[edges.enabled & (edges.cltv_delta == 34)]
    assert np.mean(lowest <= 1) == pytest.approx(0.82, abs=0.05)
    assert np.mean(edges.htlc_min_msat[edges.enabled & (edges.cltv_delta == 80)] <= 1) < 0.1


def test_base_fees_go_with_proportional_fees(drawn):
    *_, edges = drawn
    at_499 = edges.base_fee_msat[edges.enabled & (edges.fee_ppm == 499)]
    at_2000 = edges.base_fee_msat[edges.enabled & (edges.fee_ppm == 2_000)]
    assert np.mean(at_499 == 1_000) > 0.9
    assert np.mean(at_2000 == 1_000) < 0.5


def test_default_fees_are_those_of_small_nodes(drawn):
    ends, degree, _, edges = drawn
    owner = np.stack(ends, axis=1).reshape(-1)
    default = (edges.base_fee_msat == 1_000) & (edges.fee_ppm == 1)
    leaf = (degree[owner] == 1) & edges.enabled
    hub = (degree[owner] >= 30) & edges.enabled
    assert default[leaf].mean() == pytest.approx(mainnet2026.ALL_DEFAULT[0], abs=0.06)
    assert default[hub].mean() < 0.2


def test_every_size_of_network_gets_policies():
    rng = np.random.default_rng(0)
    for ends in ((np.array([0]), np.array([1])), (np.empty(0, np.int64), np.empty(0, np.int64))):
        edges = draw_policies(ends, np.full(len(ends[0]), 10**9), 2, rng)
        assert len(edges) == 2 * len(ends[0])
