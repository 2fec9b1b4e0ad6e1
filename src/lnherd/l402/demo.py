"""A paid API to try things on: three routes, and a wallet with play money that anyone on this machine may use.

``GET /api/dispatches`` lists, ``GET /api/dispatches/1`` reads, ``POST /api/ask`` answers ``{"question": ...}``.
Their wallet and the one behind ``/demo/pay`` live in one :class:`~lnherd.l402.memory_wallet.MemoryNetwork`: real,
signed invoices (of regtest), no real money. :class:`DemoWallet` is that second wallet for another process.
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lnherd.errors import InputError
from lnherd.l402 import bolt11
from lnherd.l402.bitcoin import Network
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.memory_wallet import MemoryNetwork, MemoryWallet
from lnherd.l402.offers import Offer
from lnherd.l402.pricing import Price
from lnherd.l402.wallet import Bill, WalletError

PURSE_MSAT: Final = 10_000_000_000
"""Play money of the demo wallet: ten million satoshis."""
MAX_BODY_BYTES: Final = 65_536
MAX_QUESTION: Final = 1_000
TIMEOUT_S: Final = 30.0
PRICES: Final[Mapping[str, Price]] = {
    "GET /api/dispatches": Offer(10_000, "dispatches", description="list of dispatches", valid_for_s=86_400),
    "GET /api/dispatches/{id}": Offer(21_000, "dispatch", description="one dispatch", valid_for_s=86_400),
    "POST /api/ask": Offer(50_000, "ask", description="one answer", units=1),
}
"""10 sat and 21 sat for a day, 50 sat for each question."""
_DISPATCHES: Final = (
    {
        "id": 1,
        "title": "Channel balances drift towards the sinks",
        "body": "Whoever sells, fills; whoever buys, dries.",
    },
    {"id": 2, "title": "A base fee is a price for small payments", "body": "At 10 sat, 1 sat of it is ten percent."},
    {"id": 3, "title": "Herding is cheaper than buying", "body": "A fee change moves more than a circular payment."},
)
_HOME: Final = """lnherd demo: a paid API with play money

  GET  /api/dispatches      10 sat, valid for a day
  GET  /api/dispatches/1    21 sat, valid for a day
  POST /api/ask             50 sat, {"question": "..."}
  GET  /.well-known/l402.json

  POST /demo/pay            {"invoice": "lnbcrt..."}: the DEMO WALLET pays and gives the preimage.
                            Play money on a network in memory; for this machine only.

  lnherd l402 get --wallet demo URL
