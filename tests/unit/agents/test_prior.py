"""Rules as units of a scoring network."""

import numpy as np
import pytest

from lnherd.agents.prior import units_of

NAMES = ("far", "tried", "amount", "step")


def worth_of(prior, candidates):
    """What the units make of ``candidates [N, F]``, less what is the same for all."""
    weights, biases, outputs = units_of(prior, NAMES)
    hidden = candidates @ weights + biases
    assert (hidden[:, 0] >= 0).all()
    found = np.maximum(hidden, 0.0) @ outputs
    return found - biases[0] * outputs[0]


def test_features_count_as_much_as_the_rule_says():
    rng = np.random.default_rng(0)
    candidates = rng.uniform(0.0, 1.0, (50, 4))
    candidates[:, 3] = rng.uniform(-1.0, 1.0, 50)
    worth = worth_of({"far": -75.0, "step": 15.0}, candidates)
    assert worth == pytest.approx(-75.0 * candidates[:, 0] + 15.0 * candidates[:, 3])


@pytest.mark.parametrize(("tried", "amount", "expected"), [(1, 1, -40), (1, 0.5, -20), (0, 1, 0), (1, 0, 0)])
def test_a_pair_counts_where_both_hold(tried, amount, expected):
    candidate = np.array([[0.3, tried, amount, 0.0]])
    assert worth_of({"far": -10.0, "tried * amount": -40.0}, candidate) == pytest.approx([expected - 3.0])


def test_a_pair_can_stand_alone():
    assert worth_of({"tried * amount": 2.0}, np.array([[0.0, 1.0, 1.0, 0.0]])) == pytest.approx([2.0])
