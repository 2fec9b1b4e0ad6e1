"""What one sender remembers, in plain Python: the twin of :mod:`lnherd.engine.liquidity`, where it is explained."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from lnherd.engine.config import SimulationConfig
from lnherd.reference import bimodal

MEMORY_LIMIT = 1000
RELAX_INTERVAL_MS = 60_000


@dataclass
class Pair:
    """Last outcomes for one ordered pair of nodes; a time of None means never."""

    source: int
    target: int
    fail_ms: int | None = None
    fail_amount_msat: int = 0
    success_ms: int | None = None
    success_amount_msat: int = 0

    @property
    def updated_ms(self) -> int:
        """When something was last learned."""
        return max(time_ms for time_ms in (self.fail_ms, self.success_ms, -1) if time_ms is not None)


@dataclass
class SenderMemory:
    """The pairs one sender has tried, at most ``MEMORY_LIMIT`` of them."""

    pairs: list[Pair] = field(default_factory=list)

    def success(self, source: int, target: int, amount_msat: int, now_ms: int) -> None:
        """The pair forwarded the amount."""
        pair = self._pair(source, target)
        pair.success_ms = now_ms
        pair.success_amount_msat = max(pair.success_amount_msat, amount_msat)
        if pair.fail_ms is not None and amount_msat >= pair.fail_amount_msat:
            pair.fail_amount_msat = amount_msat + 1

    def failure(self, source: int, target: int, amount_msat: int, now_ms: int) -> None:
        """The pair did not forward the amount (0: any amount)."""
        pair = self._pair(source, target)
        is_fresh = pair.fail_ms is not None and now_ms - pair.fail_ms < RELAX_INTERVAL_MS
        if is_fresh and amount_msat > pair.fail_amount_msat:
            return
        pair.fail_ms, pair.fail_amount_msat = now_ms, amount_msat
        if amount_msat == 0:
            pair.success_amount_msat = 0
        else:
            pair.success_amount_msat = min(pair.success_amount_msat, amount_msat - 1)

    def payment(self, source: int, target: int, amount_msat: int) -> None:
        """The pair carried the amount for good: less is left here, more is there."""
        forth, back = self.find(source, target), self.find(target, source)
        if forth is not None:
            forth.success_amount_msat = max(forth.success_amount_msat - amount_msat, 0)
            if forth.fail_amount_msat <= amount_msat:
                forth.fail_ms, forth.fail_amount_msat = None, 0
            else:
                forth.fail_amount_msat -= amount_msat
        if back is not None and back.success_ms is not None:
            back.success_amount_msat += amount_msat
        if back is not None and back.fail_ms is not None:
            back.fail_amount_msat += amount_msat

    def of_source(self, source: int) -> list[Pair]:
        """What is remembered of one node's forwarding, newest pair first."""
        return [pair for pair in reversed(self.pairs) if pair.source == source]

    def find(self, source: int, target: int) -> Pair | None:
        """The record of a pair, if there is one."""
        return next((pair for pair in self.pairs if (pair.source, pair.target) == (source, target)), None)

    def _pair(self, source: int, target: int) -> Pair:
        pair = self.find(source, target)
        if pair is None:
            pair = Pair(source, target)
            if len(self.pairs) < MEMORY_LIMIT:
                self.pairs.append(pair)
            else:
                oldest = min(range(len(self.pairs)), key=lambda index: self.pairs[index].updated_ms)
                self.pairs[oldest] = pair
        return pair


@dataclass
class Memory:
    """What all senders remember."""

    config: SimulationConfig
    senders: dict[int, SenderMemory] = field(default_factory=lambda: defaultdict(SenderMemory))

    def record_success(self, sender: int, pair: tuple[int, int], amount_msat: int, now_ms: int) -> None:
        """``sender`` saw the pair (source, target) forward the amount."""
        self.senders[sender].success(*pair, amount_msat, now_ms)

    def record_failure(self, sender: int, pair: tuple[int, int], amount_msat: int, now_ms: int) -> None:
        """``sender`` saw the pair (source, target) fail to forward the amount (0: any amount)."""
        self.senders[sender].failure(*pair, amount_msat, now_ms)


def failure_weight(pair: Pair, now_ms: int, config: SimulationConfig) -> float:
    """1 for a fresh failure, fading as the estimator has it."""
    if config.estimator == "bimodal":
        return bimodal.faded(pair.fail_ms, now_ms, config)
    if pair.fail_ms is None or config.half_life_ms <= 0:
        return 0.0
    return math.exp(-math.log(2.0) * ((now_ms - pair.fail_ms) / config.half_life_ms))


