"""The chain: blocks, a fee-rate process, and operations that wait for confirmations.

The log of the fee rate reverts to its median (Ornstein-Uhlenbeck, one step a block) and may jump up. Opens, closes,
splices and submarine swaps pay their fees from the node's wallet when broadcast and take effect when confirmed.
"""

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
from lnherd.engine.force_close import close_overdue, confirm_claim, confirm_commitment, pay_matured
from lnherd.engine.gossip import hear_policy
from lnherd.engine.heap import schedule
from lnherd.engine.jit import jit
from lnherd.engine.rng import STREAM_BLOCK, STREAM_FEERATE, STREAM_JUMP, exponential, standard_normal, uniform
from lnherd.engine.splicing import confirm_splice, pending_splice
from lnherd.engine.state import NONE, State


@jit
def find_block(state: State) -> None:
    """A block is found: time, height and fee rate move on, and whatever waited for it proceeds."""
    clock, settings = state.clock[0], state.settings[0]
    clock.height += 1
    gap_ms = settings.block_interval_ms * exponential(settings.seed, STREAM_BLOCK, clock.height, 0)
    clock.next_block_ms = clock.now_ms + max(1, int(gap_ms))
    noise = standard_normal(settings.seed, STREAM_FEERATE, clock.height, 0)
    clock.feerate_log = (1.0 - settings.feerate_reversion) * clock.feerate_log + settings.feerate_sigma * noise
    if uniform(settings.seed, STREAM_JUMP, clock.height, 0) < settings.feerate_jump_probability:
        clock.feerate_log += settings.feerate_jump_mean * exponential(settings.seed, STREAM_JUMP, clock.height, 1)
    feerate = settings.feerate_median_msat_per_vb * math.exp(clock.feerate_log)
    clock.feerate_msat_per_vb = max(1000, int(feerate))
    for operation_id in range(clock.n_operations):
        status = state.operations[operation_id].status
        if status == OP_OFF_CHAIN:
            _proceed(state, operation_id)
        elif status == OP_CONFIRMING and clock.height >= state.operations[operation_id].confirm_height:
            _confirm(state, operation_id)
        elif status == OP_MATURING and clock.height >= state.operations[operation_id].confirm_height:
            _mature(state, operation_id)
    close_overdue(state)


@jit
def _proceed(state: State, operation_id: int) -> None:
    """An operation that waits for something: a close for the channel's HTLCs and splice, a swap for its payment."""
    operation, clock, settings = state.operations[operation_id], state.clock[0], state.settings[0]
    if operation.kind == HTLC_CLAIM:
        return
    if operation.kind == CLOSE_CHANNEL:
        edge = operation.edge
        if state.edges[edge].is_on_chain:  # an HTLC ran out before it was resolved
            operation.status, operation.fee_msat = OP_FAILED, 0
        elif is_quiet(state, edge):
            operation.status = OP_CONFIRMING
            operation.confirm_height = clock.height + settings.close_confirmations
        return
    status = state.payments[operation.payment].status
    if status == SUCCEEDED and operation.kind == SWAP_OUT:
        operation.status = OP_CONFIRMING
        operation.confirm_height = clock.height + settings.swap_confirmations
    elif status == SUCCEEDED:
        operation.status = OP_DONE
    elif status == FAILED:
        _undo_swap(state, operation_id)


@jit
def is_quiet(state: State, edge: int) -> bool:
    """Whether nothing on the channel of ``edge`` stands in the way of a cooperative close."""
    n_htlcs = state.edges[edge].n_htlcs + state.edges[edge ^ 1].n_htlcs
    return bool(n_htlcs == 0 and pending_splice(state, edge) == NONE)


@jit
def _undo_swap(state: State, operation_id: int) -> None:
    """The Lightning leg failed: a swap-out cost nothing, a swap-in gets its deposit back (less chain fees)."""
    operation = state.operations[operation_id]
    operation.status = OP_FAILED
    if operation.kind == SWAP_IN:
        service_fee = operation.amount_msat * state.settings[0].swap_fee_ppm // 1_000_000
        state.nodes[operation.node].wallet_msat += operation.amount_msat + service_fee
        operation.fee_msat -= service_fee
    else:
        operation.fee_msat = 0


@jit
def _confirm(state: State, operation_id: int) -> None:
    operation = state.operations[operation_id]
    if operation.kind == SWAP_IN:
        _pay_swap_in(state, operation_id)
        return
    if operation.kind == FORCE_CLOSE:
        confirm_commitment(state, operation_id)
        return
    if operation.kind == HTLC_CLAIM:
        confirm_claim(state, operation_id)
        return
    if operation.kind == SPLICE_IN or operation.kind == SPLICE_OUT:
        confirm_splice(state, operation_id)
        return
    operation.status = OP_DONE
    if operation.kind == OPEN_CHANNEL:
        _use(state, operation_id)
    elif operation.kind == CLOSE_CHANNEL:
        _pay_out(state, operation.edge, operation.fee_msat)
    else:
        state.nodes[operation.node].wallet_msat += operation.amount_msat - operation.fee_msat


@jit
def _use(state: State, operation_id: int) -> None:
    """Its own nodes may use the channel from now on; others wait until it is announced."""
    operation, settings = state.operations[operation_id], state.settings[0]
    state.edges[operation.edge].is_open = True
    state.edges[operation.edge ^ 1].is_open = True
    blocks_left = settings.announce_confirmations - settings.open_confirmations
    if blocks_left <= 0:
        hear_policy(state, operation.edge)
        return
    operation.status = OP_MATURING
    operation.confirm_height = state.clock[0].height + blocks_left


@jit
def _mature(state: State, operation_id: int) -> None:
    operation = state.operations[operation_id]
    if operation.kind == OPEN_CHANNEL:
        operation.status = OP_DONE
        hear_policy(state, operation.edge)
    else:
        pay_matured(state, operation_id)


@jit
def _pay_swap_in(state: State, operation_id: int) -> None:
    """The deposit is confirmed: the swap service pays over Lightning, into the chosen channel."""
    operation, clock = state.operations[operation_id], state.clock[0]
    operation.status = OP_OFF_CHAIN
    state.payments[operation.payment].start_ms = clock.now_ms
    schedule(state, clock.now_ms, PAYMENT_STARTS, operation.payment)


@jit
def _pay_out(state: State, edge: int, fee_msat: int) -> None:
    """A closed channel returns both balances to their owners' wallets, less the fee (the closing side pays)."""
    near, far = state.edges[edge], state.edges[edge ^ 1]
    state.nodes[near.source].wallet_msat += near.balance_msat - min(fee_msat, near.balance_msat)
    state.nodes[far.source].wallet_msat += far.balance_msat
    near.balance_msat = 0
    far.balance_msat = 0
