"""Path search in plain Python: the twin of :mod:`lnherd.engine.routing`, where the method is explained.

The same definitions without the machinery: dictionaries, ``heapq``, every edge of a settled node looked at at
once. With ``look_ahead=False`` it is the textbook search LND does: labels are compared by their cost so far.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lnherd.engine.codes import (
    AMOUNT_BELOW_MINIMUM,
    DUST_EXPOSURE_EXCEEDED,
    NO_FAILURE,
    TEMPORARY_CHANNEL_FAILURE,
)
from lnherd.engine.config import SimulationConfig
from lnherd.network.fees import forward_fee_msat
from lnherd.reference import liquidity
from lnherd.reference.channels import refusal
from lnherd.reference.liquidity import Memory, SenderMemory

if TYPE_CHECKING:
    from lnherd.reference.world import Payment, World

__all__ = ["Announcement", "Gossip", "Memory", "Query", "Route", "Search", "find_route"]

SCAN_BUDGET = 4096
MAX_LEVELS = 10
NONE = -1


@dataclass(frozen=True)
class Announcement:
    """One direction of a channel as gossip tells it; inbound fees are the target's for this channel."""

    edge: int
    source: int
    target: int
    capacity_msat: int
    enabled: bool
    base_fee_msat: int
    fee_ppm: int
    inbound_base_fee_msat: int
    inbound_fee_ppm: int
    htlc_min_msat: int
    htlc_max_msat: int
    cltv_delta: int


class Gossip:
    """All announced edges, by the node they lead to and by edge."""

    def __init__(self, edges: Iterable[Announcement]) -> None:
        self.by_edge = {edge.edge: edge for edge in edges}
        self.into: dict[int, list[Announcement]] = defaultdict(list)
        for edge in self.by_edge.values():
            self.into[edge.target].append(edge)


@dataclass(frozen=True)
class Query:
    """What route is asked for; see ``find_route`` of the engine."""

    sender: int
    receiver: int
    amount_msat: int
    fee_limit_msat: int
    now_ms: int = 0
    first_edge: int = NONE
    last_edge: int = NONE


@dataclass(frozen=True)
class Route:
    """Edges from the sender to the receiver with the amount and time lock of each HTLC."""

    edges: list[int]
    amounts: list[int]
    cltv: list[int]
    cost: float
    probability: float


@dataclass(frozen=True)
class Label:
    """The best known way from a node to the receiver, as in the engine's LABEL_DTYPE."""

    estimate: float
    probability: float
    rank: int
    weight: float
    out_msat: int
    in_msat: int
    cltv: int
    n_hops: int
    edge: Announcement | None

    def is_better_than(self, other: "Label | None") -> bool:
        """Cheaper, else likelier, else first in the books."""
        if other is None:
            return True
        return (self.estimate, -self.probability, self.rank) < (other.estimate, -other.probability, other.rank)