def capacity_factor(amount_msat: int, capacity_msat: int, config: SimulationConfig) -> float:
    """Discount for amounts that come close to the capacity."""
    if config.capacity_smearing <= 0 or capacity_msat <= 0:
        return 1.0
    cutoff = config.capacity_fraction * capacity_msat
    smearing = config.capacity_smearing * capacity_msat
    return 1.0 - 0.5 / (1.0 + math.exp((cutoff - amount_msat) / smearing))


def carried(pair: Pair, amount_msat: float) -> bool:
    """Whether the pair has shown that it carries the amount."""
    return amount_msat <= pair.success_amount_msat


def failed(pair: Pair, amount_msat: float) -> bool:
    """Whether the pair's failure says something about the amount."""
    return pair.fail_ms is not None and amount_msat >= pair.fail_amount_msat


def asked_about(amount_msat: int, config: SimulationConfig) -> float:
    """The amount a pair's own record is asked about: in CLoTH none in particular, so larger than any."""
    return math.inf if config.any_failure_counts else amount_msat


def node_average(pairs: Iterable[Pair], amount_msat: int, prior: float, now_ms: int, config: SimulationConfig) -> float:
    """Chance that a node forwards the amount to somebody untried."""
    if config.apriori_weight >= 1.0:
        return prior
    n_successes, weight = 0, 0.0
    for pair in pairs:
        if carried(pair, amount_msat):
            n_successes += 1
        elif failed(pair, amount_msat):
            weight += failure_weight(pair, now_ms, config)
    prior_weight = 1.0 / (1.0 - config.apriori_weight) - 1.0
    total = prior_weight + n_successes + weight
    return (prior * prior_weight + config.success_probability * n_successes) / total if total else prior


def pair_probability(
    memory: SenderMemory,
    source: int,
    target: int,
    amount_msat: int,
    capacity_msat: int,
    *,
    now_ms: int,
    config: SimulationConfig,
) -> float:
    """Chance that ``source`` forwards the amount to ``target``."""
    pair, of_node = memory.find(source, target), memory.of_source(source)
    if config.estimator == "bimodal":
        return bimodal.bimodal_probability(pair, of_node, amount_msat, capacity_msat, now_ms, config)
    prior = config.hop_probability * capacity_factor(amount_msat, capacity_msat, config)
    average = node_average(of_node, amount_msat, prior, now_ms, config)
    if pair is None:
        return average
    if carried(pair, asked_about(amount_msat, config)):
        return config.success_probability
    if failed(pair, asked_about(amount_msat, config)):
        return average * (1.0 - failure_weight(pair, now_ms, config))
    return average


def local_probability(memory: SenderMemory, sender: int, target: int, now_ms: int, config: SimulationConfig) -> float:
    """Chance that the sender's own channels carry to ``target``, whatever the amount."""
    pair = memory.find(sender, target)
    if pair is None or pair.fail_ms is None:
        return surest_own_channel(config)
    return surest_own_channel(config) * (1.0 - failure_weight(pair, now_ms, config))


def surest_own_channel(config: SimulationConfig) -> float:
    """The chance of an own channel that has not failed."""
    return 1.0 if config.estimator == "bimodal" else config.success_probability


def is_avoided(
    memory: SenderMemory, source: int, target: int, amount_msat: int, now_ms: int, config: SimulationConfig
) -> bool:
    """Whether senders that do not weigh probabilities stay away from the pair."""
    pair = memory.find(source, target)
    counts = pair is not None and failed(pair, asked_about(amount_msat, config))
    return pair is not None and counts and failure_weight(pair, now_ms, config) > 0.5


def best_prior(amount_msat: int, config: SimulationConfig) -> float:
    """The most an untried pair's probability can be for the amount or a higher one."""
    return bimodal.best_prior(amount_msat, config) if config.estimator == "bimodal" else config.hop_probability


def best_average(memory: SenderMemory, node: int, amount_msat: int, now_ms: int, config: SimulationConfig) -> float:
    """The most a node's average can be for the amount or a higher one."""
    prior, pairs = best_prior(amount_msat, config), memory.of_source(node)
    if config.estimator == "bimodal":
        return bimodal.averaged(prior, pairs, now_ms, config)
    average = node_average(pairs, amount_msat, prior, now_ms, config)
    return average if config.success_probability >= prior else max(average, prior)


def best_pair_probability(
    memory: SenderMemory, pair: Pair, amount_msat: int, now_ms: int, config: SimulationConfig
) -> float:
    """The most a remembered pair's probability can be for the amount or a higher one."""
    if config.estimator == "bimodal":
        return bimodal.best_of_pair(pair, memory.of_source(pair.source), amount_msat, now_ms, config)
    average = best_average(memory, pair.source, amount_msat, now_ms, config)
    if carried(pair, asked_about(amount_msat, config)):
        return max(average, config.success_probability)
    if failed(pair, asked_about(amount_msat, config)):
        return average * (1.0 - failure_weight(pair, now_ms, config))
    return average
