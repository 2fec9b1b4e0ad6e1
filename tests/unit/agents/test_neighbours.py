"""Models of neighbours: posteriors against closed forms, forgetting, fee changes."""

import numpy as np
import pytest

from lnherd.agents.neighbours import FeeModel, NeighbourConfig, SuccessModel
from lnherd.errors import InputError

CONFIG = NeighbourConfig(half_life_ms=1_000.0, prior_weight=4.0, prior_success=0.5)


def observed(model, key, outcomes, now_ms=0.0):
    model.add(np.full(len(outcomes), key), np.array(outcomes), now_ms)


def test_the_posterior_is_the_textbook_one():
    model = SuccessModel(2, 3, CONFIG)
    observed(model, 1, [1, 1, 1, 0])
    everybody = (3 + 4 * 0.5) / (4 + 4)
    group = (3 + 4 * everybody) / (4 + 4)
    mean, evidence = model.posterior(np.array([[1, 0], [3, 4]]), 0.0)
    assert mean[0, 0] == pytest.approx((3 + 4 * group) / 8) and evidence[0, 0] == 4
    assert mean[0, 1] == pytest.approx(group) and evidence[0, 1] == 0
    assert mean[1, 0] == mean[1, 1] == pytest.approx(everybody)


def test_outcomes_fade_by_half():
    model = SuccessModel(1, 1, CONFIG)
    observed(model, 0, [0] * 8)
    assert model.posterior(np.array([0]), 0.0)[1] == 8
    assert model.posterior(np.array([0]), 1_000.0)[1] == pytest.approx(4)
    observed(model, 0, [1], now_ms=2_000.0)
    assert model.posterior(np.array([0]), 2_000.0)[1] == pytest.approx(3)
    late, early = model.posterior(np.array([0]), 60_000.0)[0], model.posterior(np.array([0]), 2_000.0)[0]
    assert early < late < 0.51


def test_neighbours_are_told_apart():
    rng, model = np.random.default_rng(0), SuccessModel(4, 2, CONFIG)
    truth = np.array([0.95, 0.9, 0.1, 0.6, 0.5, 0.5, 0.2, 0.9])
    for now_ms in range(0, 4_000, 10):
        keys = rng.integers(8, size=3)
        model.add(keys, rng.random(3) < truth[keys], float(now_ms))
    mean, _ = model.posterior(np.arange(8), 4_000.0)
    assert np.abs(mean - truth).max() < 0.2


def test_fee_changes_are_counted_with_their_direction():
    model = FeeModel(3, NeighbourConfig(half_life_ms=1e9))
    for minute in range(11):
        model.look(np.array([100, 100 + 50 * minute, 1_000 >> minute]), 60_000.0 * minute)
    rate, drift = model.per_minute(np.arange(3)), model.drift(np.arange(3))
    assert rate == pytest.approx([1 / 20, 11 / 20, 11 / 20], rel=1e-3)
    assert drift[0] == 0 and drift[1] > 0 > drift[2]


def test_settings_without_sense_are_refused():
    for changes in ({"half_life_ms": 0}, {"prior_weight": 0}, {"prior_success": 1.0}):
        with pytest.raises(InputError):
            NeighbourConfig(**changes)
