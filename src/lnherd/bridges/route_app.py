"""The routing-information service as a web application: knowledge about a network, to be sold by the request.

Put it behind :class:`~lnherd.l402.server.L402Middleware` with :data:`PRICES`; ``lnherd serve routes`` does.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lnherd.bridges.liquidity_estimates import LiquidityEstimates
from lnherd.bridges.node_imports import askrene_commands, liquidity_object, mission_control_import, route_object
from lnherd.bridges.route_quotes import MAX_ROUTES, RouteQuotes
from lnherd.errors import InputError
from lnherd.l402.offers import Offer

DEFAULT_MAX_FEE_MSAT: Final = 5_000
_DEFAULT_FEE_SHARE: Final = 100
"""Unless told otherwise a route may cost 5 satoshi or 1 %, whichever is more (as for Core Lightning's xpay)."""
MAX_EDGES: Final = 2_000
"""Of a liquidity answer; the edges with the largest capacity."""
LAYER: Final = "lnherd"
Query = Mapping[str, str]


def prices(route_msat: int, liquidity_msat: int) -> dict[str, Offer]:
    """A route quote and a liquidity answer, each paid by the request."""
    return {
        "GET /routes": Offer(route_msat, "routes", description="routes with probabilities", units=1),
        "GET /liquidity/{form}": Offer(liquidity_msat, "liquidity", description="liquidity estimates", units=1),
    }


class RouteService:
    """Answers questions about the network of ``estimates``. ``clock`` gives unix time."""

    def __init__(self, estimates: LiquidityEstimates, clock: Callable[[], float] = time.time) -> None:
        self._estimates = estimates
        self._quotes = RouteQuotes(estimates)
        self._clock = clock

    def about(self, query: Query) -> dict[str, Any]:
        """What there is to buy: free."""
        network = self._estimates.network
        return {
            "network": network.name,
            "nodes": network.n_nodes,
            "channels": network.n_channels,
            "worlds": self._estimates.n_worlds,
            "routes": "/routes?source=KEY&destination=KEY&amount_msat=N[&maxfee_msat=N]",
            "liquidity": "/liquidity/FORM?node=KEY[&layer=NAME], FORM one of " + ", ".join(self._forms),
        }

    def routes(self, query: Query) -> dict[str, Any]:
        """Routes for one payment, likeliest first."""
        network = self._estimates.network
        source, target = (network.node_index(_text(query, name)) for name in ("source", "destination"))
        amount_msat = _integer(query, "amount_msat")
        usual_msat = max(DEFAULT_MAX_FEE_MSAT, amount_msat // _DEFAULT_FEE_SHARE)
        quotes = self._quotes.quote(source, target, amount_msat, _integer(query, "maxfee_msat", usual_msat), MAX_ROUTES)
        return {"amount_msat": amount_msat, "routes": [route_object(network, quote) for quote in quotes]}

    def liquidity(self, query: Query) -> dict[str, Any]:
        """Estimates of the channels around one node, in the form asked for."""
        form = query.get("form", "")
        if form not in self._forms:
            raise InputError(f"form {form!r} is not offered; ask for one of {', '.join(self._forms)}")
        network = self._estimates.network
        return self._forms[form](self._around(network.node_index(_text(query, "node"))), query)

    @property
    def _forms(self) -> dict[str, Callable[[list[int], Query], dict[str, Any]]]:
        known = self._estimates
        return {
            "plain": lambda edges, _: {"channels": [liquidity_object(known, edge) for edge in edges]},
            "askrene": lambda edges, query: {"commands": askrene_commands(known, edges, query.get("layer") or LAYER)},
            "mission-control": lambda edges, _: mission_control_import(known, edges, int(self._clock())),
        }

    def _around(self, node: int) -> list[int]:
        """Both directions of the channels of ``node`` and its peers; the largest where there are too many."""
        network = self._estimates.network
        near = np.zeros(network.n_nodes, dtype=np.bool_)
        near[network.edge_target[network.out_edges(node)]] = True
        near[node] = True
        touched = near[network.channels.node1] | near[network.channels.node2]
        channels = np.flatnonzero(touched & network.live_channels)
        by_size = channels[np.argsort(-network.channels.capacity_msat[channels], kind="stable")][: MAX_EDGES // 2]
        return [int(edge) for channel in np.sort(by_size) for edge in (2 * channel, 2 * channel + 1)]


def route_app(service: RouteService) -> Starlette:
    """The service over HTTP; bad questions are a 400 with one sentence."""
    return Starlette(
        routes=[
            Route("/", _endpoint(service.about)),
            Route("/routes", _endpoint(service.routes)),
            Route("/liquidity/{form}", _endpoint(service.liquidity)),
        ]
    )


def _endpoint(answer: Callable[[Query], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(answer, {**request.query_params, **request.path_params}))
        except InputError as error:
            return JSONResponse({"error": str(error)}, 400)

    return handle


def _text(query: Query, name: str) -> str:
    value = query.get(name)
    if not value:
        raise InputError(f"the parameter {name} is missing; give a node's public key")
    return value


def _integer(query: Query, name: str, default: int | None = None) -> int:
    value = query.get(name, "" if default is None else str(default))
    if not (value.isascii() and value.isdecimal() and len(value) < 19):
        raise InputError(f"the parameter {name} must be a whole number of millisatoshi, got {value!r}")
    return int(value)
