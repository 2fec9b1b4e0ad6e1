"""HTLCs whose time runs out take their channel to the chain, where they are resolved (BOLT 5)."""

from lnherd.engine import sizes
from lnherd.engine.codes import (
    FAILING,
    FORCE_CLOSE,
    FORWARDING,
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
from lnherd.reference.gossip import announce_closure
from lnherd.reference.presence import MESSAGE
from lnherd.reference.splicing import undo_splice
from lnherd.reference.world import Operation, Part, World

LARGEST_PLAIN_CHANNEL_SAT = 16_777_215
"""The largest channel before wumbo, whose closer LND makes wait for 2,016 blocks."""


def self_delay(capacity_msat: int) -> int:
    """Blocks until who force-closes has its own funds back: in proportion to the capacity, within bounds."""
    return min(2016, max(144, 2016 * capacity_msat // (LARGEST_PLAIN_CHANNEL_SAT * 1_000)))


def close_overdue(world: World) -> None:
    """Whoever is online and has an HTLC whose time has run out publishes its commitment; lower edges first."""
    while edges := [edge for part in world.parts() for edge in _overdue_edges(world, part)]:
        force_close(world, min(edges))


def _overdue_edges(world: World, part: Part) -> list[int]:
    """Edges whose near end must act now: it offered an HTLC that has expired, or can claim one that is about to."""
    config = world.config
    expired = [
        edge
        for edge, cltv in zip(part.edges[: part.hop + 1], part.cltv, strict=False)
        if world.height + config.outgoing_broadcast_delta >= part.sent_height + cltv
    ]
    expiry = part.sent_height + part.cltv[part.hop]
    if part.status == SETTLING and world.height + config.incoming_broadcast_delta >= expiry:
        expired.append(part.edges[part.hop] ^ 1)
    return [edge for edge in expired if _can_close(world, edge)]


def _can_close(world: World, edge: int) -> bool:
    direction = world.directions[edge]
    return world.online[direction.source] and not direction.is_on_chain


def is_awaited(world: World) -> bool:
    """Whether a message that waits for an offline node will be heard, or somebody will close its channels.

    A node that has left for good hears nothing. An HTLC runs out for those who have offered it, and a preimage for
    who knows it, if they are there or may return.
    """
    for part in world.parts():
        last = world.directions[part.edges[part.hop]]
        own = part.edges[: part.hop + 1] + ([part.edges[part.hop] ^ 1] if part.status == SETTLING else [])
        hearer = last.target if part.status == FORWARDING else last.source
        if part.is_waiting and (_may_return(world, hearer) or any(_may_close(world, edge) for edge in own)):
            return True
    return False


def _may_return(world: World, node: int) -> bool:
    return world.online[node] or world.conducts[node].availability < 1.0


def _may_close(world: World, edge: int) -> bool:
    direction = world.directions[edge]
    return _may_return(world, direction.source) and not direction.is_on_chain


def force_close(world: World, edge: int) -> int:
    """The near end of ``edge`` publishes its commitment and pays for it; the index of the operation."""
    near, far = world.directions[edge], world.directions[edge ^ 1]
    near.is_open = far.is_open = False
    near.is_on_chain = far.is_on_chain = True
    announce_closure(world, edge)
    undo_splice(world, edge)
    pending = [*near.htlcs.values(), *far.htlcs.values()]
    n_outputs = sum(amount_msat >= world.config.dust_limit_msat for amount_msat in pending)
    vbytes = sizes.COMMITMENT_VBYTES + sizes.HTLC_OUTPUT_VBYTES * n_outputs
    fee_msat = min(vbytes * world.feerate_msat_per_vb, near.balance_msat)
    operation = Operation(FORCE_CLOSE, OP_CONFIRMING, near.source, edge, near.balance_msat, fee_msat)
    operation.confirm_height = world.height + world.config.close_confirmations
    world.operations.append(operation)
    affected = [part for part in world.parts() if part.claim is None and part.edges[part.hop] >> 1 == edge >> 1]
    for part in sorted(affected, key=lambda part: (part.payment, part.number)):
        _take_to_chain(world, part)
    return world.operations.index(operation)


def _take_to_chain(world: World, part: Part) -> None:
    """No message can arrive any more; what has not been claimed by now will run out."""
    if part.is_waiting:
        for conduct in world.conducts:
            conduct.waiting = [other for other in conduct.waiting if other is not part]
        part.is_waiting = False
    elif part.status != HELD:
        world.cancel(MESSAGE[part.status], part)
    if part.status != SETTLING:
        part.status = FAILING
        if part.failure == NO_FAILURE:
            part.failure, part.failed_hop = PERMANENT_CHANNEL_FAILURE, part.hop
    claim(world, part)


def claim(world: World, part: Part) -> None:
    """Resolve the part's present HTLC on chain: by its preimage if that is known, else when it has expired."""
    edge, amount_msat = part.edges[part.hop], part.amounts[part.hop]
    winner = edge ^ 1 if part.status == SETTLING else edge
    operation = Operation(HTLC_CLAIM, OP_CONFIRMING, world.directions[winner].source, winner, amount_msat, 0)
    closing = _closing_of(world, edge)
    operation.confirm_height = world.height
    if closing.status == OP_CONFIRMING:
        operation.confirm_height = max(world.height, closing.confirm_height)
    if amount_msat >= world.config.dust_limit_msat:
        if part.status == FAILING:
            expiry = part.sent_height + part.cltv[part.hop]
            operation.confirm_height = max(operation.confirm_height, expiry)
        operation.confirm_height += world.config.claim_confirmations
    operation.payment, operation.part = part.payment, part
    part.claim = operation
    world.operations.append(operation)


def _closing_of(world: World, edge: int) -> Operation:
    return next(one for one in world.operations if one.kind == FORCE_CLOSE and one.edge >> 1 == edge >> 1)


def confirm_commitment(world: World, operation: Operation) -> None:
    """The far end has its balance back at once, the closer must wait."""
    far = world.directions[operation.edge ^ 1]
    world.wallets[far.source] += far.balance_msat
    far.balance_msat = 0
    _mature(world, operation)


def _mature(world: World, operation: Operation) -> None:
    operation.status = OP_MATURING
    operation.confirm_height = world.height + self_delay(world.directions[operation.edge].capacity_msat)


def pay_matured(world: World, operation: Operation) -> None:
    """What the closer was to wait for is its own."""
    operation.status = OP_DONE
    world.wallets[operation.node] += operation.amount_msat - operation.fee_msat
    if operation.kind == FORCE_CLOSE:
        assert world.directions[operation.edge].balance_msat == operation.amount_msat
        world.directions[operation.edge].balance_msat = 0


def confirm_claim(world: World, operation: Operation) -> None:
    """An HTLC is resolved on chain, as its near end now sees."""
    assert operation.part is not None
    operation.status = OP_OFF_CHAIN
    world.schedule(world.now_ms, MESSAGE[operation.part.status], operation.part)


def collect_claim(world: World, part: Part) -> int:
    """Take the resolved HTLC off the channel's books and pay its winner; its amount."""
    operation, part.claim = part.claim, None
    assert operation is not None
    amount_msat = world.directions[part.edges[part.hop]].htlcs.pop(part.htlc(part.hop))
    is_dust = amount_msat < world.config.dust_limit_msat
    vbytes = sizes.HTLC_SUCCESS_VBYTES if part.status == SETTLING else sizes.HTLC_TIMEOUT_VBYTES
    operation.fee_msat = amount_msat if is_dust else min(amount_msat, vbytes * world.feerate_msat_per_vb)
    is_closer = _closing_of(world, operation.edge).edge == operation.edge
    if is_closer and not is_dust:
        _mature(world, operation)
    else:
        pay_matured(world, operation)
    return amount_msat
