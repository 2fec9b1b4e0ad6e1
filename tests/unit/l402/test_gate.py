"""What a gate remembers of a credential never outlives what made it good, whoever ended it."""

import random

import pytest

from lnherd.l402 import bolt11, headers, macaroon
from lnherd.l402.caveats import at_most
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.offers import Offer
from lnherd.l402.server import L402WSGI
from lnherd.l402.server_flow import CACHED_LENGTH, ServerConfig
from lnherd.l402.server_steps import Allow
from lnherd.l402.stores import SqliteTokens

NOW = 1_700_000_000.0
OFFER = Offer(1_000, "api", capability="read", valid_for_s=3600)


class Server:
    """A WSGI server with one store, which counts how often a flow was asked, and a customer."""

    def __init__(self, prices, tokens=None, **config):
        self.now_s = NOW
        world = MemoryNetwork(lambda: self.now_s, random.Random(5).randbytes)
        self.customer = world.wallet(10**9)
        self.tokens = tokens or SqliteTokens()
        self.app = L402WSGI(
            lambda environ, start: (start("200 OK", []), self.claims.append(environ["l402"]), [b""])[-1],
            wallet=world.wallet(),
            tokens=self.tokens,
            prices=prices,
            config=ServerConfig(**config),
            clock=lambda: self.now_s,
            entropy=random.Random(6).randbytes,
        )
        self.claims = []
        self.flows = 0
        self._begin = self.app.gate.begin
        self.app.gate.begin = self._count

    def _count(self, *arguments):
        self.flows += 1
        return self._begin(*arguments)

    def show(self, credential=None, route="GET /read", **more):
        """``(status, header lines)``."""
        method, path = route.split()
        answers = []
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "REMOTE_ADDR": "192.0.2.1", **more}
        if credential:
            environ["HTTP_AUTHORIZATION"] = credential
        b"".join(self.app(environ, lambda status, lines: answers.append((int(status[:3]), lines))))
        return answers[0]

    def buy(self, route="GET /read"):
        """A macaroon and its preimage."""
        _, lines = self.show(route=route)
        challenge = headers.read_challenges(value for name, value in lines if name == "WWW-Authenticate")[0]
        amount_msat = bolt11.decode(challenge.invoice).amount_msat
        return macaroon.from_text(challenge.token), self.customer.pay(challenge.invoice, amount_msat, 0).preimage

    def warm(self, credential, route="GET /read"):
        """Show until a flow need not be asked; gives the token's key."""
        for _ in range(3):
            assert self.show(credential, route)[0] == 200
        before = self.flows
        assert self.show(credential, route)[0] == 200
        assert self.flows == before
        return self.claims[-1].key


def credential(bought, *conditions):
    token, preimage = bought
    return headers.authorization(token.restrict(*conditions).to_text(), preimage)


def test_a_remembered_decision_says_the_same():
    server = Server({"GET /read": OFFER})
    shown = credential(server.buy())
    server.warm(shown)
    assert server.claims[1:] == [server.claims[1]] * 3
    assert [claims.first_use for claims in server.claims] == [True, False, False, False]
    assert server.app.gate.outcomes == {("api", "payment_required"): 1, ("api", "sold"): 1, ("api", "allowed"): 3}


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("way", ["revoke", "exhaust", "retire", "shorten", "limit"])
def test_what_ends_a_token_counts_on_the_next_request(tmp_path, elsewhere, way):
    server = Server({"GET /read": OFFER}, SqliteTokens(tmp_path / "tokens.db"))
    store = SqliteTokens(tmp_path / "tokens.db") if elsewhere else server.tokens
    shown = credential(server.buy())
    key = server.warm(shown)
    if way == "revoke":
        assert store.revoke(key)
    elif way == "exhaust":
        assert store.exhaust(key, 1)
    elif way == "retire":
        assert store.retire(created_before_s=NOW + 1, at_s=NOW) == 1
    elif way == "shorten":
        assert store.retire(created_before_s=NOW + 1, at_s=NOW + 10) == 1
        assert server.show(shown)[0] == 200
        server.warm(shown)
        server.now_s += 10
    else:
        store._database.write("UPDATE tokens SET units = 1 WHERE key = ?", (key,))
        assert server.show(shown)[0] == 200
    assert server.show(shown)[0] == 402


