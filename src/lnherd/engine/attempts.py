"""Attempts: onions on their way. A pool with a free list; the live ones of a payment are linked."""

from lnherd.engine.channels import add_htlc
from lnherd.engine.codes import DECIDING, FORWARDING, FREE, HTLC_ARRIVES, NO_FAILURE
from lnherd.engine.force_close import claim
from lnherd.engine.heap import schedule
from lnherd.engine.jit import jit
from lnherd.engine.latency import BACK, arrival_delay_ms, hop_latency_ms
from lnherd.engine.state import NONE, State


@jit
def count_attempt(state: State, payment_id: int) -> None:
    """The payment tries once more, with or without a route."""
    state.payments[payment_id].attempts += 1
    state.clock[0].attempts_total += 1


@jit
def dispatch(state: State, payment_id: int, amount_msat: int) -> None:
    """Send ``amount_msat`` of a payment along ``state.route``: lock the first hop, let the onion travel."""
    attempt_id = begin(state, payment_id, amount_msat)
    attempt, route = state.attempts[attempt_id], state.route[0]
    payment, clock = state.payments[payment_id], state.clock[0]
    attempt.status, attempt.n_hops, attempt.hop = FORWARDING, route.n_hops, 0
    for hop in range(route.n_hops):
        attempt.edges[hop] = route.edges[hop]
        attempt.amounts[hop] = route.amounts[hop]
        attempt.cltv[hop] = route.cltv[hop]
    payment.fee_msat += route.amounts[0] - amount_msat
    attempt.added_ms[0] = clock.now_ms
    add_htlc(state, route.edges[0], route.amounts[0])
    schedule(state, clock.now_ms + arrival_delay_ms(state, attempt_id), HTLC_ARRIVES, attempt_id)


@jit
def begin(state: State, payment_id: int, amount_msat: int) -> int:
    """Make a part of ``amount_msat``, the payment's newest, that is still without route or HTLC."""
    attempt_id = _take(state)
    attempt, payment, clock = state.attempts[attempt_id], state.payments[payment_id], state.clock[0]
    attempt.payment = payment_id
    attempt.number = payment.attempts
    attempt.status, attempt.failure = DECIDING, NO_FAILURE
    attempt.n_hops, attempt.hop, attempt.failed_hop = 0, NONE, NONE
    attempt.amount_msat, attempt.sent_height = amount_msat, clock.height
    attempt.claim, attempt.is_waiting = NONE, False
    attempt.next = payment.first_attempt
    payment.first_attempt = attempt_id
    payment.live_parts += 1
    payment.parts = max(payment.parts, payment.live_parts)
    payment.dispatched_msat += amount_msat
    return attempt_id


@jit
def turn_back(state: State, attempt_id: int, status: int, event: int) -> None:
    """Send news of the current hop's HTLC to its near end: by message or, if the channel is gone, through the chain."""
    attempt = state.attempts[attempt_id]
    attempt.status = status
    if state.clock[0].n_on_chain > 0 and state.edges[attempt.edges[attempt.hop]].is_on_chain:
        claim(state, attempt_id)
        return
    delay = hop_latency_ms(state, attempt.payment, attempt.number, attempt.hop, BACK)
    schedule(state, state.clock[0].now_ms + delay, event, attempt_id)


@jit
def finish(state: State, payment_id: int, status: int) -> None:
    """The payment is over."""
    payment = state.payments[payment_id]
    payment.status = status
    payment.end_ms = state.clock[0].now_ms


@jit
def release(state: State, attempt_id: int) -> None:
    """Take a finished attempt off its payment's list and give its record back."""
    clock, attempt = state.clock[0], state.attempts[attempt_id]
    payment = state.payments[attempt.payment]
    if payment.first_attempt == attempt_id:
        payment.first_attempt = attempt.next
    else:
        before = payment.first_attempt
        while state.attempts[before].next != attempt_id:
            before = state.attempts[before].next
        state.attempts[before].next = attempt.next
    clock.n_live -= 1
    payment.live_parts -= 1
    payment.dispatched_msat -= attempt.amount_msat
    attempt.status = FREE
    attempt.next = clock.free_attempt
    clock.free_attempt = attempt_id


@jit
def _take(state: State) -> int:
    clock = state.clock[0]
    attempt_id: int = clock.free_attempt
    clock.n_live += 1
    if attempt_id != NONE:
        clock.free_attempt = state.attempts[attempt_id].next
        return attempt_id
    attempt_id = clock.n_attempts
    clock.n_attempts += 1
    return attempt_id
