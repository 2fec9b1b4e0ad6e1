"""The sender: retries, time-out, splitting, all or nothing, CLoTH's halves."""

import numpy as np
import pytest
from small_networks import SAT, line_of, network_of, payments_of

from lnherd.engine import Simulation, SimulationConfig, codes
from lnherd.engine.config import CLOTH
from lnherd.engine.forwarding import HOLD_MS
from lnherd.engine.liquidity import BLOCK

STEADY = {"latency_sigma": 0.0, "latency_median_ms": 100.0}
FREE = {"base_fee_msat": 0, "fee_ppm": 0}


def simulate(network, *payments, config=None, **changes) -> Simulation:
    simulation = Simulation(network, payments_of(*payments), config=config or SimulationConfig(**{**STEADY, **changes}))
    simulation.run()
    assert simulation.audit() == []
    return simulation


def outcome(simulation) -> tuple[int, int, int]:
    payment = simulation.payments[0]
    return int(payment.status), int(payment.failure), int(payment.attempts)


DIAMOND = [(0, 1, 500_000, 0), (1, 3, 500_000, 0), (0, 2, 500_000, 0), (2, 3, 500_000, 0)]
"""0 to 3 by way of 1 or of 2."""


def test_a_failed_attempt_is_followed_by_another_way():
    network = network_of([*DIAMOND[:1], (1, 3, 0, 500_000), *DIAMOND[2:]], policies={6: {"base_fee_msat": 2_000}})
    simulation = simulate(network, (0, 0, 3, 10_000_000))
    assert outcome(simulation) == (codes.SUCCEEDED, codes.NO_FAILURE, 2)
    assert simulation.payments[0].end_ms == 200 + 400, "there and back on the first way, then the second"


def test_without_any_way_a_payment_fails_at_once():
    simulation = simulate(network_of([(0, 1, 5, 5), (2, 3, 5, 5)]), (40, 0, 3, 1_000))
    assert outcome(simulation) == (codes.FAILED, codes.NO_ROUTE, 1)
    assert simulation.payments[0].end_ms == 40


def test_after_the_time_out_no_attempt_starts():
    network = network_of([*DIAMOND[:1], (1, 3, 0, 500_000), *DIAMOND[2:]], policies={6: {"base_fee_msat": 2_000}})
    in_time = simulate(network, (0, 0, 3, 10_000_000), payment_timeout_ms=200)
    assert outcome(in_time)[0] == codes.SUCCEEDED
    too_late = simulate(network, (0, 0, 3, 10_000_000), payment_timeout_ms=199)
    assert outcome(too_late) == (codes.FAILED, codes.PAYMENT_TIMEOUT, 1)
    assert too_late.payments[0].end_ms == 200


def test_the_fee_limit_holds():
    simulation = Simulation(line_of(3), payments_of(), config=SimulationConfig(**STEADY))
    cheap = simulation.send(0, 2, 10_000_000, fee_limit=2_000)
    too_dear = simulation.send(0, 2, 10_000_000, fee_limit=1_999)
    simulation.run()
    assert simulation.payments.status[[cheap, too_dear]].tolist() == [codes.SUCCEEDED, codes.FAILED]


def test_lnds_default_limit_is_a_twentieth_above_1000_sat():
    costly = line_of(3, base_fee_msat=100_001, fee_ppm=0)
    assert outcome(simulate(costly, (0, 0, 2, 2_000_020)))[0] == codes.SUCCEEDED
    assert outcome(simulate(costly, (0, 0, 2, 2_000_000)))[0] == codes.FAILED


def three_ways(near_sat=250_000) -> list:
    return [channel for middle in (1, 2, 3) for channel in [(0, middle, near_sat, 0), (middle, 4, near_sat, 0)]]


def test_what_finds_no_route_whole_is_halved():
    """600 finds none, 300 none, 150 does; of the 450 left 225 does; the 225 left go whole."""
    network = network_of(three_ways(), **FREE)
    simulation = simulate(network, (0, 0, 4, 600_000 * SAT))
    assert outcome(simulation)[0] == codes.SUCCEEDED
    amounts = simulation.state.attempts.amount_msat[:3].tolist()
    assert amounts == [150_000 * SAT, 225_000 * SAT, 225_000 * SAT]
    assert (simulation.payments[0].parts, simulation.payments[0].attempts) == (3, 3)


@pytest.mark.parametrize(
    "changes", [{"mpp": False}, {"max_parts": 1}, {"max_parts": 2}, {"min_part_msat": 225_001 * SAT}]
)
def test_splitting_keeps_to_its_limits(changes):
    network = network_of(three_ways(), **FREE)
    assert outcome(simulate(network, (0, 0, 4, 600_000 * SAT), **changes))[0] == codes.FAILED


