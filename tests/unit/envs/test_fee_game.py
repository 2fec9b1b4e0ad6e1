"""The fee game: fees that nobody else asks drive payments away, and what is earned is what the engine books."""

from dataclasses import replace

import numpy as np
import pytest

from lnherd.envs.fee_game import FeeGame, FeeGameConfig
from lnherd.errors import InputError
from lnherd.traffic.demand import retail

CONFIG = FeeGameConfig(n_nodes=20, n_intervals=6, demand=retail(0.2), rates_ppm=(0, 100, 5_000), playing_share=0.5)


def play(game, levels, seed=1):
    game.reset(seed)
    results = [game.step(levels) for _ in range(game.config.n_intervals)]
    return np.array([rewards for rewards, _ in results]), [figures for _, figures in results]


def test_rewards_are_the_fees_that_the_engine_books():
    game = FeeGame(CONFIG)
    rewards, figures = play(game, np.ones(10, dtype=np.int64))
    flows, source = game.simulation.state.flows, game.simulation.state.edges.source
    booked = [int(flows.fees_msat[source == player].sum()) for player in game.players]
    assert rewards.sum(axis=0).tolist() == booked and sum(booked) > 0
    assert game.is_over and game.simulation.audit() == []
    assert all(0 < each.success <= 1 and 1 / 20 <= each.concentration <= 1 for each in figures if each.fee_ppm)


def test_who_asks_too_much_is_routed_around():
    game = FeeGame(CONFIG)
    cheap, dear = (play(game, np.full(10, level)) for level in (1, 2))
    busy = int(cheap[0].sum(axis=0).argmax())
    alone = np.ones(10, dtype=np.int64)
    alone[busy] = 2
    mixed, _ = play(game, alone)
    assert mixed[:, busy].sum() / 50 < cheap[0][:, busy].sum()  # fewer forwards at fifty times the rate
    assert np.mean([each.fee_ppm for each in dear[1]]) > np.mean([each.fee_ppm for each in cheap[1]])


def test_cooperation_rewards_all_with_the_welfare():
    own, _ = play(FeeGame(CONFIG), np.ones(10, dtype=np.int64))
    shared, figures = play(FeeGame(replace(CONFIG, cooperation=1.0)), np.ones(10, dtype=np.int64))
    assert np.allclose(shared, [[each.welfare_sat * 1_000 / 20] * 10 for each in figures])
    assert own.std(axis=1).max() > 0


def test_episodes_follow_from_their_seed_and_shares_are_nested():
    game = FeeGame(CONFIG)
    first, again, other = (play(game, None, seed)[1] for seed in (1, 1, 2))
    assert first == again != other
    few, many = (FeeGame(replace(CONFIG, playing_share=share)).players for share in (0.1, 0.5))
    assert len(few) == 2 and set(few) <= set(many)


def test_what_makes_no_game_is_refused():
    for changes in ({"playing_share": 0}, {"cooperation": 2}, {"rates_ppm": (5, 1)}, {"n_intervals": 0}):
        with pytest.raises(InputError):
            FeeGameConfig(**changes)
    game = FeeGame(CONFIG)
    with pytest.raises(InputError, match="over"):
        game.step(None)
    game.reset(0)
    with pytest.raises(InputError, match="levels"):
        game.step(np.full(10, 9))
