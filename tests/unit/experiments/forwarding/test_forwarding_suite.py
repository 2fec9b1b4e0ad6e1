"""The suite: worlds that differ where they must, every contender through a small one, resumed, published."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lnherd.envs.forwarding_scenario import build_simulation
from lnherd.errors import InputError
from lnherd.experiments.forwarding.board import Episodes, board
from lnherd.experiments.forwarding.contenders import NAMES, contenders, spendable_msat
from lnherd.experiments.forwarding.playing import Player
from lnherd.experiments.forwarding.publish import publish
from lnherd.experiments.forwarding.suite import jobs, missing, run, stored
from lnherd.experiments.forwarding.worlds import FAMILIES, Cell, ForwardingSuite, Places

SMALL = ForwardingSuite(
    nodes=14, duration_s=10, payments_per_s=3.0, worlds=1, seeds=2, families=("flip",), places=("synthetic",)
)
CELL = "synthetic-flip"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("suite")
    wanted, told = contenders(None), []
    run(SMALL, wanted, out, 1, told.append, cells=[CELL])
    return out, wanted, told


def test_every_contender_plays_every_episode_once(finished):
    out, wanted, told = finished
    assert told[-1] == len(jobs(SMALL, wanted, [CELL])) == len(NAMES) + 1
    played = stored(SMALL, wanted, out)
    assert len(played) == 2 * len(NAMES)
    assert len({(each.run.seed, each.run.offered_sat) for each in played}) == 2  # the same payments for all
    for each in played:
        assert 0.0 <= each.run.success_volume <= each.limit + 0.02 <= 1.02 + 1e-9
        assert sum(each.run.delivered_by_window_sat) == pytest.approx(each.run.delivered_sat)
        assert sum(each.run.offered_by_window_sat) == pytest.approx(each.run.offered_sat)
        assert 0.0 <= each.run.utilisation <= 1.0
        assert (each.run.n_decisions == 0) == (each.run.policy in ("lnd", "mincostflow"))


def test_a_finished_run_is_not_played_again(finished):
    out, wanted, _ = finished
    assert all(missing(SMALL, out, job) == [] for job in jobs(SMALL, wanted, [CELL]))
    victim = next((out / "cells" / CELL / "shortest").iterdir())
    before = victim.read_text()
    victim.unlink()
    run(SMALL, wanted, out, 1, lambda _: None, cells=[CELL])
    again = json.loads(victim.read_text())
    assert again | {"wall_s": 0.0} == json.loads(before) | {"wall_s": 0.0}


def test_what_was_played_is_published(finished):
    out, wanted, _ = finished
    played = stored(SMALL, wanted, out)
    episodes = Episodes(played)
    facts = {"command": "lnherd compare forwarding", "lnherd": "0", "commit": "c"}
    content, files = publish(out, SMALL, played, board(episodes, seed=0), episodes, facts)
    page = (out / "leaderboard.md").read_text()
    assert {path.name for path in files} >= {"leaderboard.md", "results.csv", f"windows-{CELL}.svg"}
    assert all(path.exists() for path in files)
    assert all(f"| {name} |" in page for name in NAMES) and "going on learning against stopping" in page
    assert len((out / "results.csv").read_text().splitlines()) == 1 + len(played)
    assert json.loads((out / "results.json").read_text())["best_naive"] == content["best_naive"]


def test_worlds_to_train_in_and_to_be_measured_in_are_different():
    places = Places(SMALL)
    train, held_out = (places.world(Cell("synthetic", "mixed"), 0, split) for split in ("train", "eval"))
    assert not np.array_equal(train.network.channels.capacity_msat, held_out.network.channels.capacity_msat)
    assert not {seed for _, seed in SMALL.held_out()} & set(held_out.training_seeds)


def test_families_differ_in_what_they_say():
    places = Places(SMALL)
    configs = {family: places.world(Cell("synthetic", family), 0).config for family in FAMILIES}
    assert {family for family, config in configs.items() if config.changes_ms is not None} == {"flip", "churn"}
    assert configs["flip"].changes_ms == configs["churn"].changes_ms == 5_000
    assert {family for family, config in configs.items() if config.balance_prior == "drained"} == {"one-way"}
    assert configs["circulation"].demand != configs["mixed"].demand != configs["one-way"].demand


def test_places_of_a_size_have_payments_in_proportion():
    suite = replace(SMALL, places=("28-nodes", "mainnet"))
    large, cut_out = (Places(suite).world(Cell(place, "mixed"), 0) for place in suite.places)
    assert (large.network.n_nodes, cut_out.network.n_nodes) == (28, 14)
    assert large.config.demand.rate_per_s == pytest.approx(2 * cut_out.config.demand.rate_per_s)


def test_the_room_of_a_channel_knows_reserves_limits_and_switches():
    world = Places(SMALL).world(Cell("synthetic", "mixed"), 0)
    simulation = build_simulation(world.config, world.network, 1)
    edges = simulation.state.edges
    room = spendable_msat(simulation)
    assert (room <= np.maximum(edges.balance_msat - edges.reserve_msat, 0)).all() and room.max() > 0
    simulation.set_policy(int(room.argmax()), enabled=False)
    assert spendable_msat(simulation)[room.argmax()] == 0


def test_what_was_learned_before_is_the_same_for_every_seed():
    world = Places(SMALL).world(Cell("synthetic", "mixed"), 0)
    (warm,) = contenders("q-routing+warm")
    player = Player(warm, world)
    first, _, again = (player.play(seed) for seed in (5, 6, 5))
    assert replace(first, wall_s=0.0) == replace(again, wall_s=0.0)


@pytest.mark.parametrize("wrong", [{"nodes": 5}, {"duration_s": 1}, {"seeds": 0}, {"payments_per_s": 0.0}])
def test_sizes_without_sense_are_refused(wrong):
    with pytest.raises(InputError, match="--"):
        replace(SMALL, **wrong)


def test_a_name_that_nobody_has_is_refused():
    with pytest.raises(InputError, match="'best' is not known"):
        contenders("shortest,best")
