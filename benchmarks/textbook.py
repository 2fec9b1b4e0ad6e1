"""The baseline of ``routing.py``: LND's search as a textbook would compile it.

A stamped Dijkstra with a 4-ary heap over the same labels, costs and checks, but without look-ahead: labels are
ordered by their cost so far, every edge into a settled node is looked at, and it stops when the sender's route
is the cheapest thing left.
"""

import numba

from lnherd.engine.frontier import drop_first
from lnherd.engine.liquidity import recall_memory, recall_pairs
from lnherd.engine.routing import _begin, _no_route, _offer, _offer_own_edge, _write_route, find_route
from lnherd.engine.state import NONE, State


@numba.njit(nogil=True, error_model="numpy")
def textbook_route(state: State, sender: int, receiver: int, amount_msat: int, fee_limit_msat: int) -> int:
    _begin(state, sender, receiver, amount_msat, fee_limit_msat, NONE, NONE)
    recall_memory(state)
    search = state.search[0]
    search.n_tables, search.horizon[0] = 1, 0
    search.least_cost, search.least_at_best = search.attempt_cost, search.min_probability
    _label_receiver(state)
    _settle(state, receiver)
    while search.n_frontier > 0:
        entry = state.frontier[0]
        key, node = entry.key, entry.node
        if search.estimate <= key:
            break
        drop_first(state.frontier, search.n_frontier)
        search.n_frontier -= 1
        if not state.labels[node].settled:
            _settle(state, node)
    return _no_route(state) if search.edge == NONE else _write_route(state)


@numba.njit(nogil=True, error_model="numpy")
def _label_receiver(state: State) -> None:
    search, settings = state.search[0], state.settings[0]
    label = state.labels[search.receiver]
    label.query = search.query
    label.estimate, label.weight, label.probability = 0.0, 0.0, 1.0
    label.out_msat = label.in_msat = search.amount_msat
    label.position, label.cltv, label.n_hops, label.table = NONE, settings.final_cltv, 0, 0


@numba.njit(nogil=True, error_model="numpy")
def _settle(state: State, node: int) -> None:
    search = state.search[0]
    state.labels[node].settled = True
    search.n_settled += 1
    recall_pairs(state, node)
    start, end = state.nodes[node].gossip_start, state.nodes[node].gossip_end
    search.n_scanned += end - start
    for position in range(start, end):
        edge = state.gossip[position]
        if edge.source == search.sender:
            _offer_own_edge(state, node, int(edge.edge))
        else:
            _offer(state, node, position)


@numba.njit(nogil=True, error_model="numpy")
def run_textbook(state, senders, receivers, amounts, fee_limits, costs):
    found = 0
    for index in range(len(senders)):
        hops = textbook_route(state, senders[index], receivers[index], amounts[index], fee_limits[index])
        costs[index] = state.search[0].estimate
        found += hops > 0
    return found


@numba.njit(nogil=True, error_model="numpy")
def run_look_ahead(state, senders, receivers, amounts, fee_limits, costs):
    found = 0
    for index in range(len(senders)):
        hops = find_route(state, senders[index], receivers[index], amounts[index], fee_limits[index], NONE, NONE)
        costs[index] = state.search[0].estimate
        found += hops > 0
    return found
