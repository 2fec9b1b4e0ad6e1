"""The Core Lightning wallet against a fake of its commands, over the unix socket and over clnrest."""

import random
import socketserver
import threading
from dataclasses import replace

import pytest
from fake_cln import RUNE, FakeCln
from local_server import serving

from lnherd.errors import InputError
from lnherd.l402 import bolt11
from lnherd.l402.bitcoin import Network
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.cln_rpc import ClnRest, ClnSocket
from lnherd.l402.cln_wallet import ClnWallet, open_cln
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.wallet import WalletError
from lnherd.l402.wallet_checks import check_wallet

NOW = 1_700_000_000.0


@pytest.fixture
def world():
    return MemoryNetwork(lambda: NOW, random.Random(1).randbytes, fee_msat=3)


@pytest.fixture
def node(world):
    return FakeCln(world.wallet(100_000))


@pytest.fixture
def wallet(node, tmp_path):
    with node.socket(tmp_path / "lightning-rpc") as path:
        yield ClnWallet(ClnSocket(path))


def test_it_passes_the_conformance_kit_over_the_socket(wallet, world, node):
    check_wallet(wallet, world.wallet())
    check_wallet(world.wallet(10_000), wallet)
    assert len(node.labels) == 2, "every invoice has a label of its own"


def test_it_passes_the_conformance_kit_over_clnrest(node, world):
    with serving(node.app) as origin:
        rest = ClnRest(origin, RUNE)
        check_wallet(ClnWallet(rest), world.wallet())
        rest.close()
        stranger = ClnRest(origin, "another rune")
        with pytest.raises(WalletError, match="Not authorized"):
            ClnWallet(stranger).is_settled(bytes(32))
        stranger.close()


def test_the_fee_limit_reaches_the_node(wallet, world):
    bill = world.wallet().create_invoice(1_000, "x", 60)
    failed = wallet.pay(bill.invoice, 1_000, 2)
    assert isinstance(failed, PaymentFailed)
    assert "Could not find route" in failed.message
    assert wallet.find_payment(bill.payment_hash) == PaymentFailed("the payment failed")
    assert isinstance(wallet.pay(bill.invoice, 1_000, 3), Paid), "a failed payment may be tried again"


def test_parts_that_are_still_out_make_it_pending(wallet, world, node):
    """xpay reports failure as soon as it gives up, with HTLCs still on their way."""
    bill = world.wallet().create_invoice(1_000, "x", 60)
    node.holds = True
    assert wallet.pay(bill.invoice, 1_000, 10).pending
    node.holds = False
    assert wallet.pay(bill.invoice, 1_000, 10).pending
    assert [method for method, _ in node.requests].count("xpay") == 1, "it is not sent twice"


def test_refused_before_it_began(wallet, world):
    bill = world.wallet().create_invoice(1_000, "x", 60)
    world.clock = lambda: NOW + 100
    assert wallet.pay(bill.invoice, 1_000, 10) == PaymentFailed("Invoice has expired")
    assert "asks for 1000 msat" in wallet.pay(bill.invoice, 999, 10).message


def test_an_invoice_without_an_amount_is_paid_with_one(wallet, world, node):
    read = bolt11.decode(world.wallet().create_invoice(1_000, "x", 60).invoice)
    open_ended = bolt11.sign(replace(read, amount_msat=None, payee=b"", text=""), bytes([1]) * 32)
    wallet.pay(open_ended.text, 1_000, 10)
    (asked,) = [parameters for method, parameters in node.requests if method == "xpay"]
    assert asked["amount_msat"] == 1_000


def test_nodes_that_are_silent_or_elsewhere(node, tmp_path, world):
    with pytest.raises(WalletError, match="cannot reach Core Lightning"):
        ClnWallet(ClnSocket(tmp_path / "nowhere")).is_settled(bytes(32))
    node.network = "liquid"
    with node.socket(tmp_path / "lightning-rpc") as path, pytest.raises(WalletError, match="liquid"):
        _ = ClnWallet(ClnSocket(path)).network


class Silent:
    """Takes a payment and says nothing."""

    def __init__(self, error):
        self.error = error

    def call(self, method, parameters, *, timeout_s=0):
        if method == "xpay":
            raise self.error
        return {"network": "regtest"} if method == "getinfo" else {"pays": []}


def test_a_connection_that_breaks_while_paying_leaves_it_open(world, tmp_path):
    class HangUp(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(10)

    bill = world.wallet().create_invoice(1_000, "x", 60)
    with socketserver.UnixStreamServer(str(tmp_path / "rpc"), HangUp) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(WalletError, match="no answer") as silence:
            ClnSocket(tmp_path / "rpc").call("xpay", {})
        thread.join()
    outcome = ClnWallet(Silent(silence.value)).pay(bill.invoice, 1_000, 10)
    assert isinstance(outcome, PaymentFailed)
    assert outcome.pending


def test_settings_come_from_the_environment_and_from_files(node, tmp_path):
    with node.socket(tmp_path / "lightning-rpc") as path:
        assert open_cln({"LNHERD_CLN_SOCKET": str(path)}).network is Network.REGTEST
    rune = tmp_path / "rune"
    rune.write_text(f"{RUNE}\n")
    with serving(node.app) as origin:
        wallet = open_cln({"LNHERD_CLN_URL": origin, "LNHERD_CLN_RUNE_FILE": str(rune)})
        assert wallet.network is Network.REGTEST
        wallet._rpc.close()
    with pytest.raises(InputError, match="LNHERD_CLN_URL is not set"):
        open_cln({})
