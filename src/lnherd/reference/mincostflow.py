"""The min-cost-flow sender's plan in plain Python: the twin of :mod:`lnherd.engine.flow_sender` and its solver."""

import heapq
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from lnherd.engine.codes import NO_FAILURE
from lnherd.engine.state import NONE
from lnherd.network.fees import forward_fee_msat
from lnherd.reference.routing import Announcement, Route
from lnherd.reference.world import Payment, World

COST_SCALE = 1024
MOST_COST = 1 << 43
MAX_ROUNDS = 16
CHEAPER = 4


class MisfitError(Exception):
    """An edge that would not take what the flow wants to send over it."""

    def __init__(self, edge: int) -> None:
        """``edge``: the offender."""
        super().__init__(edge)
        self.edge = edge


@dataclass
class Problem:
    """``n_units`` of ``unit_msat`` from a sender to a receiver, as the sender sees the network."""

    world: World
    payment: Payment
    view: dict[int, Announcement]
    unit_msat: int
    n_units: int
    price_msat: int
    most_fee_msat: int
    reserved: Counter[int]
    most_units: dict[int, int] = field(default_factory=dict)
    units: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Sort the edges by the node they lead to."""
        self.into: dict[int, list[Announcement]] = defaultdict(list)
        for edge in self.view.values():
            self.into[edge.target].append(edge)

    def bounds(self, edge: Announcement) -> tuple[int, int]:
        """Least and most liquidity of another's edge, less what own parts hold."""
        world, lower, upper = self.world, 0, edge.capacity_msat
        pair = world.memory.senders[self.payment.sender].find(edge.source, edge.target)

        def forgotten(since_ms: int) -> int:
            return int(edge.capacity_msat * min((world.now_ms - since_ms) / world.config.knowledge_ms, 1.0))

        if pair is not None and pair.fail_ms is not None:
            upper = min(upper, pair.fail_amount_msat - 1 + forgotten(pair.fail_ms))
        if pair is not None and pair.success_ms is not None:
            lower = pair.success_amount_msat - forgotten(pair.success_ms)
        upper = max(upper - self.reserved[edge.edge], 0)
        return min(max(lower - self.reserved[edge.edge], 0), upper), upper

    def cost(self, edge: Announcement, units: int) -> int | None:
        """Of one unit more after ``units``; None if there is no room for it."""
        if edge.source == self.payment.sender:
            cost = 1 if units < self._own_units(edge) else None
        else:
            cost = self._foreign_cost(edge, units)
        if cost is not None and edge.target != self.payment.receiver:
            inbound_msat = forward_fee_msat(self.unit_msat, 0, 0, edge.inbound_base_fee_msat, edge.inbound_fee_ppm)
            cost = cost + inbound_msat * COST_SCALE if inbound_msat <= self.most_fee_msat else None
        return cost if cost is not None and cost <= MOST_COST else None

    def _own_units(self, edge: Announcement) -> int:
        if self.world.refusal(edge.edge, self.unit_msat) != NO_FAILURE:
            return 0
        own = self.world.directions[edge.edge]
        room_msat = min(own_room_msat(self.world, edge.edge), own.policy.htlc_max_msat)
        return min(room_msat // self.unit_msat, own.max_htlcs - len(own.htlcs))

    def _foreign_cost(self, edge: Announcement, units: int) -> int | None:
        carried_msat = (units + 1) * self.unit_msat
        lower_msat, upper_msat = self.bounds(edge)
        fee_msat = forward_fee_msat(self.unit_msat, edge.base_fee_msat, edge.fee_ppm, 0, 0)
        fits = self.unit_msat >= edge.htlc_min_msat and carried_msat <= min(edge.htlc_max_msat, upper_msat)
        if not (edge.enabled and fits and fee_msat <= self.most_fee_msat):
            return None
        before = upper_msat + 1 - max(units * self.unit_msat, lower_msat)
        after = upper_msat + 1 - max(carried_msat, lower_msat)
        improbability = math.log(before / after) if after < before else 0.0
        locking_msat = self.unit_msat * edge.cltv_delta * self.world.config.risk_factor
        cost = 1 + fee_msat * COST_SCALE + int((self.price_msat * improbability + locking_msat) * COST_SCALE)
        return cost if cost <= MOST_COST else None

    def solve(self) -> bool:
        """The cheapest flow into ``units``; False if there is none."""
        self.units.clear()
        potential: Counter[int] = Counter()
        return all(self._send_unit(potential) for _ in range(self.n_units))

    def _send_unit(self, potential: Counter[int]) -> bool:
        """Dijkstra from the receiver over what is left; a way is an edge, or NONE - 1 - edge to take flow back."""
        sender, receiver = self.payment.sender, self.payment.receiver
        best: dict[int, tuple[int, int]] = {receiver: (0, NONE)}
        settled: dict[int, int] = {}
        frontier = [(0, receiver)]
        while frontier:
            distance, node = heapq.heappop(frontier)
            if node in settled:
                continue
            settled[node] = distance
            if node == sender:
                break
            for source, way, cost in self._ways_into(node):
                offer = (distance + cost + potential[node] - potential[source], way)
                if source not in settled and (source not in best or offer < best[source]):
                    best[source] = offer
                    heapq.heappush(frontier, (offer[0], source))
        if sender not in settled:
            return False
        for node, distance in settled.items():
            potential[node] += distance - settled[sender]
        node = sender
        while node != receiver:
            way = best[node][1]
            edge = way if way >= 0 else NONE - 1 - way
            self.units[edge] += 1 if way >= 0 else -1
            node = self.view[edge].target if way >= 0 else self.view[edge].source
        return True

    def _ways_into(self, node: int) -> list[tuple[int, int, int]]:
        """(source, way, cost) of a unit more into ``node``, or of one taken back that flows out of it."""
        ways = []
        for edge in self.into[node]:
            units = self.units[edge.edge]
            cost = self.cost(edge, units) if units < self.most_units.get(edge.edge, units + 1) else None
            if cost is not None:
                ways.append((edge.source, edge.edge, cost))
        for number, units in self.units.items():
            edge = self.view[number]
            if units > 0 and edge.source == node:
                paid = self.cost(edge, units - 1)
                assert paid is not None, "what was sent can be taken back"
                ways.append((edge.target, NONE - 1 - number, -paid))
        return ways

    def total_cost(self) -> int:
        """Of the flow found."""
        costs = [self.cost(self.view[edge], unit) for edge, units in self.units.items() for unit in range(units)]
        return sum(cost for cost in costs if cost is not None)

    def paths(self) -> list[tuple[list[int], int]]:
        """The flow as paths with their units, lower edges first."""
        left, paths = Counter({edge: units for edge, units in self.units.items() if units > 0}), []
        while left:
            node, path = self.payment.sender, []
            while node != self.payment.receiver:
                path.append(min(edge for edge in left if self.view[edge].source == node))
                node = self.view[path[-1]].target
            units = min(left[edge] for edge in path)
            left = +(left - Counter(dict.fromkeys(path, units)))
            paths.append((path, units))
        return paths

    def route(self, path: list[int], amount_msat: int, planned: Counter[int]) -> Route:
        """Amounts and time locks for a path; raises MisfitError at the first edge that does not take it."""
        config, edges = self.world.config, [self.view[edge] for edge in path]
        cltv = config.final_cltv + sum(edge.cltv_delta for edge in edges[1:])
        if cltv > config.cltv_limit or len(path) > config.hop_limit:
            within = edges[1:27]  # only so many fit an onion
            raise MisfitError(max(within, key=lambda edge: edge.cltv_delta).edge if within else NONE)
        amounts, locks = [amount_msat], [config.final_cltv]
        for before, edge in zip(edges[-2::-1], edges[:0:-1], strict=True):
            inbound = (before.inbound_base_fee_msat, before.inbound_fee_ppm)
            amounts.insert(0, amounts[0] + forward_fee_msat(amounts[0], edge.base_fee_msat, edge.fee_ppm, *inbound))
            locks.insert(0, locks[0] + edge.cltv_delta)
        planned.update(dict(zip(path, amounts, strict=True)))
        misfits = [
            edge.edge
            for edge, msat in zip(edges, amounts, strict=True)
            if not self._takes(edge, msat, planned[edge.edge])
        ]
        if misfits:
            raise MisfitError(misfits[0])
        return Route(path, amounts, locks, 0.0, 0.0)

    def _takes(self, edge: Announcement, amount_msat: int, planned_msat: int) -> bool:
        if edge.source == self.payment.sender:
            is_free = self.world.refusal(edge.edge, amount_msat) == NO_FAILURE
            return is_free and planned_msat <= own_room_msat(self.world, edge.edge)
        fits = edge.htlc_min_msat <= amount_msat <= edge.htlc_max_msat
        return fits and planned_msat <= self.bounds(edge)[1]


def own_room_msat(world: World, edge: int) -> int:
    """Value that the owner may still put on its channel."""
    own = world.directions[edge]
    return min(own.balance_msat - own.reserve_msat, own.max_in_flight_msat - own.in_flight_msat)


def plan(world: World, payment: Payment) -> list[tuple[Route, int]]:
    """Routes with their amounts for all that is unsent; none if it cannot be."""
    problem = _problem(world, payment)
    for _ in range(MAX_ROUNDS if problem else 0):
        assert problem is not None
        if not problem.solve():
            return []
        try:
            routes = _routes(problem)
        except MisfitError as misfit:
            if misfit.edge != NONE:
                problem.most_units[misfit.edge] = problem.units[misfit.edge] - 1
                continue
        else:
            if sum(route.amounts[0] - msat for route, msat in routes) <= payment.fee_limit_msat - payment.fee_msat:
                return routes
        if problem.price_msat == 0:
            return []
        problem.price_msat //= CHEAPER
    return []


def _problem(world: World, payment: Payment) -> Problem | None:
    config, unsent_msat, lessons = world.config, payment.unsent_msat, world.lessons[payment.sender]
    most_parts = config.max_parts if config.mpp else 1
    n_parts = min(most_parts - len(payment.parts), max(unsent_msat // config.min_part_msat, 1))
    if n_parts <= 0:
        return None
    unit_msat = -(-unsent_msat // n_parts)
    reserved: Counter[int] = Counter()
    for part in payment.parts:
        for edge, msat in zip(part.edges[1:], part.amounts[1:], strict=True):
            reserved[edge] += msat
    return Problem(
        world=world,
        payment=payment,
        view={common.edge: lessons.get(common.edge, common) for common in world.announcements},
        unit_msat=unit_msat,
        n_units=-(-unsent_msat // unit_msat),
        price_msat=config.attempt_cost_msat + unsent_msat * config.attempt_cost_ppm // 1_000_000,
        most_fee_msat=min(payment.fee_limit_msat - payment.fee_msat, MOST_COST // COST_SCALE),
        reserved=reserved,
    )


def _routes(problem: Problem) -> list[tuple[Route, int]]:
    routes, planned, left_msat = [], Counter[int](), problem.payment.unsent_msat
    for path, units in problem.paths():
        amount_msat = min(units * problem.unit_msat, left_msat)
        routes.append((problem.route(path, amount_msat, planned), amount_msat))
        left_msat -= amount_msat
    return routes
