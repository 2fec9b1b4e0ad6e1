"""Sell access to a web application: pure-ASGI middleware and its WSGI twin.

::

    app = L402Middleware(app, wallet=wallet, prices={"GET /api/dispatches": 10_000, "POST /api/ask": 50_000})

Prices are millisatoshi, offers or functions (:mod:`lnherd.l402.pricing`). An authorised request finds its
:class:`~lnherd.l402.offers.Claims` in ``scope["l402"]`` (``environ["l402"]``), and where its token is
counted a :class:`~lnherd.l402.gate.Meter` in ``scope["l402_meter"]``. Everything else is answered here:
402 with a challenge, 429 and 503 when there is no invoice to be had.
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final

from anyio import to_thread

from lnherd.l402.gate import SLOW, AuditEvent, Gate, Meter, client_key, metrics_text
from lnherd.l402.limits import Buckets
from lnherd.l402.offers import Claims, Offer
from lnherd.l402.pricing import Ask, Price, Pricing
from lnherd.l402.server_flow import ServerConfig
from lnherd.l402.server_steps import Allow, Respond
from lnherd.l402.stores import SqliteTokens, TokenStore
from lnherd.l402.wallet import Wallet

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Environ = dict[str, Any]
WSGIApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

INVOICES_PER_S: Final = 1.0
INVOICE_BURST: Final = 60
"""What a client network may ask for without paying, unless told otherwise."""
_MACAROON_HEADERS: Final = (b"macaroon", b"grpc-metadata-macaroon")
_REASONS: Final = {400: "Bad Request", 402: "Payment Required", 429: "Too Many Requests", 503: "Service Unavailable"}
_SERVER_ERROR: Final = 500
_POLICY_VIOLATION: Final = 1008


def make_gate(
    wallet: Wallet,
    prices: Mapping[str, Price],
    *,
    tokens: TokenStore | None = None,
    config: ServerConfig | None = None,
    invoices: Buckets | None = None,
    free: Buckets | None = None,
    audit: Callable[[AuditEvent], None] | None = None,
    clock: Callable[[], float] = time.time,
    entropy: Callable[[int], bytes] = secrets.token_bytes,
) -> Gate:
    """A gate with the usual defaults: tokens in memory, a limit on unpaid invoices, no free requests.

    ``invoices`` and ``free`` limit invoices asked for and requests given away to each client network;
    ``audit`` is called with every decision. Raises :class:`lnherd.errors.InputError` for bad prices.
    """
    return Gate(
        Pricing(prices),
        wallet,
        tokens or SqliteTokens(),
        config=config or ServerConfig(),
        clock=clock,
        entropy=entropy,
        invoices=invoices or Buckets(INVOICES_PER_S, INVOICE_BURST),
        free=free,
        audit=audit,
    )


class L402Middleware:
    """ASGI middleware; options as for :func:`make_gate`, or a ``gate`` made beforehand."""

    def __init__(self, app: ASGIApp, *, gate: Gate | None = None, **options: Any) -> None:
        self.app = app
        self.gate = gate or make_gate(**options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        ask = Ask(scope.get("method", "GET"), scope["path"], scope["query_string"].decode("latin-1"), scope["headers"])
        offer = self.gate.offer(ask)
        if offer is None:
            await self.app(scope, receive, send)
            return
        address = scope.get("client")
        client = client_key(address[0] if address else None)
        authorization, macaroons = _credentials(scope["headers"])
        if self.gate.is_free(offer, ask, client, authorization):
            await self.app(scope, receive, send)
            return
        step = self.gate.recall(offer, authorization, macaroons) or await self._decide(
            offer, authorization, macaroons, client
        )
        meter = self.gate.conclude(step, offer, ask, client)
        if isinstance(step, Respond):
            await send_response(step, scope, send)
            return
        scope["l402"] = step.claims
        if step.headers:
            send = _adding(step.headers, send)
        if meter is None:
            await self.app(scope, receive, send)
        else:
            await self._run_metered(step.claims, meter, (scope, receive, send))

    async def _decide(
        self, offer: Offer, authorization: list[str], macaroons: list[str], client: str
    ) -> Allow | Respond:
        flow, step = self.gate.begin(offer, authorization, macaroons)
        while not isinstance(step, Allow | Respond):
            slow = isinstance(step, SLOW)
            event = (
                await to_thread.run_sync(self.gate.perform, step, client) if slow else self.gate.perform(step, client)
            )
            step = flow.receive(event)
        self.gate.remember(step, offer, authorization, macaroons)
        return step

    async def _run_metered(self, claims: Claims, meter: Meter, call: tuple[Scope, Receive, Send]) -> None:
        scope, receive, send = call
        scope["l402_meter"] = meter
        status = _SERVER_ERROR

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:  # what breaks off after a good start was served: hanging up must not be a way to get units back
            self.gate.settle(claims, meter, failed=status >= _SERVER_ERROR)

    def metrics(self) -> str:
        """Counters in Prometheus' text format."""
        return metrics_text(self.gate)


