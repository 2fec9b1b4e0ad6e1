"""The manifest and quotes, as answered without any server."""

import json
import random

import pytest

from lnherd.l402 import bolt11, headers
from lnherd.l402.discovery import MANIFEST_PATH, QUOTE_PATH, Discovery, Provider
from lnherd.l402.limits import Buckets
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.offers import Offer
from lnherd.l402.pricing import Ask
from lnherd.l402.server import make_gate
from lnherd.l402.server_steps import Allow, Respond

NOW = 1_700_000_000.0
PRICES = {
    "GET /news/{id}": Offer(10_000, "news", capability="read", grants=("read", "list"), description="News"),
    "POST /news": Offer(90_000, "news", tier=2, capability="write"),
    "GET /plain": 5_000,
    "GET /computed": lambda ask: 7_000,
}


class Shop:
    def __init__(self, **options):
        self.world = MemoryNetwork(lambda: NOW, random.Random(1).randbytes)
        self.gate = make_gate(
            self.world.wallet(), PRICES, clock=lambda: NOW, entropy=random.Random(2).randbytes, **options
        )
        self.discovery = Discovery(self.gate, Provider("News Inc.", "https://news.example.org"))

    def quote(self, **asked):
        response = self.discovery.answer("POST", QUOTE_PATH, json.dumps(asked).encode(), "127.0.0.1")
        return response.status, json.loads(response.body)


@pytest.fixture
def shop():
    return Shop()


def test_manifest_lists_services_with_prices(shop):
    response = shop.discovery.answer("GET", MANIFEST_PATH, b"", None)
    listed = json.loads(response.body)
    assert response.status == 200
    assert listed["provider"]["name"] == "News Inc."
    news, plain, computed = listed["services"]
    assert [tier["tier"] for tier in news["tiers"]] == [0, 2]
    assert news["capabilities"] == ["list", "read", "write"]
    first = news["resources"][0]
    assert (first["path"], first["method"], first["capability"]) == ("/news/{id}", "GET", "read")
    assert first["pricing"] == {"model": "fixed", "price_msat": 10_000}
    assert plain["resources"][0]["pricing"]["price_msat"] == 5_000
    assert computed["resources"][0]["pricing"] == {"model": "dynamic"}
    assert "news_valid_until" in listed["caveats"]


def test_a_quote_can_be_paid_and_opens_the_service(shop):
    status, quote = shop.quote(service="news", capabilities=["read"], payment_method="bolt11")
    assert status == 200
    assert (quote["price_msat"], quote["quote_expiry"]) == (10_000, NOW + 60)
    assert quote["alternatives"] == [{"service": "news", "tier": 2, "price_msat": 90_000}]
    invoice = bolt11.decode(quote["invoice"])
    assert (invoice.amount_msat, invoice.expiry_s) == (10_000, 60)
    paid = shop.world.wallet(10**6).pay(quote["invoice"], 10_000, 0)
    offer = shop.gate.offer(Ask("GET", "/news/7"))
    flow, step = shop.gate.begin(offer, [headers.authorization(quote["macaroon"], paid.preimage)], [])
    while not isinstance(step, Allow | Respond):
        step = flow.receive(shop.gate.perform(step, "x"))
    assert isinstance(step, Allow)
    assert "news_capabilities=read" in step.claims.conditions


@pytest.mark.parametrize(
    ("asked", "status", "code", "field"),
    [
        ({}, 400, "malformed_request", "service"),
        ({"service": 7}, 400, "malformed_request", "service"),
        ({"service": "nothing"}, 400, "unknown_service", "service"),
        ({"service": "news", "tier": 9}, 400, "unknown_tier", "tier"),
        ({"service": "news", "tier": "0"}, 400, "malformed_request", "tier"),
        ({"service": "news", "capabilities": "read"}, 400, "malformed_request", "capabilities"),
        ({"service": "news", "capabilities": ["fly"]}, 400, "unknown_capability", "capabilities"),
        ({"service": "news", "tier": 0, "capabilities": ["write"]}, 400, "unknown_capability", "capabilities"),
        ({"service": "news", "constraints": {"n": 1}}, 400, "invalid_constraint", "constraints"),
        ({"service": "news", "payment_method": "card"}, 400, "unsupported_payment_method", "payment_method"),
        ({"service": "news", "max_price_msat": 9_999}, 409, "unsatisfiable_budget", "max_price_msat"),
        ({"service": "GET/computed"}, 503, "unpriceable", ""),
    ],
)
def test_no_quote(shop, asked, status, code, field):
    answered, body = shop.quote(**asked)
    assert (answered, body["error"]["code"], body["error"]["field"]) == (status, code, field)
    assert body["error"]["message"]


def test_junk_other_methods_and_other_paths(shop):
    for body in (b"", b"[]", b"\xff", b"[" * 20_000, b" " * 70_000 + b"{}"):
        assert shop.discovery.answer("POST", QUOTE_PATH, body, None).status == 400
    refused = shop.discovery.answer("GET", QUOTE_PATH, b"", None)
    assert (refused.status, ("Allow", "POST") in refused.headers) == (405, True)
    assert shop.discovery.answer("DELETE", MANIFEST_PATH, b"", None).status == 405
    assert shop.discovery.answer("GET", "/news/1", b"", None) is None


def test_quotes_count_as_invoices():
    shop = Shop(invoices=Buckets(0.001, 2))
    assert [shop.quote(service="news")[0] for _ in range(3)] == [200, 200, 429]
