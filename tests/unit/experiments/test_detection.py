"""Recordings to operating points: who is chosen, what counts as an alarm, and that the page tells it."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest
from click.testing import CliRunner

from lnherd.anomaly.calibration import BLOCK
from lnherd.anomaly.signals import N_SIGNALS, SIGNALS
from lnherd.anomaly.watch_file import read_watch
from lnherd.cli.main import cli
from lnherd.errors import InputError
from lnherd.experiments.detection import summary
from lnherd.experiments.detection.config import CALM, DetectionConfig
from lnherd.experiments.detection.detectors import WATCH, watch_alarms
from lnherd.experiments.detection.publish import publish
from lnherd.experiments.detection.runs import run_path
from lnherd.experiments.detection.summary import alarm_starts, outcome, summarise

CONFIG = DetectionConfig(cases=("hub-outage", "probing"), calm_weeks=2, seeds=3)
ONSET = 200


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Noise; from the onset on, hub outages move one signal by four deviations, probing does not."""
    out, rng = tmp_path_factory.mktemp("detect"), np.random.default_rng(0)
    (out / "runs").mkdir()
    for case, seed in CONFIG.jobs():
        n_looks = 6 * BLOCK if case == CALM else ONSET + 240
        scores = rng.normal(size=(n_looks, N_SIGNALS))
        scores[ONSET:, SIGNALS.index("refusals")] += 4.0 * (case == "hub-outage")
        past = np.full((4, N_SIGNALS), float(seed % 100))
        onset = n_looks if case == CALM else ONSET
        np.savez_compressed(run_path(out, case, seed), scores=scores.astype(np.float32), onset=onset, past=past)
    return out


@pytest.fixture(scope="module")
def detection(recorded, request):
    patch = pytest.MonkeyPatch()
    patch.setattr(summary, "river_alarms", lambda scores: {})
    request.addfinalizer(patch.undo)
    return summarise(CONFIG, recorded)


def test_the_watch_is_judged_at_its_calibrated_thresholds(detection):
    (ours,) = detection.chosen
    assert (ours.setting.detector, ours.setting.sensitivity) == (WATCH, 1.0)
    outage, probing = ours.cases
    assert (outage.case, outage.recall) == ("hub-outage", 1.0) and outage.delay < 15
    assert probing.recall == 0.0 and probing.delay is None
    assert ours.recall.value == 1.0 and ours.false_alarms_a_week.value == 0.0


def test_the_watch_goes_on_from_the_last_week_of_the_calibration(detection):
    seed = CONFIG.jobs()[CONFIG.calm_weeks - 1][1]
    assert set(detection.watch.past.total) == {float(seed % 100)}


def test_what_is_handed_over(detection, tmp_path):
    content, files = publish(tmp_path, CONFIG, detection, "a network", {"command": "x", "lnherd": "1"})
    assert {path.name for path in files} == {"results.csv", "results.json", "watch.json", "report.html"}
    assert read_watch(tmp_path / "watch.json") == detection.watch
    assert json.loads((tmp_path / "results.json").read_text())["chosen"] == json.loads(json.dumps(content["chosen"]))
    page = (tmp_path / "report.html").read_text()
    assert "100%, " in page and "0.1 a week" in page
    blob = page.split('id="figures">')[1].split("</script>")[0]
    go.Figure(json.loads(blob)["curves"])


def test_alarms_close_together_are_one():
    alarms = np.zeros(500, dtype=bool)
    alarms[[10, 11, 60, 300, 361]] = True
    assert alarm_starts(alarms).tolist() == [10, 300, 361]


def test_alarms_before_the_onset_are_false_and_do_not_notice():
    alarms = np.zeros(500, dtype=bool)
    alarms[[5, 205]] = True
    found = outcome("hub-outage", alarms, ONSET)
    assert (found.false_alarms, found.delay) == (1, 6)
    assert outcome(CALM, alarms, 500).delay is None


def test_duller_settings_sound_less(detection):
    scores = np.random.default_rng(1).normal(size=(3_000, N_SIGNALS)) * 2
    counts = [alarms.sum() for alarms in watch_alarms(scores, detection.watch).values()]
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--alarms-a-week", "0"], "--alarms-a-week"),
        (["--cases", "control"], "'control' is no shock"),
        (["--policy", "sage"], "--policy"),
        (["--calm-weeks", "0"], "--calm-weeks"),
    ],
)
def test_bad_settings_are_refused(arguments, word):
    with pytest.raises(InputError, match=word):
        CliRunner().invoke(cli, ["detect", *arguments], catch_exceptions=False, standalone_mode=False)