def _adding(headers: Iterable[tuple[str, str]], send: Send) -> Send:
    """``send`` with more header lines."""
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *lines]}
        await send(message)

    return add


def _credentials(lines: Iterable[tuple[bytes, bytes]]) -> tuple[list[str], list[str]]:
    """Values of Authorization and of the macaroon headers."""
    authorization, macaroons = [], []
    for name, value in lines:
        if name == b"authorization":
            authorization.append(value.decode("latin-1"))
        elif name in _MACAROON_HEADERS:
            macaroons.append(value.decode("latin-1"))
    return authorization, macaroons


async def send_response(response: Respond, scope: Scope, send: Send) -> None:
    """Send ``response`` to a request over HTTP, or to a websocket that is not to be."""
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        if kind not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": response.reason})
            return
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers]
    lines.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": f"{kind}.start", "status": response.status, "headers": lines})
    body = b"" if scope.get("method") == "HEAD" else response.body
    await send({"type": f"{kind}.body", "body": body})


class L402WSGI:
    """WSGI middleware on the same gate; options as for :func:`make_gate`, or a ``gate`` made beforehand."""

    def __init__(self, app: WSGIApp, *, gate: Gate | None = None, **options: Any) -> None:
        self.app = app
        self.gate = gate or make_gate(**options)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Let the request through, or answer it."""
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace") or "/"
        ask = Ask(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), _wsgi_headers(environ))
        offer = self.gate.offer(ask)
        if offer is None:
            return self.app(environ, start_response)
        client = client_key(environ.get("REMOTE_ADDR"))
        authorization, macaroons = _credentials(ask.headers)
        if self.gate.is_free(offer, ask, client, authorization):
            return self.app(environ, start_response)
        step = self.gate.recall(offer, authorization, macaroons) or self._decide(
            offer, authorization, macaroons, client
        )
        meter = self.gate.conclude(step, offer, ask, client)
        if isinstance(step, Respond):
            start_response(
                f"{step.status} {_REASONS[step.status]}", [*step.headers, ("Content-Length", str(len(step.body)))]
            )
            return [] if ask.method == "HEAD" else [step.body]
        environ["l402"] = step.claims
        if step.headers:
            start_response = _starting_with(step.headers, start_response)
        return (
            self.app(environ, start_response)
            if meter is None
            else self._metered(environ, start_response, step.claims, meter)
        )

    def _decide(self, offer: Offer, authorization: list[str], macaroons: list[str], client: str) -> Allow | Respond:
        flow, step = self.gate.begin(offer, authorization, macaroons)
        while not isinstance(step, Allow | Respond):
            step = flow.receive(self.gate.perform(step, client))
        self.gate.remember(step, offer, authorization, macaroons)
        return step

    def _metered(
        self, environ: Environ, start_response: Callable[..., Any], claims: Claims, meter: Meter
    ) -> Iterable[bytes]:
        environ["l402_meter"] = meter
        failed = True

        def watch(status: str, *rest: Any) -> Any:
            nonlocal failed
            failed = status.startswith("5")
            return start_response(status, *rest)

        body: Iterable[bytes] = ()
        try:
            body = self.app(environ, watch)
            yield from body
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
            self.gate.settle(claims, meter, failed=failed)


def _starting_with(headers: Iterable[tuple[str, str]], start_response: Callable[..., Any]) -> Callable[..., Any]:
    def start(status: str, lines: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*lines, *headers], *rest)

    return start


def _wsgi_headers(environ: Environ) -> list[tuple[bytes, bytes]]:
    return [
        (name[5:].replace("_", "-").lower().encode("latin-1"), str(value).encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
