"""What is for sale, before anyone asks: ``/.well-known/l402.json`` and ``/l402/quote``.

The manifest is free and static; a quote is an ordinary challenge for one service, asked for by name rather than
by running into a 402. Fields are those of the proposal under discussion upstream (L402 pull request 27, as coded
in Aperture in June 2026), so they may still change there.

A quote answers with a price, a macaroon and an invoice: paying it opens the routes of that service. Services
whose price is computed for each request cannot be quoted (503, ``unpriceable``); asking for them gets a 402.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from lnherd.l402.gate import Gate, client_key
from lnherd.l402.offers import Offer
from lnherd.l402.pricing import Pricing
from lnherd.l402.server_flow import ServerFlow
from lnherd.l402.server_steps import Allow, Request, Respond

MANIFEST_PATH: Final = "/.well-known/l402.json"
QUOTE_PATH: Final = "/l402/quote"
QUOTE_EXPIRY_S: Final = 60
"""How long the invoice of a quote can be paid."""
MAX_QUOTE_BYTES: Final = 65_536
_METHODS: Final = ("bolt11",)
_TEXTS: Final = ("service", "payment_method", "optimize", "token_id")


@dataclass(frozen=True)
class Provider:
    """Who sells, as the manifest says it."""

    name: str = "lnherd"
    """For people."""
    uri: str = ""
    """Where the API is described."""
    node_pubkey: str = ""
    """The Lightning node that invoices come from, hexadecimal; clients may insist on it."""


class Wanted(NamedTuple):
    """A request for a quote that makes sense."""

    service: str
    tier: int | None
    capabilities: tuple[str, ...]
    max_price_msat: int | None


class QuoteError(Exception):
    """Why there is no quote. ``field`` names the part of the request that is at fault."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.field = field


def manifest(pricing: Pricing, provider: Provider) -> dict[str, Any]:
    """The content of ``/.well-known/l402.json``."""
    services: dict[str, dict[str, Any]] = {}
    for route in pricing.routes:
        offer = route.price if isinstance(route.price, Offer) else None
        name = offer.service if offer else route.service
        empty = {"name": name, "description": "", "tiers": [], "capabilities": [], "resources": []}
        service = services.setdefault(name, empty)
        service["resources"].append(_resource(route.method, route.pattern, offer))
        if offer:
            _describe(service, offer)
    return {
        "version": "1.0",
        "provider": {"name": provider.name, "uri": provider.uri, "node_pubkey": provider.node_pubkey},
        "currencies": ["BTC"],
        "macaroon_versions": [2],
        "payment_methods": list(_METHODS),
        "quote_endpoint": QUOTE_PATH,
        "services": list(services.values()),
        "caveats": _caveats(services),
    }


def _resource(method: str | None, path: str, offer: Offer | None) -> dict[str, Any]:
    pricing = {"model": "fixed", "price_msat": offer.price_msat} if offer else {"model": "dynamic"}
    resource: dict[str, Any] = {"path": path, "method": method or "*", "pricing": pricing, "constraints": {}}
    if offer and offer.capability:
        resource["capability"] = offer.capability
    if offer and offer.units is not None:
        resource["units"] = {"bought": offer.units, "cost": offer.cost}
    if offer and offer.valid_for_s is not None:
        resource["valid_for_s"] = offer.valid_for_s
    return resource


def _describe(service: dict[str, Any], offer: Offer) -> None:
    service["description"] = service["description"] or offer.description
    if offer.tier not in [tier["tier"] for tier in service["tiers"]]:
        service["tiers"].append({"tier": offer.tier, "name": f"tier {offer.tier}"})
    service["capabilities"] = sorted({*service["capabilities"], *_capabilities(offer)})


def _caveats(services: Mapping[str, Any]) -> dict[str, Any]:
    known = {"services": ("string", "Services that the token opens, each with its tier.", "subset")}
    for name in services:
        known[f"{name}_valid_until"] = ("integer", f"When the token stops opening {name}, unix seconds.", "decrease")
        known[f"{name}_capabilities"] = ("string", f"What the token may do at {name}.", "subset")
    return {
        condition: {"type": kind, "description": text, "attenuation": attenuation}
        for condition, (kind, text, attenuation) in known.items()
    }


def _capabilities(offer: Offer) -> set[str]:
    return {*offer.grants, *([offer.capability] if offer.capability else [])}


