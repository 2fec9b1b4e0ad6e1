"""One HTLC at a time: what a node does when an HTLC, a preimage or a failure reaches it.

An attempt walks forth (``FORWARDING``) until the receiver takes it or a node refuses it, then back, hop by
hop, settling or failing the HTLC of each hop as the news arrives at that hop's near end.
"""

from lnherd.engine.attempts import turn_back
from lnherd.engine.channels import add_htlc, fail_htlc, refusal, settle_htlc
from lnherd.engine.codes import (
    EXPIRY_TOO_FAR,
    EXPIRY_TOO_SOON,
    FAILING,
    FAILURE_ARRIVES,
    FEE_INSUFFICIENT,
    HELD,
    HTLC_ARRIVES,
    INCORRECT_CLTV_EXPIRY,
    INCORRECT_PAYMENT_DETAILS,
    MPP_TIMEOUT,
    NO_FAILURE,
    PAYMENT_EXPIRES,
    PREIMAGE_ARRIVES,
    SETTLING,
    TEMPORARY_CHANNEL_FAILURE,
)
from lnherd.engine.fees import forward_fee_msat
from lnherd.engine.force_close import collect_claim
from lnherd.engine.heap import schedule
from lnherd.engine.hops import ask_holder, is_at_receiver, note_outcome
from lnherd.engine.jit import jit
from lnherd.engine.latency import arrival_delay_ms, refuses_at_will
from lnherd.engine.payments import part_failed, part_succeeded
from lnherd.engine.state import NONE, State

HOLD_MS = 120_000
"""How long a receiver waits for the missing parts of a payment (LND ``HtlcHoldDuration``)."""


@jit
def htlc_arrives(state: State, attempt_id: int) -> None:
    """The HTLC of the current hop reached its far end: receive it, forward it or send it back failed."""
    attempt = state.attempts[attempt_id]
    if attempt.n_hops == 0 and is_at_receiver(state, attempt_id):
        attempt.n_hops = attempt.hop + 1
    next_hop, is_last = attempt.hop + 1, attempt.hop == attempt.n_hops - 1
    if refuses_at_will(state, attempt_id):
        failure = INCORRECT_PAYMENT_DETAILS if is_last else TEMPORARY_CHANNEL_FAILURE
    elif is_last and _comes_too_late(state, attempt_id):
        failure = EXPIRY_TOO_SOON
    elif attempt.n_hops == 0:
        ask_holder(state, attempt_id)
        return
    elif is_last:
        _receive(state, attempt_id)
        return
    else:
        failure = _forward(state, attempt_id, next_hop)
    if failure != NO_FAILURE:
        attempt.failure, attempt.failed_hop = failure, next_hop
        turn_back(state, attempt_id, FAILING, FAILURE_ARRIVES)


@jit
def _comes_too_late(state: State, attempt_id: int) -> bool:
    """Whether the receiver has too few blocks left to be sure of its money."""
    attempt, settings = state.attempts[attempt_id], state.settings[0]
    blocks_left = attempt.sent_height + attempt.cltv[attempt.hop] - state.clock[0].height
    return bool(blocks_left < min(settings.final_reject_delta, attempt.cltv[attempt.hop]))


@jit
def _forward(state: State, attempt_id: int, next_hop: int) -> int:
    attempt = state.attempts[attempt_id]
    state.clock[0].forwards_total += 1
    edge, amount_msat = attempt.edges[next_hop], attempt.amounts[next_hop]
    failure = _violation(state, attempt_id, next_hop, edge)
    chosen = edge
    if failure != NO_FAILURE and not state.settings[0].strict_forwarding and state.edges[edge].parallel != edge:
        chosen = _parallel_that_accepts(state, attempt_id, next_hop)
        failure = NO_FAILURE if chosen != NONE else failure
    if failure != NO_FAILURE:
        flow = state.flows[edge]
        flow.n_refused += 1
        flow.refused_msat += amount_msat
        return failure
    attempt.edges[next_hop] = chosen
    attempt.hop, attempt.added_ms[next_hop] = next_hop, state.clock[0].now_ms
    add_htlc(state, chosen, amount_msat)
    schedule(state, state.clock[0].now_ms + arrival_delay_ms(state, attempt_id), HTLC_ARRIVES, attempt_id)
    return NO_FAILURE


