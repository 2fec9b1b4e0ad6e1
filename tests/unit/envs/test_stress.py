from dataclasses import replace

import numpy as np

from lnherd.agents.rules import Proportional
from lnherd.control.action import WAIT
from lnherd.control.view import Role
from lnherd.envs import HerdingConfig, HerdingTask
from lnherd.envs.stress import Stress
from lnherd.traffic.amounts import LogNormal
from lnherd.traffic.demand import l402
from lnherd.traffic.shocks import CASES, CONTROL, Shock

CONFIG = HerdingConfig(
    horizon=6, background=l402(0.01), own_rate_per_s=0.02, own_amounts=LogNormal(1_000, 1.0, 1, 20_000)
)


class Follow(Shock):
    """Two named nodes join."""

    def companions(self, scene):
        return (3, 5)


def episode(network, stress, role=Role.CONSUMER):
    """Rewards and the world of one episode of waiting."""
    world = HerdingTask(replace(CONFIG, role=role), network, stress)
    world.reset(7)
    return [world.step(WAIT).reward for _ in range(CONFIG.horizon)], world


def test_control_leaves_every_byte_of_the_state(small_network):
    calm, world = episode(small_network, None)
    control, other = episode(small_network, Stress(CASES[CONTROL], onset_tick=2, lasting_ticks=2))
    assert calm == control
    for name, pool in world.simulation.state._asdict().items():
        assert pool.tobytes() == getattr(other.simulation.state, name).tobytes(), name


def test_shock_falls_into_the_tick_it_opens(small_network):
    calm, _ = episode(small_network, None)
    shocked, _ = episode(small_network, Stress(CASES["mass-closure"], onset_tick=2, lasting_ticks=2))
    assert shocked[:2] == calm[:2] and shocked[2:] != calm[2:]


def test_flipped_trades_still_count_as_successes(small_network):
    _, world = episode(small_network, Stress(CASES["flow-flip"], onset_tick=0, lasting_ticks=2))
    received = (world.simulation.payments.receiver == world.node) & (world.simulation.payments.status == 2)
    sent = (world.simulation.payments.sender == world.node) & (world.simulation.payments.status == 2)
    assert received.sum() > sent.sum()


def test_companions_act_like_the_herder(small_network):
    _, alone = episode(small_network, Stress(onset_tick=2))
    _, crowd = episode(small_network, Stress(Follow(), onset_tick=2, companion=Proportional))
    edges = crowd.simulation.state.edges
    changed = np.unique(edges.source[edges.fee_ppm != alone.simulation.state.edges.fee_ppm])
    assert set(changed.tolist()) == {3, 5}
    assert crowd.simulation.wallet_msat(3) == CONFIG.wallet_msat
