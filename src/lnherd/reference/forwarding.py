"""What a node does when an HTLC, a preimage or a failure reaches it."""

from lnherd.engine.codes import (
    EXPIRY_TOO_FAR,
    FAILING,
    FAILURE_ARRIVES,
    FEE_INSUFFICIENT,
    FORWARDING,
    HELD,
    HTLC_ARRIVES,
    INCORRECT_CLTV_EXPIRY,
    MPP_TIMEOUT,
    NO_FAILURE,
    PAYMENT_EXPIRES,
    PREIMAGE_ARRIVES,
    SETTLING,
)
from lnherd.network.fees import forward_fee_msat
from lnherd.reference.channels import add_htlc, fail_htlc, settle_htlc
from lnherd.reference.sender import part_failed, part_succeeded
from lnherd.reference.world import Part, Payment, World

HOLD_MS = 120_000
"""How long a receiver waits for the rest of a payment (LND)."""


def htlc_arrives(world: World, part: Part) -> None:
    """The HTLC of the present hop is there: at the receiver, or at a node that forwards or refuses."""
    assert part.status == FORWARDING
    if part.hop == part.last_hop:
        _receive(world, part)
        return
    failure = _forward(world, part)
    if failure != NO_FAILURE:
        part.failed_hop = part.hop + 1
        _send_back(world, part, failure)


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
    world.send_message(part, PREIMAGE_ARRIVES, forth=False)


def _send_back(world: World, part: Part, failure: int) -> None:
    part.status, part.failure = FAILING, failure
    world.send_message(part, FAILURE_ARRIVES, forth=False)


def preimage_arrives(world: World, part: Part) -> None:
    """The near end of the present hop learns the preimage: its HTLC settles, and it claims its own."""
    assert part.status == SETTLING
    edge, hop = part.edges[part.hop], part.hop
    amount_msat = settle_htlc(world.directions[edge], world.directions[edge ^ 1], part.htlc(hop))
    flow = world.flows[edge]
    flow.n_settled += 1
    flow.settled_msat += amount_msat
    flow.hold_ms += world.now_ms - part.sent_ms
    if hop == 0:
        part_succeeded(world, part)
        return
    flow.n_forwards += 1
    flow.forwarded_msat += amount_msat
    fee_msat = part.amounts[hop - 1] - amount_msat
    flow.fees_msat += fee_msat
    world.flows[part.edges[hop - 1]].assisted_msat += fee_msat
    part.hop = hop - 1
    world.send_message(part, PREIMAGE_ARRIVES, forth=False)


def failure_arrives(world: World, part: Part) -> None:
    """The near end of the present hop learns of the failure: its HTLC is undone, and it passes the news on."""
    assert part.status == FAILING
    fail_htlc(world.directions[part.edges[part.hop]], part.htlc(part.hop))
    if part.hop == 0:
        part_failed(world, part)
        return
    part.hop -= 1
    world.send_message(part, FAILURE_ARRIVES, forth=False)
