"""What nobody in the network can see, but a central critic may: true balances and the traffic of all.

An open way has room for the amount on every channel at this moment, past nodes that the part has not been at. It is
searched breadth first from the receiver, which ends at the holder: by then all that is nearer has been found. What
concerns the whole network is looked at every half second.
"""

from lnherd.engine.channels import spendable_msat
from lnherd.engine.codes import FAILED, SUCCEEDED
from lnherd.engine.hops import holder
from lnherd.engine.jit import jit
from lnherd.engine.state import State

LOOK_INTERVAL_MS = 500
DEPLETED = 0.02
"""Share of the capacity that counts as nothing."""
WINDOW = 200
"""Payments, of those that started last, whose success counts."""
FIRST_OF_NETWORK = 5
"""Position of the first of ``GLOBAL_FEATURES`` that concerns the whole network."""


@jit
def see_beyond(state: State, attempt_id: int) -> None:
    """Write ``GLOBAL_FEATURES`` of a decision to ``state.hops[0].beyond``. Needs the shortlist."""
    hops, now_ms = state.hops[0], state.clock[0].now_ms
    _see_receiver(state, attempt_id)
    n_open_hops = find_open_ways(state, attempt_id, False)
    hops.beyond[2] = 1.0 if n_open_hops > 0 else 0.0
    hops.beyond[3] = min(1.0, n_open_hops / 10.0) if n_open_hops > 0 else 1.0
    hops.beyond[4] = _open_candidates(state, n_open_hops)
    if now_ms >= hops.next_look_ms:
        hops.next_look_ms = now_ms // LOOK_INTERVAL_MS * LOOK_INTERVAL_MS + LOOK_INTERVAL_MS
        _see_network(state)


@jit
def _room_msat(state: State, edge_id: int) -> int:
    """What the edge could take now."""
    edge = state.edges[edge_id]
    is_free = edge.is_open and edge.enabled and edge.n_htlcs < edge.max_htlcs
    return spendable_msat(state, edge_id) if is_free else 0


@jit
def _see_receiver(state: State, attempt_id: int) -> None:
    hops, attempt = state.hops[0], state.attempts[attempt_id]
    node = state.nodes[state.payments[attempt.payment].receiver]
    most_msat, n_fit = 0, 0
    for position in range(node.gossip_start, node.gossip_end):
        room_msat = _room_msat(state, state.gossip[position].edge)
        most_msat = max(most_msat, room_msat)
        n_fit += 1 if room_msat >= attempt.amount_msat else 0
    hops.beyond[0] = min(1.0, most_msat / attempt.amount_msat)
    hops.beyond[1] = n_fit / max(1, node.gossip_end - node.gossip_start)


@jit
def find_open_ways(state: State, attempt_id: int, of_all: bool) -> int:
    """Hops of the shortest open way, 0 without one; marks the nodes from which one is found: those nearer, or all of
    them where ``of_all``. Needs :func:`lnherd.engine.hops.mark_path`."""
    hops, crowd = state.hops[0], state.crowd
    attempt, here = state.attempts[attempt_id], holder(state, attempt_id)
    receiver = state.payments[attempt.payment].receiver
    hops.search += 1
    crowd[receiver].found, crowd[receiver].open_hops, crowd[0].queue = hops.search, 0, receiver
    first, n_queued, n_open_hops = 0, 1, 0
    while first < n_queued:
        node = crowd[first].queue
        first += 1
        for position in range(state.nodes[node].gossip_start, state.nodes[node].gossip_end):
            source, edge = state.gossip[position].source, state.gossip[position].edge
            if crowd[source].found == hops.search or _room_msat(state, edge) < attempt.amount_msat:
                continue
            if source == here and n_open_hops == 0:
                n_open_hops = int(crowd[node].open_hops + 1)
                if not of_all:
                    return n_open_hops
            if state.nodes[source].visit != hops.stamp:
                crowd[source].found, crowd[source].open_hops = hops.search, crowd[node].open_hops + 1
                crowd[n_queued].queue = source
                n_queued += 1
    return n_open_hops


@jit
def _open_candidates(state: State, n_open_hops: int) -> float:
    """Share of the shortlist from which a way goes on that is open and leads nearer."""
    hops, n_open = state.hops[0], 0
    for rank in range(hops.n_candidates):
        peer = state.crowd[state.gossip[hops.position[rank]].source]
        n_open += 1 if peer.found == hops.search and peer.open_hops < n_open_hops else 0
    return float(n_open / max(1, hops.n_candidates))


@jit
def _see_network(state: State) -> None:
    hops = state.hops[0]
    n_depleted, in_flight_msat, capacity_msat, slots_used = 0, 0.0, 0.0, 0.0
    for position in range(len(state.gossip)):
        edge_id, own_msat = state.gossip[position].edge, state.gossip[position].capacity_msat
        edge = state.edges[edge_id]
        n_depleted += 1 if _room_msat(state, edge_id) < DEPLETED * own_msat else 0
        capacity_msat += own_msat
        in_flight_msat += edge.in_flight_msat
        slots_used += edge.n_htlcs / max(1, edge.max_htlcs)
    n_edges = max(1, len(state.gossip))
    hops.beyond[FIRST_OF_NETWORK] = n_depleted / n_edges
    hops.beyond[FIRST_OF_NETWORK + 1] = min(1.0, 10.0 * in_flight_msat / max(1.0, capacity_msat))
    hops.beyond[FIRST_OF_NETWORK + 2] = slots_used / n_edges
    hops.beyond[FIRST_OF_NETWORK + 3] = _success_lately(state)


@jit
def _success_lately(state: State) -> float:
    n_started, n_paid, n_ended = state.clock[0].next_payment, 0, 0
    for payment_id in range(max(0, n_started - WINDOW), n_started):
        status = state.payments[payment_id].status
        n_paid += 1 if status == SUCCEEDED else 0
        n_ended += 1 if status in (SUCCEEDED, FAILED) else 0
    return n_paid / max(1, n_ended)
