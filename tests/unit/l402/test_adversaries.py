"""Servers that try to take money, over real HTTP: not one millisatoshi leaves the wallet, and nobody hangs.

Each one answers with an honest-looking 402 of the demo's kind in which one thing is wrong.
"""

import json
import random
import time
from contextlib import contextmanager
from hashlib import sha256

import httpx
import pytest
from local_server import serving

from lnherd.l402 import bolt11, headers, macaroon
from lnherd.l402.bitcoin import Network
from lnherd.l402.client import L402Auth, PaymentRefused
from lnherd.l402.client_flow import ClientPolicy
from lnherd.l402.macaroon import Identifier
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.purse import Purse

START = 10**9
NODE_KEY = b"\x07" * 32


class Adversary:
    """Answers every request with 402 and what ``challenge`` makes; counts requests and what it was paid."""

    def __init__(self, challenge=None, respond=None):
        self.world = MemoryNetwork(time.time, random.Random(3).randbytes)
        self.till = self.world.wallet()
        self.requests = 0
        self.credentials = []
        self._challenge = challenge
        self._respond = respond

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        self.requests += 1
        self.credentials += [value for name, value in scope["headers"] if name == b"authorization"]
        if self._respond:
            status, lines, body = self._respond(self, scope)
        else:
            status, lines, body = 402, *self._challenge(self)
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in lines]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})


def token_for(payment_hash):
    return macaroon.mint(b"k" * 32, Identifier(payment_hash, bytes(32)).encode(), ("services=a:0",)).to_text()


def wrong_hash_in_hexadecimal(adversary):
    """As lsat-js writes identifiers."""
    identifier = Identifier(bytes(32), bytes(32)).encode().hex().encode()
    token = macaroon.mint(b"k" * 32, identifier, ()).to_text()
    return headers.challenge_headers(token, payable(adversary).invoice), b""


def signed(world_hash, **changes):
    fields = {"network": Network.REGTEST, "amount_msat": 1_000, "created_s": int(time.time()), **changes}
    invoice = bolt11.Invoice(
        fields.pop("network"), fields.pop("amount_msat"), fields.pop("created_s"), world_hash, bytes(32), "x", **fields
    )
    return bolt11.sign(invoice, NODE_KEY).text


def payable(adversary, amount_msat=1_000):
    """An invoice that the victim's wallet really could pay."""
    return adversary.till.create_invoice(amount_msat, "bait", 600)


def wrong_hash(adversary):
    return headers.challenge_headers(token_for(bytes(32)), payable(adversary).invoice), b""


def other_network(adversary):
    hash_ = sha256(b"x").digest()
    return headers.challenge_headers(token_for(hash_), signed(hash_, network=Network.MAINNET)), b""


def expired(adversary):
    hash_ = sha256(b"x").digest()
    text = signed(hash_, created_s=int(time.time()) - 700, expiry_s=600)
    return headers.challenge_headers(token_for(hash_), text), b""


def dear_behind_a_cheap_price(adversary):
    bill = payable(adversary, 50_000_000)
    body = json.dumps({"price_sats": 1}).encode()
    return headers.challenge_headers(token_for(bill.payment_hash), bill.invoice), body


def dear(adversary):
    bill = payable(adversary, 50_000_000)
    return headers.challenge_headers(token_for(bill.payment_hash), bill.invoice), b""


def no_amount(adversary):
    hash_ = sha256(b"x").digest()
    return headers.challenge_headers(token_for(hash_), signed(hash_, amount_msat=None)), b""


def bad_signature(adversary):
    bill = payable(adversary)
    text = bill.invoice[:-1] + ("q" if bill.invoice[-1] != "q" else "p")
    return headers.challenge_headers(token_for(bill.payment_hash), text), b""


def opaque(adversary):
    return headers.challenge_headers("b3BhcXVl", payable(adversary).invoice), b""


