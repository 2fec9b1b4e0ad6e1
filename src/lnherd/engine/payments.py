"""The sender: split, find a route, send, learn from the outcome, try again (LND's payment life cycle).

A payment is tried as a whole first; where no route is found for what is left, the part is halved, down to
the smallest part and up to the largest number of parts. A part that fails teaches the sender's memory and
its amount is tried again. After the time-out no new attempt starts; parts still out are waited for.
"""

from lnherd.engine.attempts import count_attempt, dispatch, finish, release
from lnherd.engine.channels import refusal, spendable_msat
from lnherd.engine.codes import (
    ACTIVE,
    AMOUNT_ABOVE_MAXIMUM,
    AMOUNT_BELOW_MINIMUM,
    CHANNEL_DISABLED,
    EXPIRY_TOO_FAR,
    EXPIRY_TOO_SOON,
    FAILED,
    FEE_INSUFFICIENT,
    INCORRECT_CLTV_EXPIRY,
    INCORRECT_PAYMENT_DETAILS,
    INSUFFICIENT_LOCAL_BALANCE,
    MPP_TIMEOUT,
    NO_FAILURE,
    NO_ROUTE,
    PAYMENT_TIMEOUT,
    PERMANENT_CHANNEL_FAILURE,
    SENDER_MINCOSTFLOW,
    SENDER_OFFLINE,
    SUCCEEDED,
    UNKNOWN_NEXT_PEER,
)
from lnherd.engine.flow_sender import send_flow
from lnherd.engine.hops import ask_source, goes_hop_by_hop
from lnherd.engine.jit import jit
from lnherd.engine.lessons import forget_stale_lessons, learn_policy, swap_lessons
from lnherd.engine.liquidity import record_failure, record_payment, record_success
from lnherd.engine.routing import find_route
from lnherd.engine.state import NONE, State


@jit
def start_payment(state: State, payment_id: int) -> None:
    """A pending payment's time has come."""
    payment = state.payments[payment_id]
    payment.status = ACTIVE
    if not state.nodes[payment.sender].online:
        payment.failure = SENDER_OFFLINE
    _try_to_send(state, payment_id)


@jit
def _try_to_send(state: State, payment_id: int) -> None:
    """Send parts until nothing is left to send, or no route is left to send it over."""
    if goes_hop_by_hop(state, payment_id):
        ask_source(state, payment_id)
        return
    payment, settings = state.payments[payment_id], state.settings[0]
    while payment.failure == NO_FAILURE:
        unsent = payment.amount_msat - payment.dispatched_msat - payment.settled_msat
        if unsent <= 0:
            return
        if state.clock[0].now_ms > payment.start_ms + settings.payment_timeout_ms:
            payment.failure = PAYMENT_TIMEOUT
        elif not _send_part(state, payment_id, unsent):
            if payment.live_parts > 0 and not settings.parts_split_once:
                return  # a part that is out may yet fail and teach us another way
            is_affordable = unsent <= _local_balance_msat(state, payment_id)
            payment.failure = NO_ROUTE if is_affordable else INSUFFICIENT_LOCAL_BALANCE
    if payment.live_parts == 0:
        finish(state, payment_id, FAILED)


@jit
def _send_part(state: State, payment_id: int, unsent_msat: int) -> bool:
    payment, settings = state.payments[payment_id], state.settings[0]
    if settings.sender_kind == SENDER_MINCOSTFLOW and payment.first_edge == NONE and payment.last_edge == NONE:
        return send_flow(state, payment_id, unsent_msat) > 0
    count_attempt(state, payment_id)
    if _route_for_all(state, payment_id, unsent_msat):
        dispatch(state, payment_id, unsent_msat)
        return True
    if settings.parts_split_once:
        return payment.attempts == 1 and settings.max_parts > 1 and _send_two_halves(state, payment_id)
    if unsent_msat > _local_balance_msat(state, payment_id):
        return False  # parts of it would only wait at the receiver in vain (LND errInsufficientBalance)
    part_msat = unsent_msat // 2
    while payment.live_parts + 1 < settings.max_parts and part_msat >= settings.min_part_msat:
        if _route_for(state, payment_id, part_msat):
            dispatch(state, payment_id, part_msat)
            return True
        part_msat //= 2
    return False


