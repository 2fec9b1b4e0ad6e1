"""Our L402 against a Lightning implementation that is not ours: payments by Electrum over real channels."""

import random
import time
from dataclasses import replace
from hashlib import sha256

import httpx
import pytest
from electrum_daemon import wait_for

from lnherd.errors import InputError
from lnherd.l402 import bolt11, headers
from lnherd.l402.bitcoin import Network
from lnherd.l402.client import L402Auth, PaymentRefused
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.electrum_wallet import ElectrumConfig, ElectrumWallet
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.purse import Purse
from lnherd.l402.server import L402WSGI
from lnherd.l402.wallet import WalletError
from lnherd.l402.wallet_checks import check_wallet

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("electrum")]
MAX_FEE_MSAT = 10_000
PRICE_MSAT = 21_000


def news(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"news"]


class Shop:
    """A paid API whose till is an Electrum wallet."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.app = L402WSGI(news, wallet=daemon.wallet, prices={"GET /news": PRICE_MSAT})

    def get(self, **options):
        with httpx.Client(transport=httpx.WSGITransport(self.app), base_url="http://localhost") as client:
            return client.get("/news", **options)


@pytest.fixture
def shop(lightning):
    return Shop(lightning.bob)


def total_sat(*daemons):
    return sum(daemon.local_balance_sat() for daemon in daemons)


def test_the_wallet_passes_the_conformance_kit(lightning):
    before = lightning.alice.local_balance_sat(), total_sat(lightning.bob)
    check_wallet(lightning.alice.wallet, lightning.bob.wallet)
    assert lightning.alice.local_balance_sat() == before[0] - 2
    assert total_sat(lightning.bob) == before[1] + 2


def test_our_client_buys_from_our_server_with_real_money_once(lightning, shop):
    before = lightning.alice.local_balance_sat()
    auth = L402Auth(lightning.alice.wallet)
    assert [shop.get(auth=auth).text for _ in range(3)] == ["news"] * 3
    assert lightning.alice.local_balance_sat() == before - PRICE_MSAT // 1000
    (purchase,) = auth.cashier.purse.purchases()
    assert (purchase.state, purchase.amount_msat, purchase.fee_msat) == ("paid", PRICE_MSAT, 0)
    assert lightning.bob.wallet.is_settled(bytes.fromhex(purchase.payment_hash))


def test_a_foreign_payer_opens_our_server(lightning, shop):
    """Electrum pays the invoice in our challenge by its own command; its preimage is the key."""
    (challenge,) = set(headers.read_challenges(shop.get().headers.get_list("WWW-Authenticate")))
    answer = lightning.alice.call("lnpay", invoice=challenge.invoice)
    assert answer["success"]
    credential = {"Authorization": f"L402 {challenge.token}:{answer['preimage']}"}
    assert shop.get(headers=credential).text == "news"


def test_a_payment_through_a_third_node_costs_a_fee(lightning):
    before = lightning.alice.local_balance_sat(), total_sat(lightning.bob), lightning.carol.local_balance_sat()
    auth = L402Auth(lightning.alice.wallet)
    assert Shop(lightning.carol).get(auth=auth).text == "news"
    (purchase,) = auth.cashier.purse.purchases()
    assert 0 < purchase.fee_msat <= MAX_FEE_MSAT
    assert lightning.carol.local_balance_sat() == before[2] + PRICE_MSAT // 1000
    assert total_sat(lightning.bob) >= before[1]
    assert lightning.alice.local_balance_sat() < before[0] - PRICE_MSAT // 1000


def test_our_decoder_and_electrums_agree(lightning):
    """Theirs about ours: one from memory; ours about theirs: one from Electrum, with route hints."""
    world = MemoryNetwork(time.time, random.Random(1).randbytes)
    ours = bolt11.decode(world.wallet().create_invoice(1_234_000, "from memory", 900).invoice)
    theirs = lightning.alice.call("decode_invoice", invoice=ours.text)
    assert theirs["rhash"] == ours.payment_hash.hex()
    assert (theirs["amount_msat"], theirs["message"], theirs["exp"]) == (1_234_000, "from memory", 900)
    bill = lightning.carol.wallet.create_invoice(5_000, "from Electrum", 900)
    read = bolt11.decode(bill.invoice)
    assert read.payee.hex() == lightning.carol.node_id
    assert (read.network, read.amount_msat, read.description) == (Network.REGTEST, 5_000, "from Electrum")
    assert [hop.node_id.hex() for route in read.routes for hop in route] == [lightning.bob.node_id]


def fails(lightning, invoice, amount_msat, max_fee_msat=MAX_FEE_MSAT):
    """The message of a payment by alice that must fail and move no money."""
    before = lightning.alice.local_balance_sat()
    outcome = lightning.alice.wallet.pay(invoice, amount_msat, max_fee_msat)
    assert isinstance(outcome, PaymentFailed)
    assert not outcome.pending
    assert lightning.alice.local_balance_sat() == before
    return outcome.message


def test_an_expired_invoice_is_not_paid(lightning):
    bill = lightning.bob.wallet.create_invoice(1_000, "soon gone", 1)
    time.sleep(2.1)  # Electrum counts whole seconds
    assert "expired" in fails(lightning, bill.invoice, 1_000)
    assert not lightning.bob.wallet.is_settled(bill.payment_hash)


def test_more_than_there_is_cannot_be_paid(lightning):
    amount_msat = 1_000 * (lightning.alice.local_balance_sat() + 1)
    bill = lightning.bob.wallet.create_invoice(amount_msat, "too dear", 600)
    assert "no route" in fails(lightning, bill.invoice, amount_msat, amount_msat)
    found = lightning.alice.wallet.find_payment(bill.payment_hash)
    assert isinstance(found, PaymentFailed)
    assert not found.pending


def test_another_amount_than_the_invoices_is_not_paid(lightning):
    bill = lightning.bob.wallet.create_invoice(2_000, "two", 600)
    assert "asks for 2000 msat" in fails(lightning, bill.invoice, 1_000)
    assert lightning.alice.wallet.find_payment(bill.payment_hash) is None


def test_an_invoice_somebody_else_signed_for_a_known_hash_is_not_paid(lightning):
    bill = lightning.bob.wallet.create_invoice(2_000, "two", 600)
    forged = bolt11.sign(replace(bolt11.decode(bill.invoice), payee=b"", text=""), sha256(b"thief").digest())
    assert "inconsistent" in fails(lightning, forged.text, 2_000), "the route hints lead to bob, not to the thief"


def test_an_amount_below_the_invoices_is_refused_by_the_payee(lightning):
    """Our checks aside: bob does not give his preimage for half the money."""
    bill = lightning.bob.wallet.create_invoice(4_000, "four", 600)
    read = bolt11.decode(bill.invoice)
    route_to_bob = ((bolt11.Hop(bytes.fromhex(lightning.bob.node_id), 1, 0, 0, 40),),)
    cheaper = replace(read, amount_msat=2_000, routes=route_to_bob, payee=b"", text="")
    assert "no route" in fails(lightning, bolt11.sign(cheaper, sha256(b"thief").digest()).text, 2_000)
    assert not lightning.bob.wallet.is_settled(bill.payment_hash)


def test_fee_limits_that_electrum_cannot_keep_are_refused(lightning):
    bill = lightning.bob.wallet.create_invoice(1_000_000, "dear", 600)
    assert "up to 10000 msat" in fails(lightning, bill.invoice, 1_000_000, 9_999)
    with pytest.raises(InputError, match="whole satoshi"):
        lightning.bob.wallet.create_invoice(1_500, "one and a half", 600)


def test_a_held_payment_is_not_sent_twice_and_becomes_a_token_later(lightning, shop):
    hasty = ElectrumWallet(replace(ElectrumConfig.from_directory(lightning.alice.folder), payment_timeout_s=1.0))
    before, auth = lightning.alice.local_balance_sat(), L402Auth(hasty)
    lightning.bob.call("enable_htlc_settle", b=False)
    try:
        for _ in range(2):
            with pytest.raises(PaymentRefused) as refused:
                shop.get(auth=auth)
            assert refused.value.code == "payment_pending"
    finally:
        lightning.bob.call("enable_htlc_settle", b=True)
    (pending,) = auth.cashier.purse.pending()
    wait_for("the preimage", lambda: isinstance(hasty.find_payment(pending.payment_hash), Paid))
    assert shop.get(auth=auth).text == "news"
    wait_for("the new balance", lambda: lightning.alice.local_balance_sat() == before - PRICE_MSAT // 1000)
    hasty.close()


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # httpcore leaves it behind
def test_a_payment_survives_a_crash_of_node_and_client(lightning, shop, tmp_path):
    purse = tmp_path / "purse.db"
    config = replace(ElectrumConfig.from_directory(lightning.alice.folder), payment_timeout_s=1.0)
    hasty, before = ElectrumWallet(config), lightning.alice.local_balance_sat()
    lightning.bob.call("enable_htlc_settle", b=False)
    try:
        with pytest.raises(PaymentRefused):
            shop.get(auth=L402Auth(hasty, purse=Purse(purse)))
        lightning.alice.crash()
        with pytest.raises(WalletError, match="cannot reach the node"):
            hasty.find_payment(bytes(32))
        hasty.close()
    finally:
        lightning.bob.call("enable_htlc_settle", b=True)
        lightning.alice.restart(lightning.bob)
    auth = L402Auth(lightning.alice.wallet, purse=Purse(purse))
    wait_for("the journal to be resolved", lambda: auth.cashier.resume() or not auth.cashier.purse.pending())
    assert shop.get(auth=auth).text == "news"
    wait_for("the new balance", lambda: lightning.alice.local_balance_sat() == before - PRICE_MSAT // 1000)
    assert [purchase.state for purchase in auth.cashier.purse.purchases()] == ["paid"]