@jit
def _violation(state: State, attempt_id: int, next_hop: int, edge: int) -> int:
    """Why the HTLC may not leave over ``edge``: channel limits, then fee and time lock (BOLT 4, 7)."""
    attempt = state.attempts[attempt_id]
    amount_msat = attempt.amounts[next_hop]
    failure = refusal(state, edge, amount_msat)
    if failure != NO_FAILURE:
        return failure
    policy, incoming = state.edges[edge], state.edges[attempt.edges[next_hop - 1] ^ 1]
    fee = forward_fee_msat(
        amount_msat,
        policy.base_fee_msat,
        policy.fee_ppm,
        incoming.inbound_base_fee_msat,
        incoming.inbound_fee_ppm,
    )
    if attempt.amounts[next_hop - 1] - amount_msat < fee:
        return FEE_INSUFFICIENT
    if attempt.cltv[next_hop] > state.settings[0].max_outgoing_cltv:
        return EXPIRY_TOO_FAR
    if attempt.cltv[next_hop - 1] - attempt.cltv[next_hop] < policy.cltv_delta:
        return INCORRECT_CLTV_EXPIRY
    blocks_left = attempt.sent_height + attempt.cltv[next_hop] - state.clock[0].height
    return EXPIRY_TOO_SOON if blocks_left <= state.settings[0].outgoing_reject_delta else NO_FAILURE


@jit
def _parallel_that_accepts(state: State, attempt_id: int, next_hop: int) -> int:
    """Non-strict forwarding (BOLT 4): any other channel to the same peer that takes the HTLC, or NONE."""
    named = state.attempts[attempt_id].edges[next_hop]
    edge = state.edges[named].parallel
    while edge != named:
        if _violation(state, attempt_id, next_hop, edge) == NO_FAILURE:
            return int(edge)
        edge = state.edges[edge].parallel
    return NONE


@jit
def _receive(state: State, attempt_id: int) -> None:
    """The receiver releases the preimage once all parts are there (atomic multi-path, BOLT 4 ``basic_mpp``)."""
    attempt = state.attempts[attempt_id]
    payment = state.payments[attempt.payment]
    if state.settings[0].parts_settle_alone:
        turn_back(state, attempt_id, SETTLING, PREIMAGE_ARRIVES)
        return
    attempt.status = HELD
    payment.held_msat += attempt.amount_msat
    if payment.held_msat < payment.amount_msat:
        if payment.held_msat == attempt.amount_msat:
            schedule(state, state.clock[0].now_ms + HOLD_MS, PAYMENT_EXPIRES, attempt.payment)
        return
    _turn_back_held(state, attempt.payment, NO_FAILURE)


@jit
def _turn_back_held(state: State, payment_id: int, failure: int) -> None:
    payment = state.payments[payment_id]
    payment.held_msat = 0
    attempt_id = payment.first_attempt
    while attempt_id != NONE:
        attempt = state.attempts[attempt_id]
        if attempt.status == HELD and failure == NO_FAILURE:
            turn_back(state, attempt_id, SETTLING, PREIMAGE_ARRIVES)
        elif attempt.status == HELD:
            attempt.failure, attempt.failed_hop = failure, attempt.n_hops
            turn_back(state, attempt_id, FAILING, FAILURE_ARRIVES)
        attempt_id = attempt.next


@jit
def held_parts_expire(state: State, payment_id: int) -> None:
    """The receiver waited long enough for the missing parts: it fails those that came (BOLT 4 mpp_timeout)."""
    if state.payments[payment_id].held_msat > 0:
        _turn_back_held(state, payment_id, MPP_TIMEOUT)


@jit
def preimage_arrives(state: State, attempt_id: int) -> None:
    """The preimage reached the near end of the current hop: that HTLC settles, the news travels on."""
    attempt = state.attempts[attempt_id]
    hop = attempt.hop
    edge, amount_msat = attempt.edges[hop], attempt.amounts[hop]
    if attempt.claim == NONE:
        settle_htlc(state, edge, amount_msat)
    else:
        collect_claim(state, attempt_id)
    flow = state.flows[edge]
    flow.n_settled += 1
    flow.settled_msat += amount_msat
    flow.hold_ms += state.clock[0].now_ms - attempt.added_ms[hop]
    note_outcome(state, attempt_id, True)
    if hop == 0:
        part_succeeded(state, attempt_id)
        return
    flow.n_forwards += 1
    flow.forwarded_msat += amount_msat
    fee_msat = attempt.amounts[hop - 1] - amount_msat
    flow.fees_msat += fee_msat
    state.flows[attempt.edges[hop - 1]].assisted_msat += fee_msat
    attempt.hop = hop - 1
    turn_back(state, attempt_id, SETTLING, PREIMAGE_ARRIVES)


@jit
def failure_arrives(state: State, attempt_id: int) -> None:
    """The failure reached the near end of the current hop: that HTLC is taken back, the news travels on."""
    attempt = state.attempts[attempt_id]
    note_outcome(state, attempt_id, False)
    if attempt.claim == NONE:
        fail_htlc(state, attempt.edges[attempt.hop], attempt.amounts[attempt.hop])
    else:
        collect_claim(state, attempt_id)
    if attempt.hop == 0:
        part_failed(state, attempt_id)
        return
    attempt.hop -= 1
    turn_back(state, attempt_id, FAILING, FAILURE_ARRIVES)
