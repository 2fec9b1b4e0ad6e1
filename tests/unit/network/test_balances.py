import numpy as np
import pytest
from small_networks import network_of

from lnherd.errors import InputError
from lnherd.network.balances import BIMODAL_SCALE_MSAT, PRIORS, draw_balances


@pytest.fixture
def network():
    """A thousand channels each of 100,000 sat and of 10,000,000 sat around a hub."""
    small = [(0, 1 + node % 200, 100_000, 0) for node in range(1_000)]
    large = [(1 + node % 200, 201, 10_000_000, 0) for node in range(1_000)]
    return network_of(small + large)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def share_of_node1(network, prior, rng):
    return draw_balances(network, prior, rng)[::2] / network.channels.capacity_msat


@pytest.mark.parametrize("prior", PRIORS)
def test_balances_sum_to_the_capacity(network, prior, rng):
    balances = draw_balances(network, prior, rng)
    assert balances.dtype == np.int64
    assert (balances >= 0).all()
    assert (balances.reshape(-1, 2).sum(axis=1) == network.channels.capacity_msat).all()


def test_bimodal_follows_its_density(network, rng):
    """Large channels: exponential distance from either end. Small ones (c = s / 3): nearly uniform."""
    share = share_of_node1(network, "bimodal", rng)
    capacity = 10_000_000_000
    from_end = np.minimum(share[1_000:], 1 - share[1_000:]) * capacity
    assert from_end.mean() == pytest.approx(BIMODAL_SCALE_MSAT, rel=0.08)
    assert np.mean(from_end < BIMODAL_SCALE_MSAT * np.log(2)) == pytest.approx(0.5, abs=0.04)
    assert np.mean(share[1_000:] < 0.5) == pytest.approx(0.5, abs=0.04)
    assert np.mean((share[:1_000] > 0.25) & (share[:1_000] < 0.75)) == pytest.approx(0.5, abs=0.05)


def test_uniform_is_uniform(network, rng):
    share = np.sort(share_of_node1(network, "uniform", rng))
    assert np.abs(share - np.linspace(0, 1, len(share))).max() < 0.04


def test_half_is_half(network, rng):
    assert (share_of_node1(network, "half", rng) == 0.5).all()


def test_drained_channels_have_all_flowed_one_way(network, rng):
    share = share_of_node1(network, "drained", rng)
    assert set(np.round(share, 6)) == {0.01, 0.99}
    of_pair = {}
    for channel, part in zip(network.channels, share, strict=True):
        of_pair.setdefault((channel.node1, channel.node2), set()).add(round(float(part), 2))
    assert all(len(parts) == 1 for parts in of_pair.values())


def test_drained_leaves_no_cycle_to_rebalance_along(rng):
    ring = network_of([(0, 1, 500, 500), (1, 2, 500, 500), (0, 2, 500, 500)])
    for _ in range(20):
        balances = draw_balances(ring, "drained", rng)
        full = balances > 500_000
        cycle, back = full[[0, 2, 5]], full[[1, 3, 4]]
        assert not cycle.all()
        assert not back.all()


def test_odd_capacities_lose_nothing(rng):
    network = network_of([(0, 1, 1, 0)])
    network.channels.capacity_msat[0] = 1
    network = network.with_balances(np.array([1, 0]))
    for prior in PRIORS:
        assert draw_balances(network, prior, rng).sum() == 1


def test_an_unknown_prior_is_refused(network, rng):
    with pytest.raises(InputError, match="'lopsided' is unknown; choose one of bimodal, uniform, half, drained"):
        draw_balances(network, "lopsided", rng)
