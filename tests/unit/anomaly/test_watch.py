import numpy as np
import pytest

from lnherd.anomaly import Watch
from lnherd.anomaly.calibration import calibrate, standard_scores, sums
from lnherd.anomaly.cusum import STEP
from lnherd.anomaly.signals import N_SIGNALS, SIGNALS
from lnherd.anomaly.watch import WatchConfig
from lnherd.control.view import NodeView, PaymentCounts, Role, own_channels
from lnherd.errors import InputError

MINUTE_MS = 60_000
SHOCK = 1_500


def looks(seed, failing=0.05, n=SHOCK + 120, feerate=5_000):
    """A node of one channel that pays; from look SHOCK on payments fail, and the chain charges, as given."""
    rng = np.random.default_rng(seed)
    for minute in range(n):
        is_shocked = minute >= SHOCK
        n_ended = int(rng.poisson(3))
        n_failed = int(rng.binomial(n_ended, failing if is_shocked else 0.05))
        yield NodeView(
            Role.CONSUMER,
            own_channels(capacity_msat=[1_000], local_msat=[500]),
            now_ms=minute * MINUTE_MS,
            sent=PaymentCounts(n_succeeded=n_ended - n_failed, n_failed=n_failed),
            feerate_msat_per_vb=feerate if is_shocked else 5_000,
        )


@pytest.fixture(scope="module")
def config():
    calm = [standard_scores(list(looks(seed)), WatchConfig()) for seed in range(10)]
    return calibrate(calm, WatchConfig())


def first_alarm(config, **shock):
    watch = Watch(config)
    return next(filter(None, (watch.look(view) for view in looks(99, **shock))), None)


def test_calm_is_calm(config):
    assert first_alarm(config) is None


def test_failing_payments_are_noticed_within_half_an_hour_and_named(config):
    alarm = first_alarm(config, failing=0.9)
    assert alarm.signal == "failures"
    assert SHOCK * MINUTE_MS <= alarm.at_ms <= (SHOCK + 30) * MINUTE_MS


def test_a_fee_spike_is_noticed_as_fast_as_looks_may_add_up(config):
    alarm = first_alarm(config, feerate=500_000)
    looks_needed = int(np.ceil(config.thresholds[SIGNALS.index("feerate")] / STEP))
    assert (alarm.signal, alarm.at_ms) == ("feerate", (SHOCK + looks_needed - 1) * MINUTE_MS)
    assert looks_needed <= 5


def test_levels_are_features_and_one_is_an_alarm(config):
    watch = Watch(config)
    alarms = [watch.look(view) for view in looks(99, failing=0.9)]
    assert watch.levels.shape == (N_SIGNALS,)
    assert alarms[-1].level == watch.levels[SIGNALS.index("failures")] >= 1


def test_watching_live_equals_scoring_afterwards(config):
    views = list(looks(5, failing=0.5))
    watch = Watch(config)
    for view in views:
        watch.look(view)
    afterwards = sums(standard_scores(views, config), np.array(config.allowances))[-1]
    assert np.allclose(watch.sums, np.minimum(afterwards, 2 * np.array(config.thresholds)))


def test_bad_settings():
    with pytest.raises(InputError, match="thresholds must be"):
        WatchConfig(thresholds=(1.0,))
    with pytest.raises(InputError, match="3 calm blocks"):
        calibrate([np.zeros((3, N_SIGNALS))], WatchConfig())
