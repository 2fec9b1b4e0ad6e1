"""ASGI and WSGI shells around one gate, with Starlette as the application and a wallet in memory."""

import json
import random

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from lnherd.l402 import headers, macaroon
from lnherd.l402.limits import Buckets
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.offers import Offer
from lnherd.l402.server import L402WSGI, L402Middleware
from lnherd.l402.server_flow import ServerConfig
from lnherd.l402.stores import SqliteTokens
from lnherd.l402.wallet import WalletError

NOW = 1_700_000_000.0


def free(request):
    return PlainTextResponse("free")


def news(request):
    claims = request.scope["l402"]
    return JSONResponse({"news": 1, "service": claims.service, "left": claims.units_left})


def broken(request):
    raise RuntimeError("the application is broken")


def unhappy(request):
    return PlainTextResponse("sorry", status_code=503)


def metered(request):
    request.scope["l402_meter"].use(int(request.query_params["used"]))
    return PlainTextResponse("done")


def stream(request):
    async def parts():
        for number in range(3):
            yield f"{number}\n"

    return StreamingResponse(parts())


async def chat(websocket):
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


APP = Starlette(
    routes=[
        Route("/", free),
        Route("/news", news),
        Route("/dear", news, methods=["POST"]),
        Route("/broken", broken),
        Route("/unhappy", unhappy),
        Route("/metered", metered),
        Route("/stream", stream),
        WebSocketRoute("/chat", chat),
    ]
)


def wsgi_app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/broken":
        raise RuntimeError("the application is broken")
    if path == "/metered":
        environ["l402_meter"].use(int(environ["QUERY_STRING"].partition("=")[2]))
    status = "503 Service Unavailable" if path == "/unhappy" else "200 OK"
    claims = environ.get("l402")
    body = {"news": 1, "service": claims.service, "left": claims.units_left} if claims else {}
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


class Shop:
    """A server of one kind, its wallet, and a customer's wallet."""

    def __init__(self, kind, prices, **options):
        self.now_s = NOW
        world = MemoryNetwork(lambda: self.now_s, random.Random(5).randbytes)
        self.wallet, self.customer = world.wallet(), world.wallet(10**9)
        self.tokens = SqliteTokens()
        self.audit = []
        options = {"wallet": self.wallet, "tokens": self.tokens, "audit": self.audit.append, **options}
        options |= {"prices": prices, "clock": lambda: self.now_s, "entropy": random.Random(6).randbytes}
        self.kind = kind
        self.app = L402Middleware(APP, **options) if kind == "asgi" else L402WSGI(wsgi_app, **options)
        self.gate = self.app.gate

    def request(self, method, path, lines=()):
        if self.kind == "wsgi":
            with httpx.Client(transport=httpx.WSGITransport(self.app), base_url="http://shop") as client:
                return client.request(method, path, headers=list(lines))
        return anyio.run(self._request, method, path, lines)

    async def _request(self, method, path, lines):
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.request(method, path, headers=list(lines))

    def buy(self, method, path):
        """Pay the challenge of a route; gives the credential."""
        response = self.request(method, path)
        assert response.status_code == 402, response.text
        (challenge,) = headers.read_challenges(response.headers.get_list("www-authenticate"))
        paid = self.customer.pay(challenge.invoice, response.json()["amount_msat"], 0)
        return headers.authorization(challenge.token, paid.preimage)

    def show(self, method, path, credential):
        return self.request(method, path, [("Authorization", credential)])


PRICES = {"GET /news": 10_000, "POST /dear": 50_000}


@pytest.fixture(params=["asgi", "wsgi"])
def kind(request):
    return request.param


def test_free_routes_are_free(kind):
    shop = Shop(kind, PRICES)
    assert shop.request("GET", "/").status_code == 200
    assert shop.audit == []


def test_challenge_pay_and_open(kind):
    shop = Shop(kind, PRICES)
    response = shop.request("GET", "/news")
    assert response.status_code == 402
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.content))
    assert len(response.headers.get_list("www-authenticate")) == 2
    credential = shop.buy("GET", "/news")
    for _ in range(3):
        response = shop.show("GET", "/news", credential)
        assert response.json() == {"news": 1, "service": "GET/news", "left": None}
    assert shop.wallet.balance_msat == 10_000
    assert [event.outcome for event in shop.audit] == ["payment_required"] * 2 + ["sold", "allowed", "allowed"]
    assert shop.audit[2].token
    assert shop.gate.earned_msat == {"GET/news": 10_000}


