import numpy as np
import pytest

pytest.importorskip("river", reason="river (extra anomaly) is not installed: its detectors are not compared")

from lnherd.anomaly.river_detectors import HalfSpaceTrees, adwin, page_hinkley
from lnherd.anomaly.signals import N_SIGNALS


def levels(detector, shift, n=600, at=400):
    scores = np.random.default_rng(0).normal(size=(n, N_SIGNALS))
    scores[at:, 3] += shift
    return [detector.update(look) for look in scores]


@pytest.mark.parametrize("make", [lambda: adwin(1e-6), lambda: page_hinkley(30.0)])
def test_drift_detectors_notice_a_shift_and_nothing_else(make):
    assert max(levels(make(), 0.0)) == 0.0
    noticed = np.flatnonzero(levels(make(), 5.0))
    assert 400 <= noticed[0] < 420


def test_half_space_trees_rank_rare_looks_higher():
    calm, shocked = levels(HalfSpaceTrees(), 0.0, n=1_600, at=1_500), levels(HalfSpaceTrees(), 9.0, n=1_600, at=1_500)
    assert np.mean(shocked[1_500:]) > np.mean(calm[1_500:]) + 0.1
