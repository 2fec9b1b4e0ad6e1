"""Blocks, the fee rate, and the accounts of opens, closes and swaps, to the millisatoshi."""

import numpy as np
import pytest
from small_networks import SAT, line_of, network_of, payments_of

from lnherd.engine import Simulation, SimulationConfig, codes
from lnherd.engine.operations import CLOSE_VBYTES, OPEN_VBYTES, SWAP_IN_VBYTES, SWAP_OUT_VBYTES
from lnherd.errors import InputError

CONFIG = SimulationConfig(latency_sigma=0.0, gossip_delay_ms=0)
FUNDS_MSAT = 10**9
DAY_MS = 86_400_000
HUB = 1
"""The largest node, at which the swap service runs."""


@pytest.fixture
def simulation() -> Simulation:
    """0 - 1 - 2 with a large third channel that makes node 1 the swap service; node 0 has funds."""
    network = network_of([(0, 1, 500_000, 500_000), (1, 2, 500_000, 500_000), (1, 3, 900_000, 900_000)])
    simulation = Simulation(network, payments_of(), config=CONFIG, seed=4)
    simulation.fund(0, FUNDS_MSAT)
    return simulation


def finish(simulation) -> None:
    simulation.run()
    assert simulation.audit() == []


def in_channels(simulation) -> int:
    return int((simulation.state.edges.balance_msat + simulation.state.edges.in_flight_msat).sum())


def owned(simulation, node: int) -> int:
    """All that a node owns, on the chain and in channels."""
    edges = simulation.state.edges
    return simulation.wallet_msat(node) + int(edges.balance_msat[edges.source == node].sum())


def test_blocks_come_as_often_as_configured():
    simulation = Simulation(line_of(2), payments_of(), config=SimulationConfig(block_interval_ms=60_000.0), seed=1)
    simulation.run(until_ms=20 * DAY_MS)
    expected = 20 * DAY_MS / 60_000
    assert abs(simulation.height - expected) < 5 * np.sqrt(expected)


def test_the_fee_rate_moves_around_its_median_and_never_below_the_relay_minimum():
    config = SimulationConfig(block_interval_ms=1_000.0, feerate_sigma=0.2, feerate_reversion=0.05)
    simulation = Simulation(line_of(2), payments_of(), config=config, seed=2)
    rates = []
    for hour in range(300):
        simulation.run(until_ms=hour * 100_000)
        rates.append(simulation.feerate_msat_per_vb)
    assert min(rates) >= 1_000
    assert 2_000 < np.median(rates) < 4_500, "the median is 3,000"
    stationary = 0.2 / np.sqrt(1 - 0.95**2)
    assert 0.5 * stationary < np.std(np.log(rates)) < 1.5 * stationary


def test_the_fee_rate_is_at_least_one_satoshi():
    config = SimulationConfig(block_interval_ms=1_000.0, feerate_median_msat_per_vb=10.0)
    simulation = Simulation(line_of(2), payments_of(), config=config)
    simulation.run(until_ms=100_000)
    assert simulation.feerate_msat_per_vb == 1_000


def test_without_anything_waiting_no_block_is_run_for():
    simulation = Simulation(line_of(2), payments_of((5, 0, 1, 1_000)), config=CONFIG)
    simulation.run()
    assert simulation.height == 0


def test_an_opened_channel_is_paid_at_once_and_usable_when_confirmed(simulation):
    fee_msat = OPEN_VBYTES * simulation.feerate_msat_per_vb
    operation = simulation.open_channel(0, 2, 300_000 * SAT)
    assert simulation.wallet_msat(0) == FUNDS_MSAT - 300_000 * SAT - fee_msat
    edge = int(simulation.operations[operation].edge)
    assert simulation.state.edges.source[[edge, edge + 1]].tolist() == [0, 2]
    early = simulation.send(0, 2, 100_000 * SAT, first_edge=edge)
    while simulation.height < CONFIG.open_confirmations:
        assert not simulation.state.edges.is_open[edge]
        simulation.run(max_events=1)
    assert simulation.state.edges.is_open[[edge, edge + 1]].all()
    late = simulation.send(0, 2, 100_000 * SAT, first_edge=edge)
    finish(simulation)
    assert simulation.payments.status[[early, late]].tolist() == [codes.FAILED, codes.SUCCEEDED]
    assert simulation.payments.hops[late] == 1
    assert simulation.operations.status[operation] == codes.OP_DONE
    assert simulation.operations.fee_msat[operation] == fee_msat


