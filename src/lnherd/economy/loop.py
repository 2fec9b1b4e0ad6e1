"""One slice of the economy: everything up to a time, given the payments that have finished by its beginning."""

from lnherd.economy.agenda import (
    ANSWERED,
    ASKED,
    CALL_BEGINS,
    CHALLENGED,
    KIND_SHIFT,
    MOOD_TURNS,
    OUTCOME_HEARD,
    REPRICES,
    SERVICE_TOGGLES,
    SLOT_FREED,
    SUBJECT_MASK,
    TASK_ARRIVES,
    TASK_TRIGGERED,
    TRIES_AGAIN,
    TURNED_AWAY,
    USED,
    drop_first,
)
from lnherd.economy.arrivals import candidate_is_kept, schedule_arrival, schedule_children, turn_mood
from lnherd.economy.buying import (
    begin_call,
    choose,
    hear_outcome,
    hear_price,
    is_answered,
    is_turned_away,
    note_outcomes,
    take_task,
)
from lnherd.economy.selling import is_asked, is_used, reprice, toggle
from lnherd.economy.state import EconomyState
from lnherd.engine.jit import jit
from lnherd.network.records import Records

HEADROOM = 16
"""Events that one event may put on the agenda, and calls it may log, at most."""
DONE, SPACE_NEEDED = 0, 1


@jit
def step(economy: EconomyState, payments: Records, until_ms: int, next_payment: int) -> int:
    """Handle everything up to ``until_ms`` (inclusive); payments to start are left in the outbox.

    ``payments`` are the engine's, ``next_payment`` is the id that the first of the outbox will get.
    """
    clock = economy.clock[0]
    clock.next_payment = next_payment + clock.n_outbox
    note_outcomes(economy, payments)
    while clock.n_events > 0 and economy.events[0].time_ms <= until_ms:
        if clock.n_events + HEADROOM > len(economy.events) or clock.n_calls + HEADROOM > len(economy.calls):
            return SPACE_NEEDED
        clock.now_ms = economy.events[0].time_ms
        order = economy.events[0].order
        drop_first(economy)
        _handle(economy, payments, order >> KIND_SHIFT, order & SUBJECT_MASK)
    clock.now_ms = until_ms
    return DONE


@jit
def _handle(economy: EconomyState, payments: Records, kind: int, subject: int) -> None:
    if kind == ASKED:
        is_asked(economy, subject)
    elif kind == USED:
        is_used(economy, subject)
    elif kind == CHALLENGED:
        hear_price(economy, subject)
    elif kind == OUTCOME_HEARD:
        hear_outcome(economy, payments, subject)
    elif kind == ANSWERED:
        is_answered(economy, subject)
    elif kind == TURNED_AWAY:
        is_turned_away(economy, subject)
    elif kind == CALL_BEGINS:
        begin_call(economy, subject)
    elif kind == TRIES_AGAIN:
        choose(economy, subject)
    elif kind == SLOT_FREED:
        economy.services[subject].busy -= 1
    elif kind in (TASK_ARRIVES, TASK_TRIGGERED):
        _task_arrives(economy, kind, subject)
    elif kind == SERVICE_TOGGLES:
        toggle(economy, subject)
    elif kind == REPRICES:
        reprice(economy, subject)
    elif kind == MOOD_TURNS:
        turn_mood(economy)


@jit
def _task_arrives(economy: EconomyState, kind: int, agent_id: int) -> None:
    is_task = kind == TASK_TRIGGERED or candidate_is_kept(economy, agent_id)
    if kind == TASK_ARRIVES:
        schedule_arrival(economy, agent_id)
    if is_task:
        schedule_children(economy, agent_id)
        take_task(economy, agent_id)
