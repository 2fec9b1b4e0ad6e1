"""All that ``lnherd l402 serve`` answers, as one ASGI application.

The manifest, quotes, metrics and the demo wallet are free; everything else goes through the middleware.
"""

from typing import Final

from anyio import to_thread

from lnherd.l402.discovery import MANIFEST_PATH, MAX_QUOTE_BYTES, QUOTE_PATH, Discovery, Provider
from lnherd.l402.gate import Gate, metrics_text
from lnherd.l402.server import ASGIApp, L402Middleware, Receive, Scope, Send, send_response
from lnherd.l402.server_steps import Respond

METRICS_PATH: Final = "/metrics"
WALLET_PATH: Final = "/demo/"


class Shop:
    """``app`` behind the prices of ``gate``, with discovery; ``demo_wallet`` answers below ``/demo/``."""

    def __init__(
        self,
        app: ASGIApp,
        gate: Gate,
        *,
        provider: Provider | None = None,
        demo_wallet: ASGIApp | None = None,
        metrics: bool = False,
    ) -> None:
        self.gate = gate
        self._paid = L402Middleware(app, gate=gate)
        self._discovery = Discovery(gate, provider)
        self._demo_wallet = demo_wallet
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if scope["type"] != "http":
            await self._paid(scope, receive, send)
        elif path in (MANIFEST_PATH, QUOTE_PATH):
            await self._discover(scope, receive, send)
        elif self._metrics and path == METRICS_PATH:
            text = metrics_text(self.gate).encode()
            await send_response(Respond(200, [("Content-Type", "text/plain; version=0.0.4")], text, ""), scope, send)
        elif self._demo_wallet is not None and path.startswith(WALLET_PATH):
            await self._demo_wallet(scope, receive, send)
        else:
            await self._paid(scope, receive, send)

    async def _discover(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        address = scope.get("client")
        response = await to_thread.run_sync(
            self._discovery.answer, scope["method"], scope["path"], body, address[0] if address else None
        )
        if response is not None:
            await send_response(response, scope, send)


async def _read(receive: Receive) -> bytes:
    """The body, up to a little more than a quote may have."""
    body = b""
    while len(body) <= MAX_QUOTE_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body
