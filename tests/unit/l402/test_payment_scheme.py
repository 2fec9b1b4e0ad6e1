"""The scheme ``Payment``: challenge, credential, receipt, single use, and everything that must not open."""

import json
import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import httpx
import pytest

from lnherd.errors import InputError
from lnherd.l402 import headers
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.offers import Offer
from lnherd.l402.server import L402WSGI, make_gate
from lnherd.l402.server_flow import ServerConfig
from lnherd.l402.stores import SqliteTokens

SECRET = b"s" * 32
PRICES = {
    "GET /news": 10_000,
    "GET /other": 10_000,
    "GET /bundle": Offer(10_000, "bundle", units=10),
    "GET /odd": 1_500,
    "GET /once": Offer(5_000, "once", units=1),
}


def app(environ, start_response):
    start_response("500 Oops" if "fail" in environ["QUERY_STRING"] else "200 OK", [("Content-Type", "text/plain")])
    return [b"news"]


class Shop:
    def __init__(self, secret=SECRET):
        self.now_s = 1_700_000_000.0
        world = MemoryNetwork(lambda: self.now_s, random.Random(1).randbytes)
        self.payer = world.wallet(10**9)
        self.tokens = SqliteTokens()
        config = ServerConfig(payment_secret=secret, realm="api.example.org")
        self.gate = make_gate(
            world.wallet(), PRICES, tokens=self.tokens, config=config, clock=lambda: self.now_s,
            entropy=random.Random(2).randbytes,
        )  # fmt: skip
        self.client = httpx.Client(transport=httpx.WSGITransport(L402WSGI(app, gate=self.gate)), base_url="http://shop")

    def get(self, path, authorization=None):
        return self.client.get(path, headers={"Authorization": authorization} if authorization else {})

    def challenge(self, path="/news"):
        """The parameters of the Payment challenge of a 402, None without one."""
        response = self.get(path)
        assert response.status_code == 402
        found = headers.read_auth_challenges(response.headers.get_list("WWW-Authenticate"))
        return next((challenge.parameters for challenge in found if challenge.scheme == "payment"), None)

    def buy(self, path="/news"):
        """A paid challenge and its preimage."""
        challenge = self.challenge(path)
        request = decode(challenge["request"])
        paid = self.payer.pay(request["methodDetails"]["invoice"], int(request["amount"]) * 1000, 0)
        return challenge, paid.preimage.hex()


def decode(text):
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def encode(value):
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def credential(challenge, preimage, **changes):
    return "Payment " + encode({"challenge": {**challenge, **changes}, "payload": {"preimage": preimage}})


@pytest.fixture
def shop():
    return Shop()


def test_challenge_says_what_the_draft_demands(shop):
    challenge = shop.challenge()
    assert list(challenge) == ["id", "realm", "method", "intent", "request", "expires"]
    assert (challenge["realm"], challenge["method"], challenge["intent"]) == ("api.example.org", "lightning", "charge")
    assert challenge["expires"] == "2023-11-14T22:23:20Z"  # the invoice's ten minutes
    request = decode(challenge["request"])
    assert (request["amount"], request["currency"]) == ("10", "sat")
    assert request["methodDetails"]["network"] == "regtest"
    assert list(request) == sorted(request)
    assert "=" not in challenge["id"] + challenge["request"]


def test_buying_gives_a_receipt_and_opens_once(shop):
    challenge, preimage = shop.buy()
    first = shop.get("/news", credential(challenge, preimage))
    assert (first.status_code, first.text) == (200, "news")
    assert decode(first.headers["Payment-Receipt"]) == {
        "challengeId": challenge["id"],
        "method": "lightning",
        "reference": sha256(bytes.fromhex(preimage)).hexdigest(),
        "status": "success",
        "timestamp": "2023-11-14T22:13:20Z",
    }
    again = shop.get("/news", credential(challenge, preimage))
    assert again.status_code == 402
    assert again.headers["Content-Type"] == "application/problem+json"
    assert again.json()["type"].endswith("/lightning/unknown-challenge")


