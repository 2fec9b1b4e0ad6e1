"""Min-cost flow: optimal by linear programming, its costs and bounds on worked numbers, the parts it sends."""

import math

import numpy as np
import pytest
from scenarios import random_network
from scipy.optimize import linprog
from small_networks import SAT, network_of, payments_of

from lnherd.engine import Simulation, SimulationConfig, codes
from lnherd.engine.flow_sender import begin_problem
from lnherd.engine.liquidity import record_failure, record_payment, record_success
from lnherd.engine.mincostflow import next_path, solve, start_paths
from lnherd.engine.unit_costs import COST_SCALE, NO_WAY, liquidity_bounds, unit_cost
from lnherd.units import MS_PER_HOUR

QUICK = {"latency_sigma": 0.0, "latency_median_ms": 100.0}
FREE = {"base_fee_msat": 0, "fee_ppm": 0}


def posed(network, sender, receiver, amount_msat, n_parts, **changes):
    """A simulation whose state holds the flow problem, not yet solved."""
    config = SimulationConfig(sender="mincostflow", fee_limit="none", **{**QUICK, **changes})
    simulation = Simulation(network, payments_of(), config=config)
    payment_id = simulation.add_payment(sender, receiver, amount_msat)
    begin_problem(simulation.state, payment_id, amount_msat, n_parts)
    return simulation


def solved_cost(state):
    """Cost of the flow found, or None."""
    if not solve(state):
        return None
    arcs = state.mcf_arcs[: state.mcf[0].n_arcs]
    return sum(unit_cost(state, int(arc.edge), unit, 0) for arc in arcs for unit in range(arc.units))


def cost_by_linear_program(state, n_units):
    """The same from HiGHS: a variable in [0, 1] for each unit each edge could carry."""
    columns = []
    for number, edge in enumerate(state.edges):
        for unit in range(n_units):
            cost = unit_cost(state, number, unit, 0)
            if cost == NO_WAY:
                break
            columns.append((int(edge.source), int(edge.target), cost))
    balance = np.zeros((len(state.nodes), len(columns)))
    for index, (source, target, _) in enumerate(columns):
        balance[source, index] += 1
        balance[target, index] -= 1
    wanted = np.zeros(len(state.nodes))
    wanted[state.mcf[0].sender], wanted[state.mcf[0].receiver] = n_units, -n_units
    costs = np.array([cost for _, _, cost in columns], dtype=float)
    answer = linprog(costs, A_eq=balance, b_eq=wanted, bounds=(0, 1), method="highs") if columns else None
    return answer.fun if answer is not None and answer.status == 0 else None


def test_flows_are_optimal_by_linear_programming():
    rng = np.random.default_rng(4)
    n_possible = 0
    for _ in range(80):
        network = random_network(rng, 8, 20)
        sender, receiver = (int(node) for node in rng.choice(8, 2, replace=False))
        n_parts = int(rng.integers(1, 9))
        amount_msat = n_parts * int(rng.integers(1_000, 5_000_000))
        state = posed(network, sender, receiver, amount_msat, n_parts).state
        for pair in rng.integers(0, len(network.edges), 6).tolist():
            source, target = int(network.edge_source[pair]), int(network.edge_target[pair])
            (record_failure, record_success)[pair % 2](state, sender, source, target, 3_000_000)
        begin_problem(state, 0, amount_msat, n_parts)
        found, best = solved_cost(state), cost_by_linear_program(state, n_parts)
        assert (found is None) == (best is None)
        if found is not None:
            assert found == pytest.approx(best, rel=1e-9)
            n_possible += 1
    assert n_possible > 30


def test_paths_add_up_to_the_flow():
    rng = np.random.default_rng(9)
    n_split = 0
    for _ in range(40):
        state = posed(random_network(rng, 8, 24), 0, 5, 8_000_000, 8).state
        if not solve(state):
            continue
        start_paths(state)
        total, n_paths = 0, 0
        while units := next_path(state):
            total, n_paths = total + units, n_paths + 1
        assert total == 8
        assert all(arc.left == 0 for arc in state.mcf_arcs[: state.mcf[0].n_arcs])
        n_split += n_paths > 1
    assert n_split > 5


RELAY = [(0, 1, 1_000_000, 0), (1, 2, 500_000, 500_000)]
"""0 to 2 by way of 1, whose channel holds 1,000,000 sat in all."""


def test_a_unit_costs_its_fee_and_its_improbability():
    """Half of an unknown channel: ln 2 nats at 100 sat + 0.1 % of 500,000 sat each; fee 1 sat + 100 ppm."""
    state = posed(network_of(RELAY), 0, 2, 500_000 * SAT, 1, risk_factor=0.0).state
    nats = math.log((1_000_000_000 + 1) / (500_000_000 + 1))
    expected = 1 + (51_000 + 600_000 * nats) * COST_SCALE
    assert unit_cost(state, 2, 0, 0) == pytest.approx(expected, abs=1)
    assert unit_cost(state, 2, 1, 0) == pytest.approx(
        1 + (51_000 + 600_000 * math.log(500_000_001)) * COST_SCALE, abs=1
    )
    assert unit_cost(state, 2, 2, 0) == NO_WAY, "no more than the capacity"
    assert unit_cost(state, 0, 0, 0) == 1, "an own channel is known and free"


