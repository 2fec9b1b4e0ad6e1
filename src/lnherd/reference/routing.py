"""Path search in plain Python: the twin of :mod:`lnherd.engine.routing`, where the method is explained.

The same definitions without the machinery: dictionaries, ``heapq``, every edge of a settled node looked at at
once. With ``look_ahead=False`` it is the textbook search LND does: labels are compared by their cost so far.
"""

import heapq
import math
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

SCAN_BUDGET = 4096  # of networks up to a usual size
HOP_ODDS = 4
WORST_HOP_ODDS = 60
MOST_ODDS = 120
LOG_UNIT = -math.log(0.6) / HOP_ODDS * (1.0 - 1e-9)
ROUNDING = 1e-6
FADED_WEIGHT = 0.1
MAX_FAILED = 64
NONE = -1


def odds_of(probability: float) -> int:
    """Whole units of minus its logarithm."""
    return int(min(-math.log(probability) / LOG_UNIT, WORST_HOP_ODDS)) if probability > 0 else WORST_HOP_ODDS


def chance(odds: int) -> float:
    """The probability those units stand for."""
    return math.exp(-LOG_UNIT * odds)


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
    table: int
    edge: Announcement | None

    def is_better_than(self, other: "Label | None") -> bool:
        """Cheaper, else likelier, else first in the books."""
        if other is None:
            return True
        return (self.estimate, -self.probability, self.rank) < (other.estimate, -other.probability, other.rank)


