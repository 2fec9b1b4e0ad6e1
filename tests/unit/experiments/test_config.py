import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnherd.control.view import Role
from lnherd.errors import InputError
from lnherd.experiments.config import CompareConfig, ScenarioConfig, TrainConfig, describe, read_train_config
from lnherd.experiments.json_config import from_json, to_json


@given(st.integers(0, 10**6), st.integers(1, 300), st.integers(1, 300))
def test_training_and_evaluation_seeds_never_meet(seed, episodes, evaluations):
    config = CompareConfig(seed=seed, evaluations=evaluations, train_episodes=episodes)
    held_out = config.seeds()
    assert len(set(held_out)) == evaluations
    for number in range(3):
        trained = config.training("qlearning", number).seeds()
        assert len(set(trained)) == episodes
        assert not set(trained) & set(held_out)


def test_more_seeds_begin_with_the_same_ones():
    assert CompareConfig(evaluations=30).seeds()[:10] == CompareConfig(evaluations=10).seeds()
    assert CompareConfig(seed=1).seeds() != CompareConfig(seed=2).seeds()


def test_trainings_differ():
    config = CompareConfig()
    assert config.training("qlearning", 0).seeds() != config.training("qlearning", 1).seeds()


@pytest.mark.parametrize(
    ("episodes", "checkpoints", "stops"),
    [(100, 5, [8, 12, 24, 48, 100]), (60, 4, [8, 16, 32, 60]), (3, 4, [3]), (4, 1, [4]), (10, 9, [4, 10])],
)
def test_stops_are_whole_batches_and_end_at_the_end(episodes, checkpoints, stops):
    assert CompareConfig(train_episodes=episodes, checkpoints=checkpoints).stops() == stops


def test_json_round_trip():
    config = CompareConfig(ScenarioConfig(Role.ROUTER, "x.csv", 50, "alice", 4), ("do-nothing", "random"), (), 2)
    assert from_json(CompareConfig, json.loads(json.dumps(to_json(config))), "c") == config
    train = TrainConfig(ScenarioConfig(Role.PROVIDER), episodes=7)
    assert read_train_config(TrainConfig, json.loads(json.dumps(describe("train", train, None))), "c") == train


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: ScenarioConfig(nodes=9), "--nodes is 9; give 10 to 1000000"),
        (lambda: TrainConfig(algorithm="sarsa"), "--algo 'sarsa' is not known; choose from qlearning"),
        (lambda: TrainConfig(episodes=0), "--episodes is 0; give 1 to 1000000"),
        (lambda: CompareConfig(trainings=0), "--trainings is 0; give 1 to"),
        (lambda: CompareConfig(evaluations=0), "--seeds is 0; give 1 to"),
        (lambda: CompareConfig(seed=-1), "--seed is -1; give 0 to"),
        (lambda: CompareConfig(rules=("random",)), "must include do-nothing"),
        (lambda: read_train_config(TrainConfig, {"kind": "demo"}, "d/config.json"), "d/config.json: is not a training"),
    ],
)
def test_bad_configurations(make, problem):
    with pytest.raises(InputError, match=problem):
        make()
