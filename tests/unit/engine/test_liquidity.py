"""Mission control on worked numbers (LND ``probability_apriori.go``; operators' constants 0.6, 0.95, 1 h)."""

import math

import pytest
from hub_memory import CAPACITY_MSAT, HUB, LEFT, RIGHT, SENDER, chance, simulation_of

from lnherd.engine.liquidity import MEMORY_LIMIT, capacity_factor, failure_weight, record_failure, record_success
from lnherd.network.records import zero_records
from lnherd.units import MS_PER_HOUR


def test_an_unknown_pair_has_the_prior():
    assert chance(simulation_of(), LEFT, 1_000) == pytest.approx(0.6)


def test_a_fresh_failure_rules_the_pair_out_for_this_amount_and_more():
    simulation = simulation_of()
    record_failure(simulation.state, SENDER, HUB, LEFT, 5_000)
    assert chance(simulation, LEFT, 5_000) == pytest.approx(0.0)
    assert chance(simulation, LEFT, 4_999) == pytest.approx(0.6)


def test_a_failure_lowers_the_other_pairs_of_its_node():
    """(0.6 * 1 + 0.95 * 0) / (1 + 0 + 1) = 0.3."""
    simulation = simulation_of()
    record_failure(simulation.state, SENDER, HUB, LEFT, 5_000)
    assert chance(simulation, RIGHT, 5_000) == pytest.approx(0.3)


def test_a_success_raises_its_pair_and_its_node():
    """The pair itself 0.95; the node (0.6 * 1 + 0.95 * 1) / 2 = 0.775."""
    simulation = simulation_of()
    record_success(simulation.state, SENDER, HUB, LEFT, 5_000)
    assert chance(simulation, LEFT, 5_000) == pytest.approx(0.95)
    assert chance(simulation, RIGHT, 5_000) == pytest.approx(0.775)
    assert chance(simulation, LEFT, 5_001) == pytest.approx(0.6)


def test_half_of_a_failure_is_forgiven_after_a_half_life():
    """Node (0.6) / (1 + 0.5) = 0.4, the pair 0.4 * (1 - 0.5) = 0.2."""
    simulation = simulation_of()
    record_failure(simulation.state, SENDER, HUB, LEFT, 5_000)
    simulation.run(until_ms=MS_PER_HOUR)
    assert failure_weight(simulation.state, 0) == pytest.approx(0.5)
    assert chance(simulation, RIGHT, 5_000) == pytest.approx(0.4)
    assert chance(simulation, LEFT, 5_000) == pytest.approx(0.2)


def test_own_channels_start_near_certainty():
    simulation = simulation_of()
    assert chance(simulation, HUB, 5_000, source=SENDER) == pytest.approx(0.95)
    record_failure(simulation.state, SENDER, SENDER, HUB, 5_000)
    simulation.run(until_ms=MS_PER_HOUR)
    assert chance(simulation, HUB, 1, source=SENDER) == pytest.approx(0.95 * 0.5)


def test_what_one_sender_learned_another_does_not_know():
    simulation = simulation_of()
    record_failure(simulation.state, RIGHT, HUB, LEFT, 5_000)
    assert chance(simulation, LEFT, 5_000) == pytest.approx(0.6)


def test_a_higher_failure_soon_after_a_lower_one_is_no_news():
    simulation = simulation_of()
    record_failure(simulation.state, SENDER, HUB, LEFT, 5_000)
    record_failure(simulation.state, SENDER, HUB, LEFT, 9_000)
    assert chance(simulation, LEFT, 5_000) == pytest.approx(0.0)
    simulation.run(until_ms=61_000)
    record_failure(simulation.state, SENDER, HUB, LEFT, 9_000)
    assert chance(simulation, LEFT, 8_999) == pytest.approx(0.6)


def test_cloth_asks_a_pair_about_no_amount_in_particular():
    simulation = simulation_of(any_failure_counts=True)
    record_failure(simulation.state, SENDER, HUB, LEFT, 5_000)
    assert chance(simulation, LEFT, 1) == pytest.approx(0.0)
    simulation = simulation_of(any_failure_counts=True)
    record_success(simulation.state, SENDER, HUB, LEFT, 5_000)
    assert chance(simulation, LEFT, 5_000) == pytest.approx(0.775)


def test_the_oldest_pair_is_forgotten_first():
    simulation = simulation_of(n_nodes=MEMORY_LIMIT + 4)
    simulation.state = simulation.state._replace(
        memory=zero_records(2 * MEMORY_LIMIT, simulation.state.memory.dtype),
    )
    for number in range(MEMORY_LIMIT + 1):
        simulation.state.clock[0].now_ms = number
        record_failure(simulation.state, SENDER, HUB, 2 + number, 5_000)
    assert simulation.state.nodes[SENDER].n_memory == MEMORY_LIMIT
    remembered = simulation.state.memory[: simulation.state.clock[0].n_memory]
    targets = set(remembered.target[remembered.source == HUB].tolist())
    assert 2 not in targets
    assert {3, 2 + MEMORY_LIMIT} <= targets


@pytest.mark.parametrize(("amount_share", "factor"), [(0.1, 1.0), (0.9999, 0.75), (1.0, 0.75)])
def test_amounts_near_the_capacity_are_less_likely(amount_share, factor):
    """Half way down (0.5 floor) at 99.99 % of the capacity: 1 - 0.5 / (1 + e^0) = 0.75."""
    simulation = simulation_of()
    simulation.state.settings[0].capacity_smearing = 0.025
    amount_msat = int(amount_share * CAPACITY_MSAT)
    assert capacity_factor(simulation.state, amount_msat, CAPACITY_MSAT) == pytest.approx(factor, abs=1e-3)
    assert math.isclose(capacity_factor(simulation.state, 0, CAPACITY_MSAT), 1.0)
