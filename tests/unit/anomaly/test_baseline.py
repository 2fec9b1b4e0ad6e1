import numpy as np
import pytest

from lnherd.anomaly.baseline import MAX_SCORE, Baseline
from lnherd.anomaly.signals import N_SIGNALS, Signals

FAILURES = 0


def shares(k, n):
    total, count = np.zeros(N_SIGNALS), np.zeros(N_SIGNALS)
    total[FAILURES], count[FAILURES] = k, n
    return Signals(total, count)


def test_calm_scores_have_mean_zero_and_deviation_one():
    rng, baseline = np.random.default_rng(0), Baseline()
    scores = [baseline.score(shares(rng.binomial(n, 0.3), n))[FAILURES] for n in rng.integers(1, 20, 5_000)][500:]
    assert abs(np.mean(scores)) < 0.05
    assert np.std(scores) == pytest.approx(1.0, abs=0.05)


def test_a_look_without_observations_scores_nothing_and_teaches_nothing():
    baseline = Baseline()
    for _ in range(10):
        baseline.score(shares(1, 2))
    known = baseline.total.copy(), baseline.count.copy()
    assert not baseline.score(shares(0, 0)).any()
    assert (baseline.total == known[0]).all()
    assert (baseline.count == known[1]).all()


def test_what_is_unusual_is_loud_but_hardly_learned():
    rng, baseline = np.random.default_rng(1), Baseline(half_life=1_000)
    for _ in range(2_000):
        baseline.score(shares(rng.binomial(10, 0.1), 10))
    loud = [baseline.score(shares(10, 10))[FAILURES] for _ in range(60)]
    assert min(loud) > 4
    assert max(loud) <= MAX_SCORE
    assert baseline.total[FAILURES] / baseline.count[FAILURES] < 0.2


def test_a_lasting_change_becomes_usual_in_a_few_half_lives():
    baseline = Baseline(half_life=100)
    for k in [0.0] * 500 + [0.1] * 1_000:
        score = baseline.score(shares(k, 1))[FAILURES]
    assert abs(score) < 0.1
