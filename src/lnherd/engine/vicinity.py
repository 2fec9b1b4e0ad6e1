"""How far from the sender: hop distances in a ball around it, and what the hops to go can be at best.

The ball grows level by level over the channel graph (either direction, enabled or not, so that no change of
policy makes it wrong) while the edges of its outermost nodes fit ``search_space.SCAN_BUDGET``. Every node outside is at
least ``horizon`` hops away. Only peers over whose channel the sender could send the amount now are at level 1.

A path from the sender to a node of level h crosses all levels below, so its probability is at most the
product of the best hop probabilities out of the levels 0 .. h - 1: ``reach_chance[h]``. This is what makes the
estimates of :mod:`lnherd.engine.routing` lower bounds.
"""

from lnherd.engine.channels import refusal_to_sender
from lnherd.engine.codes import AMOUNT_BELOW_MINIMUM, DUST_EXPOSURE_EXCEEDED, NO_FAILURE
from lnherd.engine.jit import jit
from lnherd.engine.liquidity import BLOCK
from lnherd.engine.search_space import LEAF, OUTSIDE
from lnherd.engine.state import MAX_LEVELS, NONE, State


@jit
def mark_levels(state: State) -> bool:
    """Set ``level`` of all nodes in the ball of the running query.

    Returns whether the receiver may be reached: not if the ball closed without it.
    """
    _forget_levels(state)
    search = state.search[0]
    _enter(state, search.sender, 0)
    _enter_peers(state)
    first, last = 1, search.n_ball
    level, budget = 1, search.scan_budget
    while first < last and level + 2 < MAX_LEVELS:
        for index in range(first, last):
            node = state.nodes[state.ball[index]]
            budget -= node.gossip_end - node.gossip_start
        if budget < 0:
            break
        level += 1
        for index in range(first, last):
            node = state.nodes[state.ball[index]]
            for position in range(node.gossip_start, node.gossip_end):
                peer = state.peers[position]
                if state.level[peer] == OUTSIDE:
                    _enter(state, peer, level)
        first, last = last, search.n_ball
    search.horizon = level + 1
    return first < last or level_of_receiver(state) < search.horizon


@jit
def _forget_levels(state: State) -> None:
    for index in range(state.search[0].n_ball):
        state.level[state.ball[index]] = OUTSIDE
    state.search[0].n_ball = 0


@jit
def _enter(state: State, node: int, level: int) -> None:
    search = state.search[0]
    state.level[node] = level
    state.ball[search.n_ball] = node
    search.n_ball += 1


@jit
def _enter_peers(state: State) -> None:
    search = state.search[0]
    sender = state.nodes[search.sender]
    for position in range(sender.gossip_start, sender.gossip_end):
        peer = state.gossip[position].source
        if state.level[peer] == OUTSIDE and _can_send(state, state.gossip[position].edge ^ 1):
            _enter(state, peer, 1)


@jit
def _can_send(state: State, edge: int) -> bool:
    """Whether the sender's ``edge`` could carry this or a higher amount (which it will with fees)."""
    search = state.search[0]
    if search.first_edge != NONE and edge != search.first_edge:
        return False
    problem = refusal_to_sender(state, edge, search.amount_msat)
    return problem in (NO_FAILURE, AMOUNT_BELOW_MINIMUM, DUST_EXPOSURE_EXCEEDED)


@jit
def weigh_levels(state: State) -> None:
    """Best chance of one hop out of each level, and of reaching each level from the sender."""
    search, settings = state.search[0], state.settings[0]
    for level in range(MAX_LEVELS):
        search.hop_chance[level] = settings.hop_probability
    search.hop_chance[0] = settings.success_probability
    if search.n_recalled > 0:
        _raise_by_successes(state)
    search.reach_chance[0] = 1.0
    for level in range(1, MAX_LEVELS):
        search.reach_chance[level] = search.reach_chance[level - 1] * search.hop_chance[level - 1]


@jit
def _raise_by_successes(state: State) -> None:
    search = state.search[0]
    likely = state.settings[0].success_probability
    left, block = state.nodes[search.sender].n_memory, state.nodes[search.sender].memory_head
    while left > 0:
        for index in range(block, block + min(left, BLOCK)):
            record = state.memory[index]
            if record.source != search.sender and record.success_amount_msat >= search.amount_msat:
                level = level_of(state, record.source)
                search.hop_chance[level] = max(search.hop_chance[level], likely)
        left -= BLOCK
        block = state.memory[block].next


@jit
def level_of(state: State, node: int) -> int:
    """Hops from the sender to ``node``, or the horizon if it lies beyond."""
    level: int = state.level[node]
    return level if level != OUTSIDE else state.search[0].horizon


@jit
def level_of_receiver(state: State) -> int:
    """The ball does not enter leaves: a leaf's level is its only neighbour's plus one."""
    search = state.search[0]
    level = level_of(state, search.receiver)
    is_leaf = state.level[search.receiver + len(state.nodes)] == LEAF
    if level < search.horizon or not is_leaf:
        return level
    peer = state.gossip[state.nodes[search.receiver].gossip_start].source
    return min(level_of(state, peer) + 1, level)
