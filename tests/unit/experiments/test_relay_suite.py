"""The relay-node suite, tiny."""

import csv

import pytest

from lnherd.agents.policy_search import SearchConfig
from lnherd.experiments.directory import read_json
from lnherd.experiments.relay_node import PUBLISHED, RelayNodeConfig, run
from lnherd.experiments.relay_report import COLUMNS, publish, table
from lnherd.experiments.seeds import held_out_seeds, training_seeds

TINY = RelayNodeConfig(
    lives=2,
    q_lives=2,
    td_lives=1,
    deep_lives=4,
    searched=SearchConfig(population=2, elite=1, generations=1, episodes=1),
)


@pytest.fixture(scope="module")
def found():
    told = []
    return *run(TINY, told.append), told


def test_rules_come_out_as_published(found):
    rows, _, _ = found
    for row in rows:
        if row.policy in PUBLISHED:
            assert row.profit == pytest.approx(PUBLISHED[row.policy], rel=0.025)
            assert row.training_lives == 0


def test_networks_learn_from_a_few_lives(found):
    profits = {row.policy: row.profit for row in found[0]}
    assert profits["ppo"] > PUBLISHED["autoloop"]
    assert "dqn" in profits


def test_nobody_exceeds_the_bound_and_everybody_lives_the_same_lives(found):
    rows, lives, _ = found
    assert len(lives) == 2 * len(rows)
    assert all(life.profit <= life.bound for life in lives)
    seeds = held_out_seeds(0, 2)
    assert all([life.seed for life in lives if life.policy == row.policy] == seeds for row in rows)
    assert not set(seeds) & set(training_seeds(0, 500))


def test_files(found, tmp_path):
    rows, lives, _ = found
    files = publish(tmp_path / "out", TINY, rows, lives, {"command": "lnherd"})
    assert all(path.exists() for path in files)
    stored = read_json(tmp_path / "out" / "results.json")
    assert [row["policy"] for row in stored["rows"]] == [row.policy for row in rows]
    with (tmp_path / "out" / "lives.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(lives)
    assert all(len(line) == len(COLUMNS) for line in table(rows))
    assert "published learner" in (tmp_path / "out" / "profit.svg").read_text()
