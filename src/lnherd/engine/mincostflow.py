"""Min-cost flow by successive shortest paths, inside the compiled engine.

The amount flows in equal units. Each unit takes the cheapest way that is left, which may take back units sent before:
with convex costs the flow stays optimal after every unit (Ahuja, Magnanti & Orlin, *Network Flows*, 1993, chapters 9
and 14). The shortest paths are searched from the receiver by Dijkstra's algorithm, on costs reduced by potentials
(Edmonds & Karp, JACM 19, 1972). A search ends at the sender: potentials are kept relative to its distance, so that
only the nodes settled before it change theirs, and later units find their way almost straight.

Only edges that carry flow, are limited, or hold parts already sent have an *arc* (``state.mcf_arcs``); the cost of any
edge is computed when it is looked at (:mod:`lnherd.engine.unit_costs`). Ties go to the arc that takes flow back, then
to the lower edge, so that a solution is reproducible.
"""

from lnherd.engine.frontier import drop_first, push
from lnherd.engine.jit import jit
from lnherd.engine.state import NONE, State
from lnherd.engine.unit_costs import NO_WAY, unit_cost

UNLIMITED = 1 << 30


@jit
def begin_flow(state: State, sender: int, receiver: int, unit_msat: int, n_units: int) -> None:
    """Start a problem without any arcs. ``price_msat`` and ``most_fee_msat`` are the caller's to set."""
    flow = state.mcf[0]
    flow.problem += 1
    flow.sender, flow.receiver = sender, receiver
    flow.unit_msat, flow.n_units = unit_msat, n_units
    flow.n_arcs = 0


@jit
def solve(state: State) -> bool:
    """Send all units at the least cost; False if the edges cannot carry them. May be called again after a change."""
    flow = state.mcf[0]
    flow.solution += 1
    for index in range(flow.n_arcs):
        state.mcf_arcs[index].units = 0
    for _ in range(flow.n_units):
        if not _search(state):
            return False
        _send_unit(state)
    return True


@jit
def find_arc(state: State, edge: int) -> int:
    """The arc of ``edge``, or NONE."""
    node = state.mcf_nodes[state.edges[edge].target]
    if node.problem != state.mcf[0].problem:
        return NONE
    index: int = node.first_in
    while index != NONE and state.mcf_arcs[index].edge != edge:
        index = state.mcf_arcs[index].next_in
    return index


@jit
def arc_of(state: State, edge: int) -> int:
    """The arc of ``edge``, made if there is none."""
    index = find_arc(state, edge)
    if index != NONE:
        return index
    flow, channel = state.mcf[0], state.edges[edge]
    index = flow.n_arcs
    flow.n_arcs += 1
    _enter(state, channel.source)
    _enter(state, channel.target)
    source, target, arc = state.mcf_nodes[channel.source], state.mcf_nodes[channel.target], state.mcf_arcs[index]
    arc.edge, arc.units, arc.most_units, arc.reserved_msat = edge, 0, UNLIMITED, 0
    arc.next_out, source.first_out = source.first_out, index
    arc.next_in, target.first_in = target.first_in, index
    return int(index)


@jit
def _enter(state: State, node: int) -> None:
    record = state.mcf_nodes[node]
    if record.problem != state.mcf[0].problem:
        record.problem = state.mcf[0].problem
        record.first_in, record.first_out = NONE, NONE


@jit
def _search(state: State) -> bool:
    """Distances to the receiver over what is left, up to the sender; adjusts the potentials."""
    flow = state.mcf[0]
    flow.search += 1
    flow.n_heap, flow.last_settled = 0, NONE
    _label(state, flow.receiver, 0, NONE)
    while flow.n_heap > 0:
        node = state.mcf_heap[0].node
        drop_first(state.mcf_heap, flow.n_heap)
        flow.n_heap -= 1
        record = state.mcf_nodes[node]
        if record.settled:
            continue
        record.settled = True
        if node == flow.sender:
            _adjust_potentials(state, record.distance)
            return True
        record.settled_before, flow.last_settled = flow.last_settled, node
        _offer_incoming(state, node)
        _offer_taken_back(state, node)
    return False


@jit
def _potential(state: State, node: int) -> int:
    record = state.mcf_nodes[node]
    if record.solution != state.mcf[0].solution:
        record.solution, record.potential = state.mcf[0].solution, 0
    return int(record.potential)


@jit
def _adjust_potentials(state: State, reached: int) -> None:
    node = state.mcf[0].last_settled
    while node != NONE:
        record = state.mcf_nodes[node]
        record.potential = _potential(state, node) + record.distance - reached
        node = record.settled_before


