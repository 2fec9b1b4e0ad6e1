"""Drift: who learns when, and what regret is measured against."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from fake_herding import FakeTask

from lnherd.errors import InputError
from lnherd.experiments import drift, drift_report
from lnherd.experiments.drift import DriftConfig, Found, Measured, run
from lnherd.experiments.seeds import held_out_seeds

CONFIG = DriftConfig(phases=("calls", "people"), episodes=160, moments=3, seeds=2, trainings=1)


@dataclass
class FakePlace:
    def task(self):
        return FakeTask()


@pytest.fixture(scope="module")
def measured():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drift, "places", lambda config: [FakePlace() for _ in config.phases])
        return run(CONFIG, lambda _: None)


def test_who_learns_is_measured_as_it_learns(measured):
    assert CONFIG.stops == [0, 80, 160]
    moments = {}
    for each in measured:
        moments.setdefault((each.policy, each.phase), set()).add(each.episodes)
    assert moments["retrained", 0] == moments["retrained", 1] == moments["continual", 1] == {0, 80, 160}
    assert moments["frozen", 1] == moments["do-nothing", 0] == {0}
    assert ("frozen", 0) not in moments and ("continual", 0) not in moments


def test_continual_learning_begins_where_the_first_phase_ended(measured):
    found = Found(CONFIG, measured)
    assert np.array_equal(found.rewards("continual", 0, 160), found.rewards("retrained", 0, 160))
    assert np.array_equal(found.rewards("continual", 1, 0), found.rewards("frozen", 1, 0))
    assert not np.array_equal(found.rewards("retrained", 1, 0), found.rewards("frozen", 1, 0))


def test_regret_is_against_the_retrained_at_the_end_of_the_phase():
    earned = {("retrained", 0): 5, ("retrained", 80): 8, ("retrained", 160): 11, ("continual", 0): 2,
              ("continual", 80): 5, ("continual", 160): 14, ("frozen", 0): 1}  # fmt: skip
    days = held_out_seeds(CONFIG.seed + 1, CONFIG.seeds)
    measured = [
        Measured(name, 1, episodes, 0, day, float(reward))
        for (name, episodes), reward in earned.items()
        for day in days
    ]
    found = Found(CONFIG, measured)
    assert found.regret("retrained", 1).value == pytest.approx(3.0)
    assert found.regret("continual", 1).value == pytest.approx(4.0)
    assert found.regret("frozen", 1).value == pytest.approx(10.0)


def test_what_is_written(measured, tmp_path):
    files = drift_report.publish(tmp_path, CONFIG, measured, {"lnherd": "0"})
    assert [path.name for path in files] == ["config.json", "days.csv", "results.json", "drift.svg"]
    stored = json.loads((tmp_path / "results.json").read_text())
    assert set(stored["regret"]) >= {"do-nothing", "frozen", "continual", "retrained"}
    picture = (tmp_path / "drift.svg").read_text()
    assert "continual" in picture and "calls, then people" in picture
    assert len(drift_report.table(Found(CONFIG, measured))[0]) == len(drift_report.columns(CONFIG))


@pytest.mark.parametrize(
    ("change", "told"), [({"phases": ("storms",)}, "--phases"), ({"algorithm": "qlearning"}, "dqn or ppo")]
)
def test_refusals(change, told):
    with pytest.raises(InputError, match=told):
        DriftConfig(**change)
