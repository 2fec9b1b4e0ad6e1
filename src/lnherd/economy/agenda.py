"""The economy's agenda: a binary heap of events ordered by (time, kind, subject).

Unlike the engine's there is no sequence number: two events of one kind, subject and time are interchangeable, and
the order must not depend on when they were put in.
"""

from lnherd.economy.state import EconomyState
from lnherd.engine.jit import jit

# In order of priority at the same millisecond.
SLOT_FREED = 0
SERVICE_TOGGLES = 1
REPRICES = 2
MOOD_TURNS = 3
ASKED = 4
USED = 5
CHALLENGED = 6
OUTCOME_HEARD = 7
ANSWERED = 8
TURNED_AWAY = 9
TRIES_AGAIN = 10
CALL_BEGINS = 11
TASK_TRIGGERED = 12
TASK_ARRIVES = 13

KIND_SHIFT = 32
SUBJECT_MASK = (1 << KIND_SHIFT) - 1


@jit
def schedule(economy: EconomyState, time_ms: int, kind: int, subject: int) -> None:
    """Put an event on the agenda, which has room (``loop.step`` sees to it)."""
    clock, events = economy.clock[0], economy.events
    order = (kind << KIND_SHIFT) | int(subject)
    hole = clock.n_events
    clock.n_events += 1
    while hole > 0:
        parent = (hole - 1) >> 1
        above = events[parent]
        if above.time_ms < time_ms or (above.time_ms == time_ms and above.order <= order):
            break
        events[hole].time_ms, events[hole].order = above.time_ms, above.order
        hole = parent
    events[hole].time_ms, events[hole].order = time_ms, order


@jit
def drop_first(economy: EconomyState) -> None:
    """Remove the earliest event, which the caller has read from ``events[0]``."""
    clock, events = economy.clock[0], economy.events
    clock.n_events -= 1
    n_events = clock.n_events
    time_ms, order = events[n_events].time_ms, events[n_events].order
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= n_events:
            break
        if child + 1 < n_events and _is_before(economy, child + 1, child):
            child += 1
        below = events[child]
        if time_ms < below.time_ms or (time_ms == below.time_ms and order <= below.order):
            break
        events[hole].time_ms, events[hole].order = below.time_ms, below.order
        hole = child
    events[hole].time_ms, events[hole].order = time_ms, order


@jit
def _is_before(economy: EconomyState, one: int, other: int) -> bool:
    first, second = economy.events[one], economy.events[other]
    earlier: bool = first.time_ms < second.time_ms
    return earlier or (first.time_ms == second.time_ms and first.order < second.order)
