"""The thresholds keep the rate of false alarms that was asked for, beyond what the calm weeks have seen."""

import numpy as np
import pytest
from scipy import stats

from lnherd.anomaly.calibration import BLOCK, LOOKS_PER_WEEK, calibrate, extreme_value_fit, rare_maximum, sums
from lnherd.anomaly.signals import N_SIGNALS
from lnherd.anomaly.watch import WatchConfig
from lnherd.errors import InputError


@pytest.mark.parametrize("shape", [0.0, -0.15])
def test_the_law_is_found_again_and_extrapolated(shape):
    law = stats.genextreme(shape, loc=20.0, scale=4.0)
    maxima = law.rvs(4_000, random_state=np.random.default_rng(1))
    location, scale, found = extreme_value_fit(maxima)
    assert (location, scale, found) == pytest.approx((20.0, 4.0, shape), rel=0.06, abs=0.03)
    assert rare_maximum(maxima[:300], 1e-3) == pytest.approx(law.isf(1e-3), rel=0.25)


def test_a_bounded_tail_is_not_believed():
    maxima = np.random.default_rng(2).uniform(0, 10, 500)
    assert extreme_value_fit(maxima)[2] == 0.0
    assert rare_maximum(maxima, 1e-4) > 10.0


def test_signals_that_never_stirred_have_no_tail():
    assert rare_maximum(np.zeros(9), 1e-4) == 0.0


def test_false_alarms_come_about_as_rarely_as_asked_for():
    """Calibrated on two weeks of heavy-tailed scores, counted on six others."""
    rng = np.random.default_rng(3)
    two, six = ([rng.standard_t(4, size=(LOOKS_PER_WEEK, N_SIGNALS)) for _ in range(n)] for n in (2, 6))
    config = calibrate(two, WatchConfig(), alarms_a_week=1.0)
    allowances, thresholds = np.array(config.allowances), np.array(config.thresholds)
    sounding = [(sums(week, allowances) >= thresholds).any(axis=1).reshape(-1, BLOCK).any(axis=1) for week in six]
    assert 0 < np.sum(sounding) / 6 < 3


def test_fewer_alarms_need_higher_thresholds_and_too_little_is_refused():
    calm = [np.random.default_rng(4).normal(size=(6 * BLOCK, N_SIGNALS)) * 2]
    rare, frequent = (calibrate(calm, WatchConfig(), alarms_a_week=rate).thresholds for rate in (0.01, 1.0))
    assert min(np.array(rare) - np.array(frequent)) >= 0 and sum(rare) > sum(frequent)
    with pytest.raises(InputError, match="3 calm blocks"):
        calibrate([calm[0][: 2 * BLOCK]], WatchConfig())
