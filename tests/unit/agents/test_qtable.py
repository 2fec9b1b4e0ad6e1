"""What a table says of many decisions at once: greedily, with caution, and with a temperature."""

import numpy as np
import pytest

from lnherd.agents.binning import Binning
from lnherd.agents.packing import Packed
from lnherd.agents.qlearning import QConfig
from lnherd.agents.qtable import QTable, TableBehaviour
from lnherd.errors import InputError

BINNING = Binning(n_kinds=3, context_names=("a",), candidate_names=("x", "y", "z"))
VALUES = np.array([1.0, 2.0, -1.0])


def table(visits=4, variance=0.0):
    made = QTable.empty(BINNING, min_visits=1)
    made.values[:], made.visits[:], made.variances[:] = VALUES, visits, variance
    return made


def decisions(n=2):
    """The first offers all three kinds, the others two."""
    kinds = np.concatenate([[0, 1, 2], *([[0, 2]] * (n - 1))])
    counts = np.array([3] + [2] * (n - 1))
    return Packed(np.zeros((n, 1), dtype=np.float32), np.eye(3, dtype=np.float32)[kinds], counts)


def test_a_decision_is_worth_its_best_or_what_boltzmann_expects():
    rows = BINNING.packed_rows(decisions())
    assert table().worth(decisions(), rows, None).tolist() == [2.0, 1.0]
    shares = np.exp(VALUES / 0.5) / np.exp(VALUES / 0.5).sum()
    two = np.exp(VALUES[[0, 2]] / 0.5)
    expected = [shares @ VALUES, two @ VALUES[[0, 2]] / two.sum()]
    assert table().worth(decisions(), rows, 0.5) == pytest.approx(expected, rel=1e-5)
    assert table(visits=0).worth(decisions(), rows, None).tolist() == [0.0, 0.0]


def test_with_a_temperature_candidates_are_drawn_by_their_values():
    n = 4_000
    batch = decisions(n)
    rngs = [np.random.default_rng([1, row]) for row in range(n)]
    chosen, logs = TableBehaviour(table(), 0.0, 2.0).choose(batch, rngs)
    share = np.exp(VALUES[2] / 2.0) / (np.exp(VALUES[0] / 2.0) + np.exp(VALUES[2] / 2.0))
    assert np.mean(chosen[1:] == 1) == pytest.approx(share, abs=0.03)
    assert np.exp(logs[1:][chosen[1:] == 1]) == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize(("variance", "first"), [(0.0, 1), (1.0, 1), (4.0, 0)])
def test_caution_waits_where_the_difference_is_in_doubt(variance, first):
    """A lead of 1 over errors of sqrt(2 variance / 4)."""
    rng = [np.random.default_rng(0)] * 2
    chosen, _ = TableBehaviour(table(variance=variance), 0.0, confidence=1.0).choose(decisions(), rng)
    assert chosen.tolist() == [first, 0]
    one = table(variance=variance).best(BINNING.packed_rows(decisions())[:3], 1.0)
    assert one == first


def test_a_temperature_is_positive():
    with pytest.raises(InputError, match="temperature"):
        QConfig(temperature=0.0)
