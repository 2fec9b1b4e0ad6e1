import numpy as np
import pytest

from lnherd.agents.reward_scale import RewardScale


def test_counting_in_many_at_once_is_counting_in_each():
    rng = np.random.default_rng(0)
    once, parts = RewardScale(0.9), RewardScale(0.9)
    values = rng.normal(3.0, 2.0, size=500)
    once.watch_all(values)
    for part in np.split(values, [10, 10, 300]):
        parts.watch_all(part)
    assert once.scale == pytest.approx(values.std()) == parts.scale
    assert parts.mean == pytest.approx(values.mean()) and parts.count == 500


def test_discounted_sums_of_one_step_are_the_rewards():
    plain, summed = RewardScale(0.0), RewardScale(0.0)
    values = np.random.default_rng(1).normal(size=50)
    plain.watch_all(values)
    summed.watch(values)
    assert plain.scale == pytest.approx(summed.scale)
