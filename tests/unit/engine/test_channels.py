"""What a channel refuses and why; how an HTLC moves money."""

import numpy as np
import pytest
from small_networks import line_of, network_of, payments_of

from lnherd.engine import Simulation, SimulationConfig, codes
from lnherd.engine.channels import add_htlc, fail_htlc, refusal, settle_htlc, spendable_msat

CONFIG = SimulationConfig(max_htlcs=3, max_in_flight_ppm=400_000, max_dust_msat=500_000, dust_limit_msat=354_000)
CAPACITY_MSAT = 1_000_000_000
RESERVE_MSAT = CAPACITY_MSAT // 100
NEAR_MSAT = 500_000_000


@pytest.fixture
def state():
    return Simulation(line_of(2, htlc_min_msat=1_000), payments_of(), config=CONFIG).state


def money(state) -> list[int]:
    return [*state.edges.balance_msat.tolist(), *state.edges.in_flight_msat.tolist()]


def test_a_sound_channel_refuses_nothing(state):
    assert refusal(state, 0, 1_000) == codes.NO_FAILURE
    assert refusal(state, 1, 400_000_000) == codes.NO_FAILURE


def test_a_closed_channel_has_no_peer(state):
    state.edges.is_open[0] = False
    assert refusal(state, 0, 1_000) == codes.UNKNOWN_NEXT_PEER


def test_a_disabled_direction_refuses_but_not_its_counter(state):
    state.edges.enabled[0] = False
    assert refusal(state, 0, 1_000) == codes.CHANNEL_DISABLED
    assert refusal(state, 1, 1_000) == codes.NO_FAILURE


def test_a_peer_that_is_offline_cannot_be_reached(state):
    state.nodes.online[1] = False
    assert refusal(state, 0, 1_000) == codes.CHANNEL_DISABLED
    assert refusal(state, 1, 1_000) == codes.NO_FAILURE


def test_the_least_and_the_largest_htlc(state):
    state.edges.htlc_max_msat[0] = 5_000_000
    assert refusal(state, 0, 999) == codes.AMOUNT_BELOW_MINIMUM
    assert refusal(state, 0, 1_000) == codes.NO_FAILURE
    assert refusal(state, 0, 5_000_000) == codes.NO_FAILURE
    assert refusal(state, 0, 5_000_001) == codes.AMOUNT_ABOVE_MAXIMUM


def test_the_reserve_is_untouchable(state):
    state.edges.max_in_flight_msat[:] = CAPACITY_MSAT
    spendable = NEAR_MSAT - RESERVE_MSAT
    assert spendable_msat(state, 0) == spendable
    assert refusal(state, 0, spendable) == codes.NO_FAILURE
    assert refusal(state, 0, spendable + 1) == codes.TEMPORARY_CHANNEL_FAILURE


def test_below_the_reserve_nothing_is_spendable(state):
    state.edges.balance_msat[0] = RESERVE_MSAT - 1
    assert spendable_msat(state, 0) == 0
    assert refusal(state, 0, 1_000) == codes.TEMPORARY_CHANNEL_FAILURE


def test_slots_run_out(state):
    for _ in range(3):
        assert refusal(state, 0, 400_000) == codes.NO_FAILURE
        add_htlc(state, 0, 400_000)
    assert refusal(state, 0, 400_000) == codes.TOO_MANY_HTLCS
    settle_htlc(state, 0, 400_000)
    assert refusal(state, 0, 400_000) == codes.NO_FAILURE


def test_core_lightning_receivers_accept_30():
    """The limit is the receiver's, and Core Lightning nodes are known by their time lock of 34 blocks."""
    network = network_of([(0, 1, 1_000, 1_000)], policies={1: {"cltv_delta": 34}})
    edges = Simulation(network, payments_of()).state.edges
    assert edges.max_htlcs.tolist() == [30, 483]


def test_value_in_flight_is_limited(state):
    add_htlc(state, 0, 300_000_000)
    assert refusal(state, 0, 100_000_000) == codes.NO_FAILURE
    assert refusal(state, 0, 100_000_001) == codes.MAX_IN_FLIGHT_EXCEEDED


def test_dust_is_limited_but_only_dust(state):
    add_htlc(state, 0, 353_999)
    assert refusal(state, 0, 146_001) == codes.NO_FAILURE
    assert refusal(state, 0, 146_002) == codes.DUST_EXPOSURE_EXCEEDED
    assert refusal(state, 0, 354_000) == codes.NO_FAILURE
    add_htlc(state, 0, 354_000)
    assert state.edges.dust_msat[0] == 353_999
    fail_htlc(state, 0, 354_000)
    assert state.edges.dust_msat[0] == 353_999
    fail_htlc(state, 0, 353_999)
    assert state.edges.dust_msat[0] == 0


def test_obstacles_are_reported_in_order(state):
    """What the policy says is named before what the balance allows (BOLT 4)."""
    state.edges.htlc_max_msat[0] = 10
    state.edges.balance_msat[0] = 0
    assert refusal(state, 0, 20_000) == codes.AMOUNT_ABOVE_MAXIMUM
    state.edges.enabled[0] = False
    assert refusal(state, 0, 20_000) == codes.CHANNEL_DISABLED


def test_an_htlc_locks_then_settles_to_the_far_end(state):
    add_htlc(state, 0, 7_000)
    assert money(state) == [NEAR_MSAT - 7_000, NEAR_MSAT, 7_000, 0]
    settle_htlc(state, 0, 7_000)
    assert money(state) == [NEAR_MSAT - 7_000, NEAR_MSAT + 7_000, 0, 0]
    assert state.edges.n_htlcs.tolist() == [0, 0]


def test_an_htlc_that_fails_leaves_no_trace(state):
    before = state.edges.copy()
    add_htlc(state, 1, 7_000)
    fail_htlc(state, 1, 7_000)
    assert np.array_equal(before, state.edges)
