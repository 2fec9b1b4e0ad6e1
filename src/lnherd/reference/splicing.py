"""Splices: a channel's capacity changes while it is in use."""

from dataclasses import replace

from lnherd.engine.codes import OP_CONFIRMING, OP_DONE, OP_FAILED, SPLICE_IN, SPLICE_OUT
from lnherd.reference.gossip import hear_policy
from lnherd.reference.world import Operation, World


def splice_of(world: World, edge: int) -> Operation | None:
    """The splice of this channel that waits for its confirmations, if there is one."""
    splices = [one for one in world.operations if one.kind in (SPLICE_IN, SPLICE_OUT) and one.edge >> 1 == edge >> 1]
    return next((one for one in splices if one.status == OP_CONFIRMING), None)


def confirm_splice(world: World, operation: Operation) -> None:
    """The new funding counts: money is where it was sent, and all limits that were shares follow the capacity."""
    operation.status = OP_DONE
    grown_msat = operation.amount_msat if operation.kind == SPLICE_IN else -operation.amount_msat
    if operation.kind == SPLICE_IN:
        world.directions[operation.edge].balance_msat += operation.amount_msat
    else:
        world.wallets[operation.node] += operation.amount_msat - operation.fee_msat
    for edge in (operation.edge, operation.edge ^ 1):
        _resize(world, edge, world.directions[edge].capacity_msat + grown_msat)
    hear_policy(world, operation.edge)


def _resize(world: World, edge: int, capacity_msat: int) -> None:
    config, direction = world.config, world.directions[edge]
    if direction.policy.htlc_max_msat >= direction.capacity_msat * config.max_in_flight_ppm // 1_000_000:
        direction.policy = replace(direction.policy, htlc_max_msat=capacity_msat)
    direction.capacity_msat = capacity_msat
    direction.reserve_msat = capacity_msat * config.reserve_ppm // 1_000_000
    share_msat = capacity_msat * config.max_in_flight_ppm // 1_000_000
    direction.max_in_flight_msat = max(direction.max_in_flight_msat, share_msat)


def undo_splice(world: World, edge: int) -> None:
    """A commitment spends the output that the splice was to spend: all of it comes back."""
    operation = splice_of(world, edge)
    if operation is None:
        return
    if operation.kind == SPLICE_IN:
        world.wallets[operation.node] += operation.amount_msat + operation.fee_msat
    else:
        world.directions[operation.edge].balance_msat += operation.amount_msat
    operation.status, operation.fee_msat = OP_FAILED, 0
