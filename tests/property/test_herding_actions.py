"""Whatever a herder tries, money is conserved, channel laws hold and the books balance."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lnherd.control.action import Action, ActionKind
from lnherd.control.view import Role
from lnherd.envs import HerdingConfig, HerdingTask
from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import zero_records
from lnherd.traffic.demand import l402
from lnherd.units import MS_PER_HOUR

N_NODES = 10
PAIRS = [(i, (i + 1) % N_NODES) for i in range(N_NODES)] + [(0, 5), (0, 3), (1, 6), (2, 7)]


def network():
    channels = zero_records(len(PAIRS), CHANNEL_DTYPE)
    channels.node1, channels.node2 = np.array(PAIRS).T
    channels.capacity_msat, channels.scid = 10**9, -1
    edges = empty_edges(len(PAIRS))
    edges.enabled, edges.base_fee_msat, edges.fee_ppm = True, 1_000, 100
    edges.htlc_max_msat, edges.cltv_delta = 10**9, 40
    return Network(np.array([f"n{i}" for i in range(N_NODES)]), channels, edges)


WORLDS = {
    role: HerdingTask(HerdingConfig(role=role, node=6, horizon=6, background=l402(0.005), wallet_msat=10**9), network())
    for role in (Role.CONSUMER, Role.PROVIDER)
}

actions = st.builds(
    Action,
    kind=st.sampled_from(ActionKind),
    channel=st.integers(-1, len(PAIRS) + 3),
    to_channel=st.integers(-1, len(PAIRS) + 3),
    peer=st.integers(-1, N_NODES),
    amount_msat=st.sampled_from([-1, 0, 1, 1_000, 50_000_000, 200_000_000, 999_999_999, 10**12]),
    fee_limit_msat=st.sampled_from([None, 0, 100_000, 10**9]),
    halvings=st.integers(0, 3),
    base_fee_msat=st.sampled_from([None, 0, 5_000]),
    fee_ppm=st.sampled_from([None, 0, 2_000]),
)


def wealth_msat(world):
    simulation = world.simulation
    own = simulation.state.edges[simulation.state.edges.source == world.node]
    return simulation.wallet_msat(world.node) + int((own.balance_msat + own.in_flight_msat).sum())


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(WORLDS)), st.integers(0, 2**31), st.lists(st.lists(actions, max_size=3), max_size=6))
def test_no_sequence_of_actions_breaks_a_law_or_the_books(role, seed, plans):
    world = WORLDS[role]
    world.reset(seed)
    before, n = wealth_msat(world), int(world.simulation.state.clock[0].n_scheduled)
    ended = world.simulation.payments[:n].status >= 2
    for plan in plans:
        world.step(plan)
    assert world.simulation.audit() == []
    for _ in range(24):
        world.simulation.run(world.simulation.now_ms + MS_PER_HOUR)
    assert world.simulation.audit() == []
    total = world._ledger.books()
    payments = world.simulation.payments[:n][~ended]
    paid = payments[payments.status == 2]
    received, sent = (int(paid.amount_msat[paid[side] == world.node].sum()) for side in ("receiver", "sender"))
    own_fees = int(paid.fee_msat[paid.sender == world.node].sum())
    management = total.rebalance_fees + total.swap_fees + total.chain_fees
    earned = wealth_msat(world) - before - received + sent + own_fees + management
    assert 0 <= earned <= total.forward_fees
