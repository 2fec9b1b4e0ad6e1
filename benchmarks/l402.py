"""L402 codecs and flows, side by side with what is on PyPI: ``python benchmarks/l402.py``.

Peers are optional: ``pip install bolt11 'bitstring<5' pymacaroons``. One core, best of five.
"""

import importlib.util
import timeit
from collections.abc import Callable
from hashlib import sha256

from lnherd.l402 import bolt11, headers, macaroon
from lnherd.l402.bitcoin import Network
from lnherd.l402.macaroon import Identifier
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.offers import Offer, TokenRecord
from lnherd.l402.server import ASGIApp, L402Middleware, Message, Receive, Scope, Send
from lnherd.l402.server_flow import ServerFlow, token_key
from lnherd.l402.server_steps import Request, Token
from lnherd.l402.stores import SqliteTokens

NOW = 1_700_000_000
NODE_KEY = b"\x01" * 32
PREIMAGE = b"\x05" * 32
ROOT = b"\x07" * 32
CONDITIONS = ("services=api:0", "api_valid_until=1800000000")


def per_second(call: Callable[[], object], seconds: float = 0.3) -> float:
    """Calls of ``call`` in a second: best of five runs of about ``seconds``."""
    timer = timeit.Timer(call)
    number = max(1, int(seconds / max(timer.timeit(3) / 3, 1e-9)))
    return number / min(timer.repeat(5, number))


def report(name: str, call: Callable[[], object]) -> None:
    """Print one line."""
    rate = per_second(call)
    print(f"{name:44s} {rate:12,.0f} /s {1e6 / rate:10.1f} us")


def invoice() -> bolt11.Invoice:
    """An unsigned invoice like those of an L402 server."""
    payment_hash = sha256(PREIMAGE).digest()
    return bolt11.Invoice(Network.MAINNET, 10_000, NOW, payment_hash, bytes(range(32)), "one answer", expiry_s=600)


def measure_bolt11() -> None:
    """Decode and sign."""
    signed = bolt11.sign(invoice(), NODE_KEY)
    report("bolt11 decode, lnherd", lambda: bolt11.decode(signed.text))
    if importlib.util.find_spec("bolt11"):
        peer = importlib.import_module("bolt11")
        report("bolt11 decode, PyPI bolt11", lambda: peer.decode(signed.text))
    report("bolt11 sign, lnherd", lambda: bolt11.sign(invoice(), NODE_KEY))


def measure_macaroons() -> None:
    """Verify a token with two caveats: the chain alone, then from the header's text."""
    identifier = Identifier(sha256(PREIMAGE).digest(), bytes(32)).encode()
    token = macaroon.mint(ROOT, identifier, CONDITIONS)
    text = token.to_text()
    report("macaroon verify, lnherd", lambda: macaroon.verify(token, macaroon.signing_key(ROOT)))
    if importlib.util.find_spec("pymacaroons"):
        peer = importlib.import_module("pymacaroons")
        theirs = peer.Macaroon(location="lsat", identifier=identifier, key=ROOT, version=2)
        verifier = peer.Verifier()
        for condition in CONDITIONS:
            theirs.add_first_party_caveat(condition)
            verifier.satisfy_exact(condition)
        report("macaroon verify, pymacaroons", lambda: verifier.verify(theirs, ROOT))
    report("macaroon decode from base64 and verify, lnherd", lambda: macaroon.verify(macaroon.from_text(text), ROOT))


def measure_flow() -> None:
    """The whole decision about an authorised request whose credential was read before; database excluded."""
    offer = Offer(10_000, "api", valid_for_s=3600)
    identifier = Identifier(sha256(PREIMAGE).digest(), bytes(32)).encode()
    token = macaroon.mint(ROOT, identifier, offer.conditions(NOW))
    lines = (headers.authorization(token.to_text(), PREIMAGE),)
    record = TokenRecord(ROOT, "api", 10_000, NOW, NOW + 3600)

    def decide() -> object:
        flow = ServerFlow(offer, lambda n: bytes(n))
        flow.receive(Request(NOW, lines))
        return flow.receive(Token(record))

    report("server flow, credential seen before", decide)


def measure_middleware() -> None:
    """What the ASGI middleware adds to an authorised request: database included, network excluded."""
    world = MemoryNetwork(lambda: float(NOW), lambda n: bytes(n - 1) + b"\1")
    tokens = SqliteTokens()
    offer = Offer(10_000, "api", valid_for_s=3600)
    app = L402Middleware(_empty, wallet=world.wallet(), tokens=tokens, prices={"GET /paid": offer}, clock=lambda: NOW)
    identifier = Identifier(sha256(PREIMAGE).digest(), bytes(32)).encode()
    tokens.save(token_key(identifier), TokenRecord(ROOT, "api", 10_000, NOW, NOW + 3600))
    token = macaroon.mint(ROOT, identifier, offer.conditions(NOW))
    line = (b"authorization", headers.authorization(token.to_text(), PREIMAGE).encode())
    scope = {"type": "http", "method": "GET", "path": "/paid", "query_string": b"", "client": ("192.0.2.1", 1)}

    def call(asgi: ASGIApp) -> None:
        try:
            asgi({**scope, "headers": [line]}, _receive, _send).__await__().send(None)  # never waits
        except StopIteration:
            return

    report("ASGI application alone", lambda: call(_empty))
    report("ASGI application behind L402Middleware", lambda: call(app))


async def _empty(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _receive() -> dict[str, object]:
    return {"type": "http.request"}


async def _send(message: Message) -> None:
    return


if __name__ == "__main__":
    measure_bolt11()
    measure_macaroons()
    measure_flow()
    measure_middleware()
