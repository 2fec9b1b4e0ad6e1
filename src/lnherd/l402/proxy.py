"""A reverse proxy: put :class:`~lnherd.l402.server.L402Middleware` in front of any HTTP API, as Aperture does.

::

    app = L402Middleware(ReverseProxy("http://127.0.0.1:9000"), wallet=wallet, prices={"GET /news/*": 10_000})

Bodies are streamed both ways, byte for byte (server-sent events included), and a client that hangs up ends the
request upstream. What was meant for this hop stays here: hop-by-hop headers, and the L402 credentials, which are
bearer tokens that the upstream has no need to see.

A proxy and its upstream must not disagree about which resource a request is for, or a cheap path opens a dear one.
So paths that servers are known to read differently (dot segments, empty segments, encoded slashes, backslashes)
are refused, and headers that change method or path are dropped. Prefer ``free`` patterns over leaving routes
without a price: with ``only_listed`` what has neither is 404.
"""

import re
from collections.abc import AsyncIterator, Collection
from typing import Any, Final

import anyio
import httpx

from lnherd.errors import InputError
from lnherd.l402.pricing import Ask, Pricing
from lnherd.l402.server import Message, Receive, Scope, Send

CONNECT_TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 300.0
"""How long the upstream may be silent, also within a stream."""
HOP_BY_HOP: Final = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding"
    b" upgrade".split()
)
"""RFC 9110, section 7.6.1."""
KEPT_CONNECTIONS: Final = 100
_DROPPED: Final = frozenset(
    b"host macaroon grpc-metadata-macaroon forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip"
    b" x-http-method-override x-http-method x-method-override x-original-url x-rewrite-url".split()
)
_PAID_SCHEME: Final = re.compile(rb"(?:^|,)[ \t]*(?:l402|lsat|payment)(?:[ \t]|$)", re.IGNORECASE)
_AMBIGUOUS: Final = re.compile(rb"//|/\.{1,2}(?:[/;]|$)|\\|%2f|%5c|%2e|%00|%0[0-9a-f]|%1[0-9a-f]|#", re.IGNORECASE)
_HOPELESS: Final = (httpx.InvalidURL, httpx.LocalProtocolError)


