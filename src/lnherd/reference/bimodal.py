"""LND's bimodal estimator in plain Python: the twin of :mod:`lnherd.engine.bimodal`, where it is explained."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lnherd.engine.config import SimulationConfig

if TYPE_CHECKING:
    from lnherd.reference.liquidity import Pair


def faded(since_ms: int | None, now_ms: int, config: SimulationConfig) -> float:
    """What is left of a piece of news; nothing if there was none."""
    return 0.0 if since_ms is None else math.exp(-(now_ms - since_ms) / config.bimodal_decay_ms)


def posterior(
    capacity_msat: int, success_msat: int, failure_msat: int, amount_msat: int, config: SimulationConfig
) -> float:
    """Chance of at least the amount, given that there is at least ``success_msat`` and less than ``failure_msat``."""
    if amount_msat > capacity_msat or capacity_msat <= 0:
        return 0.0
    if failure_msat <= success_msat:
        success_msat, failure_msat = 0, capacity_msat
    if amount_msat >= failure_msat:
        return 0.0
    if amount_msat <= success_msat:
        return 1.0
    scale = config.bimodal_scale_msat

    def below(x: int) -> float:
        return math.exp((x - capacity_msat) / scale) - math.exp(-x / scale) + x / (capacity_msat * scale)

    possible = below(failure_msat) - below(success_msat)
    return min(1.0, max(0.0, (below(failure_msat) - below(amount_msat)) / possible)) if possible > 0 else 0.0


def is_recent(pair: "Pair", now_ms: int, config: SimulationConfig) -> bool:
    """Whether the pair's own news settles the matter."""
    return now_ms - pair.updated_ms < config.bimodal_decay_ms or config.bimodal_node_weight == 0


def averaged(direct: float, others: "Iterable[Pair]", now_ms: int, config: SimulationConfig) -> float:
    """A pair's own probability among the outcomes of its node's other pairs."""
    successes, failures = 0.0, 0.0
    for pair in others:
        if pair.success_amount_msat > 0:
            successes += config.bimodal_node_weight * faded(pair.success_ms, now_ms, config)
        if pair.fail_amount_msat > 0:
            failures += config.bimodal_node_weight * faded(pair.fail_ms, now_ms, config)
    return (direct + successes) / (1.0 + successes + failures)


def among_node(
    direct: float, pair: "Pair | None", of_node: "list[Pair]", now_ms: int, config: SimulationConfig
) -> float:
    """The direct probability where the pair has news of its own, else averaged with the node's other pairs."""
    if pair is not None and is_recent(pair, now_ms, config):
        return direct
    return averaged(direct, (other for other in of_node if other is not pair), now_ms, config)


def bimodal_probability(
    pair: "Pair | None",
    of_node: "list[Pair]",
    amount_msat: int,
    capacity_msat: int,
    now_ms: int,
    config: SimulationConfig,
) -> float:
    """Chance that a node forwards the amount, from its record with the target and from all its records."""
    success_msat, failure_msat = 0, capacity_msat
    if pair is not None:
        success_msat = int(faded(pair.success_ms, now_ms, config) * pair.success_amount_msat)
        room_msat = capacity_msat - min(pair.fail_amount_msat, capacity_msat)
        failure_msat = capacity_msat - int(faded(pair.fail_ms, now_ms, config) * room_msat)
    direct = posterior(capacity_msat, success_msat, failure_msat, amount_msat, config)
    return among_node(direct, pair, of_node, now_ms, config)


def best_prior(amount_msat: int, config: SimulationConfig) -> float:
    """The most the chance of an untried channel of any capacity can be, for the amount or a higher one."""
    scale = config.bimodal_scale_msat
    return min(1.0, 0.5 * (1.0 + math.exp(-amount_msat / scale)) + 1.0 / scale)


def best_of_pair(pair: "Pair", of_node: "list[Pair]", amount_msat: int, now_ms: int, config: SimulationConfig) -> float:
    """The same for a remembered pair."""
    direct = best_prior(amount_msat, config) if pair.success_ms is None else 1.0
    return among_node(direct, pair, of_node, now_ms, config)
