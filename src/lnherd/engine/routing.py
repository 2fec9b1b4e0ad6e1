"""Path search: A* from the receiver back to the sender over LND's route cost, with partial expansion.

**Cost.** Routes are ranked as LND does (``routing/pathfind.go``): ``weight + attempt_cost / probability``, where
weight sums over the hops ``fee + amount * time_lock * risk_factor`` and the probabilities of the hops multiply.
The search runs from the receiver, because the amount of a hop includes the fees of all hops after it. Each
node keeps one label, its best known way to the receiver. A route must keep to the fee limit, the total
time lock, the least probability and the most hops; the sender's own channels are checked against their real
balance and cost nothing, all others against gossip. ``SENDER_CHEAPEST`` counts fees only (and a sliver per
hop), ``SENDER_SHORTEST`` hops first and fees second; both avoid pairs that failed within the last half-life.
Parallel channels are treated one by one. (LND merges them into one edge with the highest fee among them.)

**Look-ahead.** Labels are settled in the order of an *estimate*: what the best route through a node costs at least
(A*: Hart, Nilsson & Raphael, IEEE Trans. SSC 4, 1968). It adds to the weight so far the attempt cost over the most the
whole route's probability can be, which :mod:`lnherd.engine.vicinity` tells from the sender's side. A hop lowers the
probability by at least the odds between its ends, so an estimate never falls along a route and no node is settled
twice. Labels are compared by estimate too: two ways to one node have the same way ahead of them.

**Partial expansion.** Most of the time would go into hubs with a thousand channels. So an edge is not looked at
before its turn: a settled node offers routes to those neighbours only that are about as near to the sender as
itself, and enters the queue again under the estimate of the next nearest (Yoshizumi, Miura & Ishida, AAAI 2000).
Leaves, nodes with one peer, are never entered.

**The end** has come when nothing in the queue is estimated below the best complete route, or when all peers that
the sender can send to are settled, as every route begins with one of them: without that, a search that fails
because the last fee breaks the limit would first look through the whole network.

**Nothing is cleared** between queries: labels carry the number of the query they belong to (``query``), and the
tables of distances undo the places they wrote. The queue is a 4-ary heap without decrease-key
(:mod:`lnherd.engine.frontier`).

What was tried and did not pay is told in ``docs/benchmarks.md``.
"""

import math

from lnherd.engine.channels import refusal_to_sender
from lnherd.engine.codes import NO_FAILURE, SENDER_CHEAPEST, SENDER_LND, SENDER_MINCOSTFLOW
from lnherd.engine.fees import forward_fee_msat
from lnherd.engine.frontier import drop_first, push
from lnherd.engine.jit import jit
from lnherd.engine.liquidity import (
    is_avoided,
    local_probability,
    pair_probability,
    recall_memory,
    recall_pairs,
    surest_own_channel,
)
from lnherd.engine.search_space import HOP_ODDS, LEAF, OUTSIDE
from lnherd.engine.state import NONE, State
from lnherd.engine.unit import unit
from lnherd.engine.vicinity import distance, explore_vicinity, table_for

HOP_COST_CHEAPEST = 1.0 / 1024.0
"""Tie-break, msat per hop."""
HOP_COST_SHORTEST = float(1 << 43)
"""One hop outweighs any fee (about 88 BTC), yet 27 of them leave a double room for 1/16 msat."""
BAND = 2
"""How many odds are looked at together."""
ROUNDING = 1e-6
"""Keeps rounding errors from ruling out a route that just reaches the least probability."""


@unit
def find_route(
    state: State,
    sender: int,
    receiver: int,
    amount_msat: int,
    fee_limit_msat: int,
    first_edge: int,
    last_edge: int,
) -> int:
    """Find the best route at ``clock.now_ms`` and write it to ``state.route[0]``.

    ``first_edge`` and ``last_edge`` (or NONE) fix the first and last hop. ``sender == receiver`` asks for a
    circle and needs ``last_edge``. Returns the number of hops, 0 if there is no route.
    """
    _begin(state, sender, receiver, amount_msat, fee_limit_msat, first_edge, last_edge)
    recall_memory(state)
    if not explore_vicinity(state):
        return _no_route(state)
    _start_at_receiver(state)
    _search(state)
    if state.search[0].edge == NONE:
        return _no_route(state)
    return _write_route(state)


@jit
def _no_route(state: State) -> int:
    state.route[0].n_hops = 0
    return 0


@jit
def _begin(
    state: State,
    sender: int,
    receiver: int,
    amount_msat: int,
    fee_limit_msat: int,
    first_edge: int,
    last_edge: int,
) -> None:
    search, clock = state.search[0], state.clock[0]
    clock.query += 1
    search.query = clock.query
    search.sender, search.receiver = sender, receiver
    search.amount_msat, search.fee_limit_msat = amount_msat, fee_limit_msat
    search.first_edge, search.last_edge = first_edge, last_edge
    search.n_frontier = 0
    search.estimate, search.probability, search.edge, search.sent_msat = math.inf, 0.0, NONE, 0
    _set_cost(state, amount_msat)


