"""What senders learn about liquidity: LND's mission control with its *apriori* estimator (see also ``bimodal``).

A sender keeps, for each pair of nodes it has tried, the last failure and the last success with their amounts
(``routing/missioncontrol_state.go``). Pairs, not channels: parallel channels share a record, as in LND.

The probability that node u forwards an amount to node v (``routing/probability_apriori.go``) is

* for a pair that carried at least this amount before: ``success_probability`` (0.95);
* for a pair that failed with at most this amount: the node's average, times one minus the failure's weight;
* otherwise the node's average: ``(F * prior + 0.95 * S) / (F + S + W)``, where S counts the pairs of u that
  carried the amount, W sums the weights of those that failed with it, ``F = 1 / (1 - apriori_weight) - 1``,
  and prior is ``hop_probability`` cut where the amount comes close to the capacity.

A failure weighs 1 when fresh and half as much after each ``half_life_ms``. The sender's own channels start
from 0.95 and any failure of theirs counts, whatever its amount.

``any_failure_counts`` is CLoTH's reading of the same: a pair's own record is asked about no amount in particular,
so every failure counts and no success raises it; the node's average still goes by the amount.

Storage: records are handed out from one pool in blocks of ``BLOCK``, linked per sender, so that a sender's
memory is read almost in sequence. A sender keeps ``MEMORY_LIMIT`` pairs; then the one that was updated the
longest ago is forgotten. (LND keeps the last 1000 *results* and derives the pairs from them.)
"""

import math

from lnherd.engine import bimodal
from lnherd.engine.bimodal import bimodal_probability
from lnherd.engine.codes import ESTIMATOR_BIMODAL
from lnherd.engine.jit import jit
from lnherd.engine.state import NEVER, NONE, State

BLOCK = 8
"""Records handed out at a time. The loop's headroom covers the blocks of one event."""
MEMORY_LIMIT = 1000
"""Pairs one sender remembers (LND ``DefaultMaxMcHistory``)."""
RELAX_INTERVAL_MS = 60_000
"""A failure of a higher amount this soon after another is ignored (LND ``DefaultMinFailureRelaxInterval``)."""
FORGIVEN_WEIGHT = 0.5
"""Senders that do not weigh probabilities avoid a pair until its failure has decayed to this weight."""
ANY_AMOUNT = 1 << 62
MIN_CAPACITY_FACTOR = 0.5
LN_2 = math.log(2.0)
NEGLIGIBLE = 37.5
"""exp(-37.5) / 2 is lost when subtracted from 1.0 in double precision."""


@jit
def record_success(state: State, sender: int, source: int, target: int, amount_msat: int) -> None:
    """The pair forwarded ``amount_msat``. Needs one free block in the pool."""
    record = state.memory[_find_or_add(state, sender, source, target)]
    record.success_ms = state.clock[0].now_ms
    if amount_msat > record.success_amount_msat:
        record.success_amount_msat = amount_msat
    if record.fail_ms != NEVER and amount_msat >= record.fail_amount_msat:
        record.fail_amount_msat = amount_msat + 1


@jit
def record_failure(state: State, sender: int, source: int, target: int, amount_msat: int) -> None:
    """The pair could not forward ``amount_msat``; 0 for any amount. Needs one free block in the pool."""
    record = state.memory[_find_or_add(state, sender, source, target)]
    now_ms = state.clock[0].now_ms
    is_fresh = record.fail_ms != NEVER and now_ms - record.fail_ms < RELAX_INTERVAL_MS
    if is_fresh and amount_msat > record.fail_amount_msat:
        return
    record.fail_ms = now_ms
    record.fail_amount_msat = amount_msat
    if amount_msat == 0:
        record.success_amount_msat = 0
    elif amount_msat <= record.success_amount_msat:
        record.success_amount_msat = amount_msat - 1


@jit
def record_payment(state: State, sender: int, source: int, target: int, amount_msat: int) -> None:
    """The pair carried the amount for good: by so much the bounds the sender knows fall here and rise the other way."""
    forth, back = _find(state, sender, source, target), _find(state, sender, target, source)
    if forth != NONE:
        record = state.memory[forth]
        record.success_amount_msat = max(record.success_amount_msat - amount_msat, 0)
        if record.fail_amount_msat <= amount_msat:
            record.fail_ms, record.fail_amount_msat = NEVER, 0
        else:
            record.fail_amount_msat -= amount_msat
    if back != NONE:
        record = state.memory[back]
        record.success_amount_msat += amount_msat if record.success_ms != NEVER else 0
        record.fail_amount_msat += amount_msat if record.fail_ms != NEVER else 0


