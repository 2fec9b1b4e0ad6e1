"""Policies that were trained and saved take part in comparisons of forwarding by NAME=PATH."""

import pytest

from lnherd.agents.forwarding_learners import hop_ppo, hop_q
from lnherd.agents.hop_scorer import HopScorerPolicy, HopTablePolicy
from lnherd.agents.learners import make_learner
from lnherd.envs.forwarding_source import SourceModePolicy
from lnherd.errors import InputError
from lnherd.experiments.forwarding.contenders import contenders
from lnherd.experiments.forwarding.playing import Player
from lnherd.experiments.forwarding.worlds import Cell, ForwardingSuite, Places

SUITE = ForwardingSuite(nodes=20, duration_s=10, payments_per_s=5.0)


def test_saved_policies_play_as_themselves(tmp_path):
    network, table = tmp_path / "network.npz", tmp_path / "table.npz"
    make_learner(hop_ppo(), 0).save_policy(network)
    make_learner(hop_q(), 0).save_policy(table)
    world = Places(SUITE).world(Cell("synthetic", "circulation"), 0)
    found = contenders(f"mine={network},mine={table},mine-source={network}")
    assert [(each.name, each.training) for each in found] == [("mine", 0), ("mine", 1), ("mine-source", 0)]
    players = [Player(each, world) for each in found]
    assert [type(player.policy) for player in players] == [HopScorerPolicy, HopTablePolicy, SourceModePolicy]
    runs = [player.play(3) for player in (players[0], players[2])]
    assert all(0 < run.success_volume <= 1 and run.n_decisions > 0 for run in runs)
    assert runs[0].delivered_sat != runs[1].delivered_sat


def test_what_is_no_policy_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        contenders(f"mine={tmp_path / 'nothing.npz'}")
    with pytest.raises(InputError, match="'mine' is not known"):
        contenders("mine")
    table = tmp_path / "table.npz"
    make_learner(hop_q(), 0).save_policy(table)
    world = Places(SUITE).world(Cell("synthetic", "circulation"), 0)
    with pytest.raises(InputError, match="holds a table, which source mode cannot run"):
        Player(contenders(f"mine-source={table}")[0], world)
