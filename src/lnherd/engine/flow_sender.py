"""The min-cost-flow sender: all parts of what is unsent at once, on the most reliable cheap flow.

As Core Lightning's xpay does with askrene's routes: the flow problem is solved on what the sender knows, split into
paths, each path becomes a part, and what comes back failed is planned anew with what the failure taught. The unit of
flow is the amount over the number of parts that may still be sent, but no less than the smallest part, so there are
never more paths than parts.

A flow knows neither the fees that add up towards the sender nor limits of whole routes. So each path is priced as a
route; where a hop would not take it, the edge gets a unit less and the flow is solved again. Where the fees exceed
the limit, improbability becomes a quarter as dear.
"""

from lnherd.engine.attempts import count_attempt, dispatch
from lnherd.engine.channels import refusal
from lnherd.engine.codes import NO_FAILURE
from lnherd.engine.fees import forward_fee_msat
from lnherd.engine.jit import jit
from lnherd.engine.lessons import forget_stale_lessons, swap_lessons
from lnherd.engine.liquidity import recall_memory
from lnherd.engine.mincostflow import arc_of, begin_flow, find_arc, next_path, solve, start_paths
from lnherd.engine.state import NONE, State
from lnherd.engine.unit import unit
from lnherd.engine.unit_costs import COST_SCALE, MOST_COST, liquidity_bounds, own_room_msat

MAX_ROUNDS = 16
"""Times a flow is solved again before the payment counts as impossible."""
CHEAPER = 4
FITS, TOO_DEAR = -1, -2


