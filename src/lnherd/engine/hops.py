"""Hop by hop: a payment without a route. Each node that holds it chooses the channel over which it goes on.

The source puts the amount plus a fee budget on the first channel. Every later node takes its announced fee
(computed on what came in, so never less than announced) and the time lock it asks for out of what came, and sends
on the rest, as trampoline nodes do; what is left of the budget at the end reaches the receiver. A node may give
up: the HTLC fails back to the source, which may try again. At the source a part may be split in two.

A choice is due at the end of the moment at which the HTLC arrived (``DECISION_DUE`` goes after all else of its
time) or at the next multiple of ``decision_interval_ms``.
"""

from lnherd.engine.attempts import begin, count_attempt, finish, release, turn_back
from lnherd.engine.channels import add_htlc, refusal
from lnherd.engine.codes import (
    DECIDING,
    DECISION_DUE,
    EXPIRY_TOO_FAR,
    EXPIRY_TOO_SOON,
    FAILED,
    FAILING,
    FAILURE_ARRIVES,
    FEE_INSUFFICIENT,
    FORWARDING,
    HTLC_ARRIVES,
    INCORRECT_CLTV_EXPIRY,
    NO_FAILURE,
    NO_ROUTE,
    PAYMENT_TIMEOUT,
    POLICY_EXTERNAL,
    POLICY_NETWORK,
    SPLIT,
    TEMPORARY_TRAMPOLINE_FAILURE,
)
from lnherd.engine.fees import forward_fee_msat
from lnherd.engine.heap import schedule
from lnherd.engine.hop_state import N_REGIONS
from lnherd.engine.jit import jit
from lnherd.engine.latency import arrival_delay_ms
from lnherd.engine.state import NONE, State

TRACK_LENGTH = 64
"""Outcomes after which a track forgets half of what it holds."""


@jit
def goes_hop_by_hop(state: State, payment_id: int) -> bool:
    """Whether nodes choose its way. Rebalances and swaps, which prescribe channels, are routed by their sender."""
    payment = state.payments[payment_id]
    is_free = payment.first_edge == NONE and payment.last_edge == NONE
    return bool(is_free and state.settings[0].hop_by_hop)


@jit
def ask_source(state: State, payment_id: int) -> None:
    """Let the source decide about all that is unsent; a payment that has failed ends with its last part."""
    payment, settings = state.payments[payment_id], state.settings[0]
    unsent_msat = payment.amount_msat - payment.dispatched_msat - payment.settled_msat
    if payment.failure == NO_FAILURE and unsent_msat > 0:
        if state.clock[0].now_ms > payment.start_ms + settings.payment_timeout_ms:
            payment.failure = PAYMENT_TIMEOUT
        elif payment.attempts >= settings.policy_attempts:
            payment.failure = NO_ROUTE
        else:
            _ask_about_part(state, payment_id, unsent_msat)
    if payment.failure != NO_FAILURE and payment.live_parts == 0:
        finish(state, payment_id, FAILED)


@jit
def _ask_about_part(state: State, payment_id: int, amount_msat: int) -> None:
    count_attempt(state, payment_id)
    ask_holder(state, begin(state, payment_id, amount_msat))


@jit
def ask_holder(state: State, attempt_id: int) -> None:
    """Who has the part decides at the end of this moment, or at the next multiple of the interval."""
    state.attempts[attempt_id].status = DECIDING
    now_ms, interval_ms = state.clock[0].now_ms, state.settings[0].decision_interval_ms
    due_ms = now_ms if interval_ms == 0 else (now_ms + interval_ms - 1) // interval_ms * interval_ms
    schedule(state, due_ms, DECISION_DUE, attempt_id)


@jit
def is_at_receiver(state: State, attempt_id: int) -> bool:
    """Whether nothing is left to choose."""
    return bool(holder(state, attempt_id) == state.payments[state.attempts[attempt_id].payment].receiver)


@jit
def holder(state: State, attempt_id: int) -> int:
    """The node that has to choose."""
    attempt = state.attempts[attempt_id]
    if attempt.hop < 0:
        return int(state.payments[attempt.payment].sender)
    return int(state.edges[attempt.edges[attempt.hop]].target)


@jit
def mark_path(state: State, attempt_id: int) -> None:
    """Stamp the nodes the part has passed; :func:`objection` rules them out."""
    attempt, hops = state.attempts[attempt_id], state.hops[0]
    hops.stamp += 1
    state.nodes[state.payments[attempt.payment].sender].visit = hops.stamp
    for hop in range(attempt.hop + 1):
        state.nodes[state.edges[attempt.edges[hop]].target].visit = hops.stamp


@jit
def is_over(state: State, attempt_id: int) -> bool:
    """The payment's time or hops are used up: all its holder can do is to give up."""
    attempt, settings = state.attempts[attempt_id], state.settings[0]
    start_ms = state.payments[attempt.payment].start_ms
    is_late: bool = state.clock[0].now_ms > start_ms + settings.payment_timeout_ms
    return is_late or bool(attempt.hop + 1 >= settings.hop_limit)


