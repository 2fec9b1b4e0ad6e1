import made_up_results as made
import numpy as np
import pytest
from scipy import stats

from lnherd.errors import InputError
from lnherd.experiments.results import Results, net_sat, success_rate, summarise
from lnherd.units import MS_PER_DAY


def test_scores_are_trainings_by_seeds_whatever_the_order():
    episodes = made.episodes()
    forward = Results(episodes, episode_ms=MS_PER_DAY)
    backward = Results(episodes[::-1], episode_ms=MS_PER_DAY)
    assert forward.per_day("q-learning").shape == (3, 10)
    assert np.array_equal(forward.per_day("q-learning"), backward.per_day("q-learning"))
    assert np.array_equal(forward.per_day("do-nothing")[0], 990.0 + 100.0 * np.arange(10))
    assert forward.policies == ("do-nothing", "threshold-swap", "q-learning")


def test_summary_by_hand():
    summaries = summarise(made.results(), ["q-learning"], seed=0)
    nothing, swap, learner = summaries
    assert (nothing.trainings, swap.trainings, learner.trainings) == (0, 0, 3)
    assert nothing.reward.value == pytest.approx(stats.trim_mean(990.0 + 100.0 * np.arange(10), 0.25))
    assert (nothing.advantage.value, nothing.improvement.value) == (0.0, 0.5)
    assert (swap.advantage.value, swap.advantage.low, swap.advantage.high) == (200.0, 200.0, 200.0)
    assert learner.advantage.value == pytest.approx(501.0)
    assert 500.0 <= learner.advantage.low <= learner.advantage.high <= 502.0
    assert learner.improvement.value > swap.improvement.value > 0.5
    assert learner.terms["S"] - learner.terms["F"] - learner.terms["C"] == pytest.approx(1_450.0 - 10.0 + 501.0)
    assert swap.actions == {"swap_in": 8.0} and nothing.actions == {}
    assert nothing.success_rate.value == pytest.approx(0.6)
    assert nothing.decision_ms == pytest.approx(10.0)


def test_money_is_per_simulated_day():
    half_a_day = Results(made.episodes(), episode_ms=MS_PER_DAY // 2)
    assert summarise(half_a_day, [], seed=0)[1].advantage.value == 400.0
    assert summarise(half_a_day, [], seed=0)[1].actions == {"swap_in": 16.0}


def test_net_leaves_the_value_of_successes_out():
    episode = made.episode("x", 0, value=1e6, fees=7.0, costs=5.0, earned=20.0)
    assert net_sat(episode) == 8.0
    assert success_rate(episode) == 0.6


def test_incomplete_results_are_refused():
    episodes = made.episodes()
    with pytest.raises(InputError, match="threshold-swap was not run on seed 3"):
        Results([e for e in episodes if (e.policy, e.seed) != ("threshold-swap", 3)], episode_ms=MS_PER_DAY)
    with pytest.raises(InputError, match="do-nothing is missing"):
        Results([e for e in episodes if e.policy != "do-nothing"], episode_ms=MS_PER_DAY)