@jit
def _offer_incoming(state: State, node: int) -> None:
    """Offer one unit more over each edge into ``node``."""
    flow = state.mcf[0]
    has_arcs = state.mcf_nodes[node].problem == flow.problem
    for position in range(state.nodes[node].gossip_start, state.nodes[node].gossip_end):
        view = state.gossip[position]
        source = state.mcf_nodes[view.source]
        if source.search == flow.search and source.settled:
            continue
        if state.peers[position] >= len(state.nodes) and view.source != flow.sender:
            continue  # a leaf: nothing but its own payments comes from there
        index = find_arc(state, view.edge) if has_arcs else NONE
        if index == NONE:
            cost = unit_cost(state, view.edge, 0, 0)
        else:
            arc = state.mcf_arcs[index]
            cost = NO_WAY
            if arc.units < arc.most_units:
                cost = unit_cost(state, view.edge, arc.units, arc.reserved_msat)
        if cost != NO_WAY:
            _offer(state, node, view.source, view.edge, cost)


@jit
def _offer_taken_back(state: State, node: int) -> None:
    """Offer to take back a unit that flows out of ``node``."""
    record = state.mcf_nodes[node]
    index = record.first_out if record.problem == state.mcf[0].problem else NONE
    while index != NONE:
        arc = state.mcf_arcs[index]
        if arc.units > 0:
            cost = -unit_cost(state, arc.edge, arc.units - 1, arc.reserved_msat)
            _offer(state, node, state.edges[arc.edge].target, NONE - 1 - arc.edge, cost)
        index = arc.next_out


@jit
def _offer(state: State, node: int, source: int, way: int, cost: int) -> None:
    """Offer ``source`` to go on to ``node``; ``way`` is the edge, or NONE - 1 - edge where flow is taken back."""
    record = state.mcf_nodes[source]
    if record.search == state.mcf[0].search and record.settled:
        return
    reduced = cost + _potential(state, node) - _potential(state, source)
    distance = state.mcf_nodes[node].distance + reduced
    is_known = record.search == state.mcf[0].search
    if is_known and (distance > record.distance or (distance == record.distance and way >= record.way)):
        return
    _label(state, source, distance, way)


@jit
def _label(state: State, node: int, distance: int, way: int) -> None:
    flow, record = state.mcf[0], state.mcf_nodes[node]
    record.search, record.settled = flow.search, False
    record.distance, record.way = distance, way
    push(state.mcf_heap, flow.n_heap, float(distance), NONE, node)
    flow.n_heap += 1


@jit
def _send_unit(state: State) -> None:
    """Follow the ways from the sender to the receiver."""
    node = state.mcf[0].sender
    while node != state.mcf[0].receiver:
        way = state.mcf_nodes[node].way
        if way >= 0:
            state.mcf_arcs[arc_of(state, way)].units += 1
            node = state.edges[way].target
        else:
            edge = NONE - 1 - way
            state.mcf_arcs[find_arc(state, edge)].units -= 1
            node = state.edges[edge].source


@jit
def start_paths(state: State) -> None:
    """Make :func:`next_path` begin anew."""
    for index in range(state.mcf[0].n_arcs):
        state.mcf_arcs[index].left = state.mcf_arcs[index].units


@jit
def next_path(state: State) -> int:
    """Split a path off the flow into ``state.route[0].edges``, lower edges first; returns its units, 0 at the end.

    Of a path longer than a route can be only the first edges are written; ``route.n_hops`` counts them all.
    """
    flow, route = state.mcf[0], state.route[0]
    route.n_hops = 0
    node, units = flow.sender, UNLIMITED
    while node != flow.receiver:
        index = _lowest_out(state, node)
        if index == NONE:
            return 0
        arc = state.mcf_arcs[index]
        if route.n_hops < len(route.edges):
            route.edges[route.n_hops] = arc.edge
        route.n_hops += 1
        units = min(units, arc.left)
        node = state.edges[arc.edge].target
    node = flow.sender
    while node != flow.receiver:
        arc = state.mcf_arcs[_lowest_out(state, node)]
        arc.left -= units
        node = state.edges[arc.edge].target
    return int(units)


@jit
def _lowest_out(state: State, node: int) -> int:
    """Of the arcs out of a node with flow left, that of the lowest edge."""
    best, record = NONE, state.mcf_nodes[node]
    index = record.first_out if record.problem == state.mcf[0].problem else NONE
    while index != NONE:
        arc = state.mcf_arcs[index]
        if arc.left > 0 and (best == NONE or arc.edge < state.mcf_arcs[best].edge):
            best = index
        index = arc.next_out
    return int(best)
