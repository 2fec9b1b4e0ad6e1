import numpy as np
import pytest

from lnherd.network.synthetic.marginals import Marginal


def dealt(marginal, n=200_001):
    return marginal.quantile((np.arange(n) + 0.5) / n)


def test_atoms_alone_get_exactly_their_shares():
    values = dealt(Marginal(atoms=((0, 0.25), (7, 0.5), (1_000_000, 0.25))))
    assert np.unique(values).tolist() == [0, 7, 1_000_000]
    assert [np.mean(values == v) for v in (0, 7, 1_000_000)] == pytest.approx([0.25, 0.5, 0.25], abs=1e-3)


def test_shares_of_atoms_are_scaled_when_nothing_else_is_there():
    values = dealt(Marginal(atoms=((1, 1.0), (2, 3.0))))
    assert np.mean(values == 2) == pytest.approx(0.75, abs=1e-4)


def test_the_rest_lies_between_its_knots():
    marginal = Marginal(atoms=((1_000, 0.4),), knots=(10, 100, 10_000), levels=(0, 0.5, 1))
    values = dealt(marginal)
    rest = values[values != 1_000]
    assert np.mean(values == 1_000) == pytest.approx(0.4, abs=0.005)
    assert rest.min() >= 10
    assert rest.max() <= 10_000
    assert np.median(rest) == pytest.approx(100, rel=0.05)


def test_quantiles_ascend():
    marginal = Marginal(atoms=((50, 0.2), (60, 0.1)), knots=(10, 55, 100), levels=(0, 0.3, 1))
    assert (np.diff(dealt(marginal)) >= 0).all()


def test_an_atom_below_or_above_all_knots():
    values = dealt(Marginal(atoms=((0, 0.3), (500, 0.3)), knots=(10, 20), levels=(0, 1)))
    assert np.mean(values == 0) == pytest.approx(0.3, abs=0.01)
    assert np.mean(values == 500) == pytest.approx(0.3, abs=0.01)
    assert not ((values > 20) & (values < 400)).mean() > 0.01


def test_values_are_dealt_in_order_of_scores():
    marginal = Marginal(atoms=((1, 0.5), (2, 0.25), (3, 0.25)))
    assert marginal.dealt(np.array([0.3, -1.0, 9.0, 0.2])).tolist() == [2, 1, 3, 1]


def test_equal_scores_get_one_value():
    marginal = Marginal(atoms=((1, 0.5), (2, 0.5)))
    assert len(np.unique(marginal.dealt(np.zeros(7)))) == 1
    assert len(marginal.dealt(np.empty(0))) == 0
