"""Policies that were trained and saved take part in comparisons of forwarding by NAME=PATH."""

from dataclasses import replace

import pytest

from lnherd.agents.forwarding_learners import BEGINNINGS, hop_learner_config, hop_ppo, hop_q
from lnherd.agents.hop_online import OnlineHopPolicy
from lnherd.agents.hop_scorer import HopScorerPolicy, HopTablePolicy, load_hop_policy, rule_scorer
from lnherd.agents.learners import make_learner
from lnherd.engine.codes import SUCCEEDED
from lnherd.envs.forwarding_play import run_compiled
from lnherd.envs.forwarding_source import SourceModePolicy
from lnherd.errors import InputError
from lnherd.experiments.forwarding.contenders import contenders
from lnherd.experiments.forwarding.playing import Player, episode
from lnherd.experiments.forwarding.worlds import Cell, ForwardingSuite, Places
from lnherd.network.records import plain

SUITE = ForwardingSuite(nodes=20, duration_s=10, payments_per_s=5.0)
WORLD = Places(SUITE).world(Cell("synthetic", "circulation"), 0)


def test_saved_policies_play_as_themselves(tmp_path):
    network, table = tmp_path / "network.npz", tmp_path / "table.npz"
    make_learner(hop_ppo(), 0).save_policy(network)
    make_learner(hop_q(), 0).save_policy(table)
    found = contenders(f"mine={network},mine={table},mine-source={network}")
    assert [(each.name, each.training) for each in found] == [("mine", 0), ("mine", 1), ("mine-source", 0)]
    players = [Player(each, WORLD) for each in found]
    assert [type(player.policy) for player in players] == [HopScorerPolicy, HopTablePolicy, SourceModePolicy]
    runs = [player.play(3) for player in (players[0], players[2])]
    assert all(0 < run.success_volume <= 1 and run.n_decisions > 0 for run in runs)
    assert runs[0].delivered_sat != runs[1].delivered_sat


def test_a_saved_network_decides_inside_the_loop(tmp_path):
    path = tmp_path / "network.npz"
    make_learner(hop_learner_config("ppo", "careful"), 0).save_policy(path)
    player = Player(contenders(f"mine={path}")[0], WORLD)
    run, alone = player.play(3), run_compiled(WORLD.config, WORLD.network, 3, load_hop_policy(path).scorer)
    assert player.task.simulation.payments.end_ms.tolist() == alone.payments.end_ms.tolist()
    assert run.n_decisions == alone.state.clock[0].decisions_total


def test_a_policy_of_ppo_can_go_on_learning(tmp_path):
    network, table = tmp_path / "network.npz", tmp_path / "table.npz"
    make_learner(hop_learner_config("ppo", "careful"), 0).save_policy(network)
    make_learner(hop_q(), 0).save_policy(table)
    player = Player(contenders(f"mine-online={network}")[0], WORLD)
    assert isinstance(player.policy, OnlineHopPolicy)
    assert 0 < player.play(3).success_volume < 1
    with pytest.raises(InputError, match="was not learned by ppo"):
        Player(contenders(f"mine-online={table}")[0], WORLD)


def test_the_hub_alone_follows_a_contender(tmp_path):
    path = tmp_path / "network.npz"
    make_learner(hop_ppo(), 0).save_policy(path)
    alone = Places(replace(SUITE, learner="hub")).world(Cell("synthetic", "circulation"), 0)
    runs = {name: Player(contenders(name)[0], alone).play(3) for name in ("shortest", "random", f"mine={path}")}
    everybody = Player(contenders("shortest")[0], WORLD).play(3)
    assert replace(runs["shortest"], wall_s=0.0) == replace(everybody, wall_s=0.0)
    earned = {run.hub_earned_sat for run in runs.values()}
    assert len(earned) == 3 and all(0 <= run.hub_earned_sat <= run.earned_sat for run in runs.values())
    with pytest.raises(InputError, match="no single node can follow it"):
        Player(contenders("lnd")[0], alone)


def test_what_is_no_policy_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        contenders(f"mine={tmp_path / 'nothing.npz'}")
    with pytest.raises(InputError, match="'mine' is not known"):
        contenders("mine")
    table = tmp_path / "table.npz"
    make_learner(hop_q(), 0).save_policy(table)
    with pytest.raises(InputError, match="holds a table, which source mode cannot run"):
        Player(contenders(f"mine-source={table}")[0], WORLD)


def test_careful_is_shortest_path_with_a_memory():
    player = Player(contenders("careful")[0], WORLD)
    assert isinstance(player.policy, HopScorerPolicy)
    careful, shortest = player.play(3), Player(contenders("shortest")[0], WORLD).play(3)
    assert careful.delivered_sat != shortest.delivered_sat
    forgetful = HopScorerPolicy(rule_scorer({**dict(BEGINNINGS["careful"]), "was_tried": 0.0}))
    episode(player.task, forgetful, 3)
    payments = plain(player.task.simulation.payments)
    delivered_msat = payments["amount_msat"][payments["status"] == SUCCEEDED].sum()
    assert delivered_msat / 1000 == pytest.approx(shortest.delivered_sat)


def test_patient_splits_what_no_channel_of_the_payer_brings_through():
    tried = dict.fromkeys(("careful", "patient"), 0.0)
    for name in tried:
        player = Player(contenders(name)[0], WORLD)
        found: list[float] = []
        player.play(3, lambda simulation, found=found: found.append((plain(simulation.payments)["parts"] > 1).mean()))
        tried[name] = found[0]
    assert tried["patient"] > tried["careful"]
