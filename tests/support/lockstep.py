"""Run the compiled engine and its twin side by side, one event at a time, and compare all they show."""

import numpy as np
from scenarios import Scenario, calls

from lnherd.engine import ExitReason, Simulation
from lnherd.engine.codes import (
    BLOCK_FOUND,
    DECISION_DUE,
    FAILURE_ARRIVES,
    GIVE_UP,
    HTLC_ARRIVES,
    NO_FAILURE,
    PAYMENT_STARTS,
    PREIMAGE_ARRIVES,
    SPLIT,
)
from lnherd.engine.hop_observing import PendingChoices
from lnherd.engine.loop import NEVER
from lnherd.reference import Happening, ReferenceSimulation
from lnherd.reference.hops import holder, may_split, objection

NEWS = (HTLC_ARRIVES, PREIMAGE_ARRIVES, FAILURE_ARRIVES, DECISION_DUE)


def next_happening(simulation: Simulation) -> Happening:
    """What the compiled engine will handle next, in the words of the twin's trace."""
    state = simulation.state
    clock = state.clock[0]
    event = state.events[0]
    agenda_ms = int(event.time_ms) if clock.n_events else NEVER
    is_payment_left = clock.next_payment < clock.n_scheduled
    payment_ms = int(state.payments[clock.next_payment].start_ms) if is_payment_left else NEVER
    time_ms = min(agenda_ms, payment_ms, int(clock.next_block_ms))
    if time_ms == agenda_ms:
        kind, subject = int(event.kind), int(event.subject)
        if kind in NEWS:
            attempt = state.attempts[subject]
            return Happening(time_ms, kind, (int(attempt.payment), int(attempt.number), int(attempt.hop)))
        return Happening(time_ms, kind, (subject,))
    if time_ms == payment_ms:
        return Happening(time_ms, PAYMENT_STARTS, (int(clock.next_payment),))
    return Happening(time_ms, BLOCK_FOUND, (int(clock.height) + 1,))


def run_in_lockstep(scenario: Scenario) -> tuple[Simulation, ReferenceSimulation]:
    """Both simulations of ``scenario`` from start to end, equal after every event."""
    given = (scenario.network, scenario.payments)
    engine = Simulation(*given, config=scenario.config, seed=scenario.seed)
    twin = ReferenceSimulation(*given, config=scenario.config, seed=scenario.seed)
    for act in scenario.acts:
        advance(engine, twin, act.time_ms)
        for method, args, changes in calls(act, engine.state):
            assert getattr(engine, method)(*args, **changes) == getattr(twin, method)(*args, **changes)
        assert_same_channels(engine, twin)
    advance(engine, twin, None)
    assert_same_end(engine, twin)
    return engine, twin


def advance(engine: Simulation, twin: ReferenceSimulation, until_ms: int | None) -> None:
    """Both to ``until_ms``, event for event."""
    while True:
        expected, before = next_happening(engine), engine.state.clock[0].n_processed
        if engine.run(until_ms, max_events=1) == ExitReason.DECISION_NEEDED:
            decide(engine, twin)
            continue
        happening = twin.step(until_ms)
        if engine.state.clock[0].n_processed == before:
            assert happening is None, f"only the twin has {happening}"
            break
        assert happening == expected
        assert_same_channels(engine, twin)
        assert_same_payments(engine, twin)
    assert twin.world.now_ms == engine.now_ms


def decide(engine: Simulation, twin: ReferenceSimulation) -> None:
    """Choose alike for all that waits, now and then what is not possible."""
    attempts = engine.state.attempts[engine.pending]
    waiting = twin.world.pending
    assert [(part.payment, part.number) for part in waiting] == list(
        zip(attempts.payment.tolist(), attempts.number.tolist(), strict=True)
    )
    room = PendingChoices.room_for(len(waiting), int(engine.state.settings[0].max_candidates))
    assert room.observe(engine.state) == len(waiting)
    choices = []
    for row, part in enumerate(waiting):
        offered, node = room.choices[row][room.mask[row]].tolist(), holder(twin.world, part)
        own = [direction.edge for direction in twin.world.directions if direction.source == node]
        possible = {edge for edge in own if objection(twin.world, part, edge) == NO_FAILURE}
        assert set(offered) - {GIVE_UP, SPLIT} <= possible
        assert (SPLIT in offered) == may_split(twin.world, part)
        assert GIVE_UP in offered
        rng = np.random.default_rng([part.payment, part.number, part.hop + 1])
        choices.append(int(rng.choice(offered[1:] or offered if rng.random() < 0.9 else [*own, SPLIT, GIVE_UP])))
    engine.decide(np.array(choices))
    twin.decide(choices)
    assert_same_channels(engine, twin)
    assert_same_payments(engine, twin)


def assert_same_channels(engine: Simulation, twin: ReferenceSimulation) -> None:
    edges, directions = engine.state.edges, twin.world.directions
    assert edges.balance_msat.tolist() == [direction.balance_msat for direction in directions]
    assert edges.in_flight_msat.tolist() == [direction.in_flight_msat for direction in directions]
    assert engine.capacity_msat.tolist() == [direction.capacity_msat for direction in directions[::2]]
    assert edges.n_htlcs.tolist() == [len(direction.htlcs) for direction in directions]
    assert edges.is_open.tolist() == [direction.is_open for direction in directions]
    assert edges.is_on_chain.tolist() == [direction.is_on_chain for direction in directions]
    assert engine.state.nodes.online.tolist() == twin.world.online


PAYMENT_FIELDS = {
    "start_ms": "start_ms",
    "end_ms": "end_ms",
    "status": "status",
    "failure": "failure",
    "attempts": "attempts",
    "parts": "most_parts",
    "hops": "most_hops",
    "fee_msat": "fee_msat",
    "settled_msat": "settled_msat",
    "held_msat": "held_msat",
}
"""Field of the engine's payment record -> attribute of the twin's payment."""


def assert_same_payments(engine: Simulation, twin: ReferenceSimulation) -> None:
    for field, attribute in PAYMENT_FIELDS.items():
        expected = [getattr(payment, attribute) for payment in twin.world.payments]
        assert engine.payments[field].tolist() == expected, field


def assert_same_end(engine: Simulation, twin: ReferenceSimulation) -> None:
    """What changes too slowly to be looked at after every event."""
    world, state = twin.world, engine.state
    for field in state.flows.dtype.names:
        assert state.flows[field].tolist() == [getattr(flow, field) for flow in world.flows], field
    for field in ("kind", "status", "node", "edge", "payment", "amount_msat", "fee_msat", "confirm_height"):
        expected = [getattr(operation, field) for operation in world.operations]
        assert engine.operations[field].tolist() == expected, field
    assert state.nodes.wallet_msat.tolist() == world.wallets
    assert (engine.height, engine.feerate_msat_per_vb) == (world.height, world.feerate_msat_per_vb)
    believed = state.gossip[state.gossip_position]
    for field in set(believed.dtype.names) - {"edge", "source"}:
        expected = [getattr(announcement, field) for announcement in world.announcements]
        assert believed[field].tolist() == expected, field
    for field in ("availability", "changed_ms", "n_switches", "is_written_off"):
        assert state.conduct[field].tolist() == [getattr(conduct, field) for conduct in world.conducts], field
    assert state.clock[0].n_waiting == sum(len(conduct.waiting) for conduct in world.conducts)
    assert state.clock[0].n_offline == world.online.count(False)
    assert state.clock[0].n_background == world.n_background
    assert state.clock[0].n_churning == world.n_churning
    assert state.clock[0].attempts_total == engine.payments.attempts.sum()
    assert engine.audit() == []
