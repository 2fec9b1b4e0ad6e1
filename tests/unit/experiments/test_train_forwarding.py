"""Trainings of forwarding policies: learners by name, going on bit by bit, and what is refused."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from lnherd.agents.hop_scorer import load_hop_policy
from lnherd.cli.main import cli
from lnherd.errors import InputError
from lnherd.experiments.config import TrainConfig
from lnherd.experiments.train_forwarding import ForwardingScenario, ForwardingTrainConfig
from lnherd.experiments.training import Training

SMALL = ForwardingScenario(nodes=20, networks=2, rate_per_s=20.0, seconds=2)


def play(directory, config, until, *, resume=False, n_threads=1):
    environment = config.scenario.curriculum()
    training = Training.start(directory, config, environment, {"lnherd": "0"}, resume=resume)
    training.advance(until, config.player(n_threads), lambda _: None)
    return training


def files(directory):
    rows = list(csv.reader((directory / "metrics.csv").read_text().splitlines()))
    return (directory / "learner.npz").read_bytes(), [row[:4] + row[5:] for row in rows]


@pytest.mark.parametrize(
    "algorithm, episodes, stop", [("ppo", 8, 4), ("dqn", 6, 4), ("qlearning", 6, 4)], ids=["ppo", "dqn", "q"]
)
def test_an_interrupted_training_ends_where_a_straight_one_does(tmp_path, algorithm, episodes, stop):
    config = ForwardingTrainConfig(SMALL, algorithm, episodes, seed=3)
    play(tmp_path / "straight", config, episodes, n_threads=2)
    play(tmp_path / "cut", config, stop)
    again = play(tmp_path / "cut", config, episodes, resume=True)
    assert files(tmp_path / "cut") == files(tmp_path / "straight")
    assert again.columns[-1] == "success_volume" and 0 < float(again.rows[-1][-1]) < 1


def test_policies_are_kept_on_the_way(tmp_path):
    arguments = ["train", "forwarding", "--nodes", "20", "--networks", "2", "--seconds", "2", "--episodes", "6"]
    arguments += ["--begin-as", "careful", "--blind", "--keep-every", "3", "--workers", "1", "--out", str(tmp_path)]
    CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)
    kept = sorted((tmp_path / "policies").iterdir())
    assert [path.name for path in kept] == [f"episode-00000{number}.npz" for number in (0, 3, 6)]
    first, _, last = (load_hop_policy(path).scorer for path in kept)
    assert not np.array_equal(first.w1, last.w1) and np.array_equal(
        last.w1, load_hop_policy(tmp_path / "policy.npz").scorer.w1
    )
    config = Training.read(tmp_path, ForwardingTrainConfig).config
    assert (config.begin_as, config.blind) == ("careful", True)


def test_credit_is_an_option(tmp_path):
    own, stream = (
        play(tmp_path / credit, ForwardingTrainConfig(SMALL, "ppo", 4, credit=credit), 4).learner
        for credit in ("own", "stream")
    )
    assert not np.array_equal(own.deployed().w1, stream.deployed().w1)


def test_a_training_of_another_kind_is_refused(tmp_path):
    config = ForwardingTrainConfig(SMALL, "ppo", 4)
    play(tmp_path, config, 4)
    with pytest.raises(InputError, match="holds no training"):
        Training.read(tmp_path, TrainConfig)
    assert Training.read(tmp_path, ForwardingTrainConfig).config == config


def test_families_of_the_suite_are_learned_on_by_turns():
    scenario = replace(SMALL, families=("circulation", "flip"))
    drawn = [scenario.curriculum().draw(seed)[0] for seed in range(30)]
    flipped = [each.flip_after_ms for each in drawn]
    assert set(flipped) == {None, 1_000} and 5 < flipped.count(None) < 25
    assert all(each.reward.fee_weight == 0.0 and each.duration_ms == 2_000 for each in drawn)


def test_training_seeds_are_no_evaluation_seeds():
    seeds = ForwardingTrainConfig(SMALL, episodes=50).seeds()
    assert min(seeds) >= 1 << 31 and len(set(seeds)) == 50


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: replace(SMALL, nodes=5), "--nodes is 5"),
        (lambda: replace(SMALL, seconds=0), "--seconds is 0"),
        (lambda: replace(SMALL, rate_per_s=-1.0), "--rate is -1"),
        (lambda: replace(SMALL, attempts=0), "--attempts is 0; give 1 to"),
        (lambda: replace(SMALL, locked_sat_per_s=-1.0), "--locked-cost is -1"),
        (lambda: replace(SMALL, traffic="much"), "--traffic 'much' is unknown"),
        (lambda: replace(SMALL, families=("much",)), "--families: 'much' is unknown"),
        (lambda: ForwardingTrainConfig(algorithm="sarsa"), "--algo 'sarsa' is not known"),
        (lambda: ForwardingTrainConfig(episodes=0), "--episodes is 0"),
        (lambda: ForwardingTrainConfig(seed=-1), "--seed is -1"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_the_command_trains_reports_and_goes_on(tmp_path):
    options = ["train", "forwarding", "--nodes", "20", "--networks", "2", "--seconds", "2", "--episodes", "4"]
    run = CliRunner().invoke(cli, [*options, "--out", str(tmp_path / "run"), "--json"])
    assert run.exit_code == 0, run.output
    assert '"algorithm": "ppo"' in run.output and '"success_volume_last_tenth"' in run.output
    assert load_hop_policy(tmp_path / "run" / "policy.npz").name == "ppo"
    again = CliRunner().invoke(cli, [*options, "--out", str(tmp_path / "run"), "--resume"])
    assert again.exit_code == 0 and "of the volume" in again.output.replace("\n", " ")


@pytest.mark.parametrize("families", [(), ("mixed", "one-way")])
def test_attempts_and_what_locked_money_costs_reach_every_problem(families):
    curriculum = replace(SMALL, families=families, attempts=40, locked_sat_per_s=0.02).curriculum()
    for problem in (curriculum.base, *curriculum.others):
        assert problem.simulation.policy_attempts == 40
        assert problem.reward.latency_sat_per_s == 0.02
