"""Quotes for routes: what the engine's path search finds, and how likely it is to work.

The search is that of the simulated senders (LND's costs). After each route its weakest hop is told to the search
as a failure of this amount, and it looks again: so alternatives avoid what makes the first one doubtful. What
the buyer's own channels hold is the buyer's to know; they count as full and certain.
"""

from typing import NamedTuple

import numpy as np

from lnherd.bridges.liquidity_estimates import LiquidityEstimates
from lnherd.engine import Simulation
from lnherd.engine.liquidity import record_failure
from lnherd.engine.routing import find_route
from lnherd.engine.state import NONE
from lnherd.errors import InputError
from lnherd.network.records import Ints
from lnherd.traffic.demand import PAYMENT_DTYPE

MAX_ROUTES = 4


class RouteQuote(NamedTuple):
    """A route ``[H]``: edges, what is sent over each, blocks it stays locked there."""

    edges: Ints
    amounts_msat: Ints
    delays: Ints
    chance: float

    @property
    def fee_msat(self) -> int:
        """What it costs: sent minus received."""
        return int(self.amounts_msat[0] - self.amounts_msat[-1])


class RouteQuotes:
    """Finds routes by gossip and rates them by ``estimates``; safe to use from several threads."""

    def __init__(self, estimates: LiquidityEstimates) -> None:
        network = estimates.network
        capacity = network.channels.capacity_msat
        even = np.stack([capacity - capacity // 2, capacity // 2], axis=1).reshape(-1)
        self.estimates = estimates
        self._simulation = Simulation(network, np.recarray(0, dtype=PAYMENT_DTYPE), balance_msat=even)

    def quote(
        self, source: int, target: int, amount_msat: int, max_fee_msat: int, n_routes: int = MAX_ROUTES
    ) -> list[RouteQuote]:
        """Up to ``n_routes`` different routes, likeliest first; none where the search finds none.

        Raises:
            InputError: for an amount or fee limit that makes no sense, or a route from a node to itself.
        """
        if amount_msat <= 0 or max_fee_msat < 0 or source == target:
            raise InputError("a route needs two different nodes, a positive amount and a fee limit not below 0")
        scratch = self._simulation.copy()
        _fill_channels(scratch, source)
        found: dict[tuple[int, ...], RouteQuote] = {}
        for _ in range(n_routes):
            scratch.make_room()
            n_hops = find_route(scratch.state, source, target, amount_msat, max_fee_msat, NONE, NONE)
            quote = self._rated(scratch, n_hops)
            if n_hops == 0 or tuple(quote.edges.tolist()) in found:
                break
            found[tuple(quote.edges.tolist())] = quote
            if n_hops == 1:
                break
            self._doubt_weakest_hop(scratch, source, quote)
        return sorted(found.values(), key=lambda quote: (-quote.chance, quote.fee_msat))

    def _rated(self, scratch: Simulation, n_hops: int) -> RouteQuote:
        route = scratch.state.route[0]
        edges, amounts, delays = (
            np.array(column[:n_hops], dtype=np.int64) for column in (route.edges, route.amounts, route.cltv)
        )
        return RouteQuote(edges, amounts, delays, self.estimates.chance(edges[1:], amounts[1:]))

    def _doubt_weakest_hop(self, scratch: Simulation, source: int, quote: RouteQuote) -> None:
        chances = [
            self.estimates.chance(quote.edges[hop : hop + 1], quote.amounts_msat[hop : hop + 1])
            for hop in range(1, len(quote.edges))
        ]
        hop = 1 + int(np.argmin(chances))
        edge = scratch.state.edges[quote.edges[hop]]
        record_failure(scratch.state, source, edge.source, edge.target, int(quote.amounts_msat[hop]))


def _fill_channels(scratch: Simulation, node: int) -> None:
    """A world in which ``node`` owns all of its channels. Only for a copy that is thrown away."""
    balance = scratch.state.edges.balance_msat
    own = scratch.network.out_edges(node)
    balance[own] += balance[own ^ 1]
    balance[own ^ 1] = 0