def test_bounds_are_what_was_learned_and_are_forgotten_within_the_hour():
    simulation = posed(network_of(RELAY), 0, 2, 1_000 * SAT, 1)
    record_success(simulation.state, 0, 1, 2, 200_000 * SAT)
    record_failure(simulation.state, 0, 1, 2, 700_000 * SAT)
    expected = {
        0: (200_000 * SAT, 700_000 * SAT - 1),
        6: (100_000 * SAT, 800_000 * SAT - 1),
        30: (0, 1_000_000 * SAT),
        60: (0, 1_000_000 * SAT),
    }
    for minutes, bounds in expected.items():
        simulation.run(until_ms=minutes * MS_PER_HOUR // 60)
        begin_problem(simulation.state, 0, 1_000 * SAT, 1)
        assert liquidity_bounds(simulation.state, 2, 0) == bounds
    simulation = posed(network_of(RELAY), 0, 2, 1_000 * SAT, 1)
    record_success(simulation.state, 0, 1, 2, 200_000 * SAT)
    begin_problem(simulation.state, 0, 1_000 * SAT, 1)
    assert liquidity_bounds(simulation.state, 2, 50_000 * SAT) == (150_000 * SAT, 950_000 * SAT)


def test_what_was_paid_is_gone_here_and_come_there():
    simulation = posed(network_of(RELAY), 0, 2, 1_000 * SAT, 1)
    state = simulation.state
    for source, target in ((1, 2), (2, 1)):
        record_success(state, 0, source, target, 200_000 * SAT)
        record_failure(state, 0, source, target, 700_000 * SAT)
    record_payment(state, 0, 1, 2, 150_000 * SAT)
    begin_problem(state, 0, 1_000 * SAT, 1)
    assert liquidity_bounds(state, 2, 0) == (50_000 * SAT, 550_000 * SAT - 1)
    assert liquidity_bounds(state, 3, 0) == (350_000 * SAT, 850_000 * SAT - 1)


FORK = [(0, 1, 300_000, 0), (1, 3, 100_000, 0), (0, 2, 300_000, 0), (2, 3, 100_000, 0)]
"""0 to 3 by way of 1 or of 2, each with 100,000 sat."""


def run(network, amount_msat, **changes):
    simulation = Simulation(
        network, payments_of((0, 0, 3, amount_msat)), config=SimulationConfig(sender="mincostflow", **QUICK, **changes)
    )
    simulation.run()
    assert simulation.audit() == []
    return simulation.payments[0]


def test_parts_leave_together_over_the_most_reliable_ways():
    payment = run(network_of(FORK, **FREE), 120_000 * SAT)
    assert (payment.status, payment.parts, payment.attempts) == (codes.SUCCEEDED, 2, 2)
    assert payment.end_ms == 400, "no time was lost"


def test_what_fails_is_planned_anew():
    """One way is empty, so the other carries everything in the end."""
    fork = [FORK[0], (1, 3, 0, 150_000), FORK[2], (2, 3, 140_000, 10_000)]
    payment = run(network_of(fork, **FREE), 120_000 * SAT)
    assert payment.status == codes.SUCCEEDED
    assert payment.attempts > 2, "two parts at once, then something for the one that failed"


def test_without_parts_all_goes_one_way():
    assert run(network_of(FORK, **FREE), 120_000 * SAT, mpp=False).failure == codes.NO_ROUTE
    assert run(network_of(FORK, **FREE), 90_000 * SAT, mpp=False).parts == 1


def test_a_dear_way_is_left_when_fees_exceed_the_limit():
    """By way of 1 one pays 6 %, more than the limit of 5 %; by way of 2 nothing, over a channel that is nearly full."""
    channels = [(0, 1, 3_000_000, 0), (1, 3, 3_000_000, 0), (0, 2, 3_000_000, 0), (2, 3, 105_000, 0)]
    network = network_of(channels, policies={2: {"base_fee_msat": 0, "fee_ppm": 60_000}}, **FREE)
    payment = run(network, 100_000 * SAT, attempt_cost_msat=10**9, max_parts=1)
    assert (payment.status, payment.fee_msat) == (codes.SUCCEEDED, 0)


def test_own_channels_pay_the_fees_too():
    """99,000 sat above the reserve, fees of 1 sat and 100 ppm: 98,980 go, 99,000 do not."""
    one_way = network_of([(0, 1, 100_000, 0), (1, 3, 1_000_000, 0)])
    assert run(one_way, 98_980 * SAT, max_parts=1).status == codes.SUCCEEDED
    assert run(one_way, 99_000 * SAT, max_parts=1).failure == codes.NO_ROUTE