@jit
def _set_cost(state: State, amount_msat: int) -> None:
    search, settings = state.search[0], state.settings[0]
    search.weighs_chances = settings.sender_kind in (SENDER_LND, SENDER_MINCOSTFLOW)
    if search.weighs_chances:
        search.attempt_cost = settings.attempt_cost_msat + amount_msat * settings.attempt_cost_ppm // 1_000_000
        search.risk_factor = settings.risk_factor
        search.least_cost = search.attempt_cost / surest_own_channel(state)
        search.min_probability = settings.min_probability
        search.least_at_best = settings.min_probability / surest_own_channel(state) * (1.0 - ROUNDING)
        search.hop_cost = 0.0
        return
    search.attempt_cost, search.least_cost, search.risk_factor, search.min_probability = 0.0, 0.0, 0.0, 0.0
    search.hop_cost = HOP_COST_CHEAPEST if settings.sender_kind == SENDER_CHEAPEST else HOP_COST_SHORTEST


@jit
def _start_at_receiver(state: State) -> None:
    """Label the receiver: there the amount arrives, with certainty and for nothing."""
    search, settings = state.search[0], state.settings[0]
    label = state.labels[search.receiver]
    label.query = search.query
    label.estimate, label.weight, label.probability = 0.0, 0.0, 1.0
    label.out_msat = label.in_msat = search.amount_msat
    label.position, label.cltv, label.n_hops, label.table = NONE, settings.final_cltv, 0, 0
    if search.last_edge != NONE:
        _offer_position(state, search.receiver, state.gossip_position[search.last_edge])
    else:
        _settle(state, search.receiver)


@jit
def _search(state: State) -> None:
    """Settle nodes in the order of their estimates until the sender's best route cannot be beaten.

    That is also so when all peers it can send to are settled: every route begins with one of them.
    """
    search = state.search[0]
    while search.n_frontier > 0 and search.n_peers_left > 0:
        entry = state.frontier[0]
        key, phase, node = entry.key, entry.phase, entry.node
        if search.estimate <= key:
            return
        drop_first(state.frontier, search.n_frontier)
        search.n_frontier -= 1
        if phase != NONE:
            recall_pairs(state, node)
            _offer_band(state, node, phase, phase + BAND)
        elif not state.labels[node].settled:
            _settle(state, node)


@jit
def _settle(state: State, node: int) -> None:
    """Make a label final and offer routes through its node: to the sender, and to what is nearer to it."""
    search = state.search[0]
    state.labels[node].settled = True
    search.n_settled += 1
    recall_pairs(state, node)
    if state.is_own_peer[node]:
        search.n_peers_left -= 1
        _offer_own_edges(state, node)
    _offer_band(state, node, 0, distance(state, node, state.labels[node].table) + BAND)


@jit
def _offer_band(state: State, node: int, start: int, stop: int) -> None:
    """Offer routes to the sources of edges into ``node`` with ``odds_past`` in a band; schedule the next band."""
    search = state.search[0]
    table = state.labels[node].table
    edge_of_ball, offset = search.horizon[table] + search.prior_odds, 2 * len(state.nodes) * table
    last = OUTSIDE if stop > edge_of_ball else stop - 1
    following = LEAF
    first_position, end_position = state.nodes[node].gossip_start, state.nodes[node].gossip_end
    search.n_scanned += end_position - first_position
    for position in range(first_position, end_position):
        odds = state.odds_past[offset + state.peers[position]]
        if odds <= last:
            if odds >= start:
                _offer(state, node, position)
        elif odds < following:
            following = odds
    if following != LEAF:
        _schedule_band(state, node, min(following, edge_of_ball))


