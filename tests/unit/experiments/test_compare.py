"""Comparisons on the fake task, in real worker processes."""

from dataclasses import replace

import numpy as np
import pytest
from fake_herding import FakeTask

from lnherd.agents.qlearning import QLearner
from lnherd.errors import InputError
from lnherd.experiments import compare
from lnherd.experiments.config import CompareConfig, TrainConfig
from lnherd.experiments.directory import read_json, write_json
from lnherd.experiments.episodes import play
from lnherd.experiments.results import Results, summarise
from lnherd.experiments.training import Training
from lnherd.units import MS_PER_DAY

CONFIG = CompareConfig(rules=("do-nothing", "random"), trainings=2, train_episodes=24, checkpoints=3, evaluations=6)
ABOUT = {"lnherd": "0"}


def run(out, *, config=CONFIG, kind="compare herding", fresh=False, on_progress=lambda _: None):
    trainings = compare.prepare(config, out, {"env": 1}, ABOUT, kind=kind, fresh=fresh)
    return compare.run(config, trainings, FakeTask, on_progress, out=out, days=1.0)


def outcome(findings):
    return [(e.policy, e.training, e.seed, e.totals, e.actions) for e in findings.final]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out, heard = tmp_path_factory.mktemp("compare") / "out", []
    return out, run(out, on_progress=heard.append), heard


def test_everybody_meets_the_same_seeds(finished):
    _, findings, _ = finished
    seeds = sorted(CONFIG.seeds())
    for policy, trainings in (("do-nothing", 1), ("random", 1), ("q-learning", 2)):
        for number in range(trainings):
            mine = [e.seed for e in findings.final if (e.policy, e.training) == (policy, number)]
            assert mine == seeds


def test_progress_counts_every_episode_once(finished):
    _, _, heard = finished
    assert heard == sorted(heard)
    assert heard[-1] == compare.n_episodes(CONFIG) == 2 * 24 + (2 + 2 * 3) * 6


def test_the_learner_wins_and_its_curve_ends_at_its_result(finished):
    _, findings, _ = finished
    results = Results(findings.final, episode_ms=MS_PER_DAY)
    nothing, _, learner = summarise(results, ["q-learning"], seed=0)
    assert learner.advantage.low > 0 and nothing.trainings == 0
    (curve,) = findings.curves
    assert curve.episodes.tolist() == [8.0, 12.0, 24.0]
    assert curve.decisions.tolist() == [80.0, 120.0, 240.0]
    assert np.array_equal(curve.held_out_per_day[:, :, -1], results.per_day("q-learning"))
    assert np.all(np.diff(curve.wall_s) > 0)


def test_workers_play_what_one_process_would(finished):
    out, findings, _ = finished
    policy = QLearner.load(out / "trainings" / "qlearning-1" / "policy.npz").policy()
    theirs = next(e for e in findings.final if (e.policy, e.training) == ("q-learning", 1))
    mine = play(FakeTask(), policy, theirs.seed)
    assert (mine.totals, mine.actions) == (theirs.totals, theirs.actions)


def test_going_on_after_an_interrupt_changes_nothing(finished, tmp_path):
    _, findings, _ = finished
    trainings = compare.prepare(CONFIG, tmp_path / "out", {"env": 1}, ABOUT, kind="compare herding", fresh=False)
    trainings[0].advance(8, FakeTask, lambda _: None)
    trainings[0].keep()
    trainings[0].advance(12, FakeTask, lambda _: None)  # interrupted before the policy of this stop was kept
    again = run(tmp_path / "out")
    assert outcome(again) == outcome(findings)
    assert np.array_equal(again.curves[0].held_out_per_day, findings.curves[0].held_out_per_day)


def test_refuses_what_it_does_not_own_and_other_configurations(tmp_path):
    out = tmp_path / "out"
    compare.prepare(CONFIG, out, {"env": 1}, ABOUT, kind="compare herding", fresh=False)
    with pytest.raises(InputError, match=r"config.seed is 0 there, 1 now"):
        other = CompareConfig(rules=CONFIG.rules, trainings=2, train_episodes=24, checkpoints=3, evaluations=6, seed=1)
        compare.prepare(other, out, {"env": 1}, ABOUT, kind="compare herding", fresh=False)
    with pytest.raises(InputError, match="output of lnherd compare herding"):
        compare.prepare(CONFIG, out, {"env": 1}, ABOUT, kind="demo", fresh=True)


def test_a_fresh_start_removes_its_own_files_only(tmp_path):
    out = tmp_path / "out"
    (training, _) = compare.prepare(CONFIG, out, {"env": 1}, ABOUT, kind="demo", fresh=True)
    training.advance(8, FakeTask, lambda _: None)
    (out / "notes.txt").write_text("mine")
    (training, _) = compare.prepare(CONFIG, out, {"env": 2}, ABOUT, kind="demo", fresh=True)
    assert training.episodes == 0
    assert (out / "notes.txt").read_text() == "mine"


def test_rules_alone(tmp_path):
    config = CompareConfig(rules=("do-nothing",), algorithms=(), evaluations=2)
    findings = run(tmp_path / "out", config=config)
    assert len(findings.final) == 2 and findings.curves == ()


def test_a_worker_that_fails_says_so(tmp_path):
    trainings = compare.prepare(CONFIG, tmp_path / "out", {"env": 1}, ABOUT, kind="compare herding", fresh=False)
    (trainings[0].directory / "learner.npz").write_bytes(b"no")
    with pytest.raises(InputError, match="not a saved Q-table"):
        compare.run(CONFIG, trainings, FakeTask, lambda _: None, out=tmp_path, days=1.0)


def test_interrupted_training_can_be_read(finished):
    out, _, _ = finished
    assert Training.read(out / "trainings" / "qlearning-0", TrainConfig).episodes == 24


def test_tuned_rules_spend_what_a_learner_does_and_are_not_tuned_twice(tmp_path):
    config = replace(CONFIG, rules=("do-nothing", "threshold-swap"), algorithms=(), train_episodes=8, tuned=True)
    heard = []
    first = run(tmp_path / "out", config=config, on_progress=heard.append)
    assert {e.policy for e in first.final} == {"do-nothing", "threshold-swap", "threshold-swap, tuned"}
    assert heard[-1] == compare.n_episodes(config) == 8 + 3 * 6
    stored = tmp_path / "out" / "tuned" / "threshold-swap.json"
    assert read_json(stored)["episodes"] == 8
    written = read_json(stored) | {"score": -1.0}
    write_json(stored, written)
    assert outcome(run(tmp_path / "out", config=config)) == outcome(first)
    assert read_json(stored) == written