@dataclass
class Search:
    """One query over one view of the network. ``refusal(edge, amount)`` is the sender's own channel's answer."""

    gossip: Gossip
    memory: SenderMemory
    query: Query
    config: SimulationConfig
    refusal: Callable[[int, int], int]
    look_ahead: bool = True
    scan_budget: int = SCAN_BUDGET
    labels: dict[int, Label] = field(default_factory=dict)
    settled: set[int] = field(default_factory=set)
    best: Label | None = None

    def run(self) -> Route | None:
        """Settle nodes in the order of their estimates until the sender's route cannot be beaten."""
        self._set_cost()
        self.levels, self.horizon = self._levels()
        if len(self.levels) == 1:
            return None
        self.reach_chance = self._reach_chance()
        query = self.query
        start = Label(0.0, 1.0, 0, 0.0, query.amount_msat, query.amount_msat, self.config.final_cltv, 0, None)
        self.labels[query.receiver] = start
        frontier = [(0.0, query.receiver)]
        while frontier:
            key, node = heapq.heappop(frontier)
            if self.best is not None and self.best.estimate <= key:
                break
            if node in self.settled:
                continue
            self.settled.add(node)
            for edge in self.gossip.into[node]:
                if node == query.receiver and query.last_edge not in (NONE, edge.edge):
                    continue
                if edge.source == query.sender:
                    self._offer_to_sender(edge)
                elif self._offer(edge):
                    heapq.heappush(frontier, (self.labels[edge.source].estimate, edge.source))
        return self._route()

    def _set_cost(self) -> None:
        amount_msat, config = self.query.amount_msat, self.config
        self.weighs_chances = config.sender == "lnd"
        self.attempt_cost = float(config.attempt_cost_msat + amount_msat * config.attempt_cost_ppm // 1_000_000)
        self.hop_cost = {"lnd": 0.0, "cheapest": 2.0**-10, "shortest": 2.0**43}[config.sender]

    def _level(self, node: int) -> int:
        return self.levels.get(node, self.horizon)

    def _levels(self) -> tuple[dict[int, int], int]:
        """Hops from the sender within a ball of bounded work, and a lower bound for everything outside."""
        levels = {self.query.sender: 0}
        for edge in self.gossip.into[self.query.sender]:
            if edge.source not in levels and self._can_send(edge.edge ^ 1):
                levels[edge.source] = 1
        outermost = [node for node in levels if levels[node] == 1]
        level, budget = 1, self.scan_budget
        while outermost and level + 2 < MAX_LEVELS:
            budget -= sum(len(self.gossip.into[node]) for node in outermost)
            if budget < 0:
                break
            level += 1
            around = {edge.source for node in outermost for edge in self.gossip.into[node]} - levels.keys()
            levels.update(dict.fromkeys(around, level))
            outermost = list(around)
        return levels, level + 1

    def _can_send(self, edge: int) -> bool:
        if self.query.first_edge not in (NONE, edge):
            return False
        problem = self.refusal(edge, self.query.amount_msat)
        return problem in (NO_FAILURE, AMOUNT_BELOW_MINIMUM, DUST_EXPOSURE_EXCEEDED)

    def _reach_chance(self) -> list[float]:
        """Upper bounds on the probability of reaching a node of each level from the sender."""
        config = self.config
        if not self.look_ahead:
            return [1.0] * MAX_LEVELS
        hop_chance = [config.success_probability] + [config.hop_probability] * (MAX_LEVELS - 1)
        for pair in self.memory.pairs:
            if pair.source != self.query.sender and liquidity.carried(pair, self.query.amount_msat):
                level = self._level(pair.source)
                hop_chance[level] = max(hop_chance[level], config.success_probability)
        reach_chance = [1.0]
        for chance in hop_chance[:-1]:
            reach_chance.append(reach_chance[-1] * chance)
        return reach_chance

    def _incoming_msat(self, edge: Announcement) -> int:
        """What must be sent over ``edge``: what its target sends on, its fee, its inbound fee."""
        label = self.labels[edge.target]
        if label.edge is None:
            return label.in_msat
        return label.out_msat + forward_fee_msat(
            label.out_msat,
            label.edge.base_fee_msat,
            label.edge.fee_ppm,
            edge.inbound_base_fee_msat,
            edge.inbound_fee_ppm,
        )

    def _within_limits(self, label: Label, amount_msat: int) -> bool:
        fee_msat = amount_msat - self.query.amount_msat
        return fee_msat <= self.query.fee_limit_msat and label.n_hops < self.config.hop_limit

    def _offer(self, edge: Announcement) -> bool:
        """Offer the source of ``edge`` a route over it; says whether it takes it."""
        label, config = self.labels[edge.target], self.config
        amount_msat = self._incoming_msat(edge)
        cltv = label.cltv + edge.cltv_delta
        if edge.source in self.settled or not edge.enabled or cltv > config.cltv_limit:
            return False
        if not (edge.htlc_min_msat <= amount_msat <= edge.htlc_max_msat and self._within_limits(label, amount_msat)):
            return False
        fee_msat = forward_fee_msat(amount_msat, edge.base_fee_msat, edge.fee_ppm, 0, 0)
        cost = self.hop_cost + max(amount_msat - label.in_msat + fee_msat, 0)
        if self.weighs_chances:
            cost += amount_msat * edge.cltv_delta * config.risk_factor
        probability = self._probability(label, edge, amount_msat)
        if probability is None:
            return False
        weight = label.weight + cost
        level = self._level(edge.source)
        estimate = weight + self.hop_cost * level if self.look_ahead else weight
        if self.weighs_chances:
            estimate += self.attempt_cost / (probability * self.reach_chance[level])
        offer = Label(
            estimate,
            probability,
            edge.edge,
            weight,
            amount_msat,
            amount_msat + fee_msat,
            cltv,
            label.n_hops + 1,
            edge,
        )
        if not offer.is_better_than(self.labels.get(edge.source)):
            return False
        self.labels[edge.source] = offer
        return True

    def _probability(self, label: Label, edge: Announcement, amount_msat: int) -> float | None:
        """Chance of the route from the source of ``edge`` on; None if it must not be used."""
        query, pair = self.query, (self.memory, edge.source, edge.target)
        if not self.weighs_chances:
            return None if liquidity.is_avoided(*pair, amount_msat, query.now_ms, self.config) else 1.0
        if edge.source == query.sender:
            chance = liquidity.local_probability(*pair, query.now_ms, self.config)
        else:
            chance = liquidity.pair_probability(
                *pair, amount_msat, edge.capacity_msat, now_ms=query.now_ms, config=self.config
            )
        probability = label.probability * chance
        return probability if probability >= self.config.min_probability and probability > 0 else None

    def _offer_to_sender(self, edge: Announcement) -> None:
        label = self.labels[edge.target]
        amount_msat = self._incoming_msat(edge)
        if self.query.first_edge not in (NONE, edge.edge) or not self._within_limits(label, amount_msat):
            return
        if self.refusal(edge.edge, amount_msat) != NO_FAILURE:
            return
        probability = self._probability(label, edge, amount_msat)
        if probability is None:
            return
        cost = label.weight + (self.hop_cost + max(amount_msat - label.in_msat, 0))
        if self.weighs_chances:
            cost += self.attempt_cost / probability
        offer = Label(cost, probability, edge.edge, cost, amount_msat, amount_msat, label.cltv, label.n_hops + 1, edge)
        if offer.is_better_than(self.best):
            self.best = offer

    def _route(self) -> Route | None:
        if self.best is None:
            return None
        edges, amounts, cltv = [], [], []
        label = self.best
        while label.edge is not None:
            edges.append(label.edge.edge)
            amounts.append(label.out_msat)
            label = self.labels[label.edge.target]
            cltv.append(label.cltv)
        return Route(edges, amounts, cltv, self.best.estimate, self.best.probability)


def find_route(
    world: "World", payment: "Payment", amount_msat: int, *, fee_limit_msat: int, ignores_past: bool = False
) -> Route | None:
    """Best route for ``amount_msat`` of a payment in the world as it is now, or None.

    ``ignores_past``: nothing is remembered and the sender's balances are those at the start (CLoTH).
    """
    query = Query(
        sender=payment.sender,
        receiver=payment.receiver,
        amount_msat=amount_msat,
        fee_limit_msat=fee_limit_msat,
        now_ms=world.now_ms,
        first_edge=payment.first_edge,
        last_edge=payment.last_edge,
    )

    def answer(edge: int, amount_msat: int) -> int:
        direction = world.directions[edge]
        return refusal(direction, amount_msat, peer_online=world.online[direction.target], config=world.config)

    def answer_at_start(edge: int, amount_msat: int) -> int:
        direction = world.directions[edge]
        policy = direction.policy
        if not policy.enabled or amount_msat > min(policy.htlc_max_msat, direction.initial_balance_msat):
            return TEMPORARY_CHANNEL_FAILURE
        return AMOUNT_BELOW_MINIMUM if amount_msat < policy.htlc_min_msat else NO_FAILURE

    if ignores_past:
        return Search(Gossip(world.announcements), SenderMemory(), query, world.config, answer_at_start).run()
    memory = world.memory.senders[payment.sender]
    return Search(Gossip(world.announcements), memory, query, world.config, answer).run()