@jit
def objection(state: State, attempt_id: int, edge: int) -> int:
    """Why the part may not go on over ``edge``, or NO_FAILURE. Needs :func:`mark_path`."""
    if state.nodes[state.edges[edge].target].visit == state.hops[0].stamp or is_over(state, attempt_id):
        return TEMPORARY_TRAMPOLINE_FAILURE
    return objection_to(state, attempt_id, edge, onward_msat(state, attempt_id, edge))


@jit
def objection_to(state: State, attempt_id: int, edge: int, amount_msat: int) -> int:
    """:func:`objection` to ``amount_msat`` going on over ``edge`` to a node that the part has not been at, in time."""
    if amount_msat < state.attempts[attempt_id].amount_msat:
        return FEE_INSUFFICIENT
    cltv, settings = onward_cltv(state, attempt_id, edge), state.settings[0]
    if cltv > settings.max_outgoing_cltv:
        return EXPIRY_TOO_FAR
    if cltv < settings.final_cltv:
        return INCORRECT_CLTV_EXPIRY
    if _comes_too_soon(state, attempt_id, cltv):
        return EXPIRY_TOO_SOON
    return refusal(state, edge, amount_msat)


@jit
def _comes_too_soon(state: State, attempt_id: int, cltv: int) -> bool:
    """So much time has passed on the way that a forwarder would not have enough blocks left."""
    attempt = state.attempts[attempt_id]
    blocks_left = attempt.sent_height + cltv - state.clock[0].height
    return bool(attempt.hop >= 0 and blocks_left <= state.settings[0].outgoing_reject_delta)


@jit
def onward_msat(state: State, attempt_id: int, edge: int) -> int:
    """What goes on over ``edge``: all that came, less the holder's fee; from the source, amount and budget."""
    attempt = state.attempts[attempt_id]
    if attempt.hop < 0:
        if state.edges[edge].target == state.payments[attempt.payment].receiver:
            return int(attempt.amount_msat)
        return int(attempt.amount_msat + _fee_budget_msat(state, attempt_id))
    received_msat = attempt.amounts[attempt.hop]
    policy, incoming = state.edges[edge], state.edges[attempt.edges[attempt.hop] ^ 1]
    fee_msat = forward_fee_msat(
        received_msat,
        policy.base_fee_msat,
        policy.fee_ppm,
        incoming.inbound_base_fee_msat,
        incoming.inbound_fee_ppm,
    )
    return int(received_msat - fee_msat)


@jit
def _fee_budget_msat(state: State, attempt_id: int) -> int:
    attempt, settings = state.attempts[attempt_id], state.settings[0]
    payment, base_msat = state.payments[attempt.payment], settings.trampoline_fee_base_msat
    left_msat: int = payment.fee_limit_msat - payment.fee_msat
    return min(forward_fee_msat(attempt.amount_msat, base_msat, settings.trampoline_fee_ppm, 0, 0), left_msat)


@jit
def onward_cltv(state: State, attempt_id: int, edge: int) -> int:
    """Blocks for which the part stays locked beyond ``edge``."""
    attempt, settings = state.attempts[attempt_id], state.settings[0]
    if attempt.hop >= 0:
        return int(attempt.cltv[attempt.hop] - state.edges[edge].cltv_delta)
    is_direct = state.edges[edge].target == state.payments[attempt.payment].receiver
    return int(settings.final_cltv if is_direct else min(settings.cltv_limit, settings.max_outgoing_cltv))


@jit
def may_split(state: State, attempt_id: int) -> bool:
    """Only at the source, within the bounds on parts and attempts."""
    attempt, settings = state.attempts[attempt_id], state.settings[0]
    payment, half_msat = state.payments[attempt.payment], attempt.amount_msat // 2
    is_allowed = payment.live_parts < settings.max_parts and payment.attempts < settings.policy_attempts
    return bool(is_allowed and attempt.hop < 0 and half_msat >= settings.min_part_msat)


@jit
def carry_out(state: State, attempt_id: int, choice: int) -> None:
    """What the holder chose happens: an edge it may use, ``SPLIT`` where allowed, or it gives up."""
    attempt = state.attempts[attempt_id]
    payment = state.payments[attempt.payment]
    decision = state.clock[0].decisions_total
    state.clock[0].decisions_total += 1
    failure = TEMPORARY_TRAMPOLINE_FAILURE
    if attempt.hop < 0 and payment.failure != NO_FAILURE:
        choice = NONE  # another part has given the payment up meanwhile
    if choice >= 0:
        mark_path(state, attempt_id)
        failure = objection(state, attempt_id, choice)
    if failure == NO_FAILURE:
        _send_over(state, attempt_id, choice, decision)
        return
    if choice == SPLIT and may_split(state, attempt_id):
        _split(state, attempt_id)
    else:
        _refuse(state, attempt_id, failure, choice == NONE)
    _note(state, attempt_id, decision, choice == SPLIT)