def test_one_payment_is_not_both_a_token_and_a_charge(shop):
    challenge, preimage = shop.buy()
    token = decode(challenge["request"])["methodDetails"]["token"]
    assert shop.get("/news", credential(challenge, preimage)).status_code == 200
    assert shop.get("/news", f"L402 {token}:{preimage}").status_code == 402


def test_a_used_up_token_is_no_charge(shop):
    challenge, preimage = shop.buy("/once")
    token = decode(challenge["request"])["methodDetails"]["token"]
    assert shop.get("/once", f"L402 {token}:{preimage}").status_code == 200
    assert shop.get("/once", credential(challenge, preimage)).json()["reason"] == "used_up"


def test_failure_after_consumption_does_not_bring_it_back(shop):
    challenge, preimage = shop.buy()
    assert shop.get("/news?fail", credential(challenge, preimage)).status_code == 500
    assert shop.get("/news", credential(challenge, preimage)).status_code == 402


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": "x"}, "unknown-challenge"),
        ({"realm": "elsewhere"}, "unknown-challenge"),
        ({"expires": "2099-01-01T00:00:00Z"}, "unknown-challenge"),
        ({"intent": "session"}, "unknown-challenge"),
        ({"opaque": "x"}, "unknown-challenge"),
        ({"request": encode({"amount": "1"})}, "unknown-challenge"),
        ({"id": "\ud800"}, "unknown-challenge"),
        ({"id": None, "request": 7}, "unknown-challenge"),
    ],
)
def test_an_altered_challenge_opens_nothing(shop, changes, problem):
    challenge, preimage = shop.buy()
    refused = shop.get("/news", credential(challenge, preimage, **changes))
    assert refused.status_code == 402
    assert refused.json()["type"].rpartition("/")[2] in (problem, "malformed-credential")
    assert shop.get("/news", credential(challenge, preimage)).status_code == 200  # nothing was consumed


def test_wrong_preimage_other_route_and_late_arrival(shop):
    challenge, preimage = shop.buy()
    assert shop.get("/news", credential(challenge, "00" * 32)).json()["reason"] == "wrong_preimage"
    assert shop.get("/other", credential(challenge, preimage)).json()["reason"] == "wrong_service"
    shop.now_s += 600
    assert shop.get("/news", credential(challenge, preimage)).json()["reason"] == "challenge_expired"


@pytest.mark.parametrize(
    "value",
    ["Payment", "Payment ", "payment !!", "Payment e30", "Payment bnVsbA", "Payment " + "A" * 20_000,
     credential({}, "00"), credential({}, "A" * 64), "Payment " + encode([[]] * 3), "Payment eyJh, Payment _w",
     "Payment " + urlsafe_b64encode(b"[" * 9_000).decode(), "Basic x, Payment ?"],
)  # fmt: skip
def test_malformed_credentials_are_402_with_a_fresh_challenge(shop, value):
    response = shop.client.get("/news", headers=[(b"Authorization", value.encode("latin-1"))])
    assert response.status_code == 402
    assert response.json()["title"] and response.json()["invoice"]


def test_not_offered_for_bundles_and_fractions_nor_without_a_secret(shop):
    assert shop.challenge("/bundle") is None
    assert shop.challenge("/odd") is None
    assert Shop(secret=None).challenge() is None
    assert "s" * 32 not in repr(shop.gate.config)


def test_another_server_does_not_know_the_challenge(shop):
    challenge, preimage = shop.buy()
    other = Shop(secret=b"t" * 32)
    assert other.get("/news", credential(challenge, preimage)).json()["reason"] == "unknown_challenge"


def test_bad_settings():
    with pytest.raises(InputError, match="16 bytes"):
        ServerConfig(payment_secret=b"short")
    with pytest.raises(InputError, match="realm"):
        ServerConfig(realm='a"b')
