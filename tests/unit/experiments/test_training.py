import csv

import numpy as np
import pytest
from fake_herding import FakeTask

from lnherd.agents.qlearning import QLearner
from lnherd.errors import InputError
from lnherd.experiments.config import TrainConfig
from lnherd.experiments.episodes import play
from lnherd.experiments.training import COLUMNS, Training

CONFIG = TrainConfig(episodes=50, seed=3)
ABOUT = {"lnherd": "0"}


def start(directory, config=CONFIG, *, resume=False):
    return Training.start(directory, config, {"env": 1}, ABOUT, resume=resume)


def quiet(_):
    pass


def files(directory):
    """Contents of the files that must not depend on how a training was cut; wall time is a column of its own."""
    rows = list(csv.reader((directory / "metrics.csv").read_text().splitlines()))
    return (directory / "learner.npz").read_bytes(), [row[:4] + row[5:] for row in rows]


def test_learns_and_writes_a_row_an_episode(tmp_path):
    training = start(tmp_path / "run")
    heard = []
    training.advance(50, FakeTask, heard.append)
    assert heard == list(range(1, 51))
    rows = list(csv.DictReader((tmp_path / "run" / "metrics.csv").read_text().splitlines()))
    assert tuple(rows[0]) == (*COLUMNS, *TrainConfig.terms) and len(rows) == 50
    assert [int(row["decisions"]) for row in rows] == list(range(10, 510, 10))
    learned = play(FakeTask(), training.policy(), 99)
    assert learned.actions == {"swap_out": 10}
    assert learned.totals["reward"] > 50


def test_rows_hold_what_the_task_logged(tmp_path):
    training = start(tmp_path)
    training.advance(4, FakeTask, quiet)
    for row in csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()):
        assert float(row["R"]) == pytest.approx(float(row["S"]) - float(row["F"]) - float(row["C"]))
        assert float(row["F"]) == 10.0 and float(row["successes"]) + float(row["failures"]) == 160.0


def test_an_interrupted_training_ends_where_a_straight_one_does(tmp_path):
    start(tmp_path / "straight").advance(50, FakeTask, quiet)

    class Interrupted(FakeTask):
        played = 0

        def reset(self, seed):
            type(self).played += 1
            if type(self).played == 30:
                raise KeyboardInterrupt
            return super().reset(seed)

    cut = start(tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.advance(50, Interrupted, quiet)
    again = start(tmp_path / "cut", resume=True)
    assert again.episodes == 20
    again.advance(50, FakeTask, quiet)
    assert files(tmp_path / "cut") == files(tmp_path / "straight")


def test_a_training_in_pieces_is_the_same_training(tmp_path):
    start(tmp_path / "straight").advance(50, FakeTask, quiet)
    for until in (8, 24, 50):
        start(tmp_path / "pieces", resume=True).advance(until, FakeTask, quiet)
    assert files(tmp_path / "pieces") == files(tmp_path / "straight")


def test_a_row_too_many_is_dropped_one_too_few_is_said(tmp_path):
    start(tmp_path).advance(8, FakeTask, quiet)
    metrics = tmp_path / "metrics.csv"
    lines = metrics.read_text().splitlines(keepends=True)
    metrics.write_text("".join([*lines, lines[-1]]))
    assert len(Training.read(tmp_path, TrainConfig).rows) == 8
    metrics.write_text("".join(lines[:-1]))
    with pytest.raises(InputError, match="ends before the policy does"):
        Training.read(tmp_path, TrainConfig)


def test_keeps_the_policy_of_a_stop(tmp_path):
    training = start(tmp_path)
    training.advance(8, FakeTask, quiet)
    kept = training.keep()
    training.advance(16, FakeTask, quiet)
    assert kept == training.kept_path(8)
    assert QLearner.load(kept).episodes_played == 8
    assert not np.array_equal(QLearner.load(kept).table.values, training.learner.table.values)


def test_does_not_start_over_what_is_there(tmp_path):
    start(tmp_path).advance(8, FakeTask, quiet)
    with pytest.raises(InputError, match="holds this training already; add --resume"):
        start(tmp_path)
    with pytest.raises(InputError, match=r"another configuration \(config.seed is 3 there, 4 now\)"):
        start(tmp_path, TrainConfig(episodes=50, seed=4), resume=True)
    with pytest.raises(InputError, match="another configuration"):
        Training.start(tmp_path, CONFIG, {"env": 2}, ABOUT, resume=True)


def test_reads_only_trainings(tmp_path):
    with pytest.raises(InputError, match="holds no training"):
        Training.read(tmp_path, TrainConfig)
    start(tmp_path / "run")
    (tmp_path / "run" / "metrics.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="not the curve of a training"):
        Training.read(tmp_path / "run", TrainConfig)
    (tmp_path / "run" / "learner.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"learner.npz"):
        Training.read(tmp_path / "run", TrainConfig)
