"""Levers: what an experiment does to the world between two runs."""

import numpy as np
import pytest
from small_networks import SAT, line_of, payments_of

from lnherd.engine import Simulation, SimulationConfig, codes
from lnherd.errors import InputError

CONFIG = SimulationConfig(latency_sigma=0.0, latency_median_ms=100.0, gossip_delay_ms=0)
AMOUNT_MSAT = 10_000 * SAT


def world(*payments, **changes) -> Simulation:
    """0 - 1 - 2, half a million satoshi on each side."""
    return Simulation(line_of(3), payments_of(*payments), config=SimulationConfig(**(vars(CONFIG) | changes)), seed=3)


def test_shifted_liquidity_changes_sides_and_nothing_else():
    simulation = world()
    simulation.shift_liquidity(2, 300_000 * SAT)
    assert simulation.state.edges.balance_msat.tolist() == [500_000 * SAT] * 2 + [200_000 * SAT, 800_000 * SAT]
    assert simulation.audit() == []
    simulation.shift_liquidity(3, 800_000 * SAT)
    assert simulation.state.edges.balance_msat[2:].tolist() == [1_000_000 * SAT, 0]


def test_after_a_shift_payments_fail_for_lack_of_balance():
    simulation = world()
    simulation.shift_liquidity(2, 500_000 * SAT)
    payment = simulation.send(0, 2, AMOUNT_MSAT)
    simulation.run()
    assert simulation.payments.status[payment] == codes.FAILED
    assert simulation.state.flows.n_refused[2] == 1


def test_a_holder_keeps_htlcs_for_its_time_and_then_passes_them_on():
    simulation = world((0, 0, 2, AMOUNT_MSAT))
    simulation.set_conduct(1, hold_probability=1.0, hold_median_ms=7_000.0)
    simulation.run(until_ms=7_099)
    assert simulation.state.edges.n_htlcs.tolist() == [1, 0, 0, 0]
    simulation.run()
    assert simulation.payments.end_ms[0] == 7_000 + 4 * 100
    assert simulation.payments.status[0] == codes.SUCCEEDED


def test_hold_times_have_the_median_and_spread_asked_for():
    simulation = world(*[(index, 0, 1, SAT) for index in range(400)])
    simulation.set_conduct(1, hold_probability=0.5, hold_median_ms=50_000.0, hold_sigma=0.5)
    simulation.run()
    held_ms = simulation.payments.end_ms - simulation.payments.start_ms - 200
    is_held = held_ms > 0
    assert abs(is_held.mean() - 0.5) < 0.1
    logs = np.log(held_ms[is_held] / 50_000)
    assert abs(np.median(logs)) < 0.15
    assert 0.4 < logs.std() < 0.6


def test_a_black_hole_pretends_its_channel_is_empty():
    simulation = world((0, 0, 2, AMOUNT_MSAT))
    simulation.set_conduct(1, refuse_probability=1.0)
    simulation.run()
    assert simulation.payments.status[0] == codes.FAILED
    assert simulation.payments.attempts[0] == 2, "the second search avoids what failed"
    assert simulation.state.flows.n_refused.sum() == 0


def test_a_receiver_that_refuses_ends_the_payment():
    simulation = world((0, 0, 2, AMOUNT_MSAT))
    simulation.set_conduct(2, refuse_probability=1.0)
    simulation.run()
    payment = simulation.payments[0]
    assert (payment.status, payment.failure) == (codes.FAILED, codes.INCORRECT_PAYMENT_DETAILS)
    assert payment.attempts == 1
    assert simulation.audit() == []


def test_a_node_may_behave_again():
    simulation = world()
    simulation.set_conduct(1, refuse_probability=1.0, hold_probability=1.0, hold_median_ms=1e6)
    simulation.set_conduct(1)
    payment = simulation.send(0, 2, AMOUNT_MSAT)
    simulation.run()
    assert simulation.payments.end_ms[payment] == 400
    assert not simulation.state.clock[0].has_conduct


def test_a_fee_rate_shock_lasts_and_reverts():
    simulation = world(feerate_sigma=0.0, feerate_reversion=0.1, block_interval_ms=1_000.0)
    simulation.set_feerate(300_000)
    assert simulation.feerate_msat_per_vb == 300_000
    while simulation.height < 10:
        simulation.run(max_events=1, until_ms=10**6)
    assert simulation.feerate_msat_per_vb == int(3_000 * np.exp(0.9**10 * np.log(100)))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: s.set_online(3, False), "there is no node 3; the network has nodes 0..2"),
        (lambda s: s.set_conduct(-1), "there is no node -1; the network has nodes 0..2"),
        (
            lambda s: s.set_conduct(1, hold_probability=1.5),
            "hold_probability of node 1 must be between 0 and 1, got 1.5",
        ),
        (lambda s: s.set_conduct(1, hold_sigma=9.0), "hold_sigma of node 1 must be between 0 and 5, got 9.0"),
        (lambda s: s.set_feerate(999), "the fee rate must be at least 1000 msat/vB, got 999"),
        (lambda s: s.shift_liquidity(0, 10**9), "edge 0 owns 500000000 msat, of which 1000000000 cannot be shifted"),
        (lambda s: s.shift_liquidity(0, -1), "edge 0 owns 500000000 msat, of which -1 cannot be shifted"),
        (lambda s: s.shift_liquidity(9, 1), "there is no edge 9; the network has edges 0..3"),
    ],
)
def test_bad_levers_are_refused_in_a_sentence_and_change_nothing(call, sentence):
    simulation = world()
    before = [pool.copy() for pool in simulation.state]
    with pytest.raises(InputError) as caught:
        call(simulation)
    assert str(caught.value) == sentence
    assert all(np.array_equal(old, new) for old, new in zip(before, simulation.state, strict=True))


def test_a_closed_channel_cannot_be_shifted():
    simulation = world()
    simulation.close_channel(0)
    with pytest.raises(InputError, match="channel 0 is not open, so its balance cannot be shifted"):
        simulation.shift_liquidity(0, 1)
