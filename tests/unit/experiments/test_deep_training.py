"""Trainings of networks in a directory: whatever stops them, they end where a straight one does."""

import csv
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_herding import FakeTask
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lnherd.agents.configs import NetworkConfig
from lnherd.agents.learners import load_policy
from lnherd.agents.packing import packed
from lnherd.agents.ppo import PPOLearner
from lnherd.errors import InputError
from lnherd.experiments.config import CompareConfig, TrainConfig
from lnherd.experiments.episodes import play
from lnherd.experiments.training import Training

SUPPORT = Path(__file__).parents[2] / "support"
EPISODES = {"ppo": 320, "dqn": 160}
RUN = f"""
import sys
sys.path[:0] = {[str(SUPPORT), *sys.path]!r}
from pathlib import Path
from fake_herding import FakeTask
from lnherd.experiments.config import TrainConfig
from lnherd.experiments.training import Training
config = TrainConfig(algorithm=sys.argv[1], episodes=int(sys.argv[3]), seed=3)
training = Training.start(Path(sys.argv[2]), config, {{"env": 1}}, {{"lnherd": "0"}}, resume=False)
training.advance(config.episodes, FakeTask, lambda _: None)
"""


def start(directory, algorithm, episodes, *, resume=False):
    config = TrainConfig(algorithm=algorithm, episodes=episodes, seed=3)
    return Training.start(directory, config, {"env": 1}, {"lnherd": "0"}, resume=resume)


def files(directory):
    """What must not depend on how a training was cut; wall time is a column of its own."""
    rows = list(csv.reader((directory / "metrics.csv").read_text().splitlines()))
    curve = [row[:4] + row[5:] for row in rows]
    return (directory / "learner.npz").read_bytes(), (directory / "policy.npz").read_bytes(), curve


def killed_once_it_has_saved(directory, algorithm, episodes):
    """Start a training in a process of its own and kill it, without a word, when it is under way."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, algorithm, str(directory), str(episodes)], stderr=subprocess.PIPE
    )
    metrics = directory / "metrics.csv"
    while process.poll() is None and not (metrics.exists() and metrics.read_text().count("\n") > 70):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors.decode()


@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
def test_a_killed_training_ends_where_a_straight_one_does(tmp_path, algorithm):
    episodes = EPISODES[algorithm]
    killed_once_it_has_saved(tmp_path / "killed", algorithm, episodes)
    straight = start(tmp_path / "straight", algorithm, episodes)
    straight.advance(episodes, FakeTask, lambda _: None)
    again = start(tmp_path / "killed", algorithm, episodes, resume=True)
    assert 40 <= again.episodes < episodes
    again.advance(episodes, FakeTask, lambda _: None)
    assert files(tmp_path / "killed") == files(tmp_path / "straight")
    learned = play(FakeTask(), straight.policy(), 99)
    assert learned.actions.get("swap_out", 0) >= 8


def test_processes_play_what_one_process_would(tmp_path):
    start(tmp_path / "one", "ppo", 32).advance(32, FakeTask, lambda _: None)
    start(tmp_path / "two", "ppo", 32).advance(32, FakeTask, lambda _: None, n_workers=2)
    assert files(tmp_path / "one")[1:] == files(tmp_path / "two")[1:]


@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
def test_config_spaces_and_provenance_are_with_the_policy(tmp_path, algorithm):
    training = start(tmp_path, algorithm, 80)
    training.advance(80, FakeTask, lambda _: None)
    policy, episodes = load_policy(tmp_path / "policy.npz")
    assert (policy.name, episodes) == (algorithm, 80)
    with np.load(tmp_path / "policy.npz") as stored:
        about = json.loads(str(stored["about"]))
    assert about["config"]["discount"] == training.learner.config.discount
    assert about["context"][0] == "is_consumer" and about["candidate"][0] == "is_wait" and about["seed"] == 3
    assert json.loads((tmp_path / "provenance.json").read_text()) == {"lnherd": "0"}
    decision = FakeTask().reset(0)
    assert policy.act(decision) == training.policy().act(decision)


def test_tensorboard_shows_the_curve_and_the_losses(tmp_path):
    training = start(tmp_path, "ppo", 48)
    training.advance(48, FakeTask, lambda _: None)
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    rewards = events.Scalars("episode/R")
    assert [event.step for event in rewards] == list(range(1, 49))
    assert [event.value for event in rewards] == pytest.approx([float(row[5]) for row in training.rows])
    assert events.Scalars("update/kl")[20].value >= 0.0
    assert "update/reward_scale" in events.Tags()["scalars"]


def test_stops_of_a_comparison_are_whole_batches():
    config = CompareConfig(algorithms=("qlearning", "dqn", "ppo"), train_episodes=100, checkpoints=4)
    assert config.stops() == [16, 24, 48, 100]
    assert CompareConfig(train_episodes=100, checkpoints=4).stops() == [12, 24, 48, 100]


def test_without_pytorch_one_sentence_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr("lnherd.agents.learners.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs PyTorch; install it with: pip install 'lnherd\[rl\]'"):
        start(tmp_path, "ppo", 16)
    assert start(tmp_path / "q", "qlearning", 4).episodes == 0


@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
def test_a_training_starts_from_a_saved_policy(tmp_path, algorithm):
    first = start(tmp_path / "first", algorithm, 160)
    first.advance(160, FakeTask, lambda _: None)
    saved = tmp_path / "first" / "policy.npz"
    config = TrainConfig(algorithm=algorithm, episodes=16, seed=4, start=str(saved))
    again = Training.start(tmp_path / "again", config, {"env": 1}, {}, resume=False, policy=config.start)
    decision = FakeTask().reset(0)
    scores = [each.learner.deployed().scores(packed(decision)) for each in (first, again)]
    assert np.array_equal(*scores)
    assert vars(again.learner.reward_scale) == vars(first.learner.reward_scale)
    assert again.learner.config.learning_rate < first.learner.config.learning_rate
    again.advance(16, FakeTask, lambda _: None)
    rewards = [float(row[5]) for row in again.rows]
    assert np.mean(rewards) > 50.0  # it swaps from the first episode on; waiting earns 10


def test_what_does_not_fit_is_no_start(tmp_path):
    first = start(tmp_path / "first", "ppo", 16)
    saved = str(tmp_path / "first" / "policy.npz")
    smaller = PPOLearner(replace(first.learner.config, network=NetworkConfig(hidden=(8, 8))))
    with pytest.raises(InputError, match="another size"):
        smaller.start_from(saved)
    with pytest.raises(InputError, match="only dqn and ppo start"):
        Training.start(tmp_path / "q", TrainConfig(start=saved), {"env": 1}, {}, resume=False, policy=saved)
