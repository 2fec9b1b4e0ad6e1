"""One HTLC on its way: forwarded, refused with the right reason, settled hop by hop."""

import numpy as np
import pytest
from small_networks import line_of, network_of, payments_of

from lnherd.engine import Simulation, SimulationConfig, codes

STEADY = SimulationConfig(latency_sigma=0.0, latency_median_ms=100.0)
"""Every message takes 100 ms over a hop."""
AMOUNT_MSAT = 10_000_000
FEE_MSAT = 1_000 + 1_000
"""Base 1,000 msat and 100 ppm of the amount."""


def line(**changes) -> Simulation:
    """0 - 1 - 2: edge 0 leads from 0 to 1, edge 2 from 1 to 2."""
    return Simulation(line_of(3), payments_of(), config=SimulationConfig(**{**vars(STEADY), **changes}))


def first_failure(simulation: Simulation) -> int:
    """Run until the first onion fails; returns why."""
    while simulation.state.attempts[0].failure == codes.NO_FAILURE:
        assert simulation.payments[0].status != codes.SUCCEEDED
        simulation.run(max_events=1)
    return int(simulation.state.attempts[0].failure)


def test_a_payment_settles_hop_by_hop_on_time():
    simulation = line()
    simulation.send(0, 2, AMOUNT_MSAT)
    before = simulation.state.edges.balance_msat.copy()
    in_flight = []
    for _ in range(6):
        in_flight.append((simulation.now_ms, *simulation.state.edges.in_flight_msat[[0, 2]].tolist()))
        simulation.run(max_events=1)
    sent = AMOUNT_MSAT + FEE_MSAT
    assert in_flight == [
        (0, 0, 0),
        (0, sent, 0),
        (100, sent, AMOUNT_MSAT),
        (200, sent, AMOUNT_MSAT),
        (300, sent, 0),
        (400, 0, 0),
    ]
    payment = simulation.payments[0]
    assert (payment.status, payment.end_ms, payment.hops, payment.fee_msat) == (codes.SUCCEEDED, 400, 2, FEE_MSAT)
    moved = (simulation.state.edges.balance_msat - before).tolist()
    assert moved == [-sent, sent, -AMOUNT_MSAT, AMOUNT_MSAT]


def test_flows_count_what_was_settled_forwarded_and_earned():
    simulation = line()
    simulation.send(0, 2, AMOUNT_MSAT)
    simulation.run()
    first, second = simulation.state.flows[0], simulation.state.flows[2]
    assert (first.n_settled, first.settled_msat, first.n_forwards) == (1, AMOUNT_MSAT + FEE_MSAT, 0)
    assert (second.n_settled, second.n_forwards, second.forwarded_msat, second.fees_msat) == (
        1,
        1,
        AMOUNT_MSAT,
        FEE_MSAT,
    )
    assert (first.assisted_msat, second.assisted_msat) == (FEE_MSAT, 0)
    assert (first.hold_ms, second.hold_ms) == (400, 200)


@pytest.mark.parametrize(
    ("field", "value", "failure"),
    [
        ("balance_msat", 0, codes.TEMPORARY_CHANNEL_FAILURE),
        ("htlc_min_msat", AMOUNT_MSAT + 1, codes.AMOUNT_BELOW_MINIMUM),
        ("htlc_max_msat", AMOUNT_MSAT - 1, codes.AMOUNT_ABOVE_MAXIMUM),
        ("max_htlcs", 0, codes.TOO_MANY_HTLCS),
        ("max_in_flight_msat", AMOUNT_MSAT - 1, codes.MAX_IN_FLIGHT_EXCEEDED),
        ("enabled", False, codes.CHANNEL_DISABLED),
        ("is_open", False, codes.UNKNOWN_NEXT_PEER),
        ("base_fee_msat", 1_001, codes.FEE_INSUFFICIENT),
        ("fee_ppm", 101, codes.FEE_INSUFFICIENT),
        ("cltv_delta", 41, codes.INCORRECT_CLTV_EXPIRY),
    ],
)
def test_a_forwarder_refuses_for_the_right_reason(field, value, failure):
    simulation = line()
    before = simulation.state.edges.balance_msat.copy()
    simulation.state.edges[field][2] = value
    before[2] = simulation.state.edges.balance_msat[2]
    simulation.send(0, 2, AMOUNT_MSAT)
    assert first_failure(simulation) == failure
    assert simulation.state.attempts[0].failed_hop == 1
    simulation.run(max_events=1)
    assert simulation.now_ms == 200, "the failure travels back"
    assert simulation.state.edges.in_flight_msat[2] == 0
    refused = simulation.state.flows[2]
    assert (refused.n_refused, refused.refused_msat) == (1, AMOUNT_MSAT)


