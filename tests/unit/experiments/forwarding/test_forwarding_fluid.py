"""The fluid limit of forwarding on networks small enough to work it out by hand."""

import numpy as np
import pytest
from tests.support.small_networks import network_of

from lnherd.engine import SimulationConfig
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.experiments.forwarding.fluid import EpisodeDemand, episode_limit, fluid_limit, in_all
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.traffic.amounts import LogNormal
from lnherd.traffic.demand import Component, Demand

MSAT = 1_000


def limit_sat(network, *wishes):
    """Most sat delivered of (payer, receiver, wanted_sat)."""
    pairs = np.array([wish[:2] for wish in wishes], dtype=np.int64).reshape(-1, 2)
    demand = EpisodeDemand(pairs, np.array([MSAT * wish[2] for wish in wishes], dtype=np.float64))
    return fluid_limit(network, network.balance_msat, demand) / MSAT


def test_two_ways_add_up_and_the_narrowest_channel_counts():
    network = network_of([(0, 1, 50, 0), (1, 3, 30, 0), (0, 2, 20, 0), (2, 3, 90, 0)])
    assert limit_sat(network, (0, 3, 1_000)) == pytest.approx(50.0)
    assert limit_sat(network, (0, 3, 45)) == pytest.approx(45.0)


def test_opposite_payments_make_room_for_each_other():
    network = network_of([(0, 1, 10, 0)])
    assert limit_sat(network, (0, 1, 100)) == pytest.approx(10.0)
    assert limit_sat(network, (1, 0, 100)) == pytest.approx(0.0)
    assert limit_sat(network, (0, 1, 100), (1, 0, 100)) == pytest.approx(200.0)


def test_a_circle_of_payments_goes_on_with_nothing_owned():
    ring = network_of([(0, 1, 5, 5), (1, 2, 5, 5), (2, 0, 5, 5)])
    amounts_msat = 10**9 * np.array([10, 10, 10, 20])
    demand = in_all(np.array([0, 1, 2, 0]), np.array([1, 2, 0, 1]), amounts_msat)
    assert fluid_limit(ring, np.zeros(6, dtype=np.int64), demand) == pytest.approx(30.0 * 10**9)


def test_parallel_channels_count_together_and_disabled_directions_not():
    network = network_of([(0, 1, 10, 0), (1, 0, 0, 7)])
    assert limit_sat(network, (0, 1, 100)) == pytest.approx(17.0)
    one_way = network_of([(0, 1, 10, 0)], policies={0: {"enabled": False}})
    assert limit_sat(one_way, (0, 1, 5), (1, 0, 5)) == pytest.approx(0.0)


def test_nobody_wants_anything():
    assert limit_sat(network_of([(0, 1, 10, 0)])) == 0.0


def test_an_episode_has_a_limit_above_its_circulation_and_payments_too_large_are_left_out():
    network = generate(GeneratorConfig(n_nodes=12), 1)
    small = Demand((Component(5.0, LogNormal(median_sat=1_000, sigma=0.1, min_sat=500, max_sat=2_000)),))
    config = ForwardingConfig(demand=small, duration_ms=5_000, simulation=SimulationConfig(sender="policy"))
    limit, circulation = episode_limit(config, network, 1)
    assert 0.0 <= circulation < limit <= 1.0 + 1e-9
    huge = Demand((Component(5.0, LogNormal(median_sat=10**11, sigma=0.1, min_sat=10**10, max_sat=10**11)),))
    too_large = ForwardingConfig(demand=huge, duration_ms=5_000)
    assert episode_limit(too_large, network, 1) == (0.0, 0.0)