"""


def demo_app() -> Starlette:
    """The API itself, to be wrapped in the middleware with :data:`PRICES`."""
    return Starlette(
        routes=[
            Route("/", _home),
            Route("/api/dispatches", _list),
            Route("/api/dispatches/{id}", _read),
            Route("/api/ask", _ask, methods=["POST"]),
        ]
    )


def wallet_app(world: MemoryNetwork) -> Starlette:
    """A new wallet of ``world`` that pays for programs on this machine: what :class:`DemoWallet` talks to."""
    payer = world.wallet(PURSE_MSAT)
    return Starlette(
        routes=[
            Route("/demo/pay", _local(payer, _pay), methods=["POST"]),
            Route("/demo/payment/{payment_hash}", _local(payer, _find), methods=["GET"]),
        ]
    )


async def _home(request: Request) -> Response:
    return PlainTextResponse(_HOME)


async def _list(request: Request) -> Response:
    return JSONResponse({"dispatches": [{"id": d["id"], "title": d["title"]} for d in _DISPATCHES]})


async def _read(request: Request) -> Response:
    found = [dispatch for dispatch in _DISPATCHES if str(dispatch["id"]) == request.path_params["id"]]
    return JSONResponse(found[0]) if found else _problem(404, "there is no such dispatch")


async def _ask(request: Request) -> Response:
    asked = await _object(request)
    question = asked.get("question") if asked is not None else None
    if not isinstance(question, str) or not 0 < len(question) <= MAX_QUESTION:
        if "l402_meter" in request.scope:
            request.scope["l402_meter"].use(0)  # a question that was not understood costs nothing
        return _problem(400, f'send {{"question": "..."}} with 1 to {MAX_QUESTION} characters')
    return JSONResponse({"answer": f"It depends on the fees. You asked with {len(question)} characters."})


def _local(payer: MemoryWallet, handle: Callable[[MemoryWallet, Request, Any], Response]) -> Any:
    async def endpoint(request: Request) -> Response:
        if request.client is None or request.client.host not in ("127.0.0.1", "::1", "testclient"):
            return _problem(403, "the demo wallet is for this machine only")
        body = await _object(request) if request.method == "POST" else {}
        return await run_in_threadpool(handle, payer, request, body)

    return endpoint


def _pay(payer: MemoryWallet, request: Request, body: dict[str, Any] | None) -> Response:
    invoice = (body or {}).get("invoice")
    max_fee_msat = (body or {}).get("max_fee_msat", 0)
    if not isinstance(invoice, str) or not isinstance(max_fee_msat, int):
        return _problem(400, 'send {"invoice": "lnbcrt..."}')
    try:
        amount_msat = bolt11.decode(invoice).amount_msat
    except InputError as error:
        return _problem(400, str(error))
    return _outcome(payer.pay(invoice, amount_msat or 0, max_fee_msat))


def _find(payer: MemoryWallet, request: Request, body: dict[str, Any] | None) -> Response:
    try:
        payment_hash = bytes.fromhex(request.path_params["payment_hash"])
    except ValueError:
        return _problem(400, "a payment hash has 64 hexadecimal digits")
    outcome = payer.find_payment(payment_hash)
    return _problem(404, "never paid") if outcome is None else _outcome(outcome)


def _outcome(outcome: Paid | PaymentFailed) -> Response:
    if isinstance(outcome, PaymentFailed):
        return _problem(409, outcome.message)
    return JSONResponse({"wallet": "demo", "preimage": outcome.preimage.hex(), "fee_msat": outcome.fee_msat})


async def _object(request: Request) -> dict[str, Any] | None:
    """The JSON object in the body; None for anything else."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                return None
        value = json.loads(body)
    except (ValueError, RecursionError, ClientDisconnect):
        return None
    return value if isinstance(value, dict) else None


def _problem(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)


class DemoWallet:
    """The demo server's second wallet, used over HTTP at ``origin`` (``http://127.0.0.1:8402``)."""

    network = Network.REGTEST

    def __init__(self, origin: str) -> None:
        # a kept connection may have been closed by the server, which would leave the outcome of a payment open
        once = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(base_url=origin, timeout=TIMEOUT_S, trust_env=False, limits=once)
        self._lock = threading.Lock()
        """httpx's pool loses a connection now and then when forty threads without kept connections share it."""

    def create_invoice(self, amount_msat: int, memo: str, expiry_s: int) -> Bill:
        """Not for sale: this wallet only pays."""
        raise WalletError("the demo wallet only pays")

    def is_settled(self, payment_hash: bytes) -> bool:
        """It makes no invoices, so none of them is paid."""
        return False

    def pay(self, invoice: str, amount_msat: int, max_fee_msat: int) -> Paid | PaymentFailed:
        """Have the server pay; the same invoice a second time gives the first outcome."""
        answer = self._ask("POST", "/demo/pay", {"invoice": invoice, "max_fee_msat": max_fee_msat})
        if answer.status_code in (400, 409):
            return PaymentFailed(str(_member(answer, "error")))
        return _paid(answer)

    def find_payment(self, payment_hash: bytes) -> Paid | PaymentFailed | None:
        """What became of a payment from this wallet."""
        answer = self._ask("GET", f"/demo/payment/{payment_hash.hex()}")
        return None if answer.status_code == 404 and _member(answer, "error") == "never paid" else _paid(answer)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            with self._lock:
                return self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise WalletError(f"the demo wallet at {self._client.base_url} cannot be reached ({error})") from None


def _member(answer: httpx.Response, name: str) -> Any:
    try:
        return answer.json()[name]
    except (ValueError, KeyError, TypeError):
        raise WalletError(f"no demo wallet there: it answers with status {answer.status_code}") from None


def _paid(answer: httpx.Response) -> Paid:
    preimage, fee_msat = _member(answer, "preimage"), _member(answer, "fee_msat")
    return Paid(bytes.fromhex(preimage), fee_msat)
