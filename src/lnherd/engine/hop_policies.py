"""Choosing the next channel: the policies compiled into the loop, and the queue of choices made outside.

All of them choose among the channels of the node that holds the part which nothing speaks against
(:func:`lnherd.engine.hops.objection`: loops, closed, no balance, no slots, budgets used up). With none left the
source splits the part if it may; otherwise the holder gives up.

* ``random``: any of them, all alike;
* ``shortest``: the nearest to the receiver, then the lowest fee;
* ``cheapest``: those that lead nearer first, of these the lowest fee, then the nearest;
* ``balance``: those that lead nearer first, of these the most to spend, then the nearest;
* ``network``: the highest score (:mod:`lnherd.engine.hop_network`), giving up and splitting included.

Ties go by the node's own order of channels.
"""

from lnherd.engine.channels import spendable_msat
from lnherd.engine.codes import (
    GIVE_UP,
    NO_FAILURE,
    POLICY_CHEAPEST,
    POLICY_EXTERNAL,
    POLICY_NETWORK,
    POLICY_RANDOM,
    POLICY_SHORTEST,
    SPLIT,
)
from lnherd.engine.distances import hops_between
from lnherd.engine.hop_crowd import note_action
from lnherd.engine.hop_features import shortlist
from lnherd.engine.hop_network import draw_scored
from lnherd.engine.hops import carry_out, holder, is_over, mark_path, may_split, objection, onward_msat
from lnherd.engine.jit import jit
from lnherd.engine.rng import STREAM_CHOICE, uniform
from lnherd.engine.state import NONE, State

DRAWS = 8
"""Channels drawn at random before the rest are looked at in turn."""
WORST = 1 << 62


@jit
def decision_due(state: State, attempt_id: int) -> None:
    """The holder of a part has to choose: it does, or waits to be told."""
    if state.nodes[holder(state, attempt_id)].hop_policy != POLICY_EXTERNAL:
        carry_out_noted(state, attempt_id, choose(state, attempt_id))
        return
    clock = state.clock[0]
    state.pending[clock.n_pending] = attempt_id
    clock.n_pending += 1


@jit
def carry_out_noted(state: State, attempt_id: int, choice: int) -> None:
    """Carry ``choice`` out, which the neighbours hear of."""
    note_action(state, holder(state, attempt_id), state.payments[state.attempts[attempt_id].payment].receiver, choice)
    carry_out(state, attempt_id, choice)


@jit
def choose(state: State, attempt_id: int) -> int:
    """What the holder's own policy says: an edge, ``SPLIT`` or ``GIVE_UP``."""
    if is_over(state, attempt_id):
        return GIVE_UP
    mark_path(state, attempt_id)
    kind = state.nodes[holder(state, attempt_id)].hop_policy
    if kind == POLICY_NETWORK:
        shortlist(state, attempt_id)
        return draw_scored(state, attempt_id)
    edge = _any_possible(state, attempt_id) if kind == POLICY_RANDOM else _first_in_rank(state, attempt_id, kind)
    if edge != NONE:
        return edge
    return SPLIT if may_split(state, attempt_id) else GIVE_UP


@jit
def _any_possible(state: State, attempt_id: int) -> int:
    """Draw until nothing speaks against a channel; after a few misses take the next possible one in order."""
    node = state.nodes[holder(state, attempt_id)]
    n_own = node.gossip_end - node.gossip_start
    for draw in range(DRAWS):
        edge = _own_edge(state, node.gossip_start + _draw(state, attempt_id, draw, n_own))
        if objection(state, attempt_id, edge) == NO_FAILURE:
            return edge
    first = _draw(state, attempt_id, DRAWS, n_own)
    for step in range(n_own):
        edge = _own_edge(state, node.gossip_start + (first + step) % n_own)
        if objection(state, attempt_id, edge) == NO_FAILURE:
            return edge
    return NONE


@jit
def _own_edge(state: State, position: int) -> int:
    """Gossip is grouped by where edges lead; the counter edges are the node's own."""
    return int(state.gossip[position].edge ^ 1)


@jit
def _draw(state: State, attempt_id: int, draw: int, n_own: int) -> int:
    attempt = state.attempts[attempt_id]
    first = (int(attempt.payment) << 12) + attempt.number
    second = (int(attempt.hop + 1) << 8) + draw
    return int(uniform(state.settings[0].seed, STREAM_CHOICE, first, second) * n_own)


@jit
def _first_in_rank(state: State, attempt_id: int, kind: int) -> int:
    node_id = holder(state, attempt_id)
    receiver = state.payments[state.attempts[attempt_id].payment].receiver
    here = hops_between(state, node_id, receiver)
    best, best_tier, best_value, best_distance = NONE, WORST, WORST, WORST
    for position in range(state.nodes[node_id].gossip_start, state.nodes[node_id].gossip_end):
        distance = hops_between(state, state.gossip[position].source, receiver)
        tier = distance if kind == POLICY_SHORTEST else int(distance >= here)
        if tier > best_tier:
            continue
        edge = _own_edge(state, position)
        value = _value(state, attempt_id, edge, kind)
        if tier == best_tier and (value > best_value or (value == best_value and distance >= best_distance)):
            continue
        if objection(state, attempt_id, edge) == NO_FAILURE:
            best, best_tier, best_value, best_distance = edge, tier, value, distance
    return best


@jit
def _value(state: State, attempt_id: int, edge: int, kind: int) -> int:
    """The lower the better: what the edge costs or, by balance, minus what can be spent."""
    if kind in (POLICY_SHORTEST, POLICY_CHEAPEST):
        return -onward_msat(state, attempt_id, edge)
    return -spendable_msat(state, edge)
