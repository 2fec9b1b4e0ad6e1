"""The event loop: whatever comes first, until time, work or space runs out.

Three sources are merged: the payments given in advance (already in order of time), the next block, and the
agenda of everything else. On a tie the agenda goes first, then a payment, then the block.
"""

from lnherd.engine.chain import find_block, is_quiet
from lnherd.engine.codes import (
    CLOSE_CHANNEL,
    DECISION_DUE,
    FAILED,
    FAILURE_ARRIVES,
    HTLC_ARRIVES,
    HTLC_CLAIM,
    NODE_SWITCHES,
    OP_MATURING,
    OP_OFF_CHAIN,
    PAYMENT_EXPIRES,
    PAYMENT_STARTS,
    POLICY_HEARD,
    PREIMAGE_ARRIVES,
    PRESENCE_HEARD,
    SUCCEEDED,
)
from lnherd.engine.force_close import is_awaited
from lnherd.engine.forwarding import failure_arrives, held_parts_expire, htlc_arrives, preimage_arrives
from lnherd.engine.gossip import hear_policy
from lnherd.engine.heap import drop_first
from lnherd.engine.hop_policies import carry_out_noted, decision_due
from lnherd.engine.hop_recording import lacks_log_space
from lnherd.engine.jit import jit
from lnherd.engine.payments import start_payment
from lnherd.engine.presence import hear_presence, must_wait, switch_by_itself
from lnherd.engine.state import MAX_HOPS, State
from lnherd.network.records import Ints

NEVER = 1 << 62
IDLE, TIME_REACHED, EVENTS_SPENT, SPACE_NEEDED, DECISION_NEEDED = 0, 1, 2, 3, 4
HEADROOM = 64
"""Records that must be free in every pool before an event. None takes more: a payment may send 16 parts, an
attempt teaches about 27 hops, a block may start one payment for each operation."""


@jit
def run(state: State, until_ms: int, max_events: int) -> int:
    """Advance until ``until_ms`` (inclusive), for at most ``max_events`` events; returns why it stopped.

    Choices from outside are gathered until the clock would have to move on, or no more can wait.
    """
    clock = state.clock[0]
    for _ in range(max_events):
        if _lacks_space(state):
            return SPACE_NEEDED
        agenda_ms = state.events[0].time_ms if clock.n_events > 0 else NEVER
        payment_ms = state.payments[clock.next_payment].start_ms if clock.next_payment < clock.n_scheduled else NEVER
        time_ms = min(agenda_ms, payment_ms, clock.next_block_ms)
        if clock.n_pending > 0 and (min(agenda_ms, payment_ms) > clock.now_ms or clock.n_pending == len(state.pending)):
            return DECISION_NEEDED
        if until_ms == NEVER and payment_ms == NEVER and _is_idle(state):
            return IDLE
        if time_ms > until_ms:
            clock.now_ms = until_ms
            return TIME_REACHED
        clock.now_ms = time_ms
        clock.n_processed += 1
        if agenda_ms == time_ms:
            _handle_first(state)
        elif payment_ms == time_ms:
            payment_id = clock.next_payment
            clock.next_payment += 1
            start_payment(state, payment_id)
        else:
            find_block(state)
    return EVENTS_SPENT


@jit
def carry_out_pending(state: State, choices: Ints, n_done: int) -> int:
    """Carry out ``choices`` for what waits, from ``n_done`` on and as far as there is room; returns how many are."""
    clock = state.clock[0]
    while n_done < clock.n_pending:
        if _lacks_space(state):
            return n_done
        carry_out_noted(state, state.pending[n_done], choices[n_done])
        n_done += 1
    clock.n_pending = 0
    return n_done


@jit
def _handle_first(state: State) -> None:
    kind, subject = state.events[0].kind, state.events[0].subject
    drop_first(state)
    if kind <= FAILURE_ARRIVES and state.clock[0].n_offline > 0 and must_wait(state, subject):
        return
    if kind == HTLC_ARRIVES:
        htlc_arrives(state, subject)
    elif kind == PREIMAGE_ARRIVES:
        preimage_arrives(state, subject)
    elif kind == FAILURE_ARRIVES:
        failure_arrives(state, subject)
    elif kind == PAYMENT_STARTS:
        start_payment(state, subject)
    elif kind == PAYMENT_EXPIRES:
        held_parts_expire(state, subject)
    elif kind == POLICY_HEARD:
        hear_policy(state, subject)
    elif kind == NODE_SWITCHES:
        switch_by_itself(state, subject)
    elif kind == PRESENCE_HEARD:
        hear_presence(state, subject)
    elif kind == DECISION_DUE:
        decision_due(state, subject)


@jit
def _lacks_space(state: State) -> bool:
    clock = state.clock[0]
    return bool(
        clock.n_events + HEADROOM + clock.n_operations + clock.n_waiting > len(state.events)
        or clock.n_live + HEADROOM > len(state.attempts)
        or clock.n_memory + HEADROOM > len(state.memory)
        or clock.n_lessons + HEADROOM > len(state.lessons)
        or clock.n_operations + HEADROOM + closures(state) > len(state.operations)
        or clock.n_outcomes + HEADROOM > len(state.outcomes)
        or lacks_log_space(state)
    )


@jit
def closures(state: State) -> int:
    """Most operations that one event can add: a claim for each attempt, a close for each channel that has an HTLC."""
    n_live = state.clock[0].n_live
    return int(n_live + min(MAX_HOPS * n_live, len(state.edges) >> 1))


@jit
def _is_idle(state: State) -> bool:
    """Whether nothing is left to happen, apart from nodes that come and go and find nothing waiting for them."""
    clock = state.clock[0]
    if clock.n_events > clock.n_background:
        return False
    if clock.n_waiting > 0 and is_awaited(state):
        return False
    for operation_id in range(clock.n_operations):
        if _needs_blocks(state, operation_id):
            return False
    return True


@jit
def _needs_blocks(state: State, operation_id: int) -> bool:
    """Whether an operation goes on at some block, though nothing happens until then."""
    operation = state.operations[operation_id]
    if operation.status != OP_OFF_CHAIN:
        return bool(operation.status <= OP_MATURING)
    if operation.kind == HTLC_CLAIM:
        return False
    if operation.kind == CLOSE_CHANNEL:
        return bool(state.edges[operation.edge].is_on_chain or is_quiet(state, operation.edge))
    return bool(state.payments[operation.payment].status in (SUCCEEDED, FAILED))