def test_dust_that_would_exceed_the_exposure_is_refused():
    simulation = line(max_dust_msat=300_000)
    simulation.state.edges.dust_msat[2] = 200_000
    simulation.send(0, 2, 150_000)
    assert first_failure(simulation) == codes.DUST_EXPOSURE_EXCEEDED


def test_a_refused_payment_leaves_the_balances_as_they_were():
    simulation = line()
    simulation.state.edges.max_htlcs[2] = 0
    before = simulation.state.edges.balance_msat.copy()
    simulation.send(0, 2, AMOUNT_MSAT)
    simulation.run()
    assert simulation.payments[0].status == codes.FAILED
    assert np.array_equal(before, simulation.state.edges.balance_msat)
    assert simulation.payments[0].fee_msat == 0


@pytest.mark.parametrize(("field", "value"), [("base_fee_msat", 5_000), ("cltv_delta", 144), ("fee_ppm", 700)])
def test_a_policy_error_carries_the_policy_and_the_second_attempt_succeeds(field, value):
    simulation = line()
    simulation.set_policy(2, **{field: value})
    simulation.send(0, 2, AMOUNT_MSAT)
    simulation.run(until_ms=1_000)
    payment, edge = simulation.payments[0], simulation.state.edges[2]
    assert (payment.status, payment.attempts) == (codes.SUCCEEDED, 2)
    assert payment.fee_msat == edge.base_fee_msat + AMOUNT_MSAT * edge.fee_ppm // 10**6


def test_a_new_inbound_fee_is_learned_from_the_error_too():
    simulation = line()
    simulation.set_policy(1, inbound_base_fee_msat=3_000)  # node 1's, for what comes in over channel 0
    simulation.send(0, 2, AMOUNT_MSAT)
    simulation.run(until_ms=5_000)
    payment = simulation.payments[0]
    assert (payment.status, payment.attempts, payment.fee_msat) == (codes.SUCCEEDED, 2, FEE_MSAT + 3_000)


def test_inbound_discounts_lower_what_is_asked_but_never_below_nothing():
    network = line_of(3, policies={1: {"inbound_base_fee_msat": -500}})
    simulation = Simulation(network, payments_of((0, 0, 2, AMOUNT_MSAT)), config=STEADY)
    simulation.run()
    assert simulation.payments[0].fee_msat == FEE_MSAT - 500
    network = line_of(3, policies={1: {"inbound_base_fee_msat": -50_000}})
    simulation = Simulation(network, payments_of((0, 0, 2, AMOUNT_MSAT)), config=STEADY)
    simulation.run()
    assert simulation.payments[0].fee_msat == 0


TWINS = [(0, 1, 500_000, 500_000), (1, 2, 0, 500_000), (1, 2, 300_000, 200_000)]
"""Two channels between 1 and 2, of which the first has nothing on 1's side."""


def test_a_parallel_channel_stands_in_for_the_named_one():
    simulation = Simulation(network_of(TWINS), payments_of((0, 0, 2, AMOUNT_MSAT)), config=STEADY)
    simulation.state.gossip.base_fee_msat[simulation.state.gossip_position[4]] = 2_000  # dearer, as senders see it
    simulation.run()
    payment = simulation.payments[0]
    assert (payment.status, payment.attempts) == (codes.SUCCEEDED, 1)
    assert simulation.state.flows.n_forwards.tolist() == [0, 0, 0, 0, 1, 0]


def test_the_stand_in_must_be_paid_its_own_fee():
    network = network_of(TWINS, policies={4: {"base_fee_msat": 2_000}})
    simulation = Simulation(network, payments_of((0, 0, 2, AMOUNT_MSAT)), config=STEADY)
    assert first_failure(simulation) == codes.TEMPORARY_CHANNEL_FAILURE, "the named channel's reason"


def test_strict_forwarding_uses_the_named_channel_only():
    config = SimulationConfig(**{**vars(STEADY), "strict_forwarding": True})
    simulation = Simulation(network_of(TWINS), payments_of((0, 0, 2, AMOUNT_MSAT)), config=config)
    simulation.state.gossip.base_fee_msat[simulation.state.gossip_position[4]] = 2_000
    assert first_failure(simulation) == codes.TEMPORARY_CHANNEL_FAILURE


def test_an_htlc_that_gets_stuck_keeps_its_money_locked():
    simulation = line(stuck_probability=1.0, stuck_median_ms=600_000.0)
    simulation.send(0, 2, AMOUNT_MSAT)
    simulation.run(until_ms=10_000)
    assert simulation.state.edges.in_flight_msat[0] == AMOUNT_MSAT + FEE_MSAT
    assert simulation.payments[0].status == codes.ACTIVE
    simulation.run()
    assert simulation.payments[0].status == codes.SUCCEEDED
    assert simulation.payments[0].end_ms > 60_000, "the time-out ends attempts, not HTLCs"
