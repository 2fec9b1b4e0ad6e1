import numpy as np

from lnherd.anomaly.cusum import Cusum
from lnherd.anomaly.signals import N_SIGNALS


def run(series, allowance=0.5, ceiling=np.inf):
    cusum = Cusum(np.full(N_SIGNALS, allowance), np.full(N_SIGNALS, ceiling))
    return [cusum.update(np.full(N_SIGNALS, score))[0] for score in series]


def test_worked_numbers():
    assert run([1.0, 2.0, 0.0, -3.0]) == [0.5, 2.0, 1.5, 2.5]


def test_a_shift_either_way_adds_up_and_what_is_allowed_does_not():
    assert run([2.0] * 10)[-1] == run([-2.0] * 10)[-1] == 15.0
    assert run([0.5] * 1_000)[-1] == 0.0


def test_the_alarm_ends_soon_after_its_cause():
    sums = run([5.0] * 1_000 + [0.0] * 40, ceiling=20.0)
    assert max(sums) == 20.0
    assert sums[-1] == 0.0