def test_opening_while_payments_are_on_their_way_changes_nothing_for_them(simulation):
    untouched = simulation.copy()
    for each in (simulation, untouched):
        each.send(0, 2, 20_000 * SAT)
        each.run(until_ms=150)
    simulation.open_channel(0, 3, 10_000 * SAT)
    for each in (simulation, untouched):
        each.run(until_ms=1_000)
    assert simulation.state.edges.balance_msat[:6].tolist() == untouched.state.edges.balance_msat.tolist()
    assert simulation.payments.end_ms.tolist() == untouched.payments.end_ms.tolist()


def test_a_close_pays_out_both_sides_less_the_closers_fee(simulation):
    channels = in_channels(simulation)
    fee_msat = CLOSE_VBYTES * simulation.feerate_msat_per_vb
    operation = simulation.close_channel(0)
    assert not simulation.state.edges.is_open[:2].any()
    finish(simulation)
    assert simulation.wallet_msat(0) == FUNDS_MSAT + 500_000 * SAT - fee_msat
    assert simulation.wallet_msat(1) == 500_000 * SAT
    assert in_channels(simulation) == channels - 1_000_000 * SAT
    assert simulation.operations[operation].fee_msat == fee_msat
    assert simulation.height == 1 + CONFIG.close_confirmations, "one block to see it has no HTLCs"


def test_a_closing_channel_takes_no_htlc_but_finishes_those_it_has(simulation):
    payment = simulation.send(0, 2, 10_000 * SAT)
    simulation.run(until_ms=150)
    simulation.close_channel(0)
    refused = simulation.send(0, 2, 10_000 * SAT)
    simulation.run(until_ms=2_000)
    assert simulation.payments.status[[payment, refused]].tolist() == [codes.SUCCEEDED, codes.FAILED]
    finish(simulation)
    assert simulation.operations[0].status == codes.OP_DONE


def test_who_has_too_little_to_pay_a_close_pays_what_there_is():
    network = network_of([(0, 1, 0, 500_000), (1, 2, 900_000, 900_000)])
    simulation = Simulation(network, payments_of(), config=CONFIG)
    simulation.close_channel(0)
    finish(simulation)
    assert (simulation.wallet_msat(0), simulation.wallet_msat(1)) == (0, 500_000 * SAT)
    assert simulation.operations[0].fee_msat == 0


def test_a_swap_out_moves_a_channel_balance_to_the_chain(simulation):
    amount_msat = 100_000 * SAT
    fee_msat = SWAP_OUT_VBYTES * simulation.feerate_msat_per_vb + amount_msat * CONFIG.swap_fee_ppm // 10**6
    operation = simulation.swap_out(0, amount_msat)
    simulation.run(until_ms=1_000)
    assert simulation.wallet_msat(0) == FUNDS_MSAT, "not before the chain confirms"
    finish(simulation)
    assert simulation.wallet_msat(0) == FUNDS_MSAT + amount_msat - fee_msat
    assert simulation.state.edges.balance_msat[0] == 500_000 * SAT - amount_msat
    assert owned(simulation, 0) == FUNDS_MSAT + 500_000 * SAT - fee_msat
    record = simulation.operations[operation]
    assert (record.status, record.fee_msat) == (codes.OP_DONE, fee_msat)


def test_a_swap_out_whose_payment_fails_costs_nothing(simulation):
    before = owned(simulation, 0)
    operation = simulation.swap_out(0, 499_000 * SAT)  # more than is above the reserve
    finish(simulation)
    assert owned(simulation, 0) == before
    record = simulation.operations[operation]
    assert (record.status, record.fee_msat) == (codes.OP_FAILED, 0)


def test_a_swap_in_moves_a_chain_balance_into_a_channel(simulation):
    amount_msat = 100_000 * SAT
    fee_msat = SWAP_IN_VBYTES * simulation.feerate_msat_per_vb + amount_msat * CONFIG.swap_fee_ppm // 10**6
    operation = simulation.swap_in(0, amount_msat)
    assert simulation.wallet_msat(0) == FUNDS_MSAT - amount_msat - fee_msat
    simulation.run(until_ms=10_000)
    assert simulation.payments[0].status == codes.PENDING, "not before the deposit confirms"
    finish(simulation)
    assert simulation.state.edges.balance_msat[0] == 500_000 * SAT + amount_msat
    assert owned(simulation, 0) == FUNDS_MSAT + 500_000 * SAT - fee_msat
    record = simulation.operations[operation]
    assert (record.status, record.fee_msat) == (codes.OP_DONE, fee_msat)


def test_a_swap_in_whose_payment_fails_costs_the_chain_fee_only(simulation):
    chain_fee_msat = SWAP_IN_VBYTES * simulation.feerate_msat_per_vb
    operation = simulation.swap_in(0, 499_000 * SAT)  # more than the service can push into the channel
    finish(simulation)
    assert owned(simulation, 0) == FUNDS_MSAT + 500_000 * SAT - chain_fee_msat
    record = simulation.operations[operation]
    assert (record.status, record.fee_msat) == (codes.OP_FAILED, chain_fee_msat)


