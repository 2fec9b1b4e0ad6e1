"""The standard suite: splits apart, results resumable."""

from dataclasses import replace

import numpy as np
import pytest

from lnherd.agents.learners import make_learner, start_from
from lnherd.agents.shipped import shipped_policy
from lnherd.control.view import Role
from lnherd.experiments.directory import read_json
from lnherd.experiments.standard import (
    FINE_TUNED,
    Job,
    Worker,
    held_out,
    jobs,
    learner_config,
    missing,
    results_of,
    run,
    stored,
)
from lnherd.experiments.suites import QUICK, TRAFFIC, AnyWorld, Cell, SuiteConfig, Surroundings

TINY = replace(QUICK, nodes=40, horizon=2, seeds=1, budget=2, roles=(Role.CONSUMER,), families=("synthetic",))


def test_cells_are_three_roles_by_three_families():
    assert len(SuiteConfig().cells()) == 9
    assert Cell(Role.ROUTER, "drained").name == "router-drained"


def test_training_and_evaluation_happen_in_other_networks_and_every_kind_of_traffic_occurs():
    config = replace(TINY, worlds=3)
    surroundings = Surroundings(config)
    cell = Cell(Role.CONSUMER, "drained")
    train, held = surroundings.worlds(cell, "train"), surroundings.worlds(cell, "eval")
    assert [world.traffic for world in held] == list(TRAFFIC)
    networks = {world.network.channels.capacity_msat.tobytes() for world in (*train, *held)}
    assert len(networks) == 6
    assert all(world.config.balance_prior == "drained" for world in train)


def test_neighbourhoods_of_other_nodes_without_a_snapshot():
    surroundings = Surroundings(replace(TINY, worlds=2, families=("mainnet",)))
    cell = Cell(Role.PROVIDER, "mainnet")
    herders = {
        str(world.network.node_ids[world.config.node])
        for split in ("train", "eval")
        for world in surroundings.worlds(cell, split)
    }
    assert len(herders) == 4


def test_the_seed_chooses_the_world():
    surroundings = Surroundings(replace(TINY, worlds=2))
    anywhere = AnyWorld(surroundings.worlds(Cell(Role.CONSUMER, "synthetic"), "train"))
    anywhere.reset(4)
    even = anywhere._now
    anywhere.reset(5)
    assert anywhere._now is not even
    anywhere.reset(6)
    assert anywhere._now is even


def test_rules_that_only_set_fees_are_left_to_routers():
    names = {(job.cell.role, job.policy) for job in jobs(SuiteConfig(), ["do-nothing", "static", "q-learning"])}
    assert (Role.ROUTER, "static") in names and (Role.CONSUMER, "static") not in names
    assert len(jobs(SuiteConfig(), ["q-learning"])) == 9 * SuiteConfig().trainings


def test_a_run_is_stored_and_goes_on_where_it_stopped(tmp_path):
    wanted, told = ["do-nothing", "threshold-swap", "q-learning"], []
    run(TINY, jobs(TINY, wanted[:1]), tmp_path, 1, told.append)
    first = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    run(TINY, jobs(TINY, wanted), tmp_path, 1, told.append)
    assert told == [0, 1, 1, 2, 3]
    assert all(path.stat().st_mtime_ns == written for path, written in first.items())
    assert not any(missing(TINY, tmp_path, job) for job in jobs(TINY, wanted))
    played = list(stored(tmp_path, TINY, wanted))
    assert [each.episode.policy for each in played] == wanted
    assert all(each.bound >= each.episode.totals["reward"] for each in played)
    tuned = read_json(results_of(tmp_path, Job(TINY.cells()[0], "threshold-swap")) / "tuned.json")
    assert tuned["episodes"] <= TINY.budget


def test_what_was_tuned_or_trained_is_not_done_again(tmp_path):
    job = jobs(TINY, ["q-learning"])[0]
    Worker(TINY, tmp_path).do(job)
    path = results_of(tmp_path, job) / "policy-0.npz"
    trained = path.read_bytes()
    (world, seed) = held_out(TINY)[0]
    result = results_of(tmp_path, job) / f"0-{world}-{seed}.json"
    before = read_json(result)
    result.unlink()
    Worker(TINY, tmp_path).do(job)
    assert path.read_bytes() == trained
    again = read_json(result)
    assert again["totals"] == before["totals"]


@pytest.mark.parametrize("role", Role)
def test_fine_tuning_looks_as_the_shipped_policy_does_and_starts_from_it(role, tmp_path):
    config, shipped = learner_config(Job(Cell(role, "synthetic"), FINE_TUNED)), shipped_policy(role)
    learner = make_learner(config, seed=0)
    start_from(learner, shipped)
    learner.save_policy(tmp_path / "policy.npz")
    begun, before = (np.load(path)["w1"] for path in (tmp_path / "policy.npz", shipped))
    assert np.array_equal(begun, before)


@pytest.mark.parametrize("seed", [0, 1])
def test_held_out_episodes_are_spread_over_the_worlds(seed):
    config = replace(SuiteConfig(), seed=seed)
    worlds = [world for world, _ in held_out(config)]
    assert np.bincount(worlds).tolist() == [config.seeds] * config.worlds
