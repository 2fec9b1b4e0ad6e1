import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnherd.agents.returns import gae, n_step
from lnherd.agents.reward_scale import RewardScale

numbers = st.floats(-100, 100, allow_nan=False)


@given(st.data(), st.integers(1, 12), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_gae_is_the_weighted_mean_of_all_n_step_advantages(data, length, discount, trace, terminated):
    rewards = np.array(data.draw(st.lists(numbers, min_size=length, max_size=length)))
    values = np.array(data.draw(st.lists(numbers, min_size=length + 1, max_size=length + 1)))
    known = values.copy()
    if terminated:
        known[-1] = 0.0
    advantages = gae(rewards, values, discount=discount, trace=trace, terminated=terminated)
    for t in range(length):
        # (1 - lambda) sum_n lambda^(n-1) A^(n), all weight that is left on the longest
        expected, left = 0.0, 1.0
        for n in range(1, length - t + 1):
            n_step_return = sum(discount**k * rewards[t + k] for k in range(n)) + discount**n * known[t + n]
            weight = left if n == length - t else left * (1 - trace)
            expected += weight * (n_step_return - values[t])
            left *= trace
        assert advantages[t] == pytest.approx(expected, rel=1e-9, abs=1e-7)


@given(st.data(), st.integers(1, 12), st.integers(1, 15), st.floats(0, 1), st.booleans())
def test_n_step_returns_are_the_sums_they_stand_for(data, length, n_steps, discount, terminated):
    rewards = np.array(data.draw(st.lists(numbers, min_size=length, max_size=length)))
    returns, following, weights = n_step(rewards, n_steps=n_steps, discount=discount, terminated=terminated)
    for t in range(length):
        end = min(t + n_steps, length)
        assert returns[t] == pytest.approx(sum(discount ** (k - t) * rewards[k] for k in range(t, end)), abs=1e-6)
        assert following[t] == end
        assert weights[t] == pytest.approx(0.0 if terminated and end == length else discount ** (end - t))


def test_worked_example():
    advantages = gae(np.array([1.0, 2.0]), np.array([0.5, 1.0, 4.0]), discount=0.5, trace=0.5, terminated=False)
    assert advantages.tolist() == [1.0 + 0.25 * 3.0, 3.0]
    ended = gae(np.array([1.0, 2.0]), np.array([0.5, 1.0, 4.0]), discount=0.5, trace=0.5, terminated=True)
    assert ended.tolist() == [1.0 + 0.25 * 1.0, 1.0]


def test_rewards_are_scaled_by_the_deviation_of_their_discounted_sum():
    rng = np.random.default_rng(0)
    episodes = [rng.normal(3, 50, 20), rng.normal(3, 50, 7)]
    scale, sums = RewardScale(0.9), []
    assert scale.scale == 1.0
    for rewards in episodes:
        scale.watch(rewards)
        sums += [sum(0.9 ** (t - k) * rewards[k] for k in range(t + 1)) for t in range(len(rewards))]
    assert scale.scale == pytest.approx(np.std(sums))
