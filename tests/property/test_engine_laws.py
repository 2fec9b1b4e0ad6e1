"""The laws of the engine hold in random worlds, whatever happens in them."""

import pickle

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenarios import ON_CHAIN, Act, Scenario, calls, scenarios

from lnherd.engine import ExitReason, Simulation
from lnherd.engine.codes import OP_DONE, SWAP_IN, SWAP_OUT
from lnherd.engine.state import State

HERE = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SCRATCH = ("search", "labels", "recall", "frontier", "level", "ball", "route")
"""Memory of the path search: left over from the last query, read by nothing after it."""


def started(scenario: Scenario, seed: int | None = None) -> Simulation:
    seed = scenario.seed if seed is None else seed
    return Simulation(scenario.network, scenario.payments, config=scenario.config, seed=seed)


def perform(act: Act, simulation: Simulation) -> None:
    for method, args, changes in calls(act, simulation.state):
        getattr(simulation, method)(*args, **changes)


def finished(scenario: Scenario, seed: int | None = None) -> Simulation:
    simulation = started(scenario, seed)
    for act in scenario.acts:
        simulation.run(until_ms=act.time_ms)
        perform(act, simulation)
    simulation.run()
    return simulation


def contents(state: State) -> dict[str, bytes]:
    """The bytes of all that matters: pools up to what is used of them."""
    clock = state.clock[0]
    used = {
        "events": clock.n_events,
        "attempts": clock.n_attempts,
        "payments": clock.n_payments,
        "memory": clock.n_memory,
        "operations": clock.n_operations,
    }
    pools = {name: getattr(state, name) for name in State._fields if name not in SCRATCH}
    return {name: pool[: used.get(name, len(pool))].tobytes() for name, pool in pools.items()}


@HERE
@given(scenario=scenarios(), chunk=st.integers(1, 60))
def test_the_audit_is_empty_after_every_chunk(scenario: Scenario, chunk: int):
    simulation = started(scenario)
    for act in (*scenario.acts, None):
        until_ms = act.time_ms if act else None
        while simulation.run(until_ms, max_events=chunk) == ExitReason.EVENTS_SPENT:
            assert simulation.audit() == []
        if act:
            perform(act, simulation)
        assert simulation.audit() == []


@HERE
@given(scenario=scenarios())
def test_no_htlc_is_added_at_the_cost_of_a_reserve(scenario: Scenario):
    """A side may start below its reserve and be paid; it never sinks further by sending."""
    simulation = started(scenario)
    for act in (*scenario.acts, None):
        until_ms = act.time_ms if act else None
        before = simulation.state.edges.balance_msat.copy()
        while simulation.run(until_ms, max_events=1) == ExitReason.EVENTS_SPENT:
            edges = simulation.state.edges
            has_sunk = (edges.balance_msat < before) & (edges.is_open | (edges.n_htlcs > 0)) & ~edges.is_on_chain
            assert (edges.balance_msat >= edges.reserve_msat)[has_sunk].all()
            before = edges.balance_msat.copy()
        if act:
            perform(act, simulation)


@HERE
@given(scenario=scenarios())
def test_no_money_is_made_or_lost(scenario: Scenario):
    """Wallets and channels lose what miners and the swap service take, and what is on its way between them."""
    simulation = finished(scenario)
    endowed = sum(200_000_000 for act in scenario.acts if act.kind in ON_CHAIN)
    edges, operations = simulation.state.edges, simulation.operations
    channels_msat = int(edges.balance_msat.sum() + edges.in_flight_msat.sum())
    total_msat = channels_msat + int(simulation.state.nodes.wallet_msat.sum())
    done = operations[operations.status == OP_DONE]
    # The swap service's on-chain side is not kept: it takes the deposits of swaps in and pays for swaps out.
    service_msat = done.amount_msat[done.kind == SWAP_IN].sum() - done.amount_msat[done.kind == SWAP_OUT].sum()
    before_msat = int(scenario.network.channels.capacity_msat.sum())
    assert total_msat == before_msat + endowed - int(operations.fee_msat.sum()) - int(service_msat)
    is_awaited = simulation.state.clock[0].n_waiting > 0  # HTLCs of a node that left for good
    assert is_awaited or edges.in_flight_msat.sum() == 0


@HERE
@given(scenario=scenarios(), chunks=st.lists(st.integers(1, 200), min_size=1, max_size=5))
def test_chunks_do_not_matter(scenario: Scenario, chunks: list[int]):
    whole, cut = finished(scenario), started(scenario)
    turn = 0
    for act in (*scenario.acts, None):
        until_ms = act.time_ms if act else None
        while cut.run(until_ms, max_events=chunks[turn % len(chunks)]) == ExitReason.EVENTS_SPENT:
            turn += 1
        if act:
            perform(act, cut)
    assert contents(whole.state) == contents(cut.state)


@HERE
@given(scenario=scenarios())
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(scenario: Scenario):
    first, again = finished(scenario), finished(scenario)
    assert contents(first.state) == contents(again.state)
    other = finished(scenario, seed=scenario.seed ^ 1)
    has_sent = bool((first.state.attempts.amounts[:, 0] > 0).any())
    is_random = scenario.config.latency_sigma > 0 and has_sent
    if is_random and scenario.config.latency == "log-normal":
        ends = [simulation.payments.end_ms.tolist() for simulation in (first, other)]
        sent = [simulation.state.attempts.added_ms.tolist() for simulation in (first, other)]
        assert ends[0] != ends[1] or sent[0] != sent[1] or first.now_ms != other.now_ms


@HERE
@given(scenario=scenarios(), share=st.floats(0, 1))
def test_a_copy_and_a_pickle_go_their_own_way_to_the_same_end(scenario: Scenario, share: float):
    n_events = int(finished(scenario).state.clock[0].n_processed * share)
    plain = Scenario(scenario.network, scenario.payments, scenario.config, scenario.seed, ())
    simulation = started(plain)
    simulation.run(max_events=n_events)
    frozen = contents(simulation.state)
    copied, pickled = simulation.copy(), simulation.copy()
    pickled.state = pickle.loads(pickle.dumps(simulation.state))
    simulation.run()
    assert contents(copied.state) == frozen, "what the original does leaves the copy alone"
    copied.run()
    pickled.run()
    assert contents(copied.state) == contents(simulation.state)
    assert contents(pickled.state) == contents(simulation.state)
    assert np.array_equal(copied.capacity_msat, simulation.capacity_msat)