def huge(adversary):
    bill = payable(adversary, 50_000_000)
    return [("WWW-Authenticate", f'L402 macaroon="{"A" * 20_000}", invoice="{bill.invoice}"')], b"{" * 100_000


@contextmanager
def victim(**policy):
    world = policy.pop("world")
    payer = world.wallet(START)
    purse = Purse()
    limits = ClientPolicy(Network.REGTEST, **{"max_amount_msat": 100_000, "opaque_tokens": False, **policy})
    yield payer, L402Auth(payer, policy=limits, purse=purse), purse
    purse.close()


@pytest.mark.parametrize(
    ("challenge", "code"),
    [
        (wrong_hash, "wrong_hash"),
        (wrong_hash_in_hexadecimal, "wrong_hash"),
        (other_network, "wrong_network"),
        (expired, "invoice_expired"),
        (dear_behind_a_cheap_price, "price_mismatch"),
        (dear, "too_expensive"),
        (no_amount, "no_amount"),
        (bad_signature, "bad_invoice"),
        (opaque, "opaque_token"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_costs_nothing(challenge, code):
    adversary = Adversary(challenge)
    limit = 10**9 if challenge is dear_behind_a_cheap_price else 100_000  # even one who would pay any price
    with serving(adversary) as origin, victim(world=adversary.world, max_amount_msat=limit) as (payer, auth, purse):
        with pytest.raises(PaymentRefused) as refused:
            httpx.get(f"{origin}/x", auth=auth)
        assert refused.value.code == code
        assert (payer.balance_msat, adversary.till.balance_msat, adversary.requests) == (START, 0, 1)
        assert purse.purchases() == [] and not adversary.credentials


def test_unreadable_challenge_is_handed_over_unpaid():
    adversary = Adversary(huge)
    with serving(adversary) as origin, victim(world=adversary.world) as (payer, auth, _):
        assert httpx.get(f"{origin}/x", auth=auth).status_code == 402
        assert payer.balance_msat == START


def honest(adversary):
    bill = payable(adversary)
    return headers.challenge_headers(token_for(bill.payment_hash), bill.invoice), b""


def test_a_402_loop_costs_one_price_and_then_nothing():
    adversary = Adversary(honest)
    with serving(adversary) as origin, victim(world=adversary.world) as (payer, auth, _):
        for _ in range(5):
            with pytest.raises(PaymentRefused) as refused:
                httpx.get(f"{origin}/x", auth=auth)
            assert refused.value.code == "not_honoured"
        assert payer.balance_msat == START - 1_000
        assert adversary.requests <= 2 + 2 * 4


def test_a_redirect_to_another_host_is_not_paid_and_sees_no_credential():
    """The thief sits on another port, that is: another origin."""
    thief = Adversary(honest)
    with serving(thief) as theirs:
        lure = Adversary(respond=lambda self, scope: (302, [("Location", f"{theirs}/x")], b""))
        with serving(lure) as origin, victim(world=thief.world) as (payer, auth, _):
            with httpx.Client(follow_redirects=True) as client, pytest.raises(PaymentRefused) as refused:
                client.get(f"{origin}/x", auth=auth)
            assert refused.value.code == "redirected"
            assert payer.balance_msat == START and not thief.credentials


def test_a_credential_bought_here_is_not_shown_after_a_redirect():
    thief = Adversary(respond=lambda self, scope: (200, [], b"got you"))
    with serving(thief) as theirs:

        def sell_then_redirect(self, scope):
            shown = any(name == b"authorization" for name, _ in scope["headers"])
            return (302, [("Location", f"{theirs}/x")], b"") if shown else (402, *honest(self))

        shop = Adversary(respond=sell_then_redirect)
        with serving(shop) as origin, victim(world=shop.world) as (payer, auth, _):
            with httpx.Client(follow_redirects=True) as client:
                assert client.get(f"{origin}/x", auth=auth).text == "got you"
            assert payer.balance_msat == START - 1_000
            assert shop.credentials and not thief.credentials