@jit
def _find(state: State, sender: int, source: int, target: int) -> int:
    left, block = state.nodes[sender].n_memory, state.nodes[sender].memory_head
    while left > 0:
        for index in range(block, block + min(left, BLOCK)):
            record = state.memory[index]
            if record.source == source and record.target == target:
                return int(index)
        left -= BLOCK
        block = state.memory[block].next
    return NONE


@jit
def _find_or_add(state: State, sender: int, source: int, target: int) -> int:
    node = state.nodes[sender]
    left, block = node.n_memory, node.memory_head
    oldest, oldest_ms = NONE, ANY_AMOUNT
    while left > 0:
        for index in range(block, block + min(left, BLOCK)):
            record = state.memory[index]
            if record.source == source and record.target == target:
                return index
            updated_ms = max(record.fail_ms, record.success_ms)
            if updated_ms < oldest_ms:
                oldest, oldest_ms = index, updated_ms
        left -= BLOCK
        block = state.memory[block].next
    index = oldest if node.n_memory >= MEMORY_LIMIT else _take(state, sender)
    record = state.memory[index]
    record.source, record.target = source, target
    record.fail_ms, record.success_ms = NEVER, NEVER
    record.fail_amount_msat, record.success_amount_msat = 0, 0
    return index


@jit
def _take(state: State, sender: int) -> int:
    """The next unused record of ``sender``, from a new block if its last one is full."""
    node = state.nodes[sender]
    used = node.n_memory % BLOCK
    node.n_memory += 1
    if used > 0:
        return int(node.memory_tail + used)
    clock = state.clock[0]
    block: int = clock.n_memory
    clock.n_memory += BLOCK
    if node.n_memory == 1:
        node.memory_head = block
    else:
        state.memory[node.memory_tail].next = block
    node.memory_tail = block
    state.memory[block].next = NONE
    return block


@jit
def recall_memory(state: State) -> None:
    """Spread the memory of the running query's sender over the nodes it is about."""
    search = state.search[0]
    node = state.nodes[search.sender]
    left, block = 0 if search.ignores_past else node.n_memory, node.memory_head
    search.n_recalled = left
    while left > 0:
        for index in range(block, block + min(left, BLOCK)):
            record = state.memory[index]
            _refresh(state, record.source)
            _refresh(state, record.target)
            source, target = state.recall[record.source], state.recall[record.target]
            record.next_of_source, source.of_source = source.of_source, index
            record.next_of_target, target.of_target = target.of_target, index
            record.weight = 0.0 if record.fail_ms == NEVER else failure_weight(state, record.fail_ms)
        left -= BLOCK
        block = state.memory[block].next


@jit
def _refresh(state: State, node: int) -> None:
    """Clear the scratch record of ``node`` if this query has not touched it yet."""
    recall = state.recall[node]
    if recall.query != state.search[0].query:
        recall.query = state.search[0].query
        recall.lowest_msat, recall.highest_msat = 1, 0
        recall.of_source, recall.of_target, recall.pair_target = NONE, NONE, NONE
        recall.weighed_msat, recall.exception_source = NONE, NONE


@jit
def recall_pairs(state: State, target: int) -> None:
    """Note, at each node the sender knows something about, its record for the pair with ``target``."""
    if state.search[0].n_recalled == 0 or state.recall[target].query != state.search[0].query:
        return
    index = state.recall[target].of_target
    while index != NONE:
        record = state.memory[index]
        source = state.recall[record.source]
        source.pair_target, source.pair_record = target, index
        index = record.next_of_target


@jit
def pair_probability(state: State, source: int, target: int, amount_msat: int, capacity_msat: int) -> float:
    """Chance that ``source`` forwards the amount to ``target``; :func:`recall_pairs` was called for it."""
    settings = state.settings[0]
    if settings.estimator_kind == ESTIMATOR_BIMODAL:
        return bimodal_probability(state, source, target, amount_msat, capacity_msat)
    prior: float = settings.hop_probability * capacity_factor(state, amount_msat, capacity_msat)
    if state.search[0].n_recalled == 0 or state.recall[source].query != state.search[0].query:
        return prior
    average = _node_average(state, source, amount_msat, prior)
    recall = state.recall[source]
    if recall.pair_target != target:
        return average
    record = state.memory[recall.pair_record]
    counted_msat = ANY_AMOUNT if settings.any_failure_counts else amount_msat
    if counted_msat <= record.success_amount_msat:
        return float(settings.success_probability)
    if record.fail_ms == NEVER or counted_msat < record.fail_amount_msat:
        return average
    return float(average * (1.0 - record.weight))


