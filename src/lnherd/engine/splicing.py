"""Splices: money goes into a channel or out of it while the channel stays in use (BOLT 2, splicing).

Until the splice is confirmed every HTLC must fit the old and the new commitment. So money on its way in cannot be
spent yet, and money on its way out has left the balance at once. With the confirmations the capacity changes, for its
two nodes and for all who hear of it (the new funding is announced when it is six blocks deep, BOLT 7). A force close
before spends the old funding output and so undoes the splice.
"""

import math

from lnherd.engine.codes import OP_CONFIRMING, OP_DONE, OP_FAILED, SPLICE_IN, SPLICE_OUT
from lnherd.engine.gossip import hear_policy
from lnherd.engine.jit import jit
from lnherd.engine.state import NONE, State
from lnherd.units import MSAT_PER_SAT


@jit
def pending_splice(state: State, edge: int) -> int:
    """The operation that splices the channel of ``edge`` and is not yet confirmed, or NONE."""
    for operation_id in range(state.clock[0].n_operations):
        operation = state.operations[operation_id]
        is_splice = operation.kind == SPLICE_IN or operation.kind == SPLICE_OUT
        if is_splice and operation.status == OP_CONFIRMING and operation.edge >> 1 == edge >> 1:
            return operation_id
    return NONE


@jit
def confirm_splice(state: State, operation_id: int) -> None:
    """The new funding output is deep enough: what went in can be spent, what went out is in the wallet."""
    operation = state.operations[operation_id]
    operation.status = OP_DONE
    edge, change_msat = operation.edge, operation.amount_msat
    if operation.kind == SPLICE_IN:
        state.edges[edge].balance_msat += operation.amount_msat
    else:
        change_msat = -operation.amount_msat
        state.nodes[operation.node].wallet_msat += operation.amount_msat - operation.fee_msat
    capacity_msat = state.gossip[state.gossip_position[edge]].capacity_msat
    _resize(state, edge, capacity_msat, capacity_msat + change_msat)
    _resize(state, edge ^ 1, capacity_msat, capacity_msat + change_msat)
    hear_policy(state, edge)


@jit
def _resize(state: State, edge: int, before_msat: int, capacity_msat: int) -> None:
    """Limits follow the capacity: an HTLC maximum if it did not bind, the limit in flight only upwards."""
    channel, settings = state.edges[edge], state.settings[0]
    if channel.htlc_max_msat >= share_msat(before_msat, settings.max_in_flight_ppm):
        channel.htlc_max_msat = capacity_msat
    channel.reserve_msat = share_msat(capacity_msat, settings.reserve_ppm)
    in_flight_msat = share_msat(capacity_msat, settings.max_in_flight_ppm)
    channel.max_in_flight_msat = max(channel.max_in_flight_msat, in_flight_msat)
    channel.log_capacity = math.log10(1.0 + capacity_msat / MSAT_PER_SAT)
    state.gossip[state.gossip_position[edge]].capacity_msat = capacity_msat


@jit
def share_msat(amount_msat: int, ppm: int) -> int:
    """``amount * ppm / 1e6`` without overflowing 64 bits for any capacity that can exist."""
    return int(amount_msat // 1_000_000 * ppm + amount_msat % 1_000_000 * ppm // 1_000_000)


@jit
def undo_splice(state: State, edge: int) -> None:
    """The commitment spends the funding output that the channel's pending splice, if any, would have spent."""
    operation_id = pending_splice(state, edge)
    if operation_id == NONE:
        return
    operation = state.operations[operation_id]
    if operation.kind == SPLICE_IN:
        state.nodes[operation.node].wallet_msat += operation.amount_msat + operation.fee_msat
    else:
        state.edges[operation.edge].balance_msat += operation.amount_msat
    operation.status, operation.fee_msat = OP_FAILED, 0