class ReverseProxy:
    """An ASGI application that forwards everything to ``upstream``. Raises :class:`InputError` for a bad URL.

    With ``free`` only those patterns and requests that were paid for are forwarded; None forwards all.
    """

    def __init__(
        self, upstream: str, *, free: Collection[str] | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        try:
            self.upstream = httpx.URL(upstream)
        except (httpx.InvalidURL, TypeError) as error:
            raise InputError(f"the upstream {upstream!r} is not a URL ({error})") from None
        if self.upstream.scheme not in ("http", "https") or not self.upstream.host or self.upstream.query:
            raise InputError(f"the upstream {upstream!r} is not an http or https URL like http://127.0.0.1:9000")
        self._free = None if free is None else Pricing(dict.fromkeys(free, 1))
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=KEPT_CONNECTIONS)
        # a transport and no client: no cookies, redirects, default headers or proxies of the environment
        self._transport = transport or httpx.AsyncHTTPTransport(limits=limits, trust_env=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request; anything else than HTTP is declined."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "websockets are not proxied"})
        elif not self._listed(scope):
            await _plain(send, 404, "there is nothing here")
        elif _AMBIGUOUS.search(_raw_path(scope)) or not _raw_path(scope).startswith(b"/"):
            await _plain(send, 400, "the path can be read in more than one way; write it plainly")
        else:
            await self._forward(scope, receive, send)

    def _listed(self, scope: Scope) -> bool:
        if self._free is None or "l402" in scope:
            return True
        return self._free.offer(Ask(scope["method"], scope["path"])) is not None

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._transport.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the request and pass the response on, until it ends or the client hangs up."""
        body = _Body(receive)
        async with anyio.create_task_group() as tasks:

            async def exchange() -> None:
                await self._exchange(scope, body, send)
                tasks.cancel_scope.cancel()

            tasks.start_soon(exchange)
            await body.gone.wait()
            tasks.cancel_scope.cancel()

    async def _exchange(self, scope: Scope, body: "_Body", send: Send) -> None:
        started = False
        try:
            request = self._request(scope, body)
            async with anyio.create_task_group() as tasks:
                if not body.expected(scope):
                    tasks.start_soon(body.wait_for_the_end)
                response = await self._transport.handle_async_request(request)
                try:
                    lines = _response_headers(response)
                    await send({"type": "http.response.start", "status": response.status_code, "headers": lines})
                    started = True
                    tasks.start_soon(body.wait_for_the_end)
                    async for part in response.aiter_raw():
                        await send({"type": "http.response.body", "body": part, "more_body": True})
                    await send({"type": "http.response.body", "body": b""})
                finally:
                    with anyio.CancelScope(shield=True):
                        await response.aclose()
                tasks.cancel_scope.cancel()
        except* _HOPELESS:
            if not started:
                await _plain(send, 400, "the request cannot be forwarded")
        except* httpx.TimeoutException:
            if not started:
                await _plain(send, 504, "the upstream server did not answer in time")
        except* httpx.TransportError:  # once started, an unfinished response makes the server break the connection
            if not started:
                await _plain(send, 502, "the upstream server cannot be reached")

    def _request(self, scope: Scope, body: "_Body") -> httpx.Request:
        base = self.upstream.raw_path.rstrip(b"/")
        query = scope.get("query_string", b"")
        target = base + _raw_path(scope) + (b"?" + query if query else b"")
        url = self.upstream.copy_with(raw_path=target)
        lines = _request_headers(scope)
        content = body.parts() if body.expected(scope) else None
        timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S).as_dict()
        return httpx.Request(scope["method"], url, headers=lines, content=content, extensions={"timeout": timeout})


class _Body:
    """The client's side of a request: its body, and word of its hanging up."""

    def __init__(self, receive: Receive) -> None:
        self.gone = anyio.Event()
        self._receive = receive
        self._ended = False
        self._waiting = False

    def expected(self, scope: Scope) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
            for name, value in scope["headers"]
        )

    async def parts(self) -> AsyncIterator[bytes]:
        while not self._ended:
            message = await self._next()
            if message.get("body"):
                yield message["body"]

    async def wait_for_the_end(self) -> None:
        """Read until the client hangs up; what is left of the body is nobody's business any more."""
        if self._waiting:
            return
        self._waiting = True
        while not self.gone.is_set():
            await self._next()

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._ended = True
            self.gone.set()
        elif not message.get("more_body"):
            self._ended = True
        return message


def _raw_path(scope: Scope) -> bytes:
    """The path as it came, without the query."""
    raw: Any = scope.get("raw_path") or scope["path"].encode()
    return bytes(raw).partition(b"?")[0]


def _request_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """What the upstream gets to see, with the client's true address."""
    kept = [
        (name, value)
        for name, value in _end_to_end(scope["headers"])
        if name not in _DROPPED and not (name == b"authorization" and _PAID_SCHEME.search(value))
    ]
    client = scope.get("client")
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    kept += [(b"x-forwarded-proto", scope.get("scheme", "http").encode()), (b"x-forwarded-host", host)]
    return kept + ([(b"x-forwarded-for", str(client[0]).encode())] if client else [])


def _response_headers(response: httpx.Response) -> list[tuple[bytes, bytes]]:
    return _end_to_end([(name.lower(), value) for name, value in response.headers.raw])


def _end_to_end(lines: Collection[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Without what was for one hop only, whether by its nature or because ``Connection`` names it."""
    named = {option.strip().lower() for name, value in lines if name == b"connection" for option in value.split(b",")}
    return [(name, value) for name, value in lines if name not in HOP_BY_HOP and name not in named]


async def _plain(send: Send, status: int, sentence: str) -> None:
    body = sentence.encode() + b"\n"
    lines = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