@jit
def local_probability(state: State, sender: int, target: int) -> float:
    """Chance that the sender's own channels carry to ``target``; :func:`recall_pairs` was called for it."""
    likely = surest_own_channel(state)
    recall = state.recall[sender]
    if state.search[0].n_recalled == 0 or recall.query != state.search[0].query or recall.pair_target != target:
        return likely
    return float(likely * (1.0 - state.memory[recall.pair_record].weight))


@jit
def surest_own_channel(state: State) -> float:
    """The most :func:`local_probability` can be."""
    settings = state.settings[0]
    return 1.0 if settings.estimator_kind == ESTIMATOR_BIMODAL else float(settings.success_probability)


@jit
def best_prior(state: State, amount_msat: int) -> float:
    """The most the probability of an untried pair of an unknown node can be, for the amount or a higher one."""
    settings = state.settings[0]
    if settings.estimator_kind == ESTIMATOR_BIMODAL:
        return bimodal.best_prior(settings.bimodal_scale_msat, amount_msat)
    return float(settings.hop_probability)


@jit
def is_avoided(state: State, source: int, target: int, amount_msat: int) -> bool:
    """Whether the pair failed with at most this amount less than a half-life ago."""
    recall = state.recall[source]
    if state.search[0].n_recalled == 0 or recall.query != state.search[0].query or recall.pair_target != target:
        return False
    record = state.memory[recall.pair_record]
    counts = record.fail_ms != NEVER and (
        state.settings[0].any_failure_counts or amount_msat >= record.fail_amount_msat
    )
    return bool(counts and failure_weight(state, record.fail_ms) > FORGIVEN_WEIGHT)


@jit
def _node_average(state: State, node: int, amount_msat: int, prior: float) -> float:
    settings, recall = state.settings[0], state.recall[node]
    if settings.apriori_weight >= 1.0:
        return prior
    if not recall.lowest_msat <= amount_msat <= recall.highest_msat:
        _tally(state, node, amount_msat)
    prior_weight = 1.0 / (1.0 - settings.apriori_weight) - 1.0
    weight = prior_weight + recall.n_successes + recall.failure_weight
    if weight == 0.0:
        return prior
    average: float = (prior * prior_weight + settings.success_probability * recall.n_successes) / weight
    return average


@jit
def _tally(state: State, node: int, amount_msat: int) -> None:
    """Count what the sender remembers of ``node`` that matters for the amount, and for which amounts it is so."""
    recall = state.recall[node]
    lowest, highest = 0, ANY_AMOUNT
    n_successes, weight = 0, 0.0
    index = recall.of_source
    while index != NONE:
        record = state.memory[index]
        if amount_msat <= record.success_amount_msat:
            n_successes += 1
            highest = min(highest, record.success_amount_msat)
        else:
            lowest = max(lowest, record.success_amount_msat + 1)
            if record.fail_ms != NEVER and amount_msat >= record.fail_amount_msat:
                weight += record.weight
                lowest = max(lowest, record.fail_amount_msat)
            elif record.fail_ms != NEVER:
                highest = min(highest, record.fail_amount_msat - 1)
        index = record.next_of_source
    recall.lowest_msat, recall.highest_msat = lowest, highest
    recall.n_successes, recall.failure_weight = n_successes, weight


@jit
def failure_weight(state: State, fail_ms: int) -> float:
    """1 for a fresh failure; halved with each half-life, or faded as the bimodal estimator has it."""
    if state.settings[0].estimator_kind == ESTIMATOR_BIMODAL:
        return bimodal.faded(state, fail_ms)
    half_life_ms = state.settings[0].half_life_ms
    if half_life_ms <= 0.0:
        return 0.0
    return math.exp(-LN_2 * ((state.clock[0].now_ms - fail_ms) / half_life_ms))


@jit
def capacity_factor(state: State, amount_msat: int, capacity_msat: int) -> float:
    """1 for small amounts, falling to one half as the amount nears the capacity (a mirrored logistic)."""
    settings = state.settings[0]
    if settings.capacity_smearing <= 0.0 or capacity_msat <= 0:
        return 1.0
    steps = (settings.capacity_fraction * capacity_msat - amount_msat) / (settings.capacity_smearing * capacity_msat)
    if steps > NEGLIGIBLE:
        return 1.0
    return 1.0 - (1.0 - MIN_CAPACITY_FACTOR) / (1.0 + math.exp(steps))
