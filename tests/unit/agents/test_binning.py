import numpy as np
import pytest

from lnherd.agents.binning import Binning, Bins
from lnherd.agents.qlearning import HERDING_BINNING
from lnherd.errors import InputError

BINNING = Binning(
    context=(Bins("a", (0.5,)),),
    candidate=(Bins("y", (0.1, 0.2)),),
    n_kinds=2,
    context_names=("a",),
    candidate_names=("k0", "k1", "y"),
)


def features(*rows):
    return np.array(rows, dtype=np.float32)


def test_a_bin_holds_its_lower_edge():
    assert Bins("a", (0.25, 0.5)).digitise(features(0.0, 0.25, 0.49, 0.5, 1.0)).tolist() == [0, 1, 1, 2, 2]


def test_rows_count_context_then_kind_then_bins():
    candidates = features([1, 0, 0.0], [1, 0, 0.3], [0, 1, 0.15])
    assert BINNING.rows(features(0.0), candidates).tolist() == [0, 2, 4]
    assert BINNING.rows(features(0.9), candidates).tolist() == [6, 8, 10]
    assert BINNING.n_rows == 12


def test_distinct_bins_have_distinct_rows_within_the_table():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        context = rng.uniform(-1, 1, len(HERDING_BINNING.context_names)).astype(np.float32)
        rows = HERDING_BINNING.rows(context, rng.uniform(-1, 1, (20, len(HERDING_BINNING.candidate_names))))
        assert rows.min() >= 0 and rows.max() < HERDING_BINNING.n_rows
        seen.update(rows.tolist())
    assert len(seen) > 500


def test_unknown_features_and_falling_edges_are_refused():
    with pytest.raises(InputError, match="no feature 'z'"):
        Binning(context=(Bins("z", (0.5,)),))
    with pytest.raises(InputError, match="must increase"):
        Bins("a", (0.5, 0.5))
