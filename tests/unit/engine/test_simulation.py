"""The simulation from outside: running in pieces, acting in between, refusing nonsense."""

import numpy as np
import pytest
from small_networks import SAT, line_of, network_of, payments_of

from lnherd.engine import ExitReason, Simulation, SimulationConfig, codes
from lnherd.engine.building import INITIAL_POOL
from lnherd.errors import InputError

STEADY = SimulationConfig(latency_sigma=0.0)


@pytest.fixture
def simulation() -> Simulation:
    return Simulation(line_of(3), payments_of((100, 0, 2, 10_000), (5_000, 2, 0, 10_000)), config=STEADY)


def test_it_stops_where_it_is_told_and_says_why(simulation):
    assert simulation.run(until_ms=99) == ExitReason.TIME_REACHED
    assert (simulation.now_ms, simulation.payments.status.tolist()) == (99, [codes.PENDING, codes.PENDING])
    assert simulation.run(until_ms=100) == ExitReason.TIME_REACHED
    assert simulation.payments.status[0] == codes.ACTIVE, "the time given is included"
    assert simulation.run(max_events=1) == ExitReason.EVENTS_SPENT
    assert simulation.now_ms == 200
    assert simulation.run() == ExitReason.IDLE
    assert (simulation.now_ms, simulation.payments.status.tolist()) == (5_400, [codes.SUCCEEDED] * 2)


def test_time_does_not_run_backwards(simulation):
    simulation.run(until_ms=50)
    with pytest.raises(InputError, match="cannot run until 49 ms: it is already 50 ms"):
        simulation.run(until_ms=49)


def test_a_payment_sent_now_starts_now(simulation):
    simulation.run(until_ms=77)
    payment = simulation.send(1, 2, 5_000, kind=3)
    simulation.run(until_ms=77)
    record = simulation.payments[payment]
    assert (payment, record.start_ms, record.status, record.kind) == (2, 77, codes.ACTIVE, 3)


def test_sending_leaves_payments_that_were_given_in_their_order(simulation):
    for _ in range(INITIAL_POOL + 10):
        simulation.send(0, 1, 1_000)
    simulation.run()
    assert (simulation.payments.status == codes.SUCCEEDED).all()
    assert simulation.payments.start_ms[:2].tolist() == [100, 5_000]
    assert simulation.audit() == []


def test_first_and_last_edge_restrict_the_route():
    network = network_of([(0, 1, 9_000, 9_000), (0, 1, 9_000, 9_000), (1, 2, 9_000, 9_000), (1, 2, 9_000, 9_000)])
    simulation = Simulation(network, payments_of(), config=STEADY)
    simulation.send(0, 2, 100_000, first_edge=2, last_edge=6)
    simulation.run()
    assert simulation.state.flows.n_settled.tolist() == [0, 0, 1, 0, 0, 0, 1, 0]


def test_many_policy_changes_make_room_for_themselves():
    """Each is an event if no rate limit defers it; without room the agenda would be written past its end."""
    config = SimulationConfig(update_interval_ms=0)
    network = network_of([(0, 1, 9_000, 9_000), (1, 2, 9_000, 9_000)])
    simulation = Simulation(network, payments_of(), config=config)
    for fee_msat in range(3 * INITIAL_POOL):
        simulation.set_policy(2, base_fee_msat=fee_msat)
    assert len(simulation.state.events) >= 3 * INITIAL_POOL
    simulation.run()
    assert simulation.audit() == []


def test_many_parts_and_memories_make_room_for_themselves():
    ways = [channel for middle in range(2, 40) for channel in [(0, middle, 900, 900), (middle, 1, 900, 900)]]
    config = SimulationConfig(min_part_msat=10 * SAT, max_parts=64, latency_sigma=0.0)
    payments = payments_of(*[(0, 0, 1, 20_000 * SAT)] * 30)
    simulation = Simulation(network_of(ways, base_fee_msat=0), payments, config=config)
    simulation.run()
    assert simulation.audit() == []
    assert simulation.payments.parts.max() > 20


def test_a_copy_is_independent(simulation):
    simulation.run(until_ms=150)
    copied = simulation.copy()
    copied.run()
    assert simulation.now_ms == 150
    assert simulation.payments.status[0] == codes.ACTIVE
    copied.set_policy(0, fee_ppm=9)
    assert simulation.state.edges.fee_ppm[0] == 100


