"""Statistics against independent computations: SciPy's, exact formulas, and coverage by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lnherd.errors import InputError
from lnherd.experiments import statistics as s

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 10, 11, 40])
def test_interquartile_mean_is_scipys_trimmed_mean(n):
    values = np.random.default_rng(n).lognormal(size=n)
    assert s.interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25))


def test_interquartile_mean_ignores_outliers():
    assert s.interquartile_mean([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1e9]) == pytest.approx(4.5)


def test_interval_agrees_with_scipys_percentile_bootstrap():
    values = np.random.default_rng(1).normal(3.0, 2.0, size=30)
    ours = s.interquartile_mean_interval(values, seed=2, resamples=20_000)
    theirs = stats.bootstrap(
        (values,), lambda x, axis: stats.trim_mean(x, 0.25, axis=axis), method="percentile", n_resamples=20_000, rng=3
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.05)
    assert ours.high == pytest.approx(theirs.high, abs=0.05)


def test_mean_interval_agrees_with_scipys_bootstrap():
    values = np.random.default_rng(4).exponential(size=40)
    ours = s.mean_interval(values, seed=2)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=3).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    """90 intervals in 100 at least: the percentile bootstrap is known to be a little narrow at n = 20."""
    truth, hits, trials = 5.0, 0, 200
    for trial in range(trials):
        values = np.random.default_rng(trial).normal(truth, 1.0, size=20)
        estimate = s.interquartile_mean_interval(values, seed=trial, resamples=500)
        hits += estimate.low <= truth <= estimate.high
    assert 0.88 <= hits / trials <= 0.99


def test_scenarios_are_strata_and_never_mixed():
    """Two scenarios of constant scores: resampling within each can change nothing."""
    scores = np.stack([np.full((1, 8), 1.0), np.full((1, 8), 9.0)])
    estimate = s.interquartile_mean_interval(scores, seed=0, resamples=200)
    assert (estimate.value, estimate.low, estimate.high) == (5.0, 5.0, 5.0)


def test_trainings_are_resampled_too():
    """All trainings alike on every seed but unlike each other: seeds alone would give a point."""
    scores = np.repeat(np.arange(8.0)[:, None], 10, axis=1)
    estimate = s.interquartile_mean_interval(scores, seed=0)
    assert estimate.low < 2.6 and estimate.high > 4.4
    within = s.interquartile_mean_interval(scores[3:4], seed=0)
    assert (within.low, within.high) == (3.0, 3.0)


def test_paired_difference_cancels_what_the_seeds_share():
    traffic = RNG.normal(0.0, 1_000.0, size=12)
    noise = RNG.normal(0.0, 1.0, size=12)
    estimate = s.paired_difference(traffic + 5.0 + noise, traffic, seed=0)
    assert estimate.value == pytest.approx(stats.trim_mean(5.0 + noise, 0.25))
    assert estimate.excludes_zero and 3.5 < estimate.low < estimate.high < 6.5


def test_paired_difference_with_itself_is_zero():
    scores = RNG.normal(size=(2, 3, 10))
    estimate = s.paired_difference(scores, scores, seed=0, resamples=100)
    assert (estimate.value, estimate.low, estimate.high) == (0.0, 0.0, 0.0)
    assert not estimate.excludes_zero


def test_paired_difference_repeats_a_rule_for_every_training():
    scores, rule = RNG.normal(size=(3, 6)), RNG.normal(size=(1, 6))
    expected = stats.trim_mean((scores - rule).ravel(), 0.25)
    assert s.paired_difference(scores, rule, seed=0, resamples=100).value == pytest.approx(expected)


def test_paired_difference_refuses_other_seeds():
    with pytest.raises(InputError, match="same scenarios and seeds"):
        s.paired_difference(np.zeros((1, 5)), np.zeros((1, 6)), seed=0)
    with pytest.raises(InputError, match="one training or as many"):
        s.paired_difference(np.zeros((3, 5)), np.zeros((2, 5)), seed=0)


def test_probability_of_improvement_is_mann_whitney():
    x, y = RNG.normal(0.5, 1.0, size=14), RNG.normal(0.0, 1.0, size=14).round(1)
    expected = stats.mannwhitneyu(x, y).statistic / (14 * 14)
    assert s.probability_of_improvement(x, y, seed=0, resamples=100).value == pytest.approx(expected)


def test_probability_of_improvement_interval_by_brute_force():
    """The weighted einsum against plain resampling of runs."""
    x, y = np.random.default_rng(1).normal(0.4, 1.0, (2, 9)), np.random.default_rng(2).normal(0.0, 1.0, (1, 9))
    ours = s.probability_of_improvement(x, y, seed=5, resamples=4_000)
    rng, values = np.random.default_rng(9), []
    for _ in range(4_000):
        seeds, trainings = rng.integers(9, size=9), rng.integers(2, size=2)
        left, right = x[np.ix_(trainings, seeds)].ravel(), y[0, seeds]
        values.append(np.mean(left[:, None] > right) + 0.5 * np.mean(left[:, None] == right))
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=0.03)


def test_probability_of_improvement_of_equals_is_one_half():
    estimate = s.probability_of_improvement(np.ones(5), np.ones(5), seed=0, resamples=50)
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.5, 0.5)


def test_performance_profile_counts_runs_above_each_threshold():
    band = s.performance_profile(np.array([1.0, 2.0, 3.0, 4.0]), [0.0, 2.0, 3.5, 4.0], seed=0)
    assert band.value.tolist() == [1.0, 0.5, 0.25, 0.0]
    assert np.all(band.low <= band.value) and np.all(band.value <= band.high)
    assert band.low[1] < 0.5 < band.high[1]


def test_curve_band_is_the_interval_at_every_point():
    curves = RNG.normal(size=(3, 4, 5))
    band = s.curve_band(curves, seed=1, resamples=300)
    middle = s.interquartile_mean_interval(curves[:, :, 2], seed=1, resamples=300)
    assert (band.value[2], band.low[2], band.high[2]) == (middle.value, middle.low, middle.high)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.integers(0, 5))
def test_interval_holds_its_value_and_the_range_of_the_scores(values, seed):
    estimate = s.interquartile_mean_interval(values, seed=seed, resamples=100)
    slack = 1e-9 * (1 + max(abs(v) for v in values))
    assert min(values) - slack <= estimate.low <= estimate.high <= max(values) + slack


def test_same_seed_same_interval_whatever_the_chunk(monkeypatch):
    values = RNG.normal(size=(2, 2, 7))
    first = s.interquartile_mean_interval(values, seed=3, resamples=1_500)
    assert first == s.interquartile_mean_interval(values, seed=3, resamples=1_500)
    assert first != s.interquartile_mean_interval(values, seed=4, resamples=1_500)


@pytest.mark.parametrize("values", [[], [[np.nan, 1.0]], [np.inf], np.zeros((1, 1, 1, 1)), 3.0])
def test_bad_scores_are_refused_in_one_sentence(values):
    with pytest.raises(InputError, match="scores: "):
        s.interquartile_mean_interval(values, seed=0)
