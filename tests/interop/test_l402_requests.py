"""l402-requests 0.9 with a wallet of ours buys from our server: by L402, by Payment, asynchronously."""

import secrets
import time

import anyio
import pytest
from local_server import serving

from lnherd.l402 import bolt11
from lnherd.l402.demo import PRICES, demo_app
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.server import L402Middleware, make_gate
from lnherd.l402.server_flow import ServerConfig

peer = pytest.importorskip("l402_requests", reason="NOT TESTED: pip install l402-requests", exc_type=ImportError)
wallets = pytest.importorskip("l402_requests.wallets", exc_type=ImportError)


class Wallet(wallets.WalletBase):
    """Their interface over one of ours."""

    def __init__(self, wallet):
        self.wallet = wallet
        self.paid = []

    async def pay_invoice(self, invoice):
        self.paid.append(bolt11.decode(invoice).amount_msat)
        return self.wallet.pay(invoice, self.paid[-1], 0).preimage.hex()


class PaymentOnly:
    """An application whose 402 offers the scheme Payment alone: the others would be preferred."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def strip(message):
            if message["type"] == "http.response.start":
                lines = message["headers"]
                kept = [(n, v) for n, v in lines if n != b"www-authenticate" or v.startswith(b"Payment ")]
                message = {**message, "headers": kept}
            await send(message)

        await self.app(scope, receive, strip)


@pytest.fixture
def world():
    return MemoryNetwork(time.time, secrets.token_bytes)


def paid_app(till):
    config = ServerConfig(payment_secret=secrets.token_bytes(32), realm="demo")
    return L402Middleware(demo_app(), gate=make_gate(till, PRICES, config=config))


def test_buys_by_l402_and_uses_its_token_again(world):
    till, wallet = world.wallet(), Wallet(world.wallet(10**9))
    with serving(paid_app(till)) as origin:
        client = peer.L402Client(wallet=wallet)
        assert client.get(f"{origin}/api/dispatches").json()["dispatches"][0]["id"] == 1
        assert client.get(f"{origin}/api/dispatches").status_code == 200
        assert client.post(f"{origin}/api/ask", json={"question": "why?"}).json()["answer"]
    assert wallet.paid == [10_000, 50_000] and till.balance_msat == 60_000


def test_buys_by_payment_scheme_and_reads_the_receipt(world):
    till, wallet = world.wallet(), Wallet(world.wallet(10**9))
    with serving(PaymentOnly(paid_app(till))) as origin:
        client = peer.L402Client(wallet=wallet)
        first, second = (client.get(f"{origin}/api/dispatches/1") for _ in range(2))
    assert (first.status_code, first.json()["id"], second.status_code) == (200, 1, 200)
    assert (first.payment_receipt.status, first.payment_receipt.method) == ("success", "lightning")
    assert first.payment_receipt.reference != second.payment_receipt.reference
    assert wallet.paid == [21_000, 21_000]  # a charge opens one request


def test_asynchronous_client(world):
    till, wallet = world.wallet(), Wallet(world.wallet(10**9))

    async def buy(origin):
        async with peer.AsyncL402Client(wallet=wallet) as client:
            return (await client.get(f"{origin}/api/dispatches/2")).json()["id"]

    with serving(paid_app(till)) as origin:
        assert anyio.run(buy, origin) == 2
    assert till.balance_msat == 21_000


def test_its_budget_reads_our_invoices(world):
    till, wallet = world.wallet(), Wallet(world.wallet(10**9))
    budget = peer.BudgetController(max_sats_per_request=9)
    with serving(paid_app(till)) as origin, pytest.raises(peer.BudgetExceededError):
        peer.L402Client(wallet=wallet, budget=budget).get(f"{origin}/api/dispatches")
    assert wallet.paid == [] and till.balance_msat == 0
