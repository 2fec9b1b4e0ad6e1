import random

import pytest

from lnherd.errors import InvariantError
from lnherd.l402 import bolt11
from lnherd.l402.bitcoin import Network
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.memory_wallet import MemoryNetwork, MemoryWallet
from lnherd.l402.wallet_checks import check_wallet

NOW = 1_700_000_000.0


def network(**options):
    return MemoryNetwork(lambda: NOW, random.Random(1).randbytes, **options)


def test_the_memory_wallet_passes_the_conformance_kit():
    world = network(fee_msat=3)
    payer, payee = world.wallet(100_000), world.wallet()
    check_wallet(payer, payee)
    assert payer.balance_msat == 100_000 - 2_000 - 3
    assert payee.balance_msat == 2_000


def test_invoices_are_signed_by_the_wallets_own_key():
    world = network(network=Network.SIGNET)
    one, two = world.wallet(), world.wallet()
    first, second, third = (bolt11.decode(w.create_invoice(1_000, "x", 60).invoice) for w in (one, one, two))
    assert first.payee == second.payee != third.payee
    assert first.network is Network.SIGNET
    assert first.timestamp_s == int(NOW)


def test_payments_that_cannot_be():
    now = [NOW]
    world = MemoryNetwork(lambda: now[0], random.Random(2).randbytes, fee_msat=10)
    payer, payee = world.wallet(1_005), world.wallet()
    bill = payee.create_invoice(1_000, "x", 60)
    stranger = network().wallet().create_invoice(1_000, "x", 60)
    assert isinstance(payer.pay(stranger.invoice, 1_000, 10), PaymentFailed)
    assert isinstance(payer.pay(bill.invoice, 1_000, 9), PaymentFailed)
    assert isinstance(payer.pay(bill.invoice, 999, 10), PaymentFailed)
    assert "too little money" in payer.pay(bill.invoice, 1_000, 10).message
    payer.balance_msat = 2_000
    now[0] += 60
    assert "expired" in payer.pay(bill.invoice, 1_000, 10).message
    now[0] -= 60
    assert isinstance(payer.pay(bill.invoice, 1_000, 10), Paid)
    assert isinstance(world.wallet(5_000).pay(bill.invoice, 1_000, 10), PaymentFailed)
    assert (payer.balance_msat, payee.balance_msat) == (990, 1_000)


class PaysTwice(MemoryWallet):
    def pay(self, invoice, amount_msat, max_fee_msat):
        self.payments.clear()
        return super().pay(invoice, amount_msat, max_fee_msat)


class Forgets(MemoryWallet):
    def find_payment(self, payment_hash):
        return None


class LiesAboutThePreimage(MemoryWallet):
    def pay(self, invoice, amount_msat, max_fee_msat):
        outcome = super().pay(invoice, amount_msat, max_fee_msat)
        return outcome._replace(preimage=bytes(32)) if isinstance(outcome, Paid) else outcome


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (PaysTwice, "paying twice"),
        (Forgets, "does not remember"),
        (LiesAboutThePreimage, "does not belong to the invoice"),
    ],
)
def test_the_kit_finds_what_is_wrong(broken, says):
    world = network()
    with pytest.raises(InvariantError, match=says):
        check_wallet(broken(world, 100_000), world.wallet())
