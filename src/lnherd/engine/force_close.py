"""Force closes: an HTLC whose time runs out takes its channel to the chain, where it is resolved (BOLT 5).

At every block each online node looks at its HTLCs. One it has *offered* must be resolved by its expiry, one it
can *claim* ``incoming_broadcast_delta`` blocks before; else it publishes its commitment transaction. All HTLCs
of the channel are then resolved by operations of their own: a claim by preimage as soon as the commitment is
confirmed, a time-out once the HTLC has expired, each after ``claim_confirmations``. Only then does the news travel
on to the node before, whose own HTLC may meanwhile have run out too: closures cascade.

An HTLC below the dust limit has no output: the miners get it, at the expense of who would have been paid.
HTLCs of one attempt are resolved from the receiver backwards, so what a node can lose by being paid on neither
side is not modelled.
"""

from lnherd.engine.channels import release_htlc
from lnherd.engine.codes import (
    FAILING,
    FORCE_CLOSE,
    FORWARDING,
    FREE,
    HELD,
    HTLC_CLAIM,
    NO_FAILURE,
    OP_CONFIRMING,
    OP_DONE,
    OP_MATURING,
    OP_OFF_CHAIN,
    PERMANENT_CHANNEL_FAILURE,
    SETTLING,
)
from lnherd.engine.gossip import announce_closure
from lnherd.engine.heap import cancel, schedule
from lnherd.engine.jit import jit
from lnherd.engine.presence import message_kind, stop_waiting
from lnherd.engine.sizes import COMMITMENT_VBYTES, HTLC_OUTPUT_VBYTES, HTLC_SUCCESS_VBYTES, HTLC_TIMEOUT_VBYTES
from lnherd.engine.splicing import undo_splice
from lnherd.engine.state import NONE, State

LEAST_SELF_DELAY, MOST_SELF_DELAY = 144, 2016
LARGEST_PLAIN_CHANNEL_MSAT = 16_777_215_000
"""LND asks for a delay that grows with the capacity up to that of the largest channel before wumbo."""


@jit
def self_delay(capacity_msat: int) -> int:
    """Blocks until who force-closes has its own funds back (BOLT 2 ``to_self_delay``, LND's choice)."""
    delay = MOST_SELF_DELAY * capacity_msat // LARGEST_PLAIN_CHANNEL_MSAT
    return int(min(MOST_SELF_DELAY, max(LEAST_SELF_DELAY, delay)))


@jit
def close_overdue(state: State) -> None:
    """Every online node with an HTLC whose time has run out publishes its commitment, by edge."""
    edge = _overdue_edge(state)
    while edge != NONE:
        force_close(state, edge)
        edge = _overdue_edge(state)


@jit
def _overdue_edge(state: State) -> int:
    """The lowest edge whose near end must go on chain now, or NONE."""
    lowest = NONE
    for attempt_id in range(state.clock[0].n_attempts):
        attempt = state.attempts[attempt_id]
        if attempt.status == FREE:
            continue
        edge = _overdue_claim(state, attempt_id)
        if edge != NONE and (lowest == NONE or edge < lowest):
            lowest = edge
        hop = attempt.hop
        while hop >= 0 and _has_expired(state, attempt_id, hop):
            edge = attempt.edges[hop]
            if _can_close(state, edge) and (lowest == NONE or edge < lowest):
                lowest = edge
            hop -= 1
    return int(lowest)


@jit
def _has_expired(state: State, attempt_id: int, hop: int) -> bool:
    attempt = state.attempts[attempt_id]
    expiry = attempt.sent_height + attempt.cltv[hop]
    return bool(state.clock[0].height >= expiry - state.settings[0].outgoing_broadcast_delta)


@jit
def _overdue_claim(state: State, attempt_id: int) -> int:
    """The edge from the far end that knows the preimage of the current hop and must claim it on chain, or NONE."""
    attempt = state.attempts[attempt_id]
    if attempt.status != SETTLING:
        return NONE
    expiry = attempt.sent_height + attempt.cltv[attempt.hop]
    edge = attempt.edges[attempt.hop] ^ 1
    is_due = state.clock[0].height >= expiry - state.settings[0].incoming_broadcast_delta
    return int(edge) if is_due and _can_close(state, edge) else NONE