def test_parts_share_one_fee_limit():
    simulation = Simulation(
        network_of(three_ways(), base_fee_msat=1_000, fee_ppm=0), payments_of(), config=SimulationConfig(**STEADY)
    )
    enough = simulation.copy()
    simulation.send(0, 4, 600_000 * SAT, fee_limit=2_999)
    enough.send(0, 4, 600_000 * SAT, fee_limit=3_000)
    for each in (simulation, enough):
        each.run()
        assert each.audit() == []
    assert (simulation.payments.status[0], enough.payments.status[0]) == (codes.FAILED, codes.SUCCEEDED)
    assert enough.payments.fee_msat[0] == 3_000


def test_what_the_sender_does_not_have_is_not_split():
    """Parts of it would only lock liquidity until the receiver gives up."""
    simulation = simulate(network_of(three_ways(), **FREE), (0, 0, 4, 800_000 * SAT))
    assert outcome(simulation) == (codes.FAILED, codes.INSUFFICIENT_LOCAL_BALANCE, 1)
    assert simulation.payments[0].end_ms == 0


def test_parts_meet_at_the_receiver_before_any_settles():
    network = network_of([*three_ways(), (3, 5, 250_000, 0), (5, 4, 250_000, 0)], **FREE)
    simulation = Simulation(network, payments_of((0, 0, 4, 600_000 * SAT)), config=SimulationConfig(**STEADY))
    simulation.run(until_ms=200)
    simulation.state.edges.enabled[10] = False
    held = simulation.state.attempts.status[:3].tolist()
    assert held == [codes.SETTLING] * 3, "the last to come releases all"
    assert simulation.payments[0].settled_msat == 0
    simulation.run(until_ms=400)
    assert simulation.payments[0].settled_msat == 600_000 * SAT


def hopeless() -> Simulation:
    """Two ways for two halves; behind node 2 there is nothing, but nobody knows."""
    network = network_of([*DIAMOND[:3], (2, 3, 0, 500_000)], **FREE)
    config = SimulationConfig(min_part_msat=300_000 * SAT, **STEADY)
    return Simulation(network, payments_of((0, 0, 3, 600_000 * SAT)), config=config)


def test_a_part_that_waits_in_vain_is_sent_back_after_120_s():
    simulation = hopeless()
    before = simulation.state.edges.balance_msat.copy()
    simulation.run(until_ms=200 + HOLD_MS - 1)
    payment = simulation.payments[0]
    assert HOLD_MS == 120_000
    assert (payment.held_msat, payment.dispatched_msat) == (300_000 * SAT, 300_000 * SAT)
    simulation.run()
    assert outcome(simulation) == (codes.FAILED, codes.PAYMENT_TIMEOUT, 3)
    assert simulation.payments[0].end_ms == 200 + HOLD_MS + 200
    assert simulation.state.attempts.failure[:2].tolist().count(codes.MPP_TIMEOUT) == 1
    assert np.array_equal(before, simulation.state.edges.balance_msat), "no part moved any money"
    assert (payment.settled_msat, payment.fee_msat) == (0, 0)


def test_a_failed_part_does_not_shorten_the_hold_of_the_others():
    simulation = hopeless()
    simulation.run(until_ms=100_000)
    assert simulation.payments[0].status == codes.ACTIVE
    assert simulation.audit() == []


def test_cloth_splits_once_into_halves():
    network = network_of([*DIAMOND], **FREE)
    simulation = simulate(network, (0, 0, 3, 600_000 * SAT + 1), config=CLOTH)
    assert outcome(simulation)[0] == codes.SUCCEEDED
    assert simulation.state.attempts.amount_msat[:2].tolist() == [300_000 * SAT, 300_000 * SAT + 1]
    assert simulation.payments[0].parts == 2


def test_cloth_never_splits_again():
    network = network_of(three_ways(), **FREE)
    assert outcome(simulate(network, (0, 0, 4, 600_000 * SAT), config=CLOTH))[0] == codes.FAILED


def test_cloth_parts_settle_alone_so_a_failed_payment_may_be_half_paid():
    network = network_of([*DIAMOND[:3], (2, 3, 0, 500_000)], **FREE)
    simulation = simulate(network, (0, 0, 3, 600_000 * SAT), config=CLOTH)
    payment = simulation.payments[0]
    assert (payment.status, payment.failure) == (codes.FAILED, codes.NO_ROUTE)
    assert payment.settled_msat == 300_000 * SAT


def test_parts_that_settle_alone_may_be_split_again():
    """Without CLoTH's single split the payment goes on after a part has settled, instead of hanging."""
    simulation = Simulation(
        network_of([*DIAMOND[:3], (2, 3, 0, 500_000)], **FREE),
        payments_of((0, 0, 3, 600_000 * SAT)),
        config=SimulationConfig(parts_settle_alone=True, min_part_msat=250_000 * SAT, **STEADY),
    )
    simulation.run()
    assert simulation.payments[0].status == codes.FAILED
    assert simulation.payments[0].settled_msat == 300_000 * SAT
    assert simulation.audit() == []


