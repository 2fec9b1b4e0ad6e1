"""LND's bimodal estimator on worked numbers (``routing/probability_bimodal.go``; constants 300k sat, 0.2, 7 days)."""

import math

import numpy as np
import pytest
from hub_memory import CAPACITY_MSAT, HUB, LEFT, RIGHT, SENDER, chance, simulation_of
from scipy.integrate import quad

from lnherd.engine.bimodal import best_prior, posterior
from lnherd.engine.liquidity import record_failure, record_success
from lnherd.units import MS_PER_DAY

SCALE_MSAT = 300_000_000.0
WEEK_MS = 7 * MS_PER_DAY


def by_quadrature(capacity_msat, success_msat, failure_msat, amount_msat, scale_msat=SCALE_MSAT):
    """The conditional probability from the density itself, in units of the scale."""
    c, least, most, wanted = (x / scale_msat for x in (capacity_msat, success_msat, failure_msat, amount_msat))

    def density(x):
        return math.exp(-x) + math.exp(x - c) + 1 / (c * scale_msat)

    return quad(density, wanted, most)[0] / quad(density, least, most)[0]


@pytest.mark.parametrize(
    ("success_share", "failure_share", "amount_share"),
    [(0.0, 1.0, 0.01), (0.0, 1.0, 0.5), (0.0, 0.4, 0.1), (0.3, 1.0, 0.6), (0.3, 0.7, 0.5), (0.0, 1.0, 0.999)],
)
@pytest.mark.parametrize("capacity_msat", [5_000_000, 300_000_000, 10_000_000_000])
def test_the_posterior_is_the_integral_of_the_density(capacity_msat, success_share, failure_share, amount_share):
    shares = [int(share * capacity_msat) for share in (success_share, failure_share, amount_share)]
    expected = by_quadrature(capacity_msat, *shares)
    assert posterior(SCALE_MSAT, capacity_msat, *shares) == pytest.approx(expected, rel=1e-5)


def test_what_is_known_for_sure():
    assert posterior(SCALE_MSAT, 1_000_000, 400_000, 700_000, 400_000) == 1.0
    assert posterior(SCALE_MSAT, 1_000_000, 400_000, 700_000, 700_000) == 0.0
    assert posterior(SCALE_MSAT, 1_000_000, 0, 1_000_000, 1_000_001) == 0.0
    contradictory = posterior(SCALE_MSAT, 1_000_000, 700_000, 400_000, 500_000)
    assert contradictory == posterior(SCALE_MSAT, 1_000_000, 0, 1_000_000, 500_000)


def test_half_of_a_large_untried_channel_is_a_coin_toss():
    """By symmetry P(X >= c/2) = 1/2, whatever the scale."""
    assert chance(simulation_of(estimator="bimodal"), LEFT, CAPACITY_MSAT // 2) == pytest.approx(0.5)


def test_fresh_news_of_the_pair_settles_the_matter():
    simulation = simulation_of(estimator="bimodal")
    record_success(simulation.state, SENDER, HUB, LEFT, 5_000_000)
    record_failure(simulation.state, SENDER, HUB, RIGHT, 5_000_000)
    assert chance(simulation, LEFT, 5_000_000) == 1.0
    assert chance(simulation, RIGHT, 5_000_000) == 0.0
    assert 0.0 < chance(simulation, RIGHT, 4_999_999) < 0.01


def test_news_fades_towards_nothing_and_the_capacity():
    """After one decay time what succeeded counts for 1/e of its amount."""
    simulation = simulation_of(estimator="bimodal", bimodal_node_weight=0.0)
    record_success(simulation.state, SENDER, HUB, LEFT, 1_000_000_000)
    record_failure(simulation.state, SENDER, HUB, RIGHT, 0)
    simulation.run(until_ms=WEEK_MS)
    left_msat = int(1_000_000_000 / math.e)
    assert chance(simulation, LEFT, left_msat) == 1.0
    assert chance(simulation, LEFT, left_msat + 1_000_000) < 1.0
    assert chance(simulation, RIGHT, int(CAPACITY_MSAT * (1 - 1 / math.e)) + 1) == 0.0
    assert chance(simulation, RIGHT, int(CAPACITY_MSAT * (1 - 1 / math.e)) - 1_000_000) > 0.0


def test_other_pairs_of_the_node_count_for_a_fifth():
    """A fresh failure elsewhere: direct / (1 + 0.2); a fresh success elsewhere: (direct + 0.2) / (1 + 0.2)."""
    direct = chance(simulation_of(estimator="bimodal"), RIGHT, 50_000_000)
    failing, carrying = simulation_of(estimator="bimodal"), simulation_of(estimator="bimodal")
    record_failure(failing.state, SENDER, HUB, LEFT, 5_000)
    record_success(carrying.state, SENDER, HUB, LEFT, 5_000)
    assert chance(failing, RIGHT, 50_000_000) == pytest.approx(direct / 1.2)
    assert chance(carrying, RIGHT, 50_000_000) == pytest.approx((direct + 0.2) / 1.2)


def test_an_own_channel_is_certain_until_it_fails():
    """1 - exp(-1) after a decay time."""
    simulation = simulation_of(estimator="bimodal")
    assert chance(simulation, HUB, 5_000, source=SENDER) == 1.0
    record_failure(simulation.state, SENDER, SENDER, HUB, 5_000)
    assert chance(simulation, HUB, 5_000, source=SENDER) == 0.0
    simulation.run(until_ms=WEEK_MS)
    assert chance(simulation, HUB, 5_000, source=SENDER) == pytest.approx(1 - 1 / math.e)


def test_no_channel_of_any_capacity_beats_the_bound_of_the_path_search():
    rng = np.random.default_rng(3)
    for scale_msat in (1.0, 1_000.0, SCALE_MSAT):
        amounts = np.exp(rng.uniform(0, np.log(10**12), 300)).astype(np.int64)
        for amount_msat in amounts.tolist():
            capacity_msat = int(amount_msat * np.exp(rng.exponential(2.0))) + 1
            failure_msat = int(rng.integers(amount_msat, capacity_msat)) + 1
            bound = best_prior(scale_msat, amount_msat)
            assert posterior(scale_msat, capacity_msat, 0, capacity_msat, amount_msat) <= bound
            assert posterior(scale_msat, capacity_msat, 0, failure_msat, amount_msat) <= bound
