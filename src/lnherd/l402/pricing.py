"""What each route costs: patterns of method and path, with prices that are fixed, offers or computed.

A pattern is ``"GET /api/dispatches"``, ``"POST /api/{model}/ask"`` (``{..}`` is one path segment),
``"/premium/*"`` (any method, anything below) or ``"*"``. The first that fits decides; a route without one
is free. A price is

* a number of millisatoshi: the route is a service of its own, so its tokens open nothing else;
* an :class:`~lnherd.l402.offers.Offer`, for groups of routes, bundles, expiry, capabilities;
* a function of the request (:class:`Ask`) that gives either, or None for free. Since a computed price may
  differ from request to request, a plain number from a function only accepts tokens that cost as much.

``HEAD`` is priced as ``GET``, and a slash at the end of a path makes no difference.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from lnherd.errors import InputError
from lnherd.l402.caveats import check_name
from lnherd.l402.offers import Offer

CACHED_PATHS: Final = 4096
_PATTERN: Final = re.compile(r"(?:([A-Z]+) )?(/\S*|\*)")
_PIECE: Final = re.compile(r"\{[^{}/]*\}|\*")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._/{}*-]")


class Ask(NamedTuple):
    """A request, as far as its price may depend on it. Header names are lower case."""

    method: str
    path: str
    query: str = ""
    headers: Sequence[tuple[bytes, bytes]] = ()


Price = int | Offer | Callable[[Ask], "int | Offer | None"]


class Route(NamedTuple):
    """One line of a price list."""

    method: str | None
    path: re.Pattern[str]
    service: str
    pattern: str
    """The path's pattern as it was written."""
    price: Offer | Callable[[Ask], int | Offer | None]


class Pricing:
    """A price list; see the head of the module. Raises :class:`InputError` for a pattern that makes no sense."""

    def __init__(self, prices: Mapping[str, Price]) -> None:
        self.routes = tuple(_route(pattern, price) for pattern, price in prices.items())
        self._find = lru_cache(CACHED_PATHS)(self._search)

    def offer(self, ask: Ask) -> Offer | None:
        """What ``ask`` costs and buys; None when it is free."""
        route = self._find("GET" if ask.method == "HEAD" else ask.method, ask.path)
        if route is None:
            return None
        if isinstance(route.price, Offer):
            return route.price
        price = route.price(ask)
        if price is None or isinstance(price, Offer):
            return price
        return Offer(price, route.service, at_current_price=True) if price else None

    def _search(self, method: str, path: str) -> Route | None:
        bare = path.rstrip("/") or "/"
        for route in self.routes:
            if route.method in (None, method) and route.path.fullmatch(bare):
                return route
        return None


def _route(pattern: str, price: Price) -> Route:
    match = _PATTERN.fullmatch(pattern)
    if match is None:
        raise InputError(f"the price pattern {pattern!r} is not 'METHOD /path', '/path' or '*'")
    method, path = match.groups()
    service = check_name(_UNFIT.sub("-", (method or "") + path))
    if method == "HEAD":
        raise InputError(f"the price pattern {pattern!r} is never used: HEAD is priced as GET; write GET")
    offer = Offer(price, service) if isinstance(price, int) else price
    return Route(method, _compile(path), service, path, offer)


def _compile(path: str) -> re.Pattern[str]:
    bare = path.rstrip("/") or "/"
    literals = [re.escape(piece) for piece in _PIECE.split(bare)]
    wildcards = [".*" if piece == "*" else "[^/]+" for piece in _PIECE.findall(bare)]
    body = "".join(part for pair in zip(literals, [*wildcards, ""], strict=True) for part in pair)
    if bare.endswith("/*"):  # "/premium/*" also is "/premium" itself
        body = body.removesuffix("/.*") + "(?:/.*)?"
    return re.compile(body, re.DOTALL)