@dataclass(frozen=True)
class Table:
    """Distances of nodes from the sender, in odds, for hops that carry at least some amount."""

    least_msat: int
    horizon: int
    distances: dict[int, int]


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
        best_prior = liquidity.best_prior(self.query.amount_msat, self.config)
        self.prior_odds = odds_of(best_prior) if self.weighs_chances else HOP_ODDS
        self.tables = [self._table(amount_msat) for amount_msat in self._amounts()]
        query = self.query
        start = Label(0.0, 1.0, 0, 0.0, query.amount_msat, query.amount_msat, self.config.final_cltv, 0, 0, None)
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
        """The engine's constants; without looking ahead every node is as near as the sender itself."""
        amount_msat, config = self.query.amount_msat, self.config
        self.weighs_chances = config.sender in ("lnd", "mincostflow", "policy")
        self.attempt_cost = float(config.attempt_cost_msat + amount_msat * config.attempt_cost_ppm // 1_000_000)
        self.hop_cost = {"cheapest": 2.0**-10, "shortest": 2.0**43}.get(config.sender, 0.0)
        surest = liquidity.surest_own_channel(config)
        self.least_cost = self.attempt_cost / surest if self.look_ahead else self.attempt_cost
        self.least_at_best = config.min_probability / surest * (1.0 - ROUNDING)

    def _amounts(self) -> list[int]:
        """Least amounts to tabulate distances for: the payment's own and three of those that failed lately."""
        query, memory = self.query, self.memory
        failed = [
            pair.fail_amount_msat
            for pair in memory.pairs
            if pair.source != query.sender
            and 0 < pair.fail_amount_msat - query.amount_msat <= query.fee_limit_msat
            and liquidity.failure_weight(pair, query.now_ms, self.config) > FADED_WEIGHT
        ][:MAX_FAILED]
        failed.sort()
        chosen = {failed[(len(failed) * share - 1) // 3] for share in (1, 2, 3)} if failed else set()
        return [query.amount_msat, *sorted(chosen)]

    def _table(self, amount_msat: int) -> Table:
        """Exact distances in a ball of bounded work, and a lower bound for everything outside."""
        sender, budget = self.query.sender, self.scan_budget
        peers = [edge.source for edge in self.gossip.into[sender] if self._can_send(edge.edge ^ 1)]
        distances = {peer: self._own_odds(peer) for peer in peers}
        settled: set[int] = set()
        while waiting := distances.keys() - settled - {sender}:
            odds = min(distances[node] for node in waiting)
            bucket = [node for node in waiting if distances[node] == odds]
            budget -= sum(len(self.gossip.into[node]) for node in bucket)
            if budget < 0:
                horizon = odds + self._least_odds_beyond(distances, odds, amount_msat)
                return Table(amount_msat, min(horizon, MOST_ODDS), distances)
            settled.update(bucket)
            for node in bucket:
                hops = self._hop_odds_from(node, amount_msat)
                for edge in self.gossip.into[node]:
                    reached = min(odds + hops.get(edge.source, hops[NONE]), MOST_ODDS)
                    distances[edge.source] = min(reached, distances.get(edge.source, reached))
        return Table(amount_msat, MOST_ODDS, distances)

    def _least_odds_beyond(self, distances: dict[int, int], odds: int, amount_msat: int) -> int:
        """What at least one more hop costs from a node that is not nearer than ``odds``."""
        sources = {pair.source for pair in self.memory.pairs} - {self.query.sender}
        beyond = [node for node in sources if distances.get(node, MOST_ODDS) >= odds]
        return min([self.prior_odds, *(min(self._hop_odds_from(node, amount_msat).values()) for node in beyond)])

    def _own_odds(self, peer: int) -> int:
        if not self.weighs_chances:
            return 0
        local = liquidity.local_probability(self.memory, self.query.sender, peer, self.query.now_ms, self.config)
        return odds_of(local / liquidity.surest_own_channel(self.config))

    def _hop_odds_from(self, node: int, amount_msat: int) -> dict[int, int]:
        """Odds of hops out of ``node``: to targets in memory, and under NONE to all others."""
        known = (amount_msat, self.query.now_ms, self.config)
        pairs = self.memory.of_source(node)
        if self.weighs_chances:
            usual = odds_of(liquidity.best_average(self.memory, node, *known)) if pairs else self.prior_odds
            odds = {p.target: odds_of(liquidity.best_pair_probability(self.memory, p, *known)) for p in pairs}
        else:
            usual = HOP_ODDS
            avoided = {p.target: liquidity.is_avoided(self.memory, node, p.target, *known) for p in pairs}
            odds = {target: WORST_HOP_ODDS if avoided[target] else HOP_ODDS for target in avoided}
        return {NONE: usual, **odds}

    def _table_for(self, amount_msat: int, least: int) -> int:
        """The table for routes that have gathered ``amount_msat``."""
        fitting = [index for index, table in enumerate(self.tables) if table.least_msat <= amount_msat]
        return max(least, fitting[-1])

    def _odds_to(self, node: int, table_index: int) -> int:
        table = self.tables[table_index]
        return min(table.distances.get(node, table.horizon), table.horizon) if self.look_ahead else 0

    def _can_send(self, edge: int) -> bool:
        """Whether a route may begin with the sender's ``edge``."""
        query = self.query
        if query.first_edge not in (NONE, edge):
            return False
        problem = self.refusal(edge, query.amount_msat)
        if problem == AMOUNT_BELOW_MINIMUM:
            problem = self.refusal(edge, query.amount_msat + query.fee_limit_msat)
            return problem != AMOUNT_BELOW_MINIMUM and self._can_pass_on(edge)
        return problem in (NO_FAILURE, DUST_EXPOSURE_EXCEEDED) and self._can_pass_on(edge)

    def _can_pass_on(self, edge: int) -> bool:
        """Whether the peer is the receiver, or some hop on from it is not ruled out by itself."""
        query, own = self.query, self.gossip.by_edge[edge]
        onward = (self.gossip.by_edge[back.edge ^ 1] for back in self.gossip.into[own.target])
        return own.target == query.receiver or any(
            self._may_follow(own, hop) for hop in onward if hop.target != query.sender or query.sender == query.receiver
        )

    def _may_follow(self, own: Announcement, onward: Announcement) -> bool:
        query = self.query
        most_msat = query.amount_msat + query.fee_limit_msat
        if not onward.enabled or query.amount_msat > onward.htlc_max_msat or onward.htlc_min_msat > most_msat:
            return False
        if own.inbound_base_fee_msat != 0 or own.inbound_fee_ppm != 0:
            return True
        fee_msat = forward_fee_msat(query.amount_msat, onward.base_fee_msat, onward.fee_ppm, 0, 0)
        return fee_msat <= query.fee_limit_msat

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
        table = self._table_for(amount_msat + fee_msat, label.table)
        odds = self._odds_to(edge.source, table)
        estimate = weight + self.hop_cost * (odds // HOP_ODDS)
        if self.weighs_chances:
            at_best = probability * chance(odds)
            if at_best < self.least_at_best:
                return False
            estimate += self.least_cost / at_best
        offer = Label(
            estimate,
            probability,
            edge.edge,
            weight,
            amount_msat,
            amount_msat + fee_msat,
            cltv,
            label.n_hops + 1,
            table,
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
            hop_chance = liquidity.local_probability(*pair, query.now_ms, self.config)
        else:
            hop_chance = liquidity.pair_probability(
                *pair, amount_msat, edge.capacity_msat, now_ms=query.now_ms, config=self.config
            )
        probability = label.probability * hop_chance
        return probability if probability > 0 else None

    def _offer_to_sender(self, edge: Announcement) -> None:
        label = self.labels[edge.target]
        amount_msat = self._incoming_msat(edge)
        if self.query.first_edge not in (NONE, edge.edge) or not self._within_limits(label, amount_msat):
            return
        if self.refusal(edge.edge, amount_msat) != NO_FAILURE:
            return
        probability = self._probability(label, edge, amount_msat)
        if probability is None or (self.weighs_chances and probability < self.config.min_probability):
            return
        cost = label.weight + (self.hop_cost + max(amount_msat - label.in_msat, 0))
        if self.weighs_chances:
            cost += self.attempt_cost / probability
        offer = Label(
            cost, probability, edge.edge, cost, amount_msat, amount_msat, label.cltv, label.n_hops + 1, 0, edge
        )
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

    lessons = world.lessons[payment.sender]
    gossip = Gossip(lessons.get(common.edge, common) for common in world.announcements)
    if ignores_past:
        return Search(gossip, SenderMemory(), query, world.config, answer_at_start).run()
    memory = world.memory.senders[payment.sender]
    return Search(gossip, memory, query, world.config, answer).run()
