"""The chain: blocks, the fee rate, and operations that wait for them."""

import math

from lnherd.engine.codes import (
    CLOSE_CHANNEL,
    FAILED,
    FORCE_CLOSE,
    HTLC_CLAIM,
    OP_CONFIRMING,
    OP_DONE,
    OP_FAILED,
    OP_MATURING,
    OP_OFF_CHAIN,
    OPEN_CHANNEL,
    PAYMENT_STARTS,
    SPLICE_IN,
    SPLICE_OUT,
    SUCCEEDED,
    SWAP_IN,
    SWAP_OUT,
)
from lnherd.reference.force_close import close_overdue, confirm_claim, confirm_commitment, pay_matured
from lnherd.reference.gossip import hear_policy
from lnherd.reference.randomness import Stream, exponential, standard_normal, uniform
from lnherd.reference.splicing import confirm_splice, splice_of
from lnherd.reference.world import Operation, World

LEAST_FEERATE_MSAT_PER_VB = 1_000
"""One satoshi a virtual byte: below it nodes relay nothing."""


def find_block(world: World) -> None:
    """A block is found; the next one's time, the fee rate and whatever waited for it follow."""
    config = world.config
    world.height += 1
    gap_ms = config.block_interval_ms * exponential(world.seed, Stream.BLOCK, world.height, 0)
    world.next_block_ms = world.now_ms + max(1, int(gap_ms))
    noise = standard_normal(world.seed, Stream.FEERATE, world.height, 0)
    world.feerate_log = (1.0 - config.feerate_reversion) * world.feerate_log + config.feerate_sigma * noise
    if uniform(world.seed, Stream.JUMP, world.height, 0) < config.feerate_jump_probability:
        world.feerate_log += config.feerate_jump_mean * exponential(world.seed, Stream.JUMP, world.height, 1)
    feerate = int(config.feerate_median_msat_per_vb * math.exp(world.feerate_log))
    world.feerate_msat_per_vb = max(LEAST_FEERATE_MSAT_PER_VB, feerate)
    for operation in list(world.operations):
        if operation.status == OP_OFF_CHAIN:
            _look_off_chain(world, operation)
        elif operation.status == OP_CONFIRMING and world.height >= operation.confirm_height:
            _confirm(world, operation)
        elif operation.status == OP_MATURING and world.height >= operation.confirm_height:
            _mature(world, operation)
    close_overdue(world)


def is_waiting(world: World) -> bool:
    """Whether any operation goes on at some block though nothing happens until then."""
    return any(_needs_blocks(world, operation) for operation in world.operations)


def _needs_blocks(world: World, operation: Operation) -> bool:
    if operation.status != OP_OFF_CHAIN:
        return operation.status in (OP_CONFIRMING, OP_MATURING)
    if operation.kind == HTLC_CLAIM:
        return False
    if operation.kind == CLOSE_CHANNEL:
        return world.directions[operation.edge].is_on_chain or _is_quiet(world, operation.edge)
    return world.payments[operation.payment].status in (SUCCEEDED, FAILED)


def _is_quiet(world: World, edge: int) -> bool:
    """No HTLC and no splice is pending: the channel can be closed by agreement."""
    return not (world.directions[edge].htlcs or world.directions[edge ^ 1].htlcs or splice_of(world, edge))


def _mature(world: World, operation: Operation) -> None:
    if operation.kind == OPEN_CHANNEL:
        operation.status = OP_DONE
        hear_policy(world, operation.edge)
    else:
        pay_matured(world, operation)


def _look_off_chain(world: World, operation: Operation) -> None:
    """A close waits for its channel's HTLCs and splice, a swap for its payment."""
    if operation.kind == HTLC_CLAIM:
        return
    if operation.kind == CLOSE_CHANNEL:
        if world.directions[operation.edge].is_on_chain:  # an HTLC ran out before it was resolved
            operation.status, operation.fee_msat = OP_FAILED, 0
        elif _is_quiet(world, operation.edge):
            _await_confirmations(world, operation, world.config.close_confirmations)
        return
    status = world.payments[operation.payment].status
    if status == SUCCEEDED and operation.kind == SWAP_OUT:
        _await_confirmations(world, operation, world.config.swap_confirmations)
    elif status == SUCCEEDED:
        operation.status = OP_DONE
    elif status == FAILED:
        _call_off_swap(world, operation)


def _await_confirmations(world: World, operation: Operation, n_blocks: int) -> None:
    operation.status = OP_CONFIRMING
    operation.confirm_height = world.height + n_blocks


def _call_off_swap(world: World, operation: Operation) -> None:
    """No payment, no swap: a deposit comes back with the service's fee; what the miners got is gone."""
    operation.status = OP_FAILED
    if operation.kind == SWAP_OUT:
        operation.fee_msat = 0
        return
    service_fee_msat = operation.amount_msat * world.config.swap_fee_ppm // 1_000_000
    operation.fee_msat -= service_fee_msat
    world.wallets[operation.node] += operation.amount_msat + service_fee_msat


def _confirm(world: World, operation: Operation) -> None:
    edge = operation.edge
    near, far = world.directions[edge], world.directions[edge ^ 1]
    if operation.kind == FORCE_CLOSE:
        confirm_commitment(world, operation)
        return
    if operation.kind == HTLC_CLAIM:
        confirm_claim(world, operation)
        return
    if operation.kind in (SPLICE_IN, SPLICE_OUT):
        confirm_splice(world, operation)
        return
    operation.status = OP_DONE
    if operation.kind == OPEN_CHANNEL:
        near.is_open = far.is_open = True
        blocks_left = world.config.announce_confirmations - world.config.open_confirmations
        if blocks_left > 0:
            operation.status, operation.confirm_height = OP_MATURING, world.height + blocks_left
        else:
            hear_policy(world, edge)
    elif operation.kind == CLOSE_CHANNEL:
        assert not near.htlcs and not far.htlcs, "a cooperative close has nothing pending"
        world.wallets[near.source] += near.balance_msat - operation.fee_msat
        world.wallets[far.source] += far.balance_msat
        near.balance_msat = far.balance_msat = 0
    elif operation.kind == SWAP_OUT:
        world.wallets[operation.node] += operation.amount_msat - operation.fee_msat
    elif operation.kind == SWAP_IN:  # the deposit is there: now the service pays
        operation.status = OP_OFF_CHAIN
        world.payments[operation.payment].start_ms = world.now_ms
        world.schedule(world.now_ms, PAYMENT_STARTS, operation.payment)
