"""Splices: money, capacity and limits of a channel that changes size while it is used."""

import pytest
from small_networks import SAT, line_of, payments_of

from lnherd.engine import Simulation, SimulationConfig, codes
from lnherd.engine.sizes import SPLICE_IN_VBYTES, SPLICE_OUT_VBYTES
from lnherd.errors import InputError

CONFIG = SimulationConfig(latency_sigma=0.0, gossip_delay_ms=0, feerate_sigma=0.0)
FUNDS_MSAT = 1_000_000 * SAT
FEERATE = 3_000
SPLICED_MSAT = 200_000 * SAT
P2WPKH_INPUT, FUNDING_INPUT, P2WSH_OUTPUT, P2WPKH_OUTPUT, FRAME = 272, 41 * 4 + 222, 172, 124, 42
"""Weights of the parts of a transaction (BOLT 3 appendix A)."""


@pytest.fixture
def simulation() -> Simulation:
    """0 - 1 - 2, channels of 1,000,000 sat, half at either end; node 0 has funds."""
    simulation = Simulation(line_of(3), payments_of(), config=CONFIG, seed=3)
    simulation.fund(0, FUNDS_MSAT)
    return simulation


def blocks(simulation, n) -> None:
    """Run until ``n`` more blocks have been found."""
    goal = simulation.height + n
    while simulation.height < goal:
        simulation.run(until_ms=int(simulation.state.clock[0].next_block_ms))
    assert simulation.audit() == []


def announced(simulation, edge):
    return simulation.state.gossip[simulation.state.gossip_position[edge]]


def paid(simulation, amount_msat) -> bool:
    """Whether node 0 can pay node 2 now."""
    payment = simulation.send(0, 2, amount_msat)
    simulation.run(until_ms=simulation.now_ms + 1_000)
    return bool(simulation.payments.status[payment] == codes.SUCCEEDED)


