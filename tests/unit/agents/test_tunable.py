"""Every rule declares what may be tuned; values are checked and change nothing else."""

import numpy as np
import pytest

from lnherd.agents.rules import RULES, Proportional, proportional_and_rebalance
from lnherd.agents.rules.tunable import Range, parameters, ranges, with_parameters
from lnherd.errors import InputError

WITHOUT = {"do-nothing", "market", "random"}


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_has_ranges_that_hold_its_defaults(name):
    rule = RULES[name]()
    assert (not ranges(rule)) == (name in WITHOUT)
    for key, value in parameters(rule).items():
        if value != float("inf"):  # reckless is beyond every price
            ranges(rule)[key].check(key, value)


@pytest.mark.parametrize("name", sorted(set(RULES) - WITHOUT))
def test_drawn_parameters_make_a_rule_of_the_same_name(name):
    rule, rng = RULES[name](), np.random.default_rng(0)
    drawn = {key: bounds.draw(rng) for key, bounds in ranges(rule).items()}
    changed = with_parameters(rule, drawn)
    assert parameters(changed) == pytest.approx(drawn)
    assert changed.name == name
    changed.reset(1)


def test_parameters_of_a_combination_belong_to_its_parts():
    rule = with_parameters(proportional_and_rebalance(), {"proportional.min_ppm": 3.0})
    assert rule.rules[0] == Proportional(min_ppm=3)
    assert isinstance(rule.rules[0].min_ppm, int)


def test_draws_stay_in_range_whole_and_spread_over_orders_of_magnitude():
    rng = np.random.default_rng(0)
    drawn = [Range(1, 10_000, log=True, whole=True).draw(rng) for _ in range(400)]
    assert all(value == int(value) and 1 <= value <= 10_000 for value in drawn)
    assert 150 < sum(value < 100 for value in drawn) < 250


def test_wrong_names_and_values_are_refused():
    with pytest.raises(InputError, match="no tunable parameter 'speed'"):
        with_parameters(Proportional(), {"speed": 1})
    with pytest.raises(InputError, match="its range is 0 to 500"):
        with_parameters(Proportional(), {"min_ppm": 501})
    with pytest.raises(InputError, match="must grow"):
        Range(2, 1)
