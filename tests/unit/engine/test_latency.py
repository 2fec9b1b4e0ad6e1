"""How long messages take."""

import numpy as np
import pytest
from small_networks import line_of, payments_of

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.config import CLOTH
from lnherd.engine.latency import BACK, FORTH, hop_latency_ms
from lnherd.reference import randomness

N_DRAWS = 4_000

pytestmark = pytest.mark.filterwarnings("ignore:overflow")  # the hash wraps, of which uncompiled code warns


def draws(config: SimulationConfig, direction: int = FORTH, n_draws: int = N_DRAWS) -> np.ndarray:
    state = Simulation(line_of(2), payments_of(), config=config, seed=3).state
    return np.array([hop_latency_ms(state, payment, 1, 0, direction) for payment in range(n_draws)])


def test_log_normal_has_its_median_and_spread():
    delays = draws(SimulationConfig(latency_median_ms=100.0, latency_sigma=0.5))
    logs = np.log(delays + 0.5)  # delays are cut to whole milliseconds
    assert abs(logs.mean() - np.log(100)) < 5 * 0.5 / np.sqrt(N_DRAWS) + 0.001
    assert abs(logs.std() - 0.5) < 5 * 0.5 / np.sqrt(2 * N_DRAWS)


def test_without_spread_every_message_takes_the_median():
    assert set(draws(SimulationConfig(latency_median_ms=80.0, latency_sigma=0.0), n_draws=20)) == {80}


def test_cloth_draws_normal_around_100_and_truncates():
    delays = draws(CLOTH)
    assert abs(delays.mean() - 99.5) < 5 / np.sqrt(N_DRAWS)
    assert abs(delays.std() - np.sqrt(1 + 1 / 12)) < 0.1
    assert delays.min() >= 94 and delays.max() <= 105


def test_no_message_arrives_before_it_was_sent():
    assert draws(SimulationConfig(latency_median_ms=0.0), n_draws=20).min() == 1
    assert draws(SimulationConfig(latency="cloth", latency_sigma=500.0), n_draws=500).min() == 1


def test_only_the_way_forth_gets_stuck_and_as_often_as_configured():
    config = SimulationConfig(latency_sigma=0.0, stuck_probability=0.1, stuck_median_ms=60_000.0)
    forth, back = draws(config), draws(config, BACK)
    assert set(back) == {100}
    stuck = forth[forth > 100]
    assert abs(len(stuck) / N_DRAWS - 0.1) < 5 * np.sqrt(0.1 * 0.9 / N_DRAWS)
    assert abs(np.log(stuck - 100.0).mean() - np.log(60_000)) < 5 / np.sqrt(len(stuck))


def test_attempts_hops_and_directions_draw_for_themselves():
    state = Simulation(line_of(2), payments_of(), seed=3).state
    arguments = [
        (payment, number, hop, way) for payment in (0, 1) for number in (1, 2) for hop in (0, 1) for way in (0, 1)
    ]
    delays = [hop_latency_ms(state, *each) for each in arguments]
    assert len(set(delays)) > len(arguments) // 2


def test_the_twin_draws_the_same():
    for config in (SimulationConfig(stuck_probability=0.5), CLOTH):
        state = Simulation(line_of(2), payments_of(), config=config, seed=9).state
        for payment, number, hop in [(0, 1, 0), (70_000, 4_000, 26), (3_000_000, 1, 5)]:
            for direction in (FORTH, BACK):
                plain = randomness.hop_latency_ms(config, 9, (payment, number), hop, forth=direction == FORTH)
                assert hop_latency_ms(state, payment, number, hop, direction) == plain