def test_sizes_are_those_of_bolt_3():
    weight_in = FRAME + FUNDING_INPUT + P2WPKH_INPUT + P2WSH_OUTPUT + P2WPKH_OUTPUT
    weight_out = FRAME + FUNDING_INPUT + P2WSH_OUTPUT + P2WPKH_OUTPUT
    assert (-(-weight_in // 4), -(-weight_out // 4)) == (SPLICE_IN_VBYTES, SPLICE_OUT_VBYTES)


def test_spliced_in_money_is_paid_at_once_and_spendable_when_confirmed(simulation):
    operation = simulation.splice_in(0, SPLICED_MSAT)
    fee_msat = SPLICE_IN_VBYTES * FEERATE
    assert simulation.wallet_msat(0) == FUNDS_MSAT - SPLICED_MSAT - fee_msat
    blocks(simulation, 5)
    assert simulation.state.edges.balance_msat[0] == 500_000 * SAT
    assert simulation.capacity_msat.tolist() == [1_000_000 * SAT] * 2
    blocks(simulation, 1)
    assert simulation.operations.status[operation] == codes.OP_DONE
    assert simulation.state.edges.balance_msat[:2].tolist() == [700_000 * SAT, 500_000 * SAT]
    assert simulation.capacity_msat.tolist() == [1_200_000 * SAT, 1_000_000 * SAT]


def test_spliced_out_money_leaves_at_once_and_is_in_the_wallet_when_confirmed(simulation):
    simulation.splice_out(0, SPLICED_MSAT)
    assert simulation.state.edges.balance_msat[0] == 300_000 * SAT
    assert simulation.capacity_msat[0] == 1_000_000 * SAT
    blocks(simulation, 5)
    assert simulation.wallet_msat(0) == FUNDS_MSAT
    blocks(simulation, 1)
    assert simulation.wallet_msat(0) == FUNDS_MSAT + SPLICED_MSAT - SPLICE_OUT_VBYTES * FEERATE
    assert simulation.capacity_msat[0] == 800_000 * SAT


def test_the_channel_stays_in_use_and_carries_what_either_commitment_can(simulation):
    simulation.splice_in(0, SPLICED_MSAT)
    assert paid(simulation, 10_000 * SAT)
    assert not paid(simulation, 489_000 * SAT), "the money on its way cannot be spent"
    blocks(simulation, 6)
    assert simulation.state.edges.balance_msat[0] > 680_000 * SAT


def test_limits_and_gossip_follow_the_capacity(simulation):
    simulation.set_policy(1, htlc_max_msat=50_000 * SAT)
    simulation.splice_in(0, SPLICED_MSAT)
    blocks(simulation, 6)
    edges = simulation.state.edges
    assert edges.reserve_msat[:2].tolist() == [12_000 * SAT] * 2
    assert edges.max_in_flight_msat[:2].tolist() == [1_188_000 * SAT] * 2
    assert edges.htlc_max_msat[:2].tolist() == [1_200_000 * SAT, 50_000 * SAT], "a maximum that was chosen stays"
    assert [announced(simulation, edge).capacity_msat for edge in (0, 1)] == [1_200_000 * SAT] * 2
    assert [announced(simulation, edge).htlc_max_msat for edge in (0, 1)] == [1_200_000 * SAT, 50_000 * SAT]
    simulation.splice_out(0, SPLICED_MSAT)
    blocks(simulation, 6)
    assert edges.reserve_msat[0] == 10_000 * SAT
    assert edges.max_in_flight_msat[0] == 1_188_000 * SAT, "what is in flight already must stay allowed"
    assert announced(simulation, 0).htlc_max_msat == 1_000_000 * SAT


@pytest.mark.parametrize("splice", ["splice_in", "splice_out"])
def test_a_force_close_undoes_a_splice(simulation, splice):
    operation = getattr(simulation, splice)(0, SPLICED_MSAT)
    simulation.force_close(1)
    assert simulation.operations.status[operation] == codes.OP_FAILED
    assert simulation.operations.fee_msat[operation] == 0
    assert simulation.wallet_msat(0) == FUNDS_MSAT
    assert simulation.state.edges.balance_msat[0] == 500_000 * SAT
    simulation.run()
    assert simulation.audit() == []
    assert simulation.wallet_msat(0) == FUNDS_MSAT + 500_000 * SAT


@pytest.mark.parametrize("splice", ["splice_in", "splice_out"])
def test_a_close_waits_for_a_splice(simulation, splice):
    getattr(simulation, splice)(0, SPLICED_MSAT)
    closing = simulation.close_channel(1)
    blocks(simulation, 6)
    assert simulation.operations.status[closing] in (codes.OP_OFF_CHAIN, codes.OP_CONFIRMING)
    assert simulation.operations.status[0] == codes.OP_DONE
    simulation.run()
    assert simulation.audit() == []
    splice_fee_msat = int(simulation.operations.fee_msat[0])
    assert simulation.wallet_msat(0) == FUNDS_MSAT + 500_000 * SAT - splice_fee_msat
    assert simulation.wallet_msat(1) == 500_000 * SAT - int(simulation.operations.fee_msat[closing])


def test_a_channel_opened_later_leaves_spliced_capacities_alone(simulation):
    simulation.splice_in(0, SPLICED_MSAT)
    blocks(simulation, 6)
    simulation.open_channel(0, 2, 100_000 * SAT)
    assert simulation.capacity_msat.tolist() == [1_200_000 * SAT, 1_000_000 * SAT, 100_000 * SAT]
    assert simulation.copy().capacity_msat.tolist() == simulation.capacity_msat.tolist()
    assert simulation.audit() == []


def test_bad_splices_are_refused_in_a_sentence_and_change_nothing(simulation):
    bad = [
        (lambda: simulation.splice_in(99, 1), "no edge 99"),
        (lambda: simulation.splice_in(0, 0), "must be positive"),
        (lambda: simulation.splice_in(0, FUNDS_MSAT), "on chain"),
        (lambda: simulation.splice_out(0, 1_000), "does not cover its fee"),
        (lambda: simulation.splice_out(0, 490_001 * SAT), "can spare 490000000 msat"),
    ]
    for call, sentence in bad:
        with pytest.raises(InputError, match=sentence):
            call()
    assert len(simulation.operations) == 0
    assert simulation.wallet_msat(0) == FUNDS_MSAT
    simulation.splice_in(0, SPLICED_MSAT)
    with pytest.raises(InputError, match="being spliced"):
        simulation.splice_out(1, SPLICED_MSAT)
    simulation.close_channel(2)
    with pytest.raises(InputError, match="not open"):
        simulation.splice_out(2, SPLICED_MSAT)


def test_the_audit_notices_a_capacity_that_is_not_what_was_funded(simulation):
    announced(simulation, 0).capacity_msat += 1
    assert any("capacity" in law for law in simulation.audit())