def test_all_money_is_accounted_for_whatever_is_done(simulation):
    total = in_channels(simulation) + int(simulation.state.nodes.wallet_msat.sum())
    simulation.open_channel(0, 3, 50_000 * SAT)
    simulation.swap_in(0, 20_000 * SAT)
    simulation.swap_out(0, 30_000 * SAT)
    simulation.close_channel(2)
    finish(simulation)
    kinds = simulation.operations.kind
    assert (simulation.operations.status == codes.OP_DONE).all()
    into_service = simulation.operations.amount_msat[kinds == codes.SWAP_IN].sum()
    out_of_service = simulation.operations.amount_msat[kinds == codes.SWAP_OUT].sum()
    fees = simulation.operations.fee_msat.sum()
    # The service is a node whose on-chain side is not kept: it took the deposit and paid the claim.
    now = in_channels(simulation) + int(simulation.state.nodes.wallet_msat.sum())
    assert now == total - fees - into_service + out_of_service


def test_more_operations_than_the_pools_began_with():
    """Two hundred operations once made the loop ask for room that never came."""
    network = network_of([(0, 1, 900_000, 900_000), (2, 1, 900_000, 900_000)])
    simulation = Simulation(network, payments_of(), config=CONFIG)
    for _ in range(300):
        simulation.swap_out(0, 2_000 * SAT)
    finish(simulation)
    assert (simulation.operations.status >= codes.OP_DONE).all()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: s.open_channel(0, 0, 5), "cannot open a channel from node 0 to 0; name two nodes of 0..3"),
        (lambda s: s.open_channel(0, 9, 5), "cannot open a channel from node 0 to 9; name two nodes of 0..3"),
        (lambda s: s.open_channel(-1, 2, 5), "cannot open a channel from node -1 to 2; name two nodes of 0..3"),
        (lambda s: s.open_channel(0, 2, 0), "the amount to open a channel must be positive, got 0 msat"),
        (lambda s: s.open_channel(0, 2, 10**10), "node 0 has 1000000000 msat on chain, not the"),
        (lambda s: s.close_channel(77), "there is no edge 77; the network has edges 0..5"),
        (lambda s: s.swap_in(0, -(10**6)), "the amount to swap in must be positive, got -1000000 msat"),
        (lambda s: s.swap_in(0, 10**10), "node 0 has 1000000000 msat on chain, not the"),
        (lambda s: s.swap_out(0, 1_000), "a swap-out of 1000 msat does not cover its fees"),
        (lambda s: s.swap_out(1, 10**8), "node 1 is the swap service and cannot swap with itself"),
        (lambda s: s.swap_out(-1, 10**8), "there is no edge -1; the network has edges 0..5"),
    ],
)
def test_bad_orders_are_refused_in_a_sentence_and_change_nothing(simulation, call, sentence):
    before = [pool.copy() for pool in simulation.state]
    with pytest.raises(InputError) as caught:
        call(simulation)
    assert str(caught.value).startswith(sentence)
    assert all(np.array_equal(old, new, equal_nan=False) for old, new in zip(before, simulation.state, strict=True))


def test_a_channel_closes_only_once(simulation):
    simulation.close_channel(0)
    with pytest.raises(InputError, match="channel 0 is not open, so it cannot be closed"):
        simulation.close_channel(1)


def test_an_opened_channel_is_announced_after_six_blocks(simulation):
    """Its own nodes use it after three; node 3 hears of it after six."""
    operation = simulation.open_channel(0, 2, 300_000 * SAT)
    edge = int(simulation.operations[operation].edge)
    position = simulation.state.gossip_position[edge]
    while simulation.height < 6:
        assert not simulation.state.gossip.enabled[position]
        simulation.run(max_events=1)
    assert simulation.state.gossip.enabled[position]
    assert simulation.operations.status[0] == codes.OP_DONE


def test_the_fee_rate_jumps_and_reverts():
    config = SimulationConfig(
        block_interval_ms=1_000.0,
        feerate_sigma=0.0,
        feerate_reversion=0.05,
        feerate_jump_probability=0.01,
        feerate_jump_mean=1.0,
    )
    simulation = Simulation(line_of(2), payments_of(), config=config, seed=2)
    rates = []
    while simulation.height < 3_000:
        simulation.run(until_ms=10**9, max_events=1)
        rates.append(simulation.feerate_msat_per_vb)
    logs = np.log(np.array(rates) / 3_000)
    jumps = np.diff(logs)[np.diff(logs) > 0]
    assert 10 < len(jumps) < 55, "30 are expected"
    assert 0.5 < jumps.mean() < 1.6
    assert abs(logs.mean() - 0.01 * 1.0 / 0.05) < 0.12, "jumps per block over reversion per block"
