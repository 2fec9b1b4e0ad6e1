"""LND's *bimodal* estimator: channels are taken to be mostly full or mostly empty (``routing/probability_bimodal.go``).

**Prior.** The liquidity x of a channel of capacity c has the density ``exp(-x/s) + exp((x-c)/s) + 1/c`` with the
scale s; the last term keeps it from vanishing anywhere. It is conditioned on what the pair of nodes has shown: x is at
least the amount that succeeded, which fades to 0, and below the amount that failed, which fades to c, both with
``exp(-age / decay)``. If the two contradict each other, neither counts.

**Node.** A pair without news (none younger than the decay) also answers for its node: each other pair of that node
that succeeded counts as 1, each that failed as 0, with the weight ``node_weight * exp(-age / decay)``.

**At best.** The path search needs the most a probability can be for an amount or any higher one, whatever the
capacity. With ``A = exp(-a/s)`` and ``E = exp(-c/s)`` the prior's chance of an amount a is::

    ((1 + A)(1 - E/A) + (1 - a/c)/s) / (2(1 - E) + 1/s)  <=  (1 + A)/2 + 1/s

because ``1 - E/A <= 1 - E``, and the share of the uniform term adds at most 1/s: for c <= s nothing, as then
``1 - a/c <= exp(-a/s) <= (1 + A)/2``, and for c > s at most ``(1/s) / (2(1 - 1/e)) * (1 - (1 + A)/2) < 1/s``. A
failure only lowers it: P(X >= a | X < f) <= P(X >= a). After a success it is at most 1. It falls with the amount, and
the node's average grows with it, so a bound put into the average gives a bound of the average.
"""

import math

from lnherd.engine.jit import jit
from lnherd.engine.state import NEVER, NONE, State


@jit
def bimodal_probability(state: State, source: int, target: int, amount_msat: int, capacity_msat: int) -> float:
    """Chance that ``source`` forwards the amount to ``target``; ``liquidity.recall_pairs`` was called for it."""
    scale_msat = state.settings[0].bimodal_scale_msat
    recall = state.recall[source]
    if state.search[0].n_recalled == 0 or recall.query != state.search[0].query:
        return posterior(scale_msat, capacity_msat, 0, capacity_msat, amount_msat)
    if recall.pair_target != target:
        direct = posterior(scale_msat, capacity_msat, 0, capacity_msat, amount_msat)
        return averaged(state, source, direct, NONE)
    known = recall.pair_record
    can_send_msat, cannot_send_msat = _can_send_msat(state, known), _cannot_send_msat(state, known, capacity_msat)
    direct = posterior(scale_msat, capacity_msat, can_send_msat, cannot_send_msat, amount_msat)
    return direct if _is_recent(state, known) else averaged(state, source, direct, known)


@jit
def posterior(scale_msat: float, capacity_msat: int, success_msat: int, failure_msat: int, amount_msat: int) -> float:
    """P(liquidity >= amount), given that it is at least ``success_msat`` and below ``failure_msat``."""
    if amount_msat > capacity_msat or capacity_msat <= 0:
        return 0.0
    if failure_msat <= success_msat:
        success_msat, failure_msat = 0, capacity_msat
    if amount_msat >= failure_msat:
        return 0.0
    if amount_msat <= success_msat:
        return 1.0
    at_most = _primitive(scale_msat, capacity_msat, failure_msat)
    wanted = at_most - _primitive(scale_msat, capacity_msat, amount_msat)
    possible = at_most - _primitive(scale_msat, capacity_msat, success_msat)
    return min(1.0, max(0.0, wanted / possible)) if possible > 0.0 else 0.0


@jit
def _primitive(scale_msat: float, capacity_msat: int, liquidity_msat: int) -> float:
    """Integral of the density, up to a factor that cancels."""
    full = math.exp((liquidity_msat - capacity_msat) / scale_msat)
    return full - math.exp(-liquidity_msat / scale_msat) + liquidity_msat / (capacity_msat * scale_msat)


@jit
def faded(state: State, since_ms: int) -> float:
    """What is left of a piece of news: 1 when fresh, 1/e after the decay time."""
    return math.exp(-(state.clock[0].now_ms - since_ms) / state.settings[0].bimodal_decay_ms)


@jit
def _can_send_msat(state: State, index: int) -> int:
    record = state.memory[index]
    if record.success_ms == NEVER:
        return 0
    return int(faded(state, record.success_ms) * record.success_amount_msat)


@jit
def _cannot_send_msat(state: State, index: int, capacity_msat: int) -> int:
    record = state.memory[index]
    if record.fail_ms == NEVER:
        return capacity_msat
    failure_msat = min(record.fail_amount_msat, capacity_msat)
    return capacity_msat - int(record.weight * (capacity_msat - failure_msat))


@jit
def _is_recent(state: State, index: int) -> bool:
    """Whether there is news of the pair itself, so that the rest of its node does not matter."""
    settings, record = state.settings[0], state.memory[index]
    age_ms = state.clock[0].now_ms - max(record.fail_ms, record.success_ms)
    return bool(age_ms < settings.bimodal_decay_ms or settings.bimodal_node_weight == 0.0)


@jit
def averaged(state: State, node: int, direct: float, left_out: int) -> float:
    """A pair's own probability among the outcomes of its node's pairs, one of them (or NONE) left out."""
    recall = state.recall[node]
    is_tallied = recall.lowest_msat <= recall.highest_msat
    if left_out != NONE or not is_tallied:
        _tally(state, node, left_out)
        recall.lowest_msat, recall.highest_msat = (0, 1) if left_out == NONE else (1, 0)
    return float((direct + recall.success_weight) / (1.0 + recall.success_weight + recall.failure_weight))


@jit
def _tally(state: State, node: int, left_out: int) -> None:
    recall, node_weight = state.recall[node], state.settings[0].bimodal_node_weight
    successes, failures = 0.0, 0.0
    index = recall.of_source
    while index != NONE:
        record = state.memory[index]
        if index != left_out and record.success_amount_msat > 0:
            successes += node_weight * faded(state, record.success_ms)
        if index != left_out and record.fail_amount_msat > 0:
            failures += node_weight * record.weight
        index = record.next_of_source
    recall.success_weight, recall.failure_weight = successes, failures


@jit
def best_prior(scale_msat: float, amount_msat: int) -> float:
    """The most the chance of an untried channel of any capacity can be, for the amount or a higher one."""
    return min(1.0, 0.5 * (1.0 + math.exp(-amount_msat / scale_msat)) + 1.0 / scale_msat)


@jit
def best_of_pair(state: State, index: int, amount_msat: int) -> float:
    """The same for a remembered pair."""
    record = state.memory[index]
    has_carried = record.success_ms != NEVER
    direct = 1.0 if has_carried else best_prior(state.settings[0].bimodal_scale_msat, amount_msat)
    return direct if _is_recent(state, index) else averaged(state, record.source, direct, index)
