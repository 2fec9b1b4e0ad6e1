import pytest

from lnherd.agents.rules import DoNothing, Proportional
from lnherd.errors import InputError
from lnherd.experiments.tuning import rounds, tune


def closeness(policy, seed):
    """Best at min_ppm = 77; the noise of a seed is the same for all."""
    return -abs(policy.min_ppm - 77) + 10 * seed


@pytest.mark.parametrize("budget", [1, 2, 5, 12, 30, 100, 500])
def test_a_search_stays_within_its_budget_and_compares_on_the_same_seeds(budget):
    played = {}

    def score(policy, seed):
        played.setdefault((policy.min_ppm, policy.max_ppm, policy.interval_ms), []).append(seed)
        return 0.0

    seeds = list(range(1_000, 2_000))
    tuned = tune(Proportional(), score, seeds, episodes=budget, seed=0)
    assert tuned.episodes == sum(map(len, played.values())) <= budget
    assert all(each == seeds[: len(each)] for each in played.values())
    assert tuned.settings == len(played) == rounds(budget)[0][0]


def test_the_last_round_decides_between_at_least_two():
    assert rounds(30) == [(18, 1), (6, 3)]
    assert rounds(100)[-1][0] >= 2


def test_more_search_finds_better_settings_and_is_reproducible():
    def best(budget):
        return tune(Proportional(), closeness, range(100), episodes=budget, seed=1)

    assert best(200).score > best(2).score - 1e-9
    assert abs(best(200).parameters["min_ppm"] - 77) < 15
    assert best(60) == best(60)


def test_the_published_settings_stay_if_nothing_is_better():
    tuned = tune(Proportional(), lambda policy, seed: float(policy == Proportional()), range(9), episodes=30, seed=0)
    assert tuned.parameters == {}
    assert tuned.score == tuned.published_score == 1.0


def test_rules_without_parameters_cost_nothing_and_seeds_must_suffice():
    assert tune(DoNothing(), closeness, [], episodes=50, seed=0).episodes == 0
    with pytest.raises(InputError, match="needs 3 training seeds, got 2"):
        tune(Proportional(), closeness, [1, 2], episodes=30, seed=0)