def test_one_millisatoshi_cannot_be_halved():
    blocked = network_of([(0, 1, 5, 5), (1, 2, 5, 5)], policies={2: {"enabled": False}}, **FREE)
    assert outcome(simulate(blocked, (0, 0, 2, 1), config=CLOTH)) == (codes.FAILED, codes.NO_ROUTE, 1)


def test_a_rebalance_goes_round_and_costs_its_fees():
    ring = network_of([(0, 1, 400_000, 0), (1, 2, 400_000, 0), (2, 0, 400_000, 0)])
    simulation = Simulation(ring, payments_of(), config=SimulationConfig(**STEADY))
    simulation.send(0, 0, 100_000 * SAT, first_edge=0, last_edge=4)
    simulation.run()
    payment = simulation.payments[0]
    fee_of_2 = 1_000 + 10_000
    fee_of_1 = 1_000 + (100_000 * SAT + fee_of_2) // 10_000
    assert (payment.status, payment.hops, payment.fee_msat) == (codes.SUCCEEDED, 3, fee_of_1 + fee_of_2)
    balances = simulation.state.edges.balance_msat
    assert balances[0] == 400_000 * SAT - 100_000 * SAT - payment.fee_msat
    assert balances[5] == 100_000 * SAT


def remembered(simulation, sender: int) -> dict[tuple[int, int], tuple[int, int]]:
    """What ``sender`` knows of each pair: the amount that failed and the amount that was carried, 0 if neither."""
    node = simulation.state.nodes[sender]
    assert node.n_memory <= BLOCK, "more is not in one piece"
    known = simulation.state.memory[node.memory_head : node.memory_head + node.n_memory]
    return {
        (int(record.source), int(record.target)): (int(record.fail_amount_msat), int(record.success_amount_msat))
        for record in known
    }


def test_a_failure_teaches_that_the_hops_before_it_could_forward():
    network = network_of([(0, 1, 500_000, 0), (1, 2, 500_000, 0), (2, 3, 0, 500_000)], base_fee_msat=10, fee_ppm=0)
    simulation = simulate(network, (0, 0, 3, 5_000_000))
    assert outcome(simulation) == (codes.FAILED, codes.NO_ROUTE, 2)
    assert remembered(simulation, 0) == {
        (0, 1): (0, 5_000_020),
        (1, 2): (0, 5_000_010),
        (2, 3): (5_000_000, 0),
    }


def test_a_success_teaches_every_hop():
    simulation = simulate(line_of(3, base_fee_msat=10, fee_ppm=0), (0, 0, 2, 5_000_000))
    assert remembered(simulation, 0) == {(0, 1): (0, 5_000_010), (1, 2): (0, 5_000_000)}


def test_a_channel_that_is_gone_counts_against_any_amount():
    network = line_of(3)
    simulation = Simulation(network, payments_of((0, 0, 2, 5_000_000)), config=SimulationConfig(**STEADY))
    simulation.state.edges.is_open[2] = False
    simulation.run()
    assert remembered(simulation, 0)[1, 2] == (0, 0)
    assert simulation.payments.status[0] == codes.FAILED


def test_a_policy_error_says_nothing_of_liquidity():
    simulation = Simulation(line_of(3), payments_of(), config=SimulationConfig(**STEADY))
    simulation.set_policy(2, base_fee_msat=9_000)
    simulation.send(0, 2, 5_000_000)
    while simulation.payments[0].attempts < 2:
        simulation.run(max_events=1)
    assert (1, 2) not in remembered(simulation, 0)


def test_parts_sent_back_for_want_of_others_have_shown_their_way():
    simulation = hopeless()
    simulation.run()
    known = remembered(simulation, 0)
    assert known[1, 3] == (0, 300_000 * SAT)
    assert known[2, 3] == (300_000 * SAT, 0)


def test_parts_is_the_most_there_were_at_a_time():
    """The first part settles and the second fails at 400 ms; the third then goes alone."""
    ways = [(0, 1, 500_000, 0), (1, 4, 500_000, 0), (0, 2, 500_000, 0), (2, 3, 500_000, 0), (3, 4, 0, 500_000)]
    network = network_of([*ways, (0, 5, 500_000, 0), (5, 4, 500_000, 0)], policies={12: {"base_fee_msat": 5_000_000}})
    simulation = simulate(network, (0, 0, 4, 600_000 * SAT), parts_settle_alone=True, min_part_msat=300_000 * SAT)
    payment = simulation.payments[0]
    assert (payment.status, payment.attempts, payment.parts) == (codes.SUCCEEDED, 3, 2)
