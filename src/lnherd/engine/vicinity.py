"""How likely the sender reaches a node at best: the look-ahead of the path search.

``odds_to[v]`` is a distance: every path from the sender to node v succeeds with at most ``chance[odds_to[v]]``
times the chance of one of the sender's own channels. Odds are minus a logarithm in whole units, rounded
down. A hop the sender knows nothing about costs four units (LND's prior of 0.6); a pair that failed
lately, or an untried channel of a node that often fails, costs more; what is known to work costs less. All
else that a hop depends on (policies, capacities) is left out, so that only a new channel changes the graph.

The distances are found by Dial's algorithm (CACM 12, 1969: Dijkstra with buckets) over channels in either
direction, in a ball around the sender. The ball grows by whole buckets while the edges of their nodes fit
``scan_budget``; all nodes outside are at least ``horizon`` away. ``odds_past[v]`` adds the best hop out of v.

What failed depends on the amount, so there may be several tables, each for all amounts from some least one.
A node's place in table t is ``t * 2N`` plus its index.
"""

import math

from lnherd.engine import bimodal
from lnherd.engine.channels import refusal_to_sender
from lnherd.engine.codes import AMOUNT_BELOW_MINIMUM, DUST_EXPOSURE_EXCEEDED, ESTIMATOR_BIMODAL, NO_FAILURE
from lnherd.engine.fees import forward_fee_msat
from lnherd.engine.jit import jit
from lnherd.engine.liquidity import (
    BLOCK,
    FORGIVEN_WEIGHT,
    best_prior,
    local_probability,
    recall_pairs,
    surest_own_channel,
)
from lnherd.engine.search_space import HOP_ODDS, LEAF, LOG_UNIT, MOST_ODDS, OUTSIDE
from lnherd.engine.state import MAX_FAILED, MAX_TABLES, NEVER, NONE, State
from lnherd.network.records import Records

FADED_WEIGHT = 0.1
"""Failures of less weight are not worth a table of their own."""
WORST_HOP_ODDS = 60
"""Cap on the odds of one hop: a chance of 0.0005, far below any route worth trying."""


@jit
def odds_of(probability: float) -> int:
    """Units of a probability: ``chance[odds]`` is at least as large."""
    if probability <= 0.0:
        return WORST_HOP_ODDS
    return int(min(-math.log(probability) / LOG_UNIT, WORST_HOP_ODDS))


@jit
def explore_vicinity(state: State) -> bool:
    """Fill the tables of distances for the running query; False if the receiver is out of reach."""
    search = state.search[0]
    _forget(state)
    search.prior_odds = odds_of(best_prior(state, search.amount_msat)) if search.weighs_chances else HOP_ODDS
    _choose_amounts(state)
    is_near = _explore(state, 0)
    for table in range(1, search.n_tables):
        _explore(state, table)
    return is_near


@jit
def _explore(state: State, table: int) -> bool:
    """Fill one table; False if the ball holds all that is connected with the sender, but not the receiver."""
    search = state.search[0]
    _weigh_memory(state, search.least_msat[table])
    offset = 2 * len(state.nodes) * table
    _enter_peers(state, offset)
    budget, odds = search.scan_budget, 0
    while search.n_pending > 0:
        if search.bucket[odds] == NONE:
            odds += 1
            continue
        budget -= _edges_in_bucket(state, offset, odds)
        if budget < 0:
            _set_horizon(state, table, odds)
            return True
        _spread_bucket(state, offset, odds)
    _set_horizon(state, table, MOST_ODDS)
    return _is_near(state, search.receiver)