@jit
def _can_close(state: State, edge: int) -> bool:
    return bool(state.nodes[state.edges[edge].source].online and not state.edges[edge].is_on_chain)


@jit
def is_awaited(state: State) -> bool:
    """Whether a message that waits for an offline node will be heard, or somebody will close its channels.

    A node that has left for good hears nothing. An HTLC runs out for those who have offered it, and a preimage for
    who knows it, if they are there or may return.
    """
    for attempt_id in range(state.clock[0].n_attempts):
        attempt = state.attempts[attempt_id]
        if attempt.status == FREE or not attempt.is_waiting:
            continue
        last = state.edges[attempt.edges[attempt.hop]]
        if _may_return(state, last.target if attempt.status == FORWARDING else last.source):
            return True
        if attempt.status == SETTLING and _may_close(state, attempt.edges[attempt.hop] ^ 1):
            return True
        for hop in range(attempt.hop + 1):
            if _may_close(state, attempt.edges[hop]):
                return True
    return False


@jit
def _may_return(state: State, node: int) -> bool:
    return bool(state.nodes[node].online or state.conduct[node].availability < 1.0)


@jit
def _may_close(state: State, edge: int) -> bool:
    return _may_return(state, state.edges[edge].source) and not state.edges[edge].is_on_chain


@jit
def force_close(state: State, edge: int) -> int:
    """The near end of ``edge`` publishes its commitment and pays for it; returns the operation's id."""
    near, far, clock = state.edges[edge], state.edges[edge ^ 1], state.clock[0]
    near.is_open = far.is_open = False
    near.is_on_chain = far.is_on_chain = True
    clock.n_on_chain += 2
    announce_closure(state, edge)
    undo_splice(state, edge)
    vbytes = COMMITMENT_VBYTES + HTLC_OUTPUT_VBYTES * _n_outputs(state, edge)
    operation_id = _add_operation(state, FORCE_CLOSE, edge, near.balance_msat)
    operation = state.operations[operation_id]
    operation.fee_msat = min(vbytes * clock.feerate_msat_per_vb, near.balance_msat)
    operation.confirm_height = clock.height + state.settings[0].close_confirmations
    attempt_id = _first_affected(state, edge)
    while attempt_id != NONE:
        _take_to_chain(state, attempt_id)
        attempt_id = _first_affected(state, edge)
    return operation_id


@jit
def _n_outputs(state: State, edge: int) -> int:
    """HTLCs on the channel that are not dust, in both directions."""
    n_outputs = 0
    for attempt_id in range(state.clock[0].n_attempts):
        attempt = state.attempts[attempt_id]
        for hop in range(attempt.hop + 1 if attempt.status != FREE else 0):
            if attempt.edges[hop] >> 1 == edge >> 1 and attempt.amounts[hop] >= state.settings[0].dust_limit_msat:
                n_outputs += 1
    return n_outputs


@jit
def _add_operation(state: State, kind: int, edge: int, amount_msat: int) -> int:
    clock = state.clock[0]
    operation_id = int(clock.n_operations)
    clock.n_operations += 1
    operation = state.operations[operation_id]
    operation.kind, operation.status = kind, OP_CONFIRMING
    operation.node, operation.edge = state.edges[edge].source, edge
    operation.amount_msat, operation.fee_msat = amount_msat, 0
    operation.payment = operation.attempt = NONE
    return operation_id


@jit
def _first_affected(state: State, edge: int) -> int:
    """Of the attempts whose news has got as far as this channel, the first by payment and number, or NONE."""
    first = NONE
    for attempt_id in range(state.clock[0].n_attempts):
        attempt = state.attempts[attempt_id]
        if attempt.status == FREE or attempt.hop < 0 or attempt.claim != NONE:
            continue
        if attempt.edges[attempt.hop] >> 1 != edge >> 1:
            continue
        if first == NONE or _is_before(state, attempt_id, first):
            first = attempt_id
    return int(first)


@jit
def _is_before(state: State, one: int, other: int) -> bool:
    a, b = state.attempts[one], state.attempts[other]
    return bool(a.payment < b.payment or (a.payment == b.payment and a.number < b.number))