@pytest.mark.parametrize(
    ("valid_for_s", "conditions", "lasts_s"),
    [
        (3600, (), 3600),
        (None, (f"api_valid_until={int(NOW) + 60}",), 60),
        (3600, (f"api_valid_until={int(NOW) + 90}", f"api_valid_until={int(NOW) + 30}"), 30),
    ],
)
def test_expiry_counts_to_the_second(valid_for_s, conditions, lasts_s):
    server = Server({"GET /read": Offer(1_000, "api", valid_for_s=valid_for_s)})
    shown = credential(server.buy(), *conditions)
    server.warm(shown)
    server.now_s = NOW + lasts_s - 0.5
    assert server.show(shown)[0] == 200
    server.now_s = NOW + lasts_s
    assert server.show(shown)[0] == 402


def test_another_route_another_decision():
    prices = {"GET /read": OFFER, "GET /write": Offer(1_000, "api", capability="write"), "POST /read": 5_000}
    server = Server(prices)
    shown = credential(server.buy(), "api_capabilities=read")
    server.warm(shown)
    server.warm(shown, "HEAD /read")
    for route in ("GET /write", "POST /read"):
        assert server.show(shown, route)[0] == 402


def test_another_credential_another_decision():
    server = Server({"GET /read": OFFER})
    bought = server.buy()
    shown = credential(bought)
    server.warm(shown)
    last = "1" if shown[-1] == "0" else "0"
    assert server.show(shown[:-1] + last)[0] == 402
    assert server.show(credential(bought, "api_capabilities=write"))[0] == 402
    assert server.show()[0] == 402
    assert server.show(shown)[0] == 200


@pytest.mark.parametrize(
    ("price", "config"),
    [
        (Offer(1_000, "api", units=50), {}),
        (Offer(1_000, "api", rules={"api_size": at_most("size")}, facts={"size": 1}), {}),
        (lambda ask: 1_000, {}),
        (OFFER, {"check_settlement": True}),
    ],
)
def test_what_is_never_remembered(price, config):
    server = Server({"GET /read": price}, **config)
    shown = credential(server.buy())
    server.flows = 0
    for _ in range(5):
        assert server.show(shown)[0] == 200
    assert server.flows == 5


def test_a_single_use_is_served_once():
    server = Server({"GET /read": Offer(1_000, "api", units=1)})
    shown = credential(server.buy())
    assert [server.show(shown)[0] for _ in range(4)] == [200, 402, 402, 402]


def test_other_headers_beside_it_ask_a_flow():
    server = Server({"GET /read": OFFER})
    shown = credential(server.buy())
    server.warm(shown)
    before = server.flows
    assert server.show(shown, HTTP_MACAROON="00")[0] == 200
    assert server.show(f"L402 AgE=:{'0' * 64}, {shown}")[0] == 200
    assert server.show(f"L402 AgE=:{'0' * 64}, {shown}")[0] == 200
    assert server.flows == before + 3


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("lnherd.l402.gate.CACHED_CREDENTIALS", 4)
    server = Server({"GET /read": OFFER})
    bought = server.buy()
    for number in range(10):
        server.warm(credential(bought, f"note={number}"))
    assert len(server.app.gate._verdicts) == 4
    long = credential(bought, "note=" + "x" * CACHED_LENGTH)
    before = server.flows
    assert [server.show(long)[0] for _ in range(3)] == [200] * 3
    assert server.flows == before + 3


def test_refusals_are_not_remembered():
    server = Server({"GET /read": OFFER})
    gate = server.app.gate
    flow, step = gate.begin(OFFER, [], [])
    while not hasattr(step, "status"):
        step = flow.receive(gate.perform(step, "192.0.2.0/24"))
    gate.remember(step, OFFER, ["L402 x"], [])
    assert not isinstance(step, Allow)
    assert gate.recall(OFFER, ["L402 x"], []) is None