@jit
def _choose_amounts(state: State) -> None:
    """Pick the least amounts to tabulate distances for: the payment's, and some of those that failed lately.

    Amounts grow towards the sender by the fees. What failed with one a little above the payment's rules out
    nothing near the receiver, but much for routes that have gathered so much in fees.
    """
    search = state.search[0]
    search.least_msat[0], search.n_tables = search.amount_msat, 1
    left, block = search.n_recalled, state.nodes[search.sender].memory_head
    n_failed = 0
    while left > 0:
        for index in range(block, block + min(left, BLOCK)):
            record = state.memory[index]
            excess_msat = record.fail_amount_msat - search.amount_msat
            is_relevant = record.fail_ms != NEVER and record.weight > FADED_WEIGHT and n_failed < MAX_FAILED
            if is_relevant and 0 < excess_msat <= search.fee_limit_msat and record.source != search.sender:
                _insert(search.failed_msat, n_failed, record.fail_amount_msat)
                n_failed += 1
        left -= BLOCK
        block = state.memory[block].next
    for share in range(1, MAX_TABLES):
        amount_msat = search.failed_msat[(n_failed * share - 1) // (MAX_TABLES - 1)] if n_failed > 0 else 0
        if amount_msat > search.least_msat[search.n_tables - 1]:
            search.least_msat[search.n_tables] = amount_msat
            search.n_tables += 1


@jit
def _insert(amounts_msat: Records, length: int, amount_msat: int) -> None:
    """Insert into a sorted prefix."""
    hole = length
    while hole > 0 and amounts_msat[hole - 1] > amount_msat:
        amounts_msat[hole] = amounts_msat[hole - 1]
        hole -= 1
    amounts_msat[hole] = amount_msat


@jit
def _forget(state: State) -> None:
    search = state.search[0]
    span = 2 * len(state.nodes)
    for index in range(search.n_ball):
        place = state.ball[index].node
        state.odds_to[place], state.odds_past[place] = OUTSIDE, OUTSIDE
        if place < span:
            state.is_own_peer[place] = False
    search.n_ball, search.n_pending, search.n_peers_left = 0, 0, 0


@jit
def _enter(state: State, place: int, odds: int) -> None:
    """Put a node, by its place in the tables, into a bucket."""
    search = state.search[0]
    entry = state.ball[search.n_ball]
    entry.node, entry.next = place, search.bucket[odds]
    search.bucket[odds] = search.n_ball
    search.n_ball += 1
    search.n_pending += 1
    state.odds_to[place], state.odds_past[place] = odds, odds + search.prior_odds


@jit
def _enter_peers(state: State, offset: int) -> None:
    """Start from the sender's peers, as far away as its memory of its own channels tells."""
    search = state.search[0]
    sender = state.nodes[search.sender]
    for odds in range(MOST_ODDS + 1):
        search.bucket[odds] = NONE
    search.n_pending = 0
    state.ball[search.n_ball].node = offset + search.sender
    search.n_ball += 1
    state.odds_to[offset + search.sender], state.odds_past[offset + search.sender] = 0, LEAF
    for position in range(sender.gossip_start, sender.gossip_end):
        peer = state.gossip[position].source
        if state.odds_to[offset + peer] != OUTSIDE:
            continue
        if offset == 0 and _can_send(state, state.gossip[position].edge ^ 1):
            state.is_own_peer[peer] = True
            search.n_peers_left += 1
        if state.is_own_peer[peer]:
            _enter(state, offset + peer, _own_odds(state, peer))


@jit
def _own_odds(state: State, peer: int) -> int:
    """Odds of the sender's own channels with a peer, beyond those they always have."""
    search = state.search[0]
    if search.n_recalled == 0 or not search.weighs_chances:
        return 0
    recall_pairs(state, peer)
    return odds_of(local_probability(state, search.sender, peer) / surest_own_channel(state))


@jit
def _can_send(state: State, edge: int) -> bool:
    """Whether a route may begin with the sender's ``edge``, carrying this or, with fees, a higher amount."""
    search = state.search[0]
    if search.first_edge != NONE and edge != search.first_edge:
        return False
    problem = refusal_to_sender(state, edge, search.amount_msat)
    if problem == AMOUNT_BELOW_MINIMUM:
        problem = refusal_to_sender(state, edge, search.amount_msat + search.fee_limit_msat)
        return problem != AMOUNT_BELOW_MINIMUM and _can_pass_on(state, edge)
    return problem in (NO_FAILURE, DUST_EXPOSURE_EXCEEDED) and _can_pass_on(state, edge)


@jit
def _can_pass_on(state: State, edge: int) -> bool:
    """Whether the peer is the receiver, or some hop on from it is not ruled out by what it asks for by itself.

    A peer that asks more for every hop than the whole fee limit would otherwise be found out only when all that can
    reach the receiver has been looked through.
    """
    search, peer = state.search[0], state.edges[edge].target
    if peer == search.receiver:
        return True
    for position in range(state.nodes[peer].gossip_start, state.nodes[peer].gossip_end):
        is_back = state.gossip[position].source == search.sender and search.sender != search.receiver
        if not is_back and _may_follow(state, edge, state.gossip[position].edge ^ 1):
            return True
    return False


@jit
def _may_follow(state: State, edge: int, onward_edge: int) -> bool:
    """Whether ``onward_edge`` may come after the sender's ``edge`` as far as limits and fee of that hop go."""
    search = state.search[0]
    own, onward = state.gossip[state.gossip_position[edge]], state.gossip[state.gossip_position[onward_edge]]
    if not onward.enabled or search.amount_msat > onward.htlc_max_msat:
        return False
    if onward.htlc_min_msat - search.amount_msat > search.fee_limit_msat:
        return False
    if own.inbound_base_fee_msat != 0 or own.inbound_fee_ppm != 0:  # may be a discount
        return True
    fee_msat = forward_fee_msat(search.amount_msat, onward.base_fee_msat, onward.fee_ppm, 0, 0)
    return bool(fee_msat <= search.fee_limit_msat)


@jit
def _edges_in_bucket(state: State, offset: int, odds: int) -> int:
    n_edges = 0
    index = state.search[0].bucket[odds]
    while index != NONE:
        entry = state.ball[index]
        if state.odds_to[entry.node] == odds:
            node = state.nodes[entry.node - offset]
            n_edges += node.gossip_end - node.gossip_start
        index = entry.next
    return n_edges


@jit
def _spread_bucket(state: State, offset: int, odds: int) -> None:
    """Settle the nodes of a bucket; hops that cost nothing fill the same bucket again."""
    search = state.search[0]
    index = search.bucket[odds]
    search.bucket[odds] = NONE
    while index != NONE:
        entry = state.ball[index]
        search.n_pending -= 1
        if state.odds_to[entry.node] == odds:
            _spread(state, entry.node - offset, offset, odds)
        index = entry.next


@jit
def _spread(state: State, node: int, offset: int, odds: int) -> None:
    search = state.search[0]
    start, end = state.nodes[node].gossip_start, state.nodes[node].gossip_end
    if search.n_recalled > 0 and state.recall[node].query == search.query and state.recall[node].of_source != NONE:
        _mark_exceptions(state, node)
        usual = min(odds + state.recall[node].usual_odds, MOST_ODDS)
        for position in range(start, end):
            peer = state.peers[position]
            if state.odds_to[offset + peer] > odds:
                reached = _exceptional_odds(state, node, peer, odds, usual)
                if state.odds_to[offset + peer] > reached:
                    _enter(state, offset + peer, reached)
        return
    reached = min(odds + search.prior_odds, MOST_ODDS)
    for position in range(start, end):
        place = offset + state.peers[position]
        if state.odds_to[place] > reached:
            _enter(state, place, reached)


@jit
def _mark_exceptions(state: State, node: int) -> None:
    """Note at their targets the odds of the pairs out of ``node`` that the sender remembers."""
    index = state.recall[node].of_source
    while index != NONE:
        record = state.memory[index]
        target = state.recall[record.target]
        target.exception_source, target.exception_odds = node, record.odds
        index = record.next_of_source


@jit
def _exceptional_odds(state: State, node: int, peer: int, odds: int, usual: int) -> int:
    far = state.recall[peer]
    if far.query == state.search[0].query and far.exception_source == node:
        return int(min(odds + far.exception_odds, MOST_ODDS))
    return usual


@jit
def _set_horizon(state: State, table: int, odds: int) -> None:
    """Nodes not settled so far are at ``odds`` or above: outside the ball at least one more hop away."""
    search = state.search[0]
    offset = 2 * len(state.nodes) * table
    least = search.prior_odds
    left, block = search.n_recalled, state.nodes[search.sender].memory_head
    while left > 0:
        for index in range(block, block + min(left, BLOCK)):
            source = state.memory[index].source
            if source != search.sender and state.odds_to[offset + source] >= odds:
                least = min(least, state.recall[source].least_odds)
        left -= BLOCK
        block = state.memory[block].next
    search.horizon[table] = min(odds + least, MOST_ODDS)
    if search.n_recalled > 0:
        _pass_remembered(state, table)


@jit
def _pass_remembered(state: State, table: int) -> None:
    """Set ``odds_past`` of the nodes that the sender remembers something about."""
    search = state.search[0]
    offset = 2 * len(state.nodes) * table
    left, block = search.n_recalled, state.nodes[search.sender].memory_head
    while left > 0:
        for index in range(block, block + min(left, BLOCK)):
            source = state.memory[index].source
            if source == search.sender:
                continue
            if state.odds_to[offset + source] == OUTSIDE and state.odds_past[offset + source] == OUTSIDE:
                state.ball[search.n_ball].node = offset + source
                search.n_ball += 1
            state.odds_past[offset + source] = distance(state, source, table) + state.recall[source].least_odds
        left -= BLOCK
        block = state.memory[block].next


@jit
def distance(state: State, node: int, table: int) -> int:
    """``odds_to`` of a node, or the horizon if that is nearer."""
    return int(min(state.odds_to[2 * len(state.nodes) * table + node], state.search[0].horizon[table]))


@jit
def table_for(state: State, amount_msat: int, table: int) -> int:
    """The table for routes that have gathered ``amount_msat``, at least ``table``."""
    search = state.search[0]
    while table + 1 < search.n_tables and amount_msat >= search.least_msat[table + 1]:
        table += 1
    return table


@jit
def _is_near(state: State, node: int) -> bool:
    """Whether a node, or the only peer of a leaf, lies in the ball."""
    if state.odds_to[node] != OUTSIDE:
        return True
    for position in range(state.nodes[node].gossip_start, state.nodes[node].gossip_end):
        if state.odds_to[state.gossip[position].source] != OUTSIDE:
            return True
    return False


@jit
def _weigh_memory(state: State, amount_msat: int) -> None:
    """Turn what the sender remembers into odds for the amount or any higher one."""
    search = state.search[0]
    if search.n_recalled == 0:
        return
    search.likely_odds = odds_of(state.settings[0].success_probability)
    left, block = search.n_recalled, state.nodes[search.sender].memory_head
    while left > 0:
        for index in range(block, block + min(left, BLOCK)):
            source = state.memory[index].source
            if source != search.sender and state.recall[source].weighed_msat != amount_msat:
                _weigh_source(state, source, amount_msat)
        left -= BLOCK
        block = state.memory[block].next


@jit
def _weigh_source(state: State, node: int, amount_msat: int) -> None:
    """Odds of each pair of the node, and of pairs not tried before."""
    recall, weighs_chances = state.recall[node], state.search[0].weighs_chances
    average = best_average(state, node, amount_msat) if weighs_chances else 1.0
    recall.weighed_msat = amount_msat
    recall.usual_odds = odds_of(average) if weighs_chances else HOP_ODDS
    recall.least_odds = recall.usual_odds
    index = recall.of_source
    while index != NONE:
        record = state.memory[index]
        record.odds = _pair_odds(state, index, amount_msat, average)
        recall.least_odds = min(recall.least_odds, record.odds)
        index = record.next_of_source


@jit
def best_average(state: State, node: int, amount_msat: int) -> float:
    """The most a node's average can be for the amount or a higher one."""
    settings, prior = state.settings[0], best_prior(state, amount_msat)
    if settings.estimator_kind == ESTIMATOR_BIMODAL:
        return bimodal.averaged(state, node, prior, NONE)
    if settings.apriori_weight >= 1.0:
        return prior
    n_successes, weight = 0, 1.0 / (1.0 - settings.apriori_weight) - 1.0
    total = prior * weight
    index = state.recall[node].of_source
    while index != NONE:
        record = state.memory[index]
        if amount_msat <= record.success_amount_msat:
            n_successes += 1
        elif record.fail_ms != NEVER and amount_msat >= record.fail_amount_msat:
            weight += record.weight
        index = record.next_of_source
    weight += n_successes
    if weight == 0.0:
        return prior
    average: float = (total + settings.success_probability * n_successes) / weight
    return average if settings.success_probability >= prior else max(average, prior)


@jit
def _pair_odds(state: State, index: int, amount_msat: int, average: float) -> int:
    search, settings, record = state.search[0], state.settings[0], state.memory[index]
    any_failure = settings.any_failure_counts
    has_failed = record.fail_ms != NEVER and (any_failure or amount_msat >= record.fail_amount_msat)
    if not search.weighs_chances:
        return WORST_HOP_ODDS if has_failed and record.weight > FORGIVEN_WEIGHT else HOP_ODDS
    if settings.estimator_kind == ESTIMATOR_BIMODAL:
        return odds_of(bimodal.best_of_pair(state, index, amount_msat))
    usual = state.recall[record.source].usual_odds
    if amount_msat <= record.success_amount_msat and not any_failure:
        return int(min(usual, search.likely_odds))
    return odds_of(average * (1.0 - record.weight)) if has_failed else int(usual)
