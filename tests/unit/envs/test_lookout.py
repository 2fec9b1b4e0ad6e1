"""Watching changes nothing, and tells policies and learners what it saw."""

from dataclasses import replace

import numpy as np
import pytest

from lnherd.anomaly.signals import N_SIGNALS, SIGNALS
from lnherd.anomaly.watch import WatchConfig
from lnherd.control.action import WAIT
from lnherd.control.encode import ALARM_SCALE, CONTEXT_FEATURES
from lnherd.envs import HerdingConfig, HerdingEnv, HerdingTask
from lnherd.envs.stress import Stress
from lnherd.traffic.amounts import LogNormal
from lnherd.traffic.demand import l402
from lnherd.traffic.shocks import CASES

CONFIG = HerdingConfig(
    horizon=6, background=l402(0.01), own_rate_per_s=0.02, own_amounts=LogNormal(1_000, 1.0, 1, 20_000)
)
WATCHED = replace(CONFIG, watch=WatchConfig(warm_up=30))
SPIKE = Stress(CASES["on-chain-spike"], onset_tick=3, lasting_ticks=2)


def episode(config, network, stress=None, on_minute=None):
    world = HerdingTask(config, network, stress)
    world.on_minute = on_minute
    decisions = [world.reset(7)]
    decisions += [world.step(WAIT).decision for _ in range(config.horizon)]
    return world, decisions


def test_watching_leaves_every_byte_of_the_state(small_network):
    seen = []
    alone, unwatched = episode(CONFIG, small_network)
    world, decisions = episode(WATCHED, small_network, on_minute=lambda view: seen.append(view.now_ms))
    for name, pool in alone.simulation.state._asdict().items():
        assert pool.tobytes() == getattr(world.simulation.state, name).tobytes(), name
    assert seen == list(range(0, CONFIG.duration_ms, 60_000))
    assert all(len(each.view.alarm_levels) == 0 for each in unwatched)
    assert all(each.view.alarm_levels.shape == (N_SIGNALS,) for each in decisions)


@pytest.fixture(scope="module")
def spiked(small_network):
    return episode(WATCHED, small_network, SPIKE)[1]


def test_levels_rise_with_the_shock(spiked):
    feerate = [each.view.alarm_levels[SIGNALS.index("feerate")] for each in spiked]
    assert max(feerate[:4]) < 0.5 < 1.0 < min(feerate[4:])


def test_learners_see_the_levels_behind_the_usual_columns(spiked):
    for each in spiked:
        shown = np.clip(each.view.alarm_levels / ALARM_SCALE, 0.0, 1.0)
        assert np.allclose(each.context[len(CONTEXT_FEATURES) :], shown)


def test_the_gymnasium_view_has_room_for_them(small_network):
    env = HerdingEnv(WATCHED, small_network)
    observed, _ = env.reset(seed=1)
    assert env.observation_space.contains(observed)
    assert observed["context"].shape == (len(CONTEXT_FEATURES) + N_SIGNALS,)
