"""Learners of the relay node: they can fail, and they learn."""

import numpy as np
import pytest

from lnherd.agents.policy_search import SearchConfig, search
from lnherd.agents.rules import DoNothing, Proportional
from lnherd.errors import InputError
from lnherd.experiments.relay_node import new_afterstate, play_life


def test_learns_within_one_life_and_beats_the_published_learner():
    profits = [play_life(new_afterstate(), seed, "td").profit for seed in (1, 2, 3)]
    assert np.median(profits) >= 7_400  # published 7,180


def test_an_untrained_learner_that_may_not_learn_does_nothing():
    frozen = new_afterstate()
    frozen.learning = False
    assert play_life(frozen, 1, "td").profit == pytest.approx(998, abs=1)


def test_lives_are_reproducible():
    assert play_life(new_afterstate(), 4, "td") == play_life(new_afterstate(), 4, "td")


def test_search_climbs_a_hill():
    def height(policy, seed):
        return -(((policy.min_ppm - 300) / 100) ** 2) - (np.log(policy.max_ppm / 200)) ** 2

    config = SearchConfig(population=30, elite=6, generations=12, episodes=1)
    found = search(Proportional(), height, [0, 1], config=config)
    assert found.min_ppm == pytest.approx(300, abs=25)
    assert found.max_ppm == pytest.approx(200, rel=0.2)
    assert found == search(Proportional(), height, [0, 1], config=config)


def test_search_needs_something_to_search():
    with pytest.raises(InputError, match="needs tunable parameters"):
        search(DoNothing(), lambda policy, seed: 0.0, [1])