class Discovery:
    """Answers requests for the manifest and for quotes on behalf of ``gate``; without I/O of its own."""

    def __init__(self, gate: Gate, provider: Provider | None = None) -> None:
        self._gate = gate
        self._manifest = json.dumps(manifest(gate.pricing, provider or Provider())).encode()
        routes = gate.pricing.routes
        self._offers = [route.price for route in routes if isinstance(route.price, Offer)]
        self._dynamic = {route.service for route in routes if not isinstance(route.price, Offer)}

    def answer(self, method: str, path: str, body: bytes, address: str | None) -> Respond | None:
        """The response to a request; None for paths that are not ours. May wait for the wallet."""
        if path == MANIFEST_PATH:
            if method not in ("GET", "HEAD"):
                return _not_allowed("GET, HEAD")
            return Respond(200, [("Content-Type", "application/json")], self._manifest, "manifest")
        if path != QUOTE_PATH:
            return None
        if method != "POST":
            return _not_allowed("POST")
        try:
            return self._quote(read_quote(body), client_key(address))
        except QuoteError as error:
            return _error(error)

    def _quote(self, wanted: Wanted, client: str) -> Respond:
        offer = self._choose(wanted)
        flow = ServerFlow(offer, self._gate.entropy, replace(self._gate.config, invoice_expiry_s=QUOTE_EXPIRY_S))
        now_s = self._gate.clock()
        step = flow.receive(Request(now_s))
        while not isinstance(step, Allow | Respond):
            step = flow.receive(self._gate.perform(step, client))
        if isinstance(step, Allow) or step.status != 402:
            return step if isinstance(step, Respond) else _error(QuoteError(500, "mint_failed", "no token was made"))
        body = json.loads(step.body)
        quote = {
            "price_msat": offer.price_msat,
            "quote_expiry": int(now_s) + QUOTE_EXPIRY_S,
            "macaroon": body["macaroon"],
            "invoice": body["invoice"],
            "service": offer.service,
            "tier": offer.tier,
            "alternatives": self._alternatives(offer),
        }
        return _json(200, quote, "quoted")

    def _choose(self, wanted: Wanted) -> Offer:
        """The cheapest offer that has all that is wanted. Raises :class:`QuoteError`."""
        offers = [offer for offer in self._offers if offer.service == wanted.service]
        if not offers:
            if wanted.service in self._dynamic:
                raise QuoteError(503, "unpriceable", "the price depends on the request; ask for the resource itself")
            raise QuoteError(400, "unknown_service", f"there is no service {wanted.service!r}", "service")
        if wanted.tier is not None:
            offers = [offer for offer in offers if offer.tier == wanted.tier]
            if not offers:
                raise QuoteError(400, "unknown_tier", f"the service has no tier {wanted.tier}", "tier")
        asked = set(wanted.capabilities)
        known = {name for offer in offers for name in _capabilities(offer)}
        if not asked <= known:
            unknown = ", ".join(sorted(asked - known))
            raise QuoteError(400, "unknown_capability", f"the service has no capability {unknown}", "capabilities")
        offers = [offer for offer in offers if not offer.grants or asked <= set(offer.grants)]
        if not offers:
            raise QuoteError(400, "unknown_capability", "no single offer has all these capabilities", "capabilities")
        offer = min(offers, key=lambda offer: offer.price_msat)
        if wanted.max_price_msat is not None and offer.price_msat > wanted.max_price_msat:
            message = f"the cheapest offer costs {offer.price_msat} msat"
            raise QuoteError(409, "unsatisfiable_budget", message, "max_price_msat")
        return replace(offer, grants=wanted.capabilities) if wanted.capabilities else offer

    def _alternatives(self, chosen: Offer) -> list[dict[str, Any]]:
        others = {(o.price_msat, o.tier) for o in self._offers if o.service == chosen.service}
        others.discard((chosen.price_msat, chosen.tier))
        return [{"service": chosen.service, "tier": tier, "price_msat": price} for price, tier in sorted(others)]


def read_quote(body: bytes) -> Wanted:
    """Read the body of a request for a quote. Raises :class:`QuoteError`."""
    try:
        asked = json.loads(body) if len(body) <= MAX_QUOTE_BYTES else None
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise QuoteError(400, "malformed_request", "the body is not a JSON object of reasonable size")
    for name in _TEXTS:
        if not isinstance(asked.get(name) or "", str):
            raise QuoteError(400, "malformed_request", f"{name} is not a string", name)
    if not asked.get("service"):
        raise QuoteError(400, "malformed_request", "service is missing", "service")
    if (asked.get("payment_method") or _METHODS[0]) not in _METHODS:
        raise QuoteError(400, "unsupported_payment_method", "only bolt11 is supported", "payment_method")
    if asked.get("constraints"):
        raise QuoteError(400, "invalid_constraint", "no service here has constraints", "constraints")
    capabilities = asked.get("capabilities") or []
    if not isinstance(capabilities, list) or not all(isinstance(name, str) for name in capabilities):
        raise QuoteError(400, "malformed_request", "capabilities is not a list of strings", "capabilities")
    return Wanted(
        asked["service"], _number(asked, "tier"), tuple(dict.fromkeys(capabilities)), _number(asked, "max_price_msat")
    )


def _number(asked: dict[str, Any], name: str) -> int | None:
    value = asked.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise QuoteError(400, "malformed_request", f"{name} is not a whole number", name)
    return value


def _error(error: QuoteError) -> Respond:
    detail = {"code": error.code, "message": str(error), "field": error.field}
    return _json(error.status, {"error": detail}, error.code)


def _not_allowed(allowed: str) -> Respond:
    response = _error(QuoteError(405, "method_not_allowed", f"use {allowed}"))
    response.headers.append(("Allow", allowed))
    return response


def _json(status: int, value: dict[str, Any], reason: str) -> Respond:
    lines = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    return Respond(status, lines, json.dumps(value).encode(), reason)