def test_a_token_opens_only_what_it_was_bought_for(kind):
    shop = Shop(kind, PRICES)
    credential = shop.buy("GET", "/news")
    response = shop.show("POST", "/dear", credential)
    assert response.status_code == 402
    assert response.json()["reason"] == "wrong_service"


def test_head_has_no_body(kind):
    shop = Shop(kind, PRICES)
    response = shop.request("HEAD", "/news")
    assert (response.status_code, response.content) == (402, b"")
    assert headers.read_challenges(response.headers.get_list("www-authenticate"))


@pytest.mark.parametrize(
    "value",
    [
        "L402",
        "L402 x:y",
        "LSAT " + "A" * 9000,
        "L402 " + "AgE=" + ":" + "0" * 64,
        "L402 ,,,:::",
        "\"'<>;--",
    ],
)
def test_malformed_credentials_are_402(kind, value):
    shop = Shop(kind, PRICES)
    response = shop.request("GET", "/news", [("Authorization", value)])
    assert response.status_code == 402
    assert headers.read_challenges(response.headers.get_list("www-authenticate"))


def test_bytes_that_are_no_text():
    response = Shop("asgi", PRICES).request("GET", "/news", [(b"Authorization", b"L402 \xff:\xfe\x00")])
    assert response.status_code == 402


def test_go_clients_send_two_lines(kind):
    shop = Shop(kind, PRICES)
    credential = shop.buy("GET", "/news")
    lines = [("Authorization", credential.replace("L402", "LSAT")), ("Authorization", credential)]
    assert shop.request("GET", "/news", lines).status_code == 200
    token, _, preimage = credential.removeprefix("L402 ").rpartition(":")
    carried = macaroon.from_text(token).restrict(f"preimage={preimage}").encode().hex()
    assert shop.request("GET", "/news", [("Grpc-Metadata-Macaroon", carried)]).status_code == 200
    assert shop.request("GET", "/news", [("Macaroon", carried)]).status_code == 200
    assert shop.request("GET", "/news", [("Macaroon", carried[:-2])]).status_code == 402


def test_revocation_and_expiry(kind):
    shop = Shop(kind, {"GET /news": Offer(1_000, "news", valid_for_s=60)})
    credential = shop.buy("GET", "/news")
    assert shop.show("GET", "/news", credential).status_code == 200
    shop.now_s += 60
    assert shop.show("GET", "/news", credential).json()["reason"] == "unknown_token"
    credential = shop.buy("GET", "/news")
    key = shop.show("GET", "/news", credential) and shop.audit[-1].token
    assert shop.tokens.revoke(key)
    assert shop.show("GET", "/news", credential).json()["reason"] == "unknown_token"


def test_single_use_and_bundles(kind):
    shop = Shop(kind, {"GET /news": Offer(1_000, "news", units=3)})
    credential = shop.buy("GET", "/news")
    assert [shop.show("GET", "/news", credential).json().get("left") for _ in range(3)] == [2, 1, 0]
    assert shop.show("GET", "/news", credential).json()["reason"] == "used_up"


def test_failures_of_the_application_are_not_charged(kind):
    offer = Offer(1_000, "api", units=1)
    shop = Shop(kind, {"GET /unhappy": offer, "GET /broken": offer, "GET /news": offer})
    credential = shop.buy("GET", "/news")
    assert shop.show("GET", "/unhappy", credential).status_code == 503
    if kind == "asgi":
        assert shop.show("GET", "/broken", credential).status_code == 500
    else:
        with pytest.raises(RuntimeError, match="is broken"):
            shop.show("GET", "/broken", credential)
    assert shop.show("GET", "/news", credential).status_code == 200
    assert shop.show("GET", "/news", credential).status_code == 402


def test_metering_charges_what_was_used(kind):
    shop = Shop(
        kind, {"GET /metered": Offer(1_000, "api", units=10, cost=5), "GET /news": Offer(1_000, "api", units=10)}
    )
    credential = shop.buy("GET", "/metered")
    assert shop.show("GET", "/metered?used=2", credential).status_code == 200
    assert shop.show("GET", "/news", credential).json()["left"] == 7
    assert shop.show("GET", "/metered?used=7", credential).status_code == 200
    assert shop.show("GET", "/news", credential).json()["reason"] == "used_up"


