"""train, evaluate and compare end to end on a small world, and what they say to bad input."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from lnherd.cli.main import cli
from lnherd.errors import InputError
from lnherd.experiments.config import TrainConfig
from lnherd.experiments.training import Training

SMALL = ["--nodes", "30"]


def lnherd(*arguments):
    """Run in this process; errors of ours are raised."""
    outcome = CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome


def refusal(*arguments):
    """The sentence of the InputError that the command ends with."""
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False, standalone_mode=False)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def real(*arguments, cwd):
    """The installed program, in a process of its own."""
    command = [sys.executable, "-m", "lnherd", *(str(a) for a in arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished training."""
    directory = tmp_path_factory.mktemp("train") / "run"
    outcome = lnherd("train", "herding", *SMALL, "--episodes", 4, "--out", directory, "--json")
    return directory, json.loads(outcome.stdout)


def test_train_prints_one_object_and_writes_the_run(run):
    directory, summary = run
    assert summary["episodes"] == 4 and summary["decisions"] == 4 * 48
    assert sorted(path.name for path in directory.iterdir()) == [
        "config.json",
        "events",
        "learner.npz",
        "metrics.csv",
        "policy.npz",
        "provenance.json",
    ]
    assert json.loads((directory / "config.json").read_text())["config"]["scenario"]["nodes"] == 30


def test_train_does_not_start_over(run):
    directory, _ = run
    assert "add --resume" in refusal("train", "herding", *SMALL, "--episodes", 4, "--out", directory)
    outcome = lnherd("train", "herding", *SMALL, "--episodes", 4, "--out", directory, "--resume", "--json")
    assert json.loads(outcome.stdout)["episodes"] == 4
    assert "config.episodes is 4 there, 8 now" in refusal(
        "train", "herding", *SMALL, "--episodes", 8, "--out", directory, "--resume"
    )


@pytest.mark.parametrize("what", ["run", "policy"])
def test_evaluate_a_training_and_its_policy(run, what, tmp_path):
    directory, _ = run
    policy = [directory] if what == "run" else [directory / "policy.npz", *SMALL]
    outcome = lnherd("evaluate", *policy, "--seeds", 2, "--out", tmp_path / "t.csv", "--json")
    printed = json.loads(outcome.stdout)
    assert [policy["name"] for policy in printed["policies"]] == ["do-nothing", "q-learning"]
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert [row["policy"] for row in rows] == ["do-nothing"] * 2 + ["q-learning"] * 2
    for row in rows:
        assert float(row["R"]) == pytest.approx(float(row["S"]) - float(row["F"]) - float(row["C"]), abs=0.01)


def test_evaluate_a_rule_for_people():
    outcome = lnherd("evaluate", "proportional", *SMALL, "--seeds", 2)
    assert "proportional on 2 held-out seeds" in outcome.stdout
    assert "over doing nothing" in outcome.stdout


def test_compare_writes_and_names_everything(tmp_path):
    arguments = ("compare", "herding", *SMALL, "--role", "provider", "--policies", "random,q-learning", "--seeds", "2")
    arguments += ("--trainings", "1", "--train-episodes", "4", "--checkpoints", "1")
    done = real(*arguments, "--out", "out", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    names = ("results.csv", "results.json", "marl-eval.json", "curves.svg", "report.html")
    assert printed["files"] == [f"out/{name}" for name in names]
    assert [policy["name"] for policy in printed["policies"]] == ["do-nothing", "random", "q-learning"]
    out = tmp_path / "out"
    assert json.loads((out / "results.json").read_text())["headline"] == printed["headline"]
    assert "</html>" in (out / "report.html").read_text()
    rows = list(csv.DictReader((out / "results.csv").read_text().splitlines()))
    assert len(rows) == 6
    again = real(*arguments, "--out", "out", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    table = list(csv.DictReader((out / "results.csv").read_text().splitlines()))
    assert [{**row, "wall_s": ""} for row in table] == [{**row, "wall_s": ""} for row in rows]
    assert "Report: out/report.html" in again.stdout and "q-learning" in again.stdout


def test_errors_are_one_sentence_and_exit_code_2(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("x")
    done = real("compare", "herding", "--out", "thesis", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == (
        "lnherd: thesis: holds files that are not a run of lnherd; choose a new or empty directory\n"
    )


def saved_whole(run: Path) -> bool:
    """Whether more than twenty episodes are on disk, and nothing is being written."""
    metrics, learner = run / "metrics.csv", run / "learner.npz"
    has_begun = metrics.exists() and metrics.read_text().count("\n") > 20
    return has_begun and learner.stat().st_mtime_ns >= metrics.stat().st_mtime_ns


def test_an_interrupt_leaves_a_training_that_goes_on(tmp_path):
    """Ctrl-C after the first save: exit code 130, a word about --resume, and nothing broken."""
    command = [sys.executable, "-m", "lnherd", "train", "herding", *SMALL, "--episodes", "4000", "--out", "run"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not saved_whole(tmp_path / "run"):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "go on with --resume" in errors and "Traceback" not in errors
    training = Training.read(tmp_path / "run", TrainConfig)
    assert training.episodes >= 20 and len(training.rows) == training.episodes
    assert not list((tmp_path / "run").glob(".*.part"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("train", "herding", "--out", "x", "--role", "bank"), "--role 'bank' is not known; choose from consumer"),
        (("train", "herding", "--out", "x", "--algo", "sarsa"), "--algo 'sarsa' is not known"),
        (("train", "herding", "--out", "x", "--episodes", "0"), "--episodes is 0; give 1 to"),
        (("train", "herding", "--out", "x", "--seed", "-1"), "--seed is -1; give 0 to"),
        (("train", "herding", "--out", "x", "--nodes", "3"), "--nodes is 3; give 10 to"),
        (("train", "herding", "--out", "x", "--network", "none.json"), "none.json: no such file"),
        (("train", "herding", "--out", "x", *SMALL, "--node", "alice"), "no node called 'alice'"),
        (("evaluate", "nobody"), "nobody: is no training, no policy file and no rule"),
        (("evaluate", "."), "is no training; give a directory that lnherd train wrote"),
        (("evaluate", "note.npz"), "note.npz: not a saved policy; train one with"),
        (("evaluate", "do-nothing", "--seeds", "0"), "--seeds is 0; give 1 to"),
        (("evaluate", "do-nothing", "--out", "note.npz"), "exists and is not a table of lnherd evaluate"),
        (("compare", "herding", "--policies", "wish"), "--policies: 'wish' is not known; choose from do-nothing"),
        (("compare", "herding", "--trainings", "0"), "--trainings is 0; give 1 to"),
        (("compare", "herding", "--out", "note.npz"), "note.npz: is a file; give a directory"),
        (("demo", "--out", "note.npz"), "note.npz: is a file; give a directory"),
    ],
)
def test_bad_input_is_named_with_its_mend(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.npz").write_text("remember the milk")
    assert sentence in refusal(*arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["note.npz"]
    assert (tmp_path / "note.npz").read_text() == "remember the milk"
