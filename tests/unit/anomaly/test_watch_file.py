import numpy as np
import pytest

from lnherd.anomaly import Watch
from lnherd.anomaly.signals import N_SIGNALS
from lnherd.anomaly.watch import WatchConfig
from lnherd.anomaly.watch_file import read_watch, write_watch
from lnherd.control.view import NodeView, PaymentCounts, Role, own_channels
from lnherd.errors import InputError


def looks(n, failing=0.1):
    rng = np.random.default_rng(0)
    for minute in range(n):
        failed = int(rng.binomial(4, failing))
        counts = PaymentCounts(n_succeeded=4 - failed, n_failed=failed)
        channels = own_channels(capacity_msat=[1_000], local_msat=[500])
        yield NodeView(Role.CONSUMER, channels, now_ms=minute * 60_000, sent=counts)


def test_a_watch_goes_on_after_a_restart(tmp_path):
    """One that was saved knows what is usual at once; a new one would still be warming up."""
    watch = Watch(WatchConfig(thresholds=(12.0,) * N_SIGNALS))
    for view in looks(900):
        watch.look(view)
    write_watch(watch.so_far(), tmp_path / "watch.json")
    config = read_watch(tmp_path / "watch.json")
    assert config == watch.so_far()
    restarted, new = Watch(config), Watch(WatchConfig(thresholds=(12.0,) * N_SIGNALS))
    assert not any(restarted.look(view) for view in looks(30))
    alarms = [(restarted.look(view), new.look(view)) for view in looks(10, failing=0.9)]
    assert alarms[-1][0].signal == "failures"
    assert alarms[-1][1] is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        ("[]", "is no watch"),
        ("{", "is no watch"),
        ('{"signals": ["mood"], "past": null}', "watches other signals"),
    ],
)
def test_what_is_no_watch_is_refused(tmp_path, content, problem):
    path = tmp_path / "watch.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=problem):
        read_watch(path)
