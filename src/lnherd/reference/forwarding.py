"""What a node does when an HTLC, a preimage or a failure reaches it."""

from lnherd.engine.codes import (
    EXPIRY_TOO_FAR,
    EXPIRY_TOO_SOON,
    FAILING,
    FAILURE_ARRIVES,
    FEE_INSUFFICIENT,
    FORWARDING,
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
from lnherd.network.fees import forward_fee_msat
from lnherd.reference.channels import add_htlc, fail_htlc, settle_htlc
from lnherd.reference.force_close import claim, collect_claim
from lnherd.reference.hops import ask, goes_hop_by_hop, holder
from lnherd.reference.sender import part_failed, part_succeeded
from lnherd.reference.world import Part, Payment, World

HOLD_MS = 120_000
"""How long a receiver waits for the rest of a payment (LND)."""


def htlc_arrives(world: World, part: Part) -> None:
    """The HTLC of the present hop is there: at the receiver, or at a node that forwards or refuses."""
    assert part.status == FORWARDING
    payment = world.payments[part.payment]
    is_last = holder(world, part) == payment.receiver if goes_hop_by_hop(world, payment) else part.hop == part.last_hop
    if world.refuses_at_will(part):
        failure = INCORRECT_PAYMENT_DETAILS if is_last else TEMPORARY_CHANNEL_FAILURE
    elif is_last and _blocks_left(world, part, part.hop) < min(world.config.final_reject_delta, part.cltv[part.hop]):
        failure = EXPIRY_TOO_SOON
    elif not is_last and goes_hop_by_hop(world, payment):
        ask(world, part)
        return
    elif is_last:
        _receive(world, part)
        return
    else:
        failure = _forward(world, part)
    if failure != NO_FAILURE:
        part.failed_hop = part.hop + 1
        _send_back(world, part, failure)


def _blocks_left(world: World, part: Part, hop: int) -> int:
    """Blocks until the HTLC of ``hop`` expires."""
    return part.sent_height + part.cltv[hop] - world.height


def _forward(world: World, part: Part) -> int:
    """Offer the HTLC to the next node over the named channel or, unless strict, another to the same peer (BOLT 4)."""
    hop = part.hop + 1
    named, amount_msat = part.edges[hop], part.amounts[hop]
    twins = [] if world.config.strict_forwarding else world.twins_of(named)
    objections = {edge: _objection(world, part, hop, edge) for edge in (named, *twins)}
    accepting = [edge for edge, objection in objections.items() if objection == NO_FAILURE]
    if not accepting:
        world.flows[named].n_refused += 1
        world.flows[named].refused_msat += amount_msat
        return objections[named]
    part.edges[hop], part.hop = accepting[0], hop
    part.added_ms.append(world.now_ms)
    add_htlc(world.directions[accepting[0]], part.htlc(hop), amount_msat)
    world.send_message(part, HTLC_ARRIVES, forth=True)
    return NO_FAILURE


def _objection(world: World, part: Part, hop: int, edge: int) -> int:
    """Why the HTLC may not leave over ``edge``: the channel's limits, then fee, then time lock (BOLT 7)."""
    direction, came_over = world.directions[edge], world.directions[part.edges[hop - 1] ^ 1]
    assert direction.source == came_over.source, "a route is a path"
    amount_msat, policy = part.amounts[hop], direction.policy
    failure = world.refusal(edge, amount_msat)
    if failure != NO_FAILURE:
        return failure
    asked_msat = forward_fee_msat(
        amount_msat,
        policy.base_fee_msat,
        policy.fee_ppm,
        came_over.policy.inbound_base_fee_msat,
        came_over.policy.inbound_fee_ppm,
    )
    if part.amounts[hop - 1] - amount_msat < asked_msat:
        return FEE_INSUFFICIENT
    if part.cltv[hop] > world.config.max_outgoing_cltv:
        return EXPIRY_TOO_FAR
    if part.cltv[hop - 1] - part.cltv[hop] < policy.cltv_delta:
        return INCORRECT_CLTV_EXPIRY
    if _blocks_left(world, part, hop) <= world.config.outgoing_reject_delta:
        return EXPIRY_TOO_SOON
    return NO_FAILURE


def _receive(world: World, part: Part) -> None:
    """Hold the part until all are there, then take them all; CLoTH's receiver takes each as it comes."""
    if world.config.parts_settle_alone:
        _take(world, part)
        return
    payment = world.payments[part.payment]
    is_first = payment.held_msat == 0
    part.status = HELD
    if payment.held_msat < payment.amount_msat:
        if is_first:
            world.schedule(world.now_ms + HOLD_MS, PAYMENT_EXPIRES, payment.index)
        return
    assert payment.unsent_msat == 0 and all(part.status == HELD for part in payment.parts)
    for held in payment.parts:
        _take(world, held)


def parts_expire(world: World, payment: Payment) -> None:
    """The rest did not come in time: the receiver sends back what it holds."""
    for part in payment.parts:
        if part.status == HELD:
            part.failed_hop = part.last_hop + 1
            _send_back(world, part, MPP_TIMEOUT)


def _take(world: World, part: Part) -> None:
    part.status = SETTLING
    _tell_back(world, part, PREIMAGE_ARRIVES)


def _send_back(world: World, part: Part, failure: int) -> None:
    part.status, part.failure = FAILING, failure
    _tell_back(world, part, FAILURE_ARRIVES)


def _tell_back(world: World, part: Part, kind: int) -> None:
    """By message or, where the channel is gone, through the chain."""
    if world.directions[part.edges[part.hop]].is_on_chain:
        claim(world, part)
    else:
        world.send_message(part, kind, forth=False)


def preimage_arrives(world: World, part: Part) -> None:
    """The near end of the present hop learns the preimage: its HTLC settles, and it claims its own."""
    assert part.status == SETTLING
    edge, hop = part.edges[part.hop], part.hop
    if part.claim is None:
        amount_msat = settle_htlc(world.directions[edge], world.directions[edge ^ 1], part.htlc(hop))
    else:
        amount_msat = collect_claim(world, part)
    flow = world.flows[edge]
    flow.n_settled += 1
    flow.settled_msat += amount_msat
    flow.hold_ms += world.now_ms - part.added_ms[hop]
    if hop == 0:
        part_succeeded(world, part)
        return
    flow.n_forwards += 1
    flow.forwarded_msat += amount_msat
    fee_msat = part.amounts[hop - 1] - amount_msat
    flow.fees_msat += fee_msat
    world.flows[part.edges[hop - 1]].assisted_msat += fee_msat
    part.hop = hop - 1
    _tell_back(world, part, PREIMAGE_ARRIVES)


def failure_arrives(world: World, part: Part) -> None:
    """The near end of the present hop learns of the failure: its HTLC is undone, and it passes the news on."""
    assert part.status == FAILING
    if part.claim is None:
        fail_htlc(world.directions[part.edges[part.hop]], part.htlc(part.hop))
    else:
        collect_claim(world, part)
    if part.hop == 0:
        part_failed(world, part)
        return
    part.hop -= 1
    _tell_back(world, part, FAILURE_ARRIVES)
