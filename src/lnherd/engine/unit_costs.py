"""What one more unit of flow over an edge costs a min-cost-flow sender, and whether the edge can take it.

Optimally reliable payments (Pickhardt & Richter, arXiv:2107.05322): of a channel the sender knows only that its
liquidity lies between two bounds, uniformly. Carrying x then succeeds with a chance of
``(upper + 1 - x) / (upper + 1 - lower)``. Minus its logarithm is convex in x, so its increments from one unit to the
next serve as costs of a linear flow. A unit costs, in 1/1024 msat, the fee for it, the cost of locking it, and
``price`` for each nat of improbability. The price starts at LND's cost of a failed attempt and falls where fees exceed
the limit.

The bounds are the sender's memory of the pair of nodes, forgotten linearly over ``knowledge_ms`` as Core Lightning's
renepay does: what succeeded falls, what failed rises, by the share of the capacity that the age is of that time. The
sender's own channels are known for sure. What its own parts hold is taken off both bounds.
"""

import math

from lnherd.engine.channels import refusal
from lnherd.engine.codes import NO_FAILURE
from lnherd.engine.fees import forward_fee_msat
from lnherd.engine.jit import jit
from lnherd.engine.state import NEVER, NONE, State

COST_SCALE = 1024
"""Parts of a msat in which costs are counted: integers, so that sums and ties are exact."""
MOST_COST = 1 << 43
"""Dearer units (8.6 million sat) are not taken; a thousand of them in a row still fit a double."""
NO_WAY = 0
"""The cost of what cannot be; a unit costs 1 at least, so that no flow goes in circles."""


@jit
def unit_cost(state: State, edge: int, units: int, reserved_msat: int) -> int:
    """Cost of one unit more over ``edge`` after ``units``, or NO_WAY."""
    flow, view = state.mcf[0], state.gossip[state.gossip_position[edge]]
    if view.source == flow.sender:
        cost = 1 if units < own_units(state, edge) else NO_WAY
    else:
        cost = _foreign_cost(state, edge, units, reserved_msat)
    if cost == NO_WAY or state.edges[edge].target == flow.receiver:
        return cost
    inbound_msat = forward_fee_msat(flow.unit_msat, 0, 0, view.inbound_base_fee_msat, view.inbound_fee_ppm)
    if inbound_msat > flow.most_fee_msat:
        return NO_WAY
    cost += inbound_msat * COST_SCALE
    return cost if cost <= MOST_COST else NO_WAY


@jit
def own_units(state: State, edge: int) -> int:
    """Units that one of the sender's own channels can take now."""
    channel, unit_msat = state.edges[edge], state.mcf[0].unit_msat
    if refusal(state, edge, unit_msat) != NO_FAILURE:
        return 0
    room_msat = min(own_room_msat(state, edge), channel.htlc_max_msat)
    return int(min(room_msat // unit_msat, channel.max_htlcs - channel.n_htlcs))


@jit
def own_room_msat(state: State, edge: int) -> int:
    """Value that the sender may still put on its channel."""
    channel = state.edges[edge]
    return int(min(channel.balance_msat - channel.reserve_msat, channel.max_in_flight_msat - channel.in_flight_msat))


@jit
def _foreign_cost(state: State, edge: int, units: int, reserved_msat: int) -> int:
    flow, view = state.mcf[0], state.gossip[state.gossip_position[edge]]
    unit_msat: int = flow.unit_msat
    carried_msat = (units + 1) * unit_msat
    if not view.enabled or unit_msat < view.htlc_min_msat or carried_msat > view.htlc_max_msat:
        return NO_WAY
    fee_msat = forward_fee_msat(unit_msat, view.base_fee_msat, view.fee_ppm, 0, 0)
    if fee_msat > flow.most_fee_msat:
        return NO_WAY
    lower_msat, upper_msat = liquidity_bounds(state, edge, reserved_msat)
    if carried_msat > upper_msat:
        return NO_WAY
    before = upper_msat + 1 - max(units * unit_msat, lower_msat)
    after = upper_msat + 1 - max(carried_msat, lower_msat)
    improbability = math.log(before / after) if after < before else 0.0
    locking_msat = unit_msat * view.cltv_delta * state.settings[0].risk_factor
    cost = 1 + fee_msat * COST_SCALE + int((flow.price_msat * improbability + locking_msat) * COST_SCALE)
    return cost if cost <= MOST_COST else NO_WAY


@jit
def liquidity_bounds(state: State, edge: int, reserved_msat: int) -> tuple[int, int]:
    """What the sender takes the liquidity of another's edge to be at least and at most, without its own parts."""
    lower_msat, upper_msat = 0, state.gossip[state.gossip_position[edge]].capacity_msat
    index = _remembered(state, state.edges[edge].source, state.edges[edge].target)
    if index != NONE:
        record, capacity_msat = state.memory[index], upper_msat
        if record.fail_ms != NEVER:
            upper_msat = min(upper_msat, record.fail_amount_msat - 1 + _forgotten(state, record.fail_ms, capacity_msat))
        if record.success_ms != NEVER:
            lower_msat = record.success_amount_msat - _forgotten(state, record.success_ms, capacity_msat)
    upper_msat = max(upper_msat - reserved_msat, 0)
    return min(max(lower_msat - reserved_msat, 0), upper_msat), upper_msat


@jit
def _forgotten(state: State, since_ms: int, capacity_msat: int) -> int:
    age = (state.clock[0].now_ms - since_ms) / state.settings[0].knowledge_ms
    return int(capacity_msat * min(age, 1.0))


@jit
def _remembered(state: State, source: int, target: int) -> int:
    """The recalled record of a pair, or NONE."""
    recall = state.recall[source]
    if state.search[0].n_recalled == 0 or recall.query != state.search[0].query:
        return NONE
    index: int = recall.of_source
    while index != NONE and state.memory[index].target != target:
        index = state.memory[index].next_of_source
    return index