@jit
def _take_to_chain(state: State, attempt_id: int) -> None:
    """The channel of the current hop is gone: what has not been claimed by then will run out."""
    attempt = state.attempts[attempt_id]
    if attempt.is_waiting:
        stop_waiting(state, attempt_id)
    elif attempt.status == HELD:
        state.payments[attempt.payment].held_msat -= attempt.amount_msat
    else:
        cancel(state, message_kind(attempt.status), attempt_id)
    if attempt.status != SETTLING:
        attempt.status = FAILING
    if attempt.status == FAILING and attempt.failure == NO_FAILURE:
        attempt.failure, attempt.failed_hop = PERMANENT_CHANNEL_FAILURE, attempt.hop
    claim(state, attempt_id)


@jit
def claim(state: State, attempt_id: int) -> None:
    """Resolve the HTLC of the current hop on chain: by its preimage if that is known, else when it runs out."""
    attempt, settings = state.attempts[attempt_id], state.settings[0]
    edge, amount_msat = attempt.edges[attempt.hop], attempt.amounts[attempt.hop]
    is_known = attempt.status == SETTLING
    height = state.clock[0].height
    closing = state.operations[closing_of(state, edge)]
    if closing.status == OP_CONFIRMING:
        height = max(height, closing.confirm_height)
    if amount_msat >= settings.dust_limit_msat:
        if not is_known:
            height = max(height, attempt.sent_height + attempt.cltv[attempt.hop])
        height += settings.claim_confirmations
    attempt.claim = _add_operation(state, HTLC_CLAIM, edge ^ 1 if is_known else edge, amount_msat)
    operation = state.operations[attempt.claim]
    operation.payment, operation.attempt = attempt.payment, attempt_id
    operation.confirm_height = height


@jit
def closing_of(state: State, edge: int) -> int:
    """The operation by which the channel of ``edge`` went on chain, or NONE."""
    for operation_id in range(state.clock[0].n_operations):
        operation = state.operations[operation_id]
        if operation.kind == FORCE_CLOSE and operation.edge >> 1 == edge >> 1:
            return operation_id
    return NONE


@jit
def confirm_commitment(state: State, operation_id: int) -> None:
    """The commitment is confirmed: the far end has its balance back, the closer waits for ``to_self_delay``."""
    operation = state.operations[operation_id]
    far = state.edges[operation.edge ^ 1]
    state.nodes[far.source].wallet_msat += far.balance_msat
    far.balance_msat = 0
    _mature(state, operation_id)


@jit
def _mature(state: State, operation_id: int) -> None:
    operation = state.operations[operation_id]
    capacity_msat = state.gossip[state.gossip_position[operation.edge]].capacity_msat
    operation.status = OP_MATURING
    operation.confirm_height = state.clock[0].height + self_delay(capacity_msat)


@jit
def pay_matured(state: State, operation_id: int) -> None:
    """The delay is over: the closer has its funds back."""
    operation = state.operations[operation_id]
    operation.status = OP_DONE
    if operation.kind == FORCE_CLOSE:
        state.edges[operation.edge].balance_msat = 0
    state.nodes[operation.node].wallet_msat += operation.amount_msat - operation.fee_msat


@jit
def confirm_claim(state: State, operation_id: int) -> None:
    """An HTLC is resolved on chain, as the near end of its hop now sees."""
    operation = state.operations[operation_id]
    operation.status = OP_OFF_CHAIN
    status = state.attempts[operation.attempt].status
    schedule(state, state.clock[0].now_ms, message_kind(status), operation.attempt)


@jit
def collect_claim(state: State, attempt_id: int) -> None:
    """Take the resolved HTLC off the channel's books; what the closer gets of it matures like its other funds."""
    attempt = state.attempts[attempt_id]
    operation_id = attempt.claim
    attempt.claim = NONE
    operation = state.operations[operation_id]
    is_dust = operation.amount_msat < state.settings[0].dust_limit_msat
    vbytes = HTLC_SUCCESS_VBYTES if attempt.status == SETTLING else HTLC_TIMEOUT_VBYTES
    fee_msat = operation.amount_msat if is_dust else vbytes * state.clock[0].feerate_msat_per_vb
    operation.fee_msat = min(fee_msat, operation.amount_msat)
    release_htlc(state, attempt.edges[attempt.hop], operation.amount_msat)
    if state.operations[closing_of(state, operation.edge)].edge == operation.edge and not is_dust:
        _mature(state, operation_id)
    else:
        pay_matured(state, operation_id)