def test_the_swap_service_runs_at_the_largest_node():
    network = network_of([(0, 1, 9_000, 1), (1, 2, 5_000, 1), (3, 4, 99_000, 1)], policies={4: {"enabled": False}})
    assert Simulation(network, payments_of()).swap_node == 3
    dead = network_of([(0, 1, 9, 1), (3, 2, 99, 1)], policies={2: {"enabled": False}, 3: {"enabled": False}})
    assert Simulation(dead, payments_of()).swap_node == 0, "dead channels do not count"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: s.send(0, 3, 5), "payment names node 3; the network has nodes 0..2"),
        (lambda s: s.send(-1, 2, 5), "payment names node -1; the network has nodes 0..2"),
        (lambda s: s.send(0, 2, 0), "payment amount must be positive, got 0 msat"),
        (lambda s: s.send(1, 1, 5), "a payment to oneself is a rebalance and needs first_edge and last_edge"),
        (lambda s: s.send(0, 2, 5, first_edge=2), "first_edge 2 does not leave the sender 0"),
        (lambda s: s.send(0, 2, 5, last_edge=0), "last_edge 0 does not lead to the receiver 2"),
        (lambda s: s.send(0, 2, 5, first_edge=4), "there is no edge 4; the network has edges 0..3"),
        (lambda s: s.send(0, 2, 5, last_edge=-2), "there is no edge -2; the network has edges 0..3"),
        (lambda s: s.set_policy(4, fee_ppm=1), "there is no edge 4; the network has edges 0..3"),
        (lambda s: s.set_policy(0, fee=1), "'fee' is not a policy field; use one of base_fee_msat, fee_ppm,"),
        (lambda s: s.set_policy(0, fee_ppm=-1), "policy field fee_ppm must not be negative, got -1"),
    ],
)
def test_bad_calls_are_refused_in_a_sentence_and_change_nothing(simulation, call, sentence):
    before = [pool.copy() for pool in simulation.state]
    with pytest.raises(InputError) as caught:
        call(simulation)
    assert str(caught.value).startswith(sentence)
    assert all(np.array_equal(old, new) for old, new in zip(before, simulation.state, strict=True))


def test_a_half_good_policy_change_changes_nothing(simulation):
    with pytest.raises(InputError):
        simulation.set_policy(0, base_fee_msat=5, fee_ppm=-1)
    assert simulation.state.edges.base_fee_msat[0] == 1_000


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_has_64_bits(seed):
    with pytest.raises(InputError, match=r"seed must be between 0 and 2\*\*64 - 1, got"):
        Simulation(line_of(2), payments_of(), seed=seed)


def test_a_network_without_channels_is_idle():
    simulation = Simulation(network_of([], n_nodes=2), payments_of((0, 0, 1, 5)))
    assert simulation.run() == ExitReason.IDLE
    assert simulation.payments.status.tolist() == [codes.FAILED]


def test_at_one_time_the_agenda_goes_before_payments_and_payments_before_blocks():
    block_ms = int(STEADY.block_interval_ms)
    payments = payments_of((block_ms - 100, 0, 1, 5_000), (block_ms, 1, 2, 5_000))
    simulation = Simulation(line_of(3), payments, config=STEADY)
    simulation.run(until_ms=block_ms - 1)
    seen = []
    for _ in range(3):
        simulation.run(max_events=1)
        seen.append((int(simulation.state.attempts.status[0]), int(simulation.payments.status[1]), simulation.height))
    assert simulation.now_ms == block_ms
    assert seen == [
        (codes.SETTLING, codes.PENDING, 0),
        (codes.SETTLING, codes.ACTIVE, 0),
        (codes.SETTLING, codes.ACTIVE, 1),
    ]


def test_payments_submitted_in_bulk_are_like_payments_sent(simulation):
    """Field for field, so that the two ways in cannot drift apart; and more of them than the pools first hold."""
    one_by_one = simulation.copy()
    for each in (simulation, one_by_one):
        each.run(until_ms=10)
    n_payments = 2 * INITIAL_POOL
    batch = payments_of(*[(10, 0, 1, 1_000 + index) for index in range(n_payments)])
    first = simulation.submit(batch, np.full(n_payments, 77), n_payments)
    for payment in batch:
        one_by_one.send(0, 1, int(payment.amount_msat), fee_limit=77)
    assert first == 2
    for each in (simulation, one_by_one):
        each.run()
    assert simulation.payments.tobytes() == one_by_one.payments.tobytes()
    assert simulation.audit() == []
