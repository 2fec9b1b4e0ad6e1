"""The agenda: a binary heap of events, ordered by (time, priority, sequence).

The sequence number makes ties deterministic, as in SimPy's ``Environment.schedule``. Space is ensured by
the loop before it handles an event, so pushing never fails.
"""

from lnherd.engine.jit import jit
from lnherd.engine.state import State

PRIORITY_SHIFT = 48


@jit
def schedule(state: State, time_ms: int, kind: int, subject: int) -> None:
    """Put an event on the agenda. The kind is also its priority among events of the same time."""
    clock, events = state.clock[0], state.events
    order = (kind << PRIORITY_SHIFT) | clock.sequence
    clock.sequence += 1
    hole = clock.n_events
    clock.n_events += 1
    while hole > 0:
        parent = (hole - 1) >> 1
        above = events[parent]
        if above.time_ms < time_ms or (above.time_ms == time_ms and above.order < order):
            break
        _move(state, parent, hole)
        hole = parent
    _place(state, hole, time_ms, order, kind, subject)


@jit
def drop_first(state: State) -> None:
    """Remove the earliest event, which the caller has read from ``events[0]``."""
    clock, events = state.clock[0], state.events
    clock.n_events -= 1
    n_events = clock.n_events
    last = events[n_events]
    time_ms, order, kind, subject = last.time_ms, last.order, last.kind, last.subject
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= n_events:
            break
        if child + 1 < n_events and _is_before(state, child + 1, child):
            child += 1
        below = events[child]
        if time_ms < below.time_ms or (time_ms == below.time_ms and order < below.order):
            break
        _move(state, child, hole)
        hole = child
    if n_events > 0:
        _place(state, hole, time_ms, order, kind, subject)


@jit
def cancel(state: State, kind: int, subject: int) -> None:
    """Remove the only event of this kind and subject, wherever on the agenda it is."""
    events, hole = state.events, 0
    while events[hole].kind != kind or events[hole].subject != subject:
        hole += 1
    while hole > 0:  # what is above moves down, so that it is the first that is to be removed
        parent = (hole - 1) >> 1
        _move(state, parent, hole)
        hole = parent
    drop_first(state)


@jit
def _is_before(state: State, one: int, other: int) -> bool:
    first, second = state.events[one], state.events[other]
    earlier: bool = first.time_ms < second.time_ms
    return earlier or (first.time_ms == second.time_ms and first.order < second.order)


@jit
def _move(state: State, source: int, target: int) -> None:
    event = state.events[source]
    _place(state, target, event.time_ms, event.order, event.kind, event.subject)


@jit
def _place(state: State, index: int, time_ms: int, order: int, kind: int, subject: int) -> None:
    event = state.events[index]
    event.time_ms = time_ms
    event.order = order
    event.kind = kind
    event.subject = subject