@jit
def _schedule_band(state: State, node: int, odds: int) -> None:
    """Come back for neighbours with this or a higher ``odds_past`` when nothing cheaper is left to do."""
    search, label = state.search[0], state.labels[node]
    key = label.weight + search.hop_cost * (odds // HOP_ODDS)
    if search.weighs_chances:
        at_best = label.probability * search.chance[odds]
        if at_best < search.least_at_best:
            return
        key += search.least_cost / at_best
    if key < search.estimate:
        push(state.frontier, search.n_frontier, key, odds, node)
        search.n_frontier += 1


@jit
def _offer_position(state: State, node: int, position: int) -> None:
    """Offer a route over one fixed edge into ``node``."""
    source = state.gossip[position].source
    recall_pairs(state, node)
    if source == state.search[0].sender:
        _offer_own_edges(state, node)
    else:
        _offer(state, node, position)


@jit
def _incoming_msat(state: State, node: int, position: int) -> int:
    """What must be sent over gossip record ``position`` into ``node``, its inbound fee included."""
    label, edge = state.labels[node], state.gossip[position]
    amount_msat: int = label.in_msat
    if label.position == NONE or (edge.inbound_base_fee_msat == 0 and edge.inbound_fee_ppm == 0):
        return amount_msat
    onward = state.gossip[label.position]
    fees = (onward.base_fee_msat, onward.fee_ppm, edge.inbound_base_fee_msat, edge.inbound_fee_ppm)
    return int(label.out_msat + forward_fee_msat(label.out_msat, *fees))


@jit
def _offer(state: State, node: int, position: int) -> None:
    """Offer to the source of an edge into ``node`` a route over that edge; it keeps its best offer."""
    search, label, edge = state.search[0], state.labels[node], state.gossip[position]
    search.n_offers += 1
    current = state.labels[edge.source]
    is_known = current.query == search.query
    if (is_known and current.settled) or not edge.enabled:
        return
    amount_msat = _incoming_msat(state, node, position)
    if amount_msat < edge.htlc_min_msat or amount_msat > edge.htlc_max_msat:
        return
    if amount_msat - search.amount_msat > search.fee_limit_msat:
        return
    cltv = label.cltv + edge.cltv_delta
    if cltv > state.settings[0].cltv_limit or label.n_hops >= state.settings[0].hop_limit:
        return
    fee_msat = forward_fee_msat(amount_msat, edge.base_fee_msat, edge.fee_ppm, 0, 0)
    charged_msat = max(amount_msat - label.in_msat + fee_msat, 0)
    weight = label.weight + (search.hop_cost + charged_msat + amount_msat * edge.cltv_delta * search.risk_factor)
    table = table_for(state, amount_msat + fee_msat, label.table)
    odds = distance(state, edge.source, table)
    estimate = weight + search.hop_cost * (odds // HOP_ODDS)
    probability = 1.0
    if search.weighs_chances:
        probability = label.probability * pair_probability(state, edge.source, node, amount_msat, edge.capacity_msat)
        at_best = probability * search.chance[odds]
        if at_best < search.least_at_best or probability == 0.0:
            return
        estimate += search.least_cost / at_best
    elif is_avoided(state, edge.source, node, amount_msat):
        return
    if estimate >= search.estimate:
        return
    if is_known and not _is_better(
        estimate, probability, edge.edge, current.estimate, current.probability, state.gossip[current.position].edge
    ):
        return
    current.query, current.settled = search.query, False
    current.estimate, current.weight, current.probability = estimate, weight, probability
    current.out_msat, current.in_msat = amount_msat, amount_msat + fee_msat
    current.position, current.cltv, current.n_hops, current.table = position, cltv, label.n_hops + 1, table
    push(state.frontier, search.n_frontier, estimate, NONE, edge.source)
    search.n_frontier += 1


@jit
def _is_better(
    estimate: float, probability: float, edge: int, other_estimate: float, other_probability: float, other_edge: int
) -> bool:
    """Cheaper, else likelier (as in LND), else first in the books, which makes a search reproducible."""
    if estimate != other_estimate:
        return estimate < other_estimate
    if probability != other_probability:
        return probability > other_probability
    return edge < other_edge


@jit
def _offer_own_edges(state: State, node: int) -> None:
    """Offer to the sender the routes over its own channels with ``node``."""
    search = state.search[0]
    sender = state.nodes[search.sender]
    for position in range(sender.gossip_start, sender.gossip_end):
        if state.peers[position] % len(state.nodes) == node:
            _offer_own_edge(state, node, state.gossip[position].edge ^ 1)


@jit
def _offer_own_edge(state: State, node: int, edge: int) -> None:
    search, label = state.search[0], state.labels[node]
    if search.first_edge != NONE and search.first_edge != edge:
        return
    if node == search.receiver and search.last_edge != NONE and search.last_edge != edge:
        return
    amount_msat = _incoming_msat(state, node, state.gossip_position[edge])
    if amount_msat - search.amount_msat > search.fee_limit_msat or label.n_hops >= state.settings[0].hop_limit:
        return
    if refusal_to_sender(state, edge, amount_msat) != NO_FAILURE:
        return
    probability = 1.0
    estimate = label.weight + (search.hop_cost + max(amount_msat - label.in_msat, 0))
    if search.weighs_chances:
        probability = label.probability * local_probability(state, search.sender, node)
        if probability < search.min_probability or probability == 0.0:
            return
        estimate += search.attempt_cost / probability
    elif is_avoided(state, search.sender, node, amount_msat):
        return
    if _is_better(estimate, probability, edge, search.estimate, search.probability, search.edge):
        search.estimate, search.probability = estimate, probability
        search.edge, search.sent_msat = edge, amount_msat


@jit
def _write_route(state: State) -> int:
    """Follow the labels from the sender to the receiver."""
    search, route = state.search[0], state.route[0]
    edge, amount_msat = search.edge, search.sent_msat
    n_hops = 0
    while edge != NONE:
        label = state.labels[state.edges[edge].target]
        route.edges[n_hops], route.amounts[n_hops], route.cltv[n_hops] = edge, amount_msat, label.cltv
        n_hops += 1
        amount_msat = label.out_msat
        edge = state.gossip[label.position].edge if label.position != NONE else NONE
    route.n_hops = n_hops
    route.fee_msat = search.sent_msat - search.amount_msat
    route.probability = search.probability
    return n_hops