@jit
def _route_for_all(state: State, payment_id: int, amount_msat: int) -> bool:
    """A route for all that is unsent. CLoTH's first one may lead over a channel that is empty by now."""
    payment = state.payments[payment_id]
    if not (state.settings[0].search_before_start and payment.attempts == 1):
        return _route_for(state, payment_id, amount_msat)
    state.search[0].ignores_past = True
    is_found = _route_for(state, payment_id, amount_msat)
    state.search[0].ignores_past = False
    if not is_found or refusal(state, state.route[0].edges[0], state.route[0].amounts[0]) == NO_FAILURE:
        return is_found
    count_attempt(state, payment_id)
    return _route_for(state, payment_id, amount_msat)


@jit
def _local_balance_msat(state: State, payment_id: int) -> int:
    """What the sender could send now over all the channels it may use."""
    payment, total_msat = state.payments[payment_id], 0
    node = state.nodes[payment.sender]
    for position in range(node.gossip_start, node.gossip_end):
        edge = state.gossip[position].edge ^ 1
        is_usable = state.edges[edge].is_open and state.edges[edge].enabled
        if is_usable and (payment.first_edge == NONE or payment.first_edge == edge):
            total_msat += spendable_msat(state, edge)
    return total_msat


@jit
def _send_two_halves(state: State, payment_id: int) -> bool:
    """CLoTH's only split: two halves, both of which must find a route before either is sent."""
    payment = state.payments[payment_id]
    half_msat = payment.amount_msat // 2
    other_msat = payment.amount_msat - half_msat
    if half_msat == 0 or not _route_for(state, payment_id, other_msat):
        return False
    if not _route_for(state, payment_id, half_msat):
        return False
    dispatch(state, payment_id, half_msat)
    count_attempt(state, payment_id)
    if _route_for(state, payment_id, other_msat):
        dispatch(state, payment_id, other_msat)
    return True


@jit
def _route_for(state: State, payment_id: int, amount_msat: int) -> bool:
    payment = state.payments[payment_id]
    state.clock[0].searches_total += 1
    forget_stale_lessons(state, payment.sender)
    swap_lessons(state, payment.sender)
    n_hops = find_route(
        state,
        payment.sender,
        payment.receiver,
        amount_msat,
        payment.fee_limit_msat - payment.fee_msat,
        payment.first_edge,
        payment.last_edge,
    )
    swap_lessons(state, payment.sender)
    return n_hops > 0


@jit
def part_succeeded(state: State, attempt_id: int) -> None:
    """The preimage reached the sender: the part is paid; send what is still unsent (parts that settle alone)."""
    attempt = state.attempts[attempt_id]
    payment_id = attempt.payment
    payment = state.payments[payment_id]
    if not goes_hop_by_hop(state, payment_id):
        _learn_payment(state, attempt_id)
    payment.settled_msat += attempt.amount_msat
    payment.hops = max(payment.hops, attempt.n_hops)
    release(state, attempt_id)
    if payment.settled_msat == payment.amount_msat:
        finish(state, payment_id, SUCCEEDED)
    else:
        _try_to_send(state, payment_id)


@jit
def part_failed(state: State, attempt_id: int) -> None:
    """A failure came all the way back: learn from it, then try again with what is unsent."""
    attempt = state.attempts[attempt_id]
    payment_id = attempt.payment
    state.payments[payment_id].fee_msat -= attempt.amounts[0] - attempt.amount_msat
    if not goes_hop_by_hop(state, payment_id):
        _learn_failure(state, attempt_id)
    release(state, attempt_id)
    _try_to_send(state, payment_id)