def test_free_tier(kind):
    shop = Shop(kind, PRICES, free=Buckets(1 / 60, 2))
    assert [shop.request("POST", "/dear").status_code == 402 for _ in range(3)] in ([False, False, True],)
    shop.now_s += 60
    assert shop.request("POST", "/dear").status_code != 402


def test_invoice_floods_are_stopped(kind):
    shop = Shop(kind, PRICES, invoices=Buckets(1, 2))
    statuses = [shop.request("GET", "/news").status_code for _ in range(3)]
    assert statuses == [402, 402, 429]
    assert shop.request("GET", "/news").headers["retry-after"] == "1"
    assert shop.tokens.counts().issued == 2


def test_a_wallet_that_cannot_be_reached(kind):
    class Gone:
        def create_invoice(self, amount_msat, memo, expiry_s):
            raise WalletError("no connection")

        def is_settled(self, payment_hash):
            raise WalletError("no connection")

    assert Shop(kind, PRICES, wallet=Gone()).request("GET", "/news").status_code == 503
    shop = Shop(kind, PRICES, config=ServerConfig(check_settlement=True))
    credential = shop.buy("GET", "/news")
    assert shop.show("GET", "/news", credential).status_code == 200
    shop.gate.wallet = Gone()
    assert shop.show("GET", "/news", credential).status_code == 503


def test_computed_prices(kind):
    shop = Shop(kind, {"GET /news": lambda ask: 1_000 * len(ask.query)})
    assert shop.request("GET", "/news?12").json()["amount_msat"] == 2_000
    cheap = shop.buy("GET", "/news?1")
    assert shop.show("GET", "/news?1", cheap).status_code == 200
    assert shop.show("GET", "/news?12", cheap).json()["reason"] == "price_rose"


def test_metrics():
    shop = Shop("asgi", PRICES)
    shop.show("GET", "/news", shop.buy("GET", "/news"))
    text = shop.app.metrics()
    assert 'lnherd_l402_requests_total{service="GET/news",outcome="sold"} 1' in text
    assert 'lnherd_l402_earned_msat_total{service="GET/news"} 10000' in text


def test_streams_pass_through():
    shop = Shop("asgi", {"GET /stream": Offer(1_000, "stream", units=1)})
    response = shop.show("GET", "/stream", shop.buy("GET", "/stream"))
    assert response.text == "0\n1\n2\n"


def websocket(shop, lines=(), extensions=()):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "websocket", "path": "/chat", "raw_path": b"/chat", "query_string": b"", "headers": list(lines),
        "client": ("192.0.2.1", 1), "extensions": {name: {} for name in extensions}, "subprotocols": [],
    }  # fmt: skip
    anyio.run(shop.app, scope, receive, send)
    return sent


def test_websockets_are_sold_too():
    shop = Shop("asgi", {"GET /chat": Offer(1_000, "chat", units=1), "GET /news": Offer(1_000, "chat", units=1)})
    assert [message["type"] for message in websocket(shop)] == ["websocket.close"]
    answered = websocket(shop, extensions=["websocket.http.response"])
    assert answered[0]["type"] == "websocket.http.response.start"
    assert answered[0]["status"] == 402
    credential = shop.buy("GET", "/news")
    line = (b"authorization", credential.encode())
    assert [message["type"] for message in websocket(shop, [line])] == [
        "websocket.accept",
        "websocket.send",
        "websocket.close",
    ]
    assert [message["type"] for message in websocket(shop, [line])] == ["websocket.close"]


def test_hanging_up_in_the_middle_does_not_give_units_back():
    async def cut_off(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the answer", "more_body": True})
        raise ConnectionError("the peer hung up")

    shop = Shop("asgi", {"GET /news": Offer(1_000, "news", units=1)})
    credential = shop.buy("GET", "/news")
    shop.app.app = cut_off
    with pytest.raises(ConnectionError):
        anyio.run(raw_get, shop.app, credential)
    shop.app.app = APP
    assert shop.show("GET", "/news", credential).json()["reason"] == "used_up"


async def raw_get(app, credential):
    async def receive():
        return {"type": "http.request"}

    async def send(message):
        pass

    lines = [(b"authorization", credential.encode())]
    await app({"type": "http", "method": "GET", "path": "/news", "query_string": b"", "headers": lines}, receive, send)


def test_lifespan_passes_through():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    world = MemoryNetwork(lambda: NOW, random.Random(1).randbytes)
    anyio.run(L402Middleware(app, wallet=world.wallet(), prices=PRICES), {"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]
