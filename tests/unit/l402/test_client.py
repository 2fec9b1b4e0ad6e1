"""L402Auth against our own server in memory: both directions, concurrency, budgets, adversaries, crashes."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from lnherd.errors import InputError
from lnherd.l402 import headers
from lnherd.l402.bitcoin import Network
from lnherd.l402.client import L402Auth, PaymentRefused
from lnherd.l402.client_flow import ClientPolicy
from lnherd.l402.client_steps import Origin, PaymentFailed
from lnherd.l402.limits import Buckets
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.offers import Offer
from lnherd.l402.purse import Budget, Purse, Resource
from lnherd.l402.server import L402WSGI, L402Middleware
from lnherd.l402.wallet import WalletError

NOW = 1_700_000_000.0
BASE = "http://localhost"
AMPLE = (Budget(10**12, 86_400),)
PRICES = {"GET /news/{id}": Offer(10_000, "news"), "GET /single": Offer(5_000, "single", units=1), "POST /ask": 20_000}


async def hello(request):
    return PlainTextResponse(f"hello {(await request.body()).decode()}")


APP = Starlette(
    routes=[
        Route("/news/{id}", hello),
        Route("/single", hello),
        Route("/ask", hello, methods=["POST"]),
        Route("/", hello),
    ]
)


def wsgi_app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello " + environ["wsgi.input"].read()]


class Spy:
    """A wallet that counts, and fails where told to."""

    def __init__(self, wallet):
        self.wallet = wallet
        self.paid = []
        self.before = self.after = lambda: None

    network = Network.REGTEST

    def pay(self, invoice, amount_msat, max_fee_msat):
        self.before()
        outcome = self.wallet.pay(invoice, amount_msat, max_fee_msat)
        self.paid.append(amount_msat)
        self.after()
        return outcome

    def find_payment(self, payment_hash):
        return self.wallet.find_payment(payment_hash)


class Shop:
    def __init__(self, prices=PRICES, fee_msat=7):
        self.now_s = NOW
        world = MemoryNetwork(lambda: self.now_s, random.Random(5).randbytes, fee_msat=fee_msat)
        self.till = world.wallet()
        self.wallet = Spy(world.wallet(10**10))
        self.options = {
            "wallet": self.till,
            "prices": prices,
            "clock": lambda: self.now_s,
            "invoices": Buckets(1, 10**6),
        }
        self.asgi = L402Middleware(APP, **self.options)
        self.wsgi = L402WSGI(wsgi_app, **self.options)

    def auth(self, **options):
        options = {"budgets": AMPLE, "clock": lambda: self.now_s, **options}
        return L402Auth(self.wallet, **options)

    def get(self, auth, path, method="GET", **options):
        with httpx.Client(transport=httpx.WSGITransport(self.wsgi), base_url=BASE, auth=auth) as client:
            return client.request(method, path, **options)

    def get_async(self, auth, *paths, method="GET", **options):
        """All paths at once; gives responses or exceptions."""
        results = [None] * len(paths)

        async def one(client, number, path):
            try:
                results[number] = await client.request(method, path, **options)
            except PaymentRefused as error:
                results[number] = error

        async def main():
            transport = httpx.ASGITransport(self.asgi)
            async with (
                httpx.AsyncClient(transport=transport, base_url=BASE, auth=auth) as client,
                anyio.create_task_group() as group,
            ):
                for number, path in enumerate(paths):
                    group.start_soon(one, client, number, path)

        anyio.run(main)
        return results


def statuses(results):
    return [result.status_code if isinstance(result, httpx.Response) else result.code for result in results]


def test_pays_once_and_remembers():
    shop = Shop()
    auth = shop.auth()
    assert [shop.get(auth, "/news/1").status_code for _ in range(3)] == [200] * 3
    assert shop.wallet.paid == [10_000]
    assert shop.till.balance_msat == 10_000
    assert auth.cashier.purse.spent_msat(0) == 10_007


def test_asynchronously_too():
    shop = Shop()
    auth = shop.auth()
    assert statuses(shop.get_async(auth, "/news/1")) == [200]
    assert statuses(shop.get_async(auth, "/news/1", "/news/1")) == [200, 200]
    assert shop.wallet.paid == [10_000]


def test_free_routes_cost_nothing():
    shop = Shop()
    assert shop.get(shop.auth(), "/").text == "hello "
    assert shop.wallet.paid == []


def test_bodies_are_sent_again():
    shop = Shop()
    assert shop.get(shop.auth(), "/ask", "POST", content=b"question").text == "hello question"
    (answer,) = shop.get_async(shop.auth(), "/ask", method="POST", content=b"question")
    assert answer.text == "hello question"


def test_siblings_share_a_token():
    shop = Shop()
    auth = shop.auth()
    assert statuses([shop.get(auth, f"/news/{number}") for number in range(4)]) == [200] * 4
    assert shop.wallet.paid == [10_000]


def test_a_siblings_token_that_does_not_fit_is_kept():
    shop = Shop({"GET /news/1": 10_000, "GET /news/2": 20_000})
    auth = shop.auth()
    assert statuses([shop.get(auth, path) for path in ("/news/1", "/news/2", "/news/1", "/news/2")]) == [200] * 4
    assert shop.wallet.paid == [10_000, 20_000]


def test_one_payment_for_concurrent_requests_async():
    shop = Shop()
    assert statuses(shop.get_async(shop.auth(), *["/news/1"] * 30)) == [200] * 30
    assert shop.wallet.paid == [10_000]


def test_one_payment_for_concurrent_requests_in_threads():
    shop = Shop()
    auth, start = shop.auth(), threading.Barrier(8)

    def fetch(_):
        start.wait()
        return shop.get(auth, "/news/1").status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fetch, range(8))) == [200] * 8
    assert shop.wallet.paid == [10_000]


def test_single_use_tokens_are_bought_once_each():
    shop = Shop()
    auth = shop.auth()
    assert statuses(shop.get_async(auth, *["/single"] * 10)) == [200] * 10
    assert shop.wallet.paid == [5_000] * 10
    assert statuses([shop.get(shop.auth(), "/single") for _ in range(2)]) == [200] * 2


def test_expired_tokens_are_replaced():
    shop = Shop({"GET /news/{id}": Offer(10_000, "news", valid_for_s=60)})
    auth = shop.auth()
    shop.get(auth, "/news/1")
    shop.now_s += 60
    assert shop.get(auth, "/news/1").status_code == 200
    assert shop.wallet.paid == [10_000, 10_000]
    assert sorted(row.state for row in auth.cashier.purse.purchases()) == ["forgotten", "paid"]


def test_budgets_count_routing_fees():
    shop = Shop()
    auth = shop.auth(budgets=[Budget(30_000, 3600)], policy=ClientPolicy(Network.REGTEST, max_fee_msat=10_000))
    assert shop.get(auth, "/news/1").status_code == 200
    with pytest.raises(
        PaymentRefused, match="would exceed the budget of 30000 msat in 3600 s, of which 10007"
    ) as refused:
        shop.get(auth, "/ask", "POST")
    assert refused.value.code == "over_budget"
    assert refused.value.response.status_code == 402
    shop.now_s += 3600
    assert shop.get(auth, "/ask", "POST").status_code == 200


def test_budgets_per_host():
    shop = Shop()
    auth = shop.auth(budgets=[Budget(0, 3600, host="elsewhere.org"), Budget(10**9, 3600)])
    assert shop.get(auth, "/news/1").status_code == 200
    auth = shop.auth(budgets=[Budget(0, 3600, host="localhost")])
    with pytest.raises(PaymentRefused, match="for localhost"):
        shop.get(auth, "/news/1")


def test_concurrent_requests_cannot_overdraw_a_budget():
    shop = Shop(fee_msat=0)
    auth = shop.auth(budgets=[Budget(17_000, 3600)], policy=ClientPolicy(Network.REGTEST, max_fee_msat=0))
    results = statuses(shop.get_async(auth, *["/single"] * 10))
    assert results.count(200) == 3
    assert set(results) == {200, "over_budget"}
    assert shop.wallet.paid == [5_000] * 3


def test_failed_payments_give_the_money_back():
    shop = Shop()
    auth = shop.auth()
    shop.wallet.wallet.balance_msat = 0
    with pytest.raises(PaymentRefused, match="too little money") as refused:
        shop.get(auth, "/news/1")
    assert refused.value.code == "payment_failed"
    assert auth.cashier.purse.spent_msat(0) == 0
    shop.wallet.wallet.balance_msat = 10**6
    assert shop.get(auth, "/news/1").status_code == 200


def test_a_payment_without_an_outcome_is_not_made_again():
    shop = Shop()
    auth = shop.auth()
    outcomes = {"now": PaymentFailed("held", pending=True)}
    shop.wallet.find_payment = lambda payment_hash: outcomes["now"] or shop.wallet.wallet.find_payment(payment_hash)

    def lose_connection():
        raise WalletError("no answer")

    shop.wallet.after = lose_connection
    for expected in ("payment_pending", "payment_pending"):
        with pytest.raises(PaymentRefused) as refused:
            shop.get(auth, "/news/1")
        assert refused.value.code == expected
    assert auth.cashier.purse.spent_msat(0) == 20_000
    outcomes["now"] = None
    assert shop.get(auth, "/news/1").status_code == 200
    assert shop.wallet.paid == [10_000]
    assert auth.cashier.purse.spent_msat(0) == 10_007


class Crash(BaseException):
    """Stands for kill -9: nothing after it runs."""


@contextmanager
def dying(place, auth, shop):
    purse = auth.cashier.purse

    def crash(*args, **kwargs):
        raise Crash

    if place == "before journal":
        purse.reserve = crash
    elif place == "before payment":
        shop.wallet.before = crash
    elif place == "after payment":
        shop.wallet.after = crash
    elif place == "before token":
        purse.keep = crash
    with pytest.raises(Crash):
        yield
    shop.wallet.before = shop.wallet.after = lambda: None


@pytest.mark.parametrize("place", ["before journal", "before payment", "after payment", "before token"])
def test_a_crash_between_any_two_steps_never_pays_twice(place, tmp_path):
    shop = Shop()
    auth = shop.auth(purse=Purse(tmp_path / "purse.db"))
    with dying(place, auth, shop):
        shop.get(auth, "/news/1")
    again = shop.auth(purse=Purse(tmp_path / "purse.db"))
    assert again.cashier.purse.pending() == []
    assert shop.get(again, "/news/1").status_code == 200
    assert shop.wallet.paid == [10_000]
    assert again.cashier.purse.spent_msat(0) == 10_007


def test_tokens_outlive_the_program(tmp_path):
    shop = Shop()
    shop.get(shop.auth(purse=Purse(tmp_path / "purse.db")), "/news/1")
    assert shop.get(shop.auth(purse=Purse(tmp_path / "purse.db")), "/news/1").status_code == 200
    assert shop.wallet.paid == [10_000]


class Adversary:
    """A server that answers every request with the 402 it is given, and counts."""

    def __init__(self, shop, **changes):
        self.shop = shop
        self.requests = []
        self.changes = changes

    def __call__(self, request):
        self.requests.append(request)
        if request.url.host == "evil.localhost" or "redirect" not in self.changes:
            honest = self.shop.get(None, "/news/1")
            lines = [("WWW-Authenticate", value) for value in honest.headers.get_list("www-authenticate")]
            if "other_hash" in self.changes:
                other = self.shop.till.create_invoice(10_000, "x", 600).invoice
                lines = headers.challenge_headers(honest.json()["macaroon"], other)
            return httpx.Response(402, headers=lines, content=self.changes.get("body", b""))
        return httpx.Response(302, headers={"Location": "http://evil.localhost/"})


def refused(shop, adversary, auth=None, **options):
    client = httpx.Client(transport=httpx.MockTransport(adversary), auth=auth or shop.auth(), **options)
    with client, pytest.raises(PaymentRefused) as error:
        client.get("http://localhost/x")
    return error.value.code


def test_adversaries_cost_nothing():
    shop = Shop()
    assert refused(shop, Adversary(shop, other_hash=True)) == "wrong_hash"
    assert refused(shop, Adversary(shop, body=b'{"price_sats": 1}')) == "price_mismatch"
    assert refused(shop, Adversary(shop, redirect=True), follow_redirects=True) == "redirected"
    assert refused(shop, Adversary(Shop({"GET /news/{id}": 50_000_000}))) == "too_expensive"
    shop.wallet.network = Network.MAINNET
    assert refused(shop, Adversary(shop)) == "wrong_network"
    assert shop.wallet.paid == []


def test_a_402_loop_costs_one_payment_and_then_a_pause():
    shop = Shop()
    adversary, auth = Adversary(shop), shop.auth()
    assert refused(shop, adversary, auth) == "not_honoured"
    assert len(adversary.requests) == 2
    for _ in range(3):
        assert refused(shop, adversary, auth) == "not_honoured"
    assert shop.wallet.paid == [10_000]


def test_credentials_do_not_follow_redirects():
    shop = Shop()
    auth = shop.auth()
    shop.get(auth, "/news/1")
    seen = []

    def server(request):
        seen.append((request.url.host, request.headers.get("authorization")))
        if request.url.host == "localhost":
            return httpx.Response(302, headers={"Location": "http://evil.localhost/"})
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(server), auth=auth, follow_redirects=True) as client:
        assert client.get("http://localhost/news/1").status_code == 200
    assert seen[0][1].startswith("L402 ")
    assert seen[1] == ("evil.localhost", None)


def test_the_policy_is_asked():
    shop = Shop()
    policy = ClientPolicy(Network.REGTEST, allowed_hosts=frozenset({"example.org"}))
    with pytest.raises(PaymentRefused, match="localhost is not among the hosts"):
        shop.get(shop.auth(policy=policy), "/news/1")
    (error,) = shop.get_async(shop.auth(policy=replace(policy, allowed_hosts=None, max_amount_msat=1)), "/news/1")
    assert error.code == "too_expensive"


def test_locks_do_not_pile_up():
    shop = Shop()
    auth = shop.auth()
    for number in range(5):
        shop.get(auth, f"/news/{number}")
    shop.get_async(auth, *[f"/news/{number}" for number in range(5)])
    assert len(auth._locks) == len(auth._async_locks) == 0


def test_a_resource_knows_its_folder():
    origin = Origin("https", "a", 443)
    assert Resource(origin, "GET", "/a/b/c").folder == "/a/b/"
    assert Resource(origin, "GET", "/").folder == "/"


def test_impossible_budgets():
    for limit_msat, window_s in ((-1, 1), (1, 0)):
        with pytest.raises(InputError, match="makes no sense"):
            Budget(limit_msat, window_s)
