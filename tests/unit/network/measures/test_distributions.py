import math

import numpy as np
import pytest

from lnherd.network.measures import distributions as d


def test_percentiles_are_named_by_level():
    figures = d.percentiles("x", np.arange(1001), (50, 99.9))
    assert figures == pytest.approx({"x_p50": 500, "x_p99_9": 999})


def test_small_samples_have_no_figures():
    nothing = np.empty(0)
    assert all(math.isnan(v) for v in d.percentiles("x", nothing, (50,)).values())
    assert math.isnan(d.share(nothing > 0))
    assert math.isnan(d.correlation(np.ones(3), np.arange(3.0)))
    assert math.isnan(d.gini(np.zeros(3, dtype=np.int64)))
    assert math.isnan(d.power_law_exponent(np.array([1, 2]), 5))
    assert math.isnan(d.between_group_share(np.ones(3), np.zeros(3, dtype=np.int64), 1))
    assert math.isnan(d.kolmogorov_smirnov(nothing, np.ones(2)))


def test_gini_of_equals_and_of_one_owner():
    assert d.gini(np.full(10, 7)) == pytest.approx(0)
    assert d.gini(np.array([0, 0, 0, 5])) == pytest.approx(0.75)


def test_the_exponent_of_a_power_law_is_found():
    """Rounded Pareto draws; the continuous approximation is close above a minimum of 5."""
    u = (np.arange(200_000) + 0.5) / 200_000
    values = np.floor((5 - 0.5) * (1 - u) ** (-1 / 1.5) + 0.5).astype(np.int64)
    assert d.power_law_exponent(values, 5) == pytest.approx(2.5, abs=0.02)


def test_variance_between_and_within_groups():
    group = np.array([0, 0, 1, 1])
    assert d.between_group_share(np.array([1.0, 1.0, 5.0, 5.0]), group, 2) == pytest.approx(1)
    assert d.between_group_share(np.array([1.0, 5.0, 1.0, 5.0]), group, 2) == pytest.approx(0)
    assert d.between_group_share(np.array([0.0, 2.0, 2.0, 4.0]), group, 2) == pytest.approx(0.5)


def test_kolmogorov_smirnov_distance_with_ties():
    assert d.kolmogorov_smirnov(np.array([1, 1, 2, 2]), np.array([1, 2])) == 0
    assert d.kolmogorov_smirnov(np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1])) == pytest.approx(0.5)
    assert d.kolmogorov_smirnov(np.array([1, 2]), np.array([3])) == 1
