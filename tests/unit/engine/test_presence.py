"""Nodes that come and go, and messages that wait for them."""

import numpy as np
import pytest
from small_networks import SAT, line_of, payments_of

from lnherd.engine import ExitReason, Simulation, SimulationConfig, codes

CONFIG = SimulationConfig(latency_sigma=0.0, latency_median_ms=100.0, gossip_delay_ms=90_000)
AMOUNT_MSAT = 10_000 * SAT
MINUTE_MS = 60_000


@pytest.fixture
def simulation() -> Simulation:
    """0 - 1 - 2 - 3 with a payment from end to end at the start."""
    return Simulation(line_of(4), payments_of((0, 0, 3, AMOUNT_MSAT)), config=CONFIG)


def believed(simulation, edge) -> bool:
    return bool(simulation.state.gossip[simulation.state.gossip_position[edge]].enabled)


def test_an_htlc_for_an_absent_node_waits_for_its_return(simulation):
    simulation.run(until_ms=50)
    simulation.set_online(1, False)
    assert simulation.run(until_ms=30_000) == ExitReason.TIME_REACHED
    assert simulation.state.edges.n_htlcs.tolist() == [1, 0, 0, 0, 0, 0]
    simulation.set_online(1, True)
    simulation.run()
    assert simulation.payments.status[0] == codes.SUCCEEDED
    assert simulation.payments.end_ms[0] == 30_000 + 5 * 100
    assert simulation.audit() == []


def test_a_preimage_for_an_absent_node_waits_too(simulation):
    simulation.run(until_ms=350)
    simulation.set_online(1, False)
    simulation.run(until_ms=50_000)
    assert simulation.state.edges.n_htlcs.tolist() == [1, 0, 1, 0, 0, 0], "node 2 has been paid by node 3's preimage"
    simulation.set_online(1, True)
    simulation.run()
    assert simulation.payments.end_ms[0] == 50_000 + 100


def test_an_absent_node_is_forwarded_nothing(simulation):
    simulation.set_online(2, False)
    simulation.run()
    payment = simulation.payments[0]
    assert (payment.status, payment.end_ms) == (codes.FAILED, 200)


def test_an_absent_sender_sends_nothing(simulation):
    simulation.set_online(0, False)
    simulation.run()
    payment = simulation.payments[0]
    assert (payment.status, payment.failure, payment.attempts) == (codes.FAILED, codes.SENDER_OFFLINE, 0)


def test_peers_announce_after_twenty_minutes_and_take_it_back_after_nineteen(simulation):
    simulation.set_online(2, False)
    simulation.run(until_ms=21 * MINUTE_MS + 29_999)
    assert believed(simulation, 2)
    simulation.run(until_ms=21 * MINUTE_MS + 30_000)
    assert [believed(simulation, edge) for edge in range(6)] == [True, True, False, True, True, False]
    simulation.set_online(2, True)
    back_ms = simulation.now_ms
    simulation.run(until_ms=back_ms + 20 * MINUTE_MS + 29_999)
    assert not believed(simulation, 2)
    simulation.run(until_ms=back_ms + 20 * MINUTE_MS + 30_000)
    assert all(believed(simulation, edge) for edge in range(6))


def test_a_short_absence_is_never_announced(simulation):
    simulation.set_online(2, False)
    simulation.run(until_ms=19 * MINUTE_MS)
    simulation.set_online(2, True)
    simulation.run(until_ms=60 * MINUTE_MS)
    assert all(believed(simulation, edge) for edge in range(6))


def test_a_policy_heard_of_does_not_bring_an_absent_peer_back(simulation):
    simulation.set_online(2, False)
    simulation.run(until_ms=30 * MINUTE_MS)
    simulation.set_policy(2, base_fee_msat=7)
    simulation.run()
    view = simulation.state.gossip[simulation.state.gossip_position[2]]
    assert (view.base_fee_msat, view.enabled) == (7, False)


def churning(availability: float, **changes) -> Simulation:
    config = SimulationConfig(mean_availability=availability, mean_downtime_ms=10.0 * MINUTE_MS, **changes)
    return Simulation(line_of(400), payments_of(), config=config, seed=9)


def test_availability_is_what_was_asked_for_from_the_start():
    simulation = churning(0.8)
    shares = []
    for hour in range(1, 40):
        simulation.run(until_ms=hour * 60 * MINUTE_MS)
        shares.append(simulation.state.nodes.online.mean())
    assert abs(churning(0.8).state.nodes.online.mean() - 0.8) < 0.08, "four standard deviations of 400 coins"
    assert abs(np.mean(shares) - 0.8) < 0.03


def test_churn_does_not_keep_a_simulation_running():
    simulation = churning(0.5)
    assert simulation.run() == ExitReason.IDLE
    payment = simulation.send(0, 1, SAT)
    simulation.run()
    assert simulation.payments.status[payment] in (codes.SUCCEEDED, codes.FAILED)


def test_whoever_has_long_been_away_is_known_to_be_at_the_start():
    simulation = churning(0.5, disable_timeout_ms=0, gossip_delay_ms=0)
    offline = ~simulation.state.nodes.online
    assert simulation.state.conduct.is_written_off.tolist() == offline.tolist()
    into = simulation.state.edges.target
    assert [believed(simulation, edge) for edge in range(len(into))] == (~offline[into]).tolist()


def test_a_node_set_by_hand_no_longer_churns():
    simulation = churning(0.5)
    for node in range(400):
        simulation.set_online(node, node % 2 == 0)
    simulation.run(until_ms=100 * 60 * MINUTE_MS)
    assert simulation.state.nodes.online.tolist() == [node % 2 == 0 for node in range(400)]
    assert simulation.state.clock[0].n_churning == 0
