"""A policy that comes with an error teaches its receiver alone, until gossip tells everybody."""

from small_networks import line_of, network_of, payments_of

from lnherd.engine import Simulation, SimulationConfig, codes

QUICK = {"latency_sigma": 0.0, "latency_median_ms": 100.0}
TWO_PAYERS = [(0, 2, 500_000, 0), (1, 2, 500_000, 0), (2, 3, 500_000, 500_000)]
"""0 and 1 pay 3 by way of 2, over edge 4."""


def pay(simulation, sender, receiver=3):
    """Attempts a payment took."""
    payment_id = simulation.send(sender, receiver, 10_000_000)
    simulation.run(until_ms=simulation.now_ms + 5_000)
    assert simulation.payments.status[payment_id] == codes.SUCCEEDED
    return int(simulation.payments.attempts[payment_id])


def test_each_sender_runs_into_a_new_fee_once():
    config = SimulationConfig(gossip_delay_ms=100_000, **QUICK)
    simulation = Simulation(network_of(TWO_PAYERS), payments_of(), config=config)
    simulation.set_policy(4, base_fee_msat=9_000)
    assert [pay(simulation, 0), pay(simulation, 0), pay(simulation, 1), pay(simulation, 1)] == [2, 1, 2, 1]
    common = simulation.state.gossip[simulation.state.gossip_position[4]]
    assert common.base_fee_msat == 1_000, "nobody else has heard"


def test_gossip_overtakes_what_was_learned():
    """Learned 9,000, then lowered: while gossip is silent the sender pays 9,000, afterwards what is asked."""
    config = SimulationConfig(gossip_delay_ms=20_000, **QUICK)
    simulation = Simulation(network_of(TWO_PAYERS), payments_of(), config=config)
    simulation.set_policy(4, base_fee_msat=9_000)
    assert pay(simulation, 0) == 2
    simulation.set_policy(4, base_fee_msat=500)
    for until_ms, base_fee_msat in ((19_000, 9_000), (26_000, 500)):
        simulation.run(until_ms=until_ms)
        pay(simulation, 0)
        assert simulation.payments[-1].fee_msat == base_fee_msat + 1_000


def test_lessons_are_given_back_and_used_again():
    config = SimulationConfig(gossip_delay_ms=6_000, **QUICK)
    simulation = Simulation(network_of(TWO_PAYERS), payments_of(), config=config)
    for round_number in range(40):
        simulation.set_policy(4, base_fee_msat=2_000 + 100 * round_number)
        assert pay(simulation, round_number % 2) == 2
        simulation.run(until_ms=simulation.now_ms + 10_000)
    assert simulation.state.clock[0].n_lessons <= 4


def test_what_is_common_knowledge_is_no_lesson():
    """An offline peer makes for a disabled channel without any news in the policy."""
    simulation = Simulation(line_of(4), payments_of(), config=SimulationConfig(**QUICK))
    simulation.state.nodes.online[2] = False
    payment_id = simulation.send(0, 3, 1_000_000)
    simulation.run()
    assert simulation.payments.failure[payment_id] == codes.NO_ROUTE
    assert simulation.state.clock[0].n_lessons == 0


def test_a_node_refuses_to_lock_money_for_too_long_and_is_left_alone():
    config = SimulationConfig(max_outgoing_cltv=39, final_cltv=40, **QUICK)
    simulation = Simulation(line_of(3), payments_of(), config=config)
    payment_id = simulation.send(0, 2, 1_000_000)
    simulation.run()
    assert simulation.payments.failure[payment_id] == codes.NO_ROUTE
    used = simulation.state.memory[: simulation.state.nodes.n_memory[0]]
    pairs = set(zip(used.source.tolist(), used.target.tolist(), used.fail_amount_msat.tolist(), strict=True))
    assert pairs == {(0, 1, 0), (1, 0, 0), (1, 2, 0), (2, 1, 0)}