@jit
def _send_over(state: State, attempt_id: int, edge: int, decision: int) -> None:
    attempt, clock = state.attempts[attempt_id], state.clock[0]
    amount_msat = onward_msat(state, attempt_id, edge)
    cltv = onward_cltv(state, attempt_id, edge)
    if attempt.hop < 0:
        state.payments[attempt.payment].fee_msat += amount_msat - attempt.amount_msat
        attempt.sent_height = clock.height
    else:
        clock.forwards_total += 1
    attempt.status, hop = FORWARDING, attempt.hop + 1
    attempt.hop, attempt.edges[hop], attempt.amounts[hop], attempt.cltv[hop] = hop, edge, amount_msat, cltv
    attempt.decision[hop], attempt.added_ms[hop] = decision, clock.now_ms
    add_htlc(state, edge, amount_msat)
    schedule(state, clock.now_ms + arrival_delay_ms(state, attempt_id), HTLC_ARRIVES, attempt_id)


@jit
def _split(state: State, attempt_id: int) -> None:
    """Two halves, about which the source decides one by one."""
    attempt = state.attempts[attempt_id]
    half_msat = attempt.amount_msat // 2
    attempt.amount_msat -= half_msat
    state.payments[attempt.payment].dispatched_msat -= half_msat
    ask_holder(state, attempt_id)
    _ask_about_part(state, attempt.payment, half_msat)


@jit
def _refuse(state: State, attempt_id: int, failure: int, gives_up: bool) -> None:
    """Fail the HTLC back; the source, if it does not give up the payment, thinks again."""
    attempt = state.attempts[attempt_id]
    if attempt.hop >= 0:
        attempt.failure, attempt.failed_hop = failure, attempt.hop + 1
        turn_back(state, attempt_id, FAILING, FAILURE_ARRIVES)
        return
    payment_id = attempt.payment
    if gives_up and state.payments[payment_id].failure == NO_FAILURE:
        state.payments[payment_id].failure = NO_ROUTE
    release(state, attempt_id)
    ask_source(state, payment_id)


@jit
def note_outcome(state: State, attempt_id: int, succeeded: bool) -> None:
    """The near end of the current hop learns what came of its choice."""
    attempt = state.attempts[attempt_id]
    if not goes_hop_by_hop(state, attempt.payment):
        return
    edge = attempt.edges[attempt.hop]
    region = state.destinations[state.payments[attempt.payment].receiver].region
    track, amount_msat = state.tracks[edge * N_REGIONS + region], attempt.amounts[attempt.hop]
    if succeeded:
        track.successes += 1
        track.passed_msat, track.passed_ms = amount_msat, state.clock[0].now_ms
    else:
        track.failures += 1
        track.failed_msat, track.failed_ms = amount_msat, state.clock[0].now_ms
        track.failed_payment = attempt.payment
    if track.successes + track.failures >= TRACK_LENGTH:
        track.successes, track.failures = track.successes >> 1, track.failures >> 1
    if _is_told(state, state.edges[edge].source):
        _note_hop(state, attempt_id, succeeded)


@jit
def _is_told(state: State, node: int) -> bool:
    """Whether outcomes of the node's choices are kept: they were made outside or are recorded."""
    kind = state.nodes[node].hop_policy
    return bool(kind == POLICY_EXTERNAL or (kind == POLICY_NETWORK and state.hops[0].is_recording))


@jit
def _note_hop(state: State, attempt_id: int, succeeded: bool) -> None:
    attempt, clock = state.attempts[attempt_id], state.clock[0]
    hop = attempt.hop
    outcome = state.outcomes[clock.n_outcomes]
    clock.n_outcomes += 1
    outcome.decision, outcome.node = attempt.decision[hop], state.edges[attempt.edges[hop]].source
    outcome.latency_ms, outcome.succeeded = clock.now_ms - attempt.added_ms[hop], succeeded
    outcome.amount_msat = attempt.amount_msat
    earns = succeeded and hop > 0
    outcome.fee_msat = attempt.amounts[hop - 1] - attempt.amounts[hop] if earns else 0


@jit
def _note(state: State, attempt_id: int, decision: int, succeeded: bool) -> None:
    """A choice that put no HTLC anywhere is known at once. A part that was released still names its payment."""
    node, clock = holder(state, attempt_id), state.clock[0]
    if not _is_told(state, node):
        return
    outcome = state.outcomes[clock.n_outcomes]
    clock.n_outcomes += 1
    outcome.decision, outcome.node = decision, node
    outcome.latency_ms, outcome.fee_msat, outcome.succeeded = 0, 0, succeeded
    outcome.amount_msat = state.attempts[attempt_id].amount_msat
