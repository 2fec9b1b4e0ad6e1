"""Cycles are found with their period, series without one are left alone."""

import numpy as np
import pytest

from lnherd.errors import InputError
from lnherd.experiments.oscillation import fisher_p, oscillation, periodic_share, turns

STEPS = np.arange(120)


@pytest.mark.parametrize("period", [2.5, 5, 12, 30])
def test_a_cycle_under_noise_is_found_with_its_period(period):
    noise = np.random.default_rng(int(10 * period)).normal(size=120)
    found = oscillation(500 + 100 * np.sin(2 * np.pi * STEPS / period) + 0.5 * STEPS + 40 * noise)
    assert found.is_periodic and found.strength > 0.15
    assert found.period == pytest.approx(period, rel=0.15)


def test_two_nodes_that_undercut_each_other_oscillate():
    """Edgeworth's cycle: undercut by a step until it no longer pays, then both jump back up."""
    fees = np.array([100 - 10 * (step % 9) for step in STEPS])
    found = oscillation(fees)
    assert found.is_periodic and found.period == pytest.approx(9, rel=0.1)


def test_noise_memory_and_trends_raise_few_alarms():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(120, 300))
    memory = np.zeros_like(noise)
    for step in range(1, 120):
        memory[step] = 0.7 * memory[step - 1] + noise[step]
    for series in (noise, memory, memory + STEPS[:, None]):
        assert np.mean([oscillation(column).is_periodic for column in series.T]) <= 0.03
        assert periodic_share(series) <= 0.02


def test_the_share_of_oscillating_series():
    rng = np.random.default_rng(2)
    series = rng.normal(size=(120, 20))
    series[:, :5] += 3 * np.sin(2 * np.pi * STEPS / 8)[:, None]
    assert periodic_share(series) == pytest.approx(0.25, abs=0.06)


def test_fishers_test_against_simulation():
    rng = np.random.default_rng(3)
    powers = rng.exponential(size=(20_000, 25))
    g = powers.max(axis=1) / powers.sum(axis=1)
    assert fisher_p(1 / 400, 500) == 1.0
    for threshold in (0.2, 0.25, 0.35):
        assert fisher_p(threshold, 25) == pytest.approx((g >= threshold).mean(), abs=0.008)


def test_turns_and_still_series():
    assert turns(np.array([1.0, 2, 1, 2, 1])) == 1.0 and turns(np.array([1.0, 2, 2, 3])) == 0.0
    still = oscillation(np.full(40, 7.0))
    assert not still.is_periodic and still.strength == 0.0 and turns(np.full(40, 7.0)) == 0.0


def test_what_is_no_series_is_refused():
    for values in (np.zeros(3), np.zeros((20, 2)), np.full(20, np.nan)):
        with pytest.raises(InputError):
            oscillation(values)
