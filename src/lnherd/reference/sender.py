"""The sender: as much in one part as finds a route, halves where it must, lessons from every failure."""

from lnherd.engine.codes import (
    ACTIVE,
    AMOUNT_ABOVE_MAXIMUM,
    AMOUNT_BELOW_MINIMUM,
    CHANNEL_DISABLED,
    EXPIRY_TOO_FAR,
    EXPIRY_TOO_SOON,
    FAILED,
    FEE_INSUFFICIENT,
    HTLC_ARRIVES,
    INCORRECT_CLTV_EXPIRY,
    INCORRECT_PAYMENT_DETAILS,
    INSUFFICIENT_LOCAL_BALANCE,
    MPP_TIMEOUT,
    NO_FAILURE,
    NO_ROUTE,
    PAYMENT_TIMEOUT,
    PERMANENT_CHANNEL_FAILURE,
    SENDER_OFFLINE,
    SUCCEEDED,
    UNKNOWN_NEXT_PEER,
)
from lnherd.engine.state import NONE
from lnherd.reference import mincostflow
from lnherd.reference.channels import add_htlc
from lnherd.reference.gossip import learn_policy
from lnherd.reference.hops import ask_source, goes_hop_by_hop
from lnherd.reference.routing import Route, find_route
from lnherd.reference.world import Part, Payment, World

CARRY_THE_POLICY = {
    FEE_INSUFFICIENT,
    INCORRECT_CLTV_EXPIRY,
    AMOUNT_BELOW_MINIMUM,
    AMOUNT_ABOVE_MAXIMUM,
    CHANNEL_DISABLED,
}
"""Failures whose message holds the ``channel_update`` now in force."""
SAY_NOTHING_OF_LIQUIDITY = {FEE_INSUFFICIENT, INCORRECT_CLTV_EXPIRY, AMOUNT_BELOW_MINIMUM}
HOLD_FOR_ANY_AMOUNT = {CHANNEL_DISABLED, UNKNOWN_NEXT_PEER, PERMANENT_CHANNEL_FAILURE}


def start_payment(world: World, payment: Payment) -> None:
    """The payment's time has come."""
    payment.status = ACTIVE
    if not world.online[payment.sender]:
        payment.failure = SENDER_OFFLINE
    send_unsent(world, payment)


def send_unsent(world: World, payment: Payment) -> None:
    """Send until nothing is unsent or the payment has failed; a failed payment ends with its last part."""
    if goes_hop_by_hop(world, payment):
        ask_source(world, payment)
        return
    config = world.config
    while payment.failure == NO_FAILURE and payment.unsent_msat > 0:
        if world.now_ms > payment.start_ms + config.payment_timeout_ms:
            payment.failure = PAYMENT_TIMEOUT
        elif not _send_part(world, payment):
            if payment.parts and not config.parts_split_once:
                return  # what is out may come back with news of another way
            is_affordable = payment.unsent_msat <= _local_balance_msat(world, payment)
            payment.failure = NO_ROUTE if is_affordable else INSUFFICIENT_LOCAL_BALANCE
    if payment.failure != NO_FAILURE and not payment.parts:
        world.finish(payment, FAILED)


def _send_part(world: World, payment: Payment) -> bool:
    """Send all that is unsent or, failing that, the largest half of a half of it that finds a route."""
    config, unsent_msat = world.config, payment.unsent_msat
    if config.sender == "mincostflow" and payment.first_edge == payment.last_edge == NONE:
        return _send_flow(world, payment)
    most_parts = config.max_parts if config.mpp else 1
    payment.attempts += 1
    if config.search_before_start and payment.attempts == 1:
        route = _route_of_the_start(world, payment, unsent_msat)
    else:
        route = _route(world, payment, unsent_msat)
    if route:
        _dispatch(world, payment, unsent_msat, route)
        return True
    if config.parts_split_once:
        return payment.attempts == 1 and most_parts > 1 and _send_two_halves(world, payment)
    if unsent_msat > _local_balance_msat(world, payment):
        return False  # parts of it would only wait at the receiver in vain
    part_msat = unsent_msat // 2
    while len(payment.parts) + 1 < most_parts and part_msat >= config.min_part_msat:
        if _send_if_routed(world, payment, part_msat):
            return True
        part_msat //= 2
    return False


def _send_flow(world: World, payment: Payment) -> bool:
    """Send a part over each path of the cheapest flow."""
    n_sent = 0
    for route, amount_msat in mincostflow.plan(world, payment):
        if world.refusal(route.edges[0], route.amounts[0]) != NO_FAILURE:
            break
        payment.attempts += 1
        _dispatch(world, payment, amount_msat, route)
        n_sent += 1
    payment.attempts += n_sent == 0
    return n_sent > 0


def _route_of_the_start(world: World, payment: Payment, amount_msat: int) -> Route | None:
    """CLoTH's first route knows nothing of what has happened; if its first channel cannot pay, look again."""
    route = find_route(world, payment, amount_msat, fee_limit_msat=payment.fee_limit_msat, ignores_past=True)
    if route is None or world.refusal(route.edges[0], route.amounts[0]) == NO_FAILURE:
        return route
    payment.attempts += 1
    return _route(world, payment, amount_msat)


def _local_balance_msat(world: World, payment: Payment) -> int:
    """What the sender could send now over all the channels it may use."""
    own = [direction for direction in world.directions if direction.source == payment.sender]
    allowed = [direction for direction in own if payment.first_edge in (NONE, direction.edge)]
    usable = [direction for direction in allowed if direction.is_open and direction.policy.enabled]
    return sum(max(0, direction.balance_msat - direction.reserve_msat) for direction in usable)