@unit
def send_flow(state: State, payment_id: int, unsent_msat: int) -> int:
    """Send the unsent amount in one or several parts; 0 if nothing could be sent."""
    payment, settings = state.payments[payment_id], state.settings[0]
    n_parts = min(settings.max_parts - payment.live_parts, max(unsent_msat // settings.min_part_msat, 1))
    is_sent = False
    if n_parts > 0:
        forget_stale_lessons(state, payment.sender)
        swap_lessons(state, payment.sender)
        is_sent = _plan(state, payment_id, unsent_msat, n_parts) and _send_paths(state, payment_id, unsent_msat)
        swap_lessons(state, payment.sender)
    if not is_sent:
        count_attempt(state, payment_id)
    return int(is_sent)


@jit
def _plan(state: State, payment_id: int, unsent_msat: int, n_parts: int) -> bool:
    """Solve until all paths fit."""
    begin_problem(state, payment_id, unsent_msat, n_parts)
    flow = state.mcf[0]
    for _ in range(MAX_ROUNDS):
        state.clock[0].searches_total += 1
        if not solve(state):
            return False
        problem = _misfit(state, payment_id, unsent_msat)
        if problem == FITS:
            return True
        if problem >= 0:
            arc = state.mcf_arcs[arc_of(state, problem)]
            arc.most_units = arc.units - 1
        elif flow.price_msat == 0:
            return False
        else:
            flow.price_msat //= CHEAPER
    return False


@jit
def begin_problem(state: State, payment_id: int, unsent_msat: int, n_parts: int) -> None:
    """Pose the problem of sending ``unsent_msat`` in at most ``n_parts``, with what own parts hold reserved."""
    payment, settings, search, flow = state.payments[payment_id], state.settings[0], state.search[0], state.mcf[0]
    state.clock[0].query += 1
    search.query, search.sender = state.clock[0].query, payment.sender
    recall_memory(state)
    unit_msat = (unsent_msat + n_parts - 1) // n_parts
    begin_flow(state, payment.sender, payment.receiver, unit_msat, (unsent_msat + unit_msat - 1) // unit_msat)
    flow.price_msat = settings.attempt_cost_msat + unsent_msat * settings.attempt_cost_ppm // 1_000_000
    flow.most_fee_msat = min(payment.fee_limit_msat - payment.fee_msat, MOST_COST // COST_SCALE)
    attempt_id = payment.first_attempt
    while attempt_id != NONE:
        attempt = state.attempts[attempt_id]
        for hop in range(1, attempt.n_hops):
            state.mcf_arcs[arc_of(state, attempt.edges[hop])].reserved_msat += attempt.amounts[hop]
        attempt_id = attempt.next


@jit
def _misfit(state: State, payment_id: int, unsent_msat: int) -> int:
    """The edge at which a path does not work as a route, TOO_DEAR or FITS."""
    for index in range(state.mcf[0].n_arcs):
        state.mcf_arcs[index].planned_msat = 0
    left_msat, fees_msat = unsent_msat, 0
    start_paths(state)
    units = next_path(state)
    while units > 0:
        amount_msat = min(units * state.mcf[0].unit_msat, left_msat)
        edge = _longest_lock(state)
        if edge == FITS:
            edge = _price_route(state, amount_msat)
        if edge != FITS:
            return edge
        left_msat -= amount_msat
        fees_msat += state.route[0].fee_msat
        units = next_path(state)
    payment = state.payments[payment_id]
    return FITS if fees_msat <= payment.fee_limit_msat - payment.fee_msat else TOO_DEAR


@jit
def _longest_lock(state: State) -> int:
    """FITS, or the forwarding hop with the longest time lock on a path that is too long or locked for too long."""
    route, settings = state.route[0], state.settings[0]
    cltv, longest, edge = settings.final_cltv, NONE, TOO_DEAR
    for hop in range(1, min(route.n_hops, len(route.edges))):
        delta = state.gossip[state.gossip_position[route.edges[hop]]].cltv_delta
        cltv += delta
        if delta > longest:
            longest, edge = delta, route.edges[hop]
    return FITS if cltv <= settings.cltv_limit and route.n_hops <= settings.hop_limit else edge


@jit
def _price_route(state: State, amount_msat: int) -> int:
    """Fill in amounts and time locks from the receiver on; FITS, or the edge that would not take its HTLC."""
    route = state.route[0]
    cltv, misfit = state.settings[0].final_cltv, FITS
    sent_msat = amount_msat
    for hop in range(route.n_hops - 1, -1, -1):
        edge = route.edges[hop]
        route.amounts[hop], route.cltv[hop] = sent_msat, cltv
        if not _takes(state, edge, sent_msat):
            misfit = edge
        if hop > 0:
            onward = state.gossip[state.gossip_position[edge]]
            before = state.gossip[state.gossip_position[route.edges[hop - 1]]]
            fees = (onward.base_fee_msat, onward.fee_ppm, before.inbound_base_fee_msat, before.inbound_fee_ppm)
            sent_msat += forward_fee_msat(sent_msat, *fees)
            cltv += onward.cltv_delta
    route.fee_msat = sent_msat - amount_msat
    return int(misfit)


@jit
def _takes(state: State, edge: int, amount_msat: int) -> bool:
    """Whether the edge would take an HTLC on top of what is planned, as far as the sender knows."""
    arc, view = state.mcf_arcs[find_arc(state, edge)], state.gossip[state.gossip_position[edge]]
    arc.planned_msat += amount_msat
    if view.source == state.mcf[0].sender:
        return arc.planned_msat <= own_room_msat(state, edge) and refusal(state, edge, amount_msat) == NO_FAILURE
    if amount_msat < view.htlc_min_msat or amount_msat > view.htlc_max_msat:
        return False
    return bool(arc.planned_msat <= liquidity_bounds(state, edge, arc.reserved_msat)[1])


@jit
def _send_paths(state: State, payment_id: int, unsent_msat: int) -> bool:
    """Make each path a part; stops where limits on what is pending bite (dust)."""
    left_msat = unsent_msat
    start_paths(state)
    units = next_path(state)
    while units > 0:
        amount_msat = min(units * state.mcf[0].unit_msat, left_msat)
        _price_route(state, amount_msat)
        if refusal(state, state.route[0].edges[0], state.route[0].amounts[0]) != NO_FAILURE:
            break
        count_attempt(state, payment_id)
        dispatch(state, payment_id, amount_msat)
        left_msat -= amount_msat
        units = next_path(state)
    return bool(left_msat < unsent_msat)