@jit
def _learn_payment(state: State, attempt_id: int) -> None:
    """A part is paid. LND's memory takes that for what can be paid again, a flow sender for what is gone now."""
    attempt = state.attempts[attempt_id]
    if state.settings[0].sender_kind != SENDER_MINCOSTFLOW:
        _learn_success(state, attempt_id, attempt.n_hops)
        return
    sender = state.payments[attempt.payment].sender
    for hop in range(attempt.n_hops):
        edge = state.edges[attempt.edges[hop]]
        record_payment(state, sender, edge.source, edge.target, attempt.amounts[hop])


@jit
def _learn_success(state: State, attempt_id: int, n_hops: int) -> None:
    attempt = state.attempts[attempt_id]
    sender = state.payments[attempt.payment].sender
    for hop in range(n_hops):
        edge = state.edges[attempt.edges[hop]]
        record_success(state, sender, edge.source, edge.target, attempt.amounts[hop])


@jit
def _learn_node_failure(state: State, attempt_id: int) -> None:
    """A failure that is nobody's but the node's counts against its pairs on the route, both ways (LND failNode)."""
    attempt = state.attempts[attempt_id]
    sender, failed_hop = state.payments[attempt.payment].sender, attempt.failed_hop
    _learn_success(state, attempt_id, failed_hop - 1)
    for hop in range(failed_hop - 1, failed_hop + 1):
        edge = state.edges[attempt.edges[hop]]
        record_failure(state, sender, edge.source, edge.target, 0)
        record_failure(state, sender, edge.target, edge.source, 0)


@jit
def _learn_failure(state: State, attempt_id: int) -> None:
    """Read the error message as LND does (``result_interpretation.go``).

    The hops before the failing one could forward; a policy error carries the right policy; anything else
    counts against the pair of nodes.
    """
    attempt = state.attempts[attempt_id]
    sender, failed_hop, failure = state.payments[attempt.payment].sender, attempt.failed_hop, attempt.failure
    if failure == EXPIRY_TOO_FAR:
        _learn_node_failure(state, attempt_id)
        return
    if failure == EXPIRY_TOO_SOON:
        _learn_delay(state, attempt_id, failed_hop)
        return
    _learn_success(state, attempt_id, failed_hop)
    if failure == INCORRECT_PAYMENT_DETAILS:  # the receiver will not have it, by whatever route
        state.payments[attempt.payment].failure = failure
    if failure in (MPP_TIMEOUT, INCORRECT_PAYMENT_DETAILS):
        return
    edge_id = attempt.edges[failed_hop]
    edge = state.edges[edge_id]
    is_policy_error = failure in (FEE_INSUFFICIENT, INCORRECT_CLTV_EXPIRY, AMOUNT_BELOW_MINIMUM)
    if is_policy_error or failure in (AMOUNT_ABOVE_MAXIMUM, CHANNEL_DISABLED):
        learn_policy(state, sender, edge_id)
    if failure == FEE_INSUFFICIENT:  # perhaps for a new inbound fee, which belongs to the channel before
        learn_policy(state, sender, attempt.edges[failed_hop - 1])
    if failure in (CHANNEL_DISABLED, UNKNOWN_NEXT_PEER, PERMANENT_CHANNEL_FAILURE):
        record_failure(state, sender, edge.source, edge.target, 0)
    elif not is_policy_error:
        record_failure(state, sender, edge.source, edge.target, attempt.amounts[failed_hop])


@jit
def _learn_delay(state: State, attempt_id: int, failed_hop: int) -> None:
    """Somebody before the hop that found too little time left has taken it: nobody knows who (LND blames all)."""
    attempt = state.attempts[attempt_id]
    for hop in range(1, failed_hop):
        edge = state.edges[attempt.edges[hop]]
        record_failure(state, state.payments[attempt.payment].sender, edge.source, edge.target, 0)