def _send_two_halves(world: World, payment: Payment) -> bool:
    """CLoTH: each half must find a route before the first is sent; the second looks again once it is."""
    smaller_msat = payment.amount_msat // 2
    larger_msat = payment.amount_msat - smaller_msat
    if smaller_msat == 0 or not _route(world, payment, larger_msat):
        return False
    if not _send_if_routed(world, payment, smaller_msat):
        return False
    payment.attempts += 1
    _send_if_routed(world, payment, larger_msat)
    return True


def _send_if_routed(world: World, payment: Payment, amount_msat: int) -> bool:
    route = _route(world, payment, amount_msat)
    if route:
        _dispatch(world, payment, amount_msat, route)
    return route is not None


def _route(world: World, payment: Payment, amount_msat: int) -> Route | None:
    return find_route(world, payment, amount_msat, fee_limit_msat=payment.fee_limit_msat - payment.fee_msat)


def _dispatch(world: World, payment: Payment, amount_msat: int, route: Route) -> None:
    part = Part(
        payment=payment.index,
        number=payment.attempts,
        amount_msat=amount_msat,
        sent_height=world.height,
        edges=list(route.edges),
        amounts=list(route.amounts),
        cltv=list(route.cltv),
        added_ms=[world.now_ms],
    )
    payment.parts.insert(0, part)
    payment.most_parts = max(payment.most_parts, len(payment.parts))
    assert payment.unsent_msat >= 0, "no more is sent than is owed"
    assert payment.fee_msat <= payment.fee_limit_msat, "no more fees than allowed"
    assert route.amounts[-1] == amount_msat, "the receiver gets the part"
    add_htlc(world.directions[route.edges[0]], part.htlc(0), route.amounts[0])
    world.send_message(part, HTLC_ARRIVES, forth=True)


def part_succeeded(world: World, part: Part) -> None:
    """The preimage reached the sender: this part is paid."""
    payment = world.payments[part.payment]
    if not goes_hop_by_hop(world, payment):
        _learn_payment(world, part)
    payment.parts.remove(part)
    payment.settled_msat += part.amount_msat
    payment.settled_fee_msat += part.fee_msat
    payment.most_hops = max(payment.most_hops, part.last_hop + 1)
    if payment.settled_msat == payment.amount_msat:
        world.finish(payment, SUCCEEDED)
    else:
        send_unsent(world, payment)


def part_failed(world: World, part: Part) -> None:
    """The failure reached the sender, who learns from it and tries again."""
    payment = world.payments[part.payment]
    if not goes_hop_by_hop(world, payment):
        _learn_failure(world, part)
    payment.parts.remove(part)
    send_unsent(world, payment)


def _learn_payment(world: World, part: Part) -> None:
    """LND takes what is paid for what can be paid again, a flow sender for what is gone."""
    if world.config.sender != "mincostflow":
        _learn_success(world, part, part.last_hop + 1)
        return
    memory = world.memory.senders[world.payments[part.payment].sender]
    for edge, amount_msat in zip(part.edges, part.amounts, strict=True):
        memory.payment(world.directions[edge].source, world.directions[edge].target, amount_msat)


def _learn_success(world: World, part: Part, n_hops: int) -> None:
    sender = world.payments[part.payment].sender
    for edge, amount_msat in zip(part.edges[:n_hops], part.amounts, strict=False):
        direction = world.directions[edge]
        world.memory.record_success(sender, (direction.source, direction.target), amount_msat, world.now_ms)


def _learn_node_failure(world: World, part: Part) -> None:
    """The failing node's pairs on the route are not to be used, in either direction."""
    sender = world.payments[part.payment].sender
    _learn_success(world, part, part.failed_hop - 1)
    for edge in part.edges[part.failed_hop - 1 : part.failed_hop + 1]:
        direction = world.directions[edge]
        for pair in ((direction.source, direction.target), (direction.target, direction.source)):
            world.memory.record_failure(sender, pair, 0, world.now_ms)


def _learn_failure(world: World, part: Part) -> None:
    """Hops before the failing one could forward; the failing one gave its policy, or too little liquidity."""
    sender = world.payments[part.payment].sender
    if part.failure == EXPIRY_TOO_FAR:
        _learn_node_failure(world, part)
        return
    if part.failure == EXPIRY_TOO_SOON:
        _learn_delay(world, part)
        return
    _learn_success(world, part, part.failed_hop)
    if part.failure == INCORRECT_PAYMENT_DETAILS:  # the receiver will not have it, by whatever route
        world.payments[part.payment].failure = part.failure
    if part.failure in (MPP_TIMEOUT, INCORRECT_PAYMENT_DETAILS):
        return
    edge = part.edges[part.failed_hop]
    if part.failure in CARRY_THE_POLICY:
        learn_policy(world, sender, edge)
    if part.failure == FEE_INSUFFICIENT:  # perhaps for a new inbound fee, which belongs to the channel before
        learn_policy(world, sender, part.edges[part.failed_hop - 1])
    if part.failure not in SAY_NOTHING_OF_LIQUIDITY:
        amount_msat = 0 if part.failure in HOLD_FOR_ANY_AMOUNT else part.amounts[part.failed_hop]
        direction = world.directions[edge]
        world.memory.record_failure(sender, (direction.source, direction.target), amount_msat, world.now_ms)


def _learn_delay(world: World, part: Part) -> None:
    """Somebody before the hop that found too little time left has taken it: all are blamed."""
    sender = world.payments[part.payment].sender
    for edge in part.edges[1 : part.failed_hop]:
        direction = world.directions[edge]
        world.memory.record_failure(sender, (direction.source, direction.target), 0, world.now_ms)
