"""``lnherd/Pricing-v0``: Gymnasium's checks, the meaning of price and reward, and what the rules do."""

import gymnasium
import numpy as np
import plotly.graph_objects as go
import pytest
from gymnasium.utils.env_checker import check_env

from lnherd.agents.price_table import PriceTable
from lnherd.envs.pricing_env import FEATURES, MULTIPLES, PricingConfig, PricingEnv
from lnherd.envs.pricing_task import CANDIDATE, PricingTask
from lnherd.errors import InputError
from lnherd.experiments.pricing import ALWAYS, TRAINING_SEEDS, compare, cost_plus, fixed, play, summarise, surge
from lnherd.experiments.report.pricing_page import profits, render, table_rows

SMALL = PricingConfig(nodes=60, agents=30, ticks=4, rivals=2)


@pytest.fixture(scope="module")
def env():
    return PricingEnv(SMALL)


def test_gymnasium_has_nothing_to_say():
    check_env(gymnasium.make("lnherd/Pricing-v0", config=SMALL).unwrapped)


def test_the_reward_is_revenue_less_cost_at_the_price_set(env):
    env.reset(seed=1)
    _, reward, terminated, truncated, info = env.step(np.int64(MULTIPLES.index(2.0)))
    assert info["price_sat"] == 20.0
    assert info["revenue_msat"] % 20_000 == 0
    assert info["costs_msat"] == 4_000 * info["n_served"]
    assert reward == (info["revenue_msat"] - info["costs_msat"]) / 1_000
    assert not terminated and not truncated


def test_a_dear_service_is_left(env):
    served = []
    for action in (0, len(MULTIPLES) - 1):
        env.reset(options={"episode_seed": 5})
        served.append(sum(env.step(np.int64(action))[4]["n_served"] for _ in range(SMALL.ticks)))
    assert served[0] > 2 * served[1]


def test_an_episode_is_its_seed(env):
    assert play(env, fixed, 3) == play(env, fixed, 3) != play(env, fixed, 4)


def test_a_step_needs_a_reset():
    with pytest.raises(gymnasium.error.ResetNeeded):
        PricingEnv(SMALL).step(np.int64(0))


def observed(load=0.0, hour=0.0):
    observation = np.zeros(len(FEATURES), dtype=np.float32)
    observation[2], observation[5], observation[6] = load, np.sin(hour * np.pi / 12), np.cos(hour * np.pi / 12)
    return observation


def test_rules_set_the_prices_they_are_named_after():
    assert MULTIPLES[fixed(observed(1.0))] == 1.0
    assert MULTIPLES[cost_plus(observed(1.0))] == 0.75
    assert [MULTIPLES[surge(observed(load))] for load in (0.0, 0.5, 0.75, 1.0)] == [1.0, 1.0, 2.0, 3.0]


def test_the_table_finds_the_better_price_in_each_state():
    """Full: the dear price pays; quiet: the cheap one."""
    table = PriceTable(rng=np.random.default_rng(1))
    for step in range(4_000):
        before, after = observed(load=float(step % 2)), observed(load=float((step + 1) % 2))
        action = table.act(before, 0.3)
        reward = 10.0 - abs(action - (7 if step % 2 else 2))
        table.learn(before, action, reward, after)
    assert table.act(observed(1.0)) == 7
    assert table.act(observed(0.0)) == 2
    assert table.state(observed(hour=7.0))[1] == 1
    assert table.state(observed(hour=23.9))[1] == 3


def test_the_task_is_the_environment(env):
    """Same prices on the same seed, same profit; every price is possible."""
    task, total = PricingTask(SMALL), 0.0
    decision, truncated = task.reset(3), False
    assert decision.mask.all() and decision.features.shape == (len(MULTIPLES), len(CANDIDATE))
    while not truncated:
        result = task.step(decision.candidates[MULTIPLES.index(1.0)])
        total, truncated, decision = total + result.reward, result.truncated, result.decision
    assert total == play(env, fixed, 3)


def test_comparison_pairs_rules_and_trainings():
    results = compare(SMALL, seeds=(1, 2), trainings=2, episodes=1)
    learned = {result.policy: result for result in results if len(result.profit_sat) == 2}
    assert set(learned) == {"q-table", "ppo"}
    assert np.shape(learned["ppo"].profit_sat) == (2, 2)
    base = next(result for result in results if result.policy == "fixed")
    same = next(result for result in results if result.policy == "always x1")
    assert base.profit_sat == same.profit_sat
    assert same.against_fixed.value == 0.0
    assert TRAINING_SEEDS > 2
    best = max((each for each in results if each.policy.startswith(ALWAYS)), key=lambda each: each.mean.value)
    assert best.against_best.value == 0.0


SCORES = {
    "fixed": [[10.0, 20.0, 30.0]],
    "always x1": [[10.0, 20.0, 30.0]],
    "always x2": [[15.0, 25.0, 35.0]],
    "q-table": [[16.0, 26.0, 36.0], [18.0, 28.0, 38.0]],
}


def test_hindsight_is_the_best_constant_price_on_the_same_seeds():
    results = {each.policy: each for each in summarise(SCORES)}
    assert results["q-table"].against_best.value == 2.0
    assert results["fixed"].against_best.value == -5.0
    assert results["always x2"].against_best.value == 0.0


def test_the_page_shows_the_curve_of_prices_and_a_level_for_every_policy():
    results = summarise(SCORES)
    page = render(results, {"command": "lnherd <pricing>"})
    drawn = profits(results)
    assert [each["name"] for each in drawn["data"]] == ["one price for ever", "fixed", "q-table"]
    assert drawn["data"][0]["y"] == [20.0, 25.0] and drawn["data"][2]["y"] == [27.0, 27.0]
    go.Figure(drawn)
    assert "lnherd &lt;pricing&gt;" in page
    assert [row[0] for row in table_rows(results)] == ["q-table", "always x2", "fixed", "always x1"]


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="at least 50 nodes"):
        PricingConfig(nodes=10)
