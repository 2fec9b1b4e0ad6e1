"""The LND wallet against a fake of LND's REST API, over TLS on loopback."""

import random
from dataclasses import replace

import pytest
import trustme
from fake_lnd import MACAROON, FakeLnd
from local_server import serving

from lnherd.errors import InputError
from lnherd.l402 import bolt11, lnd_wallet
from lnherd.l402.bitcoin import Network
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.lnd_wallet import LndConfig, LndWallet, network_of, open_lnd
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.wallet import WalletError
from lnherd.l402.wallet_checks import check_wallet

NOW = 1_700_000_000.0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "tls.cert")
    return folder


@pytest.fixture
def world():
    return MemoryNetwork(lambda: NOW, random.Random(1).randbytes, fee_msat=3)


@pytest.fixture
def node(world):
    return FakeLnd(world.wallet(100_000))


@pytest.fixture
def wallet(node, certificate):
    with serving(node.app, ssl_certfile=certificate / "server.pem") as origin:
        config = LndConfig(origin.replace("http:", "https:"), MACAROON, certificate / "tls.cert")
        opened = LndWallet(config)
        yield opened
        opened.close()


def test_it_passes_the_conformance_kit_over_tls(wallet, world, node):
    check_wallet(wallet, world.wallet())
    check_wallet(world.wallet(10_000), wallet)
    assert wallet.network is Network.REGTEST
    assert {type(body["value_msat"]) for body in node.requests if "value_msat" in body} == {str}
    assert node.wallet.balance_msat == 100_000 - 2_003 + 2_000


def test_the_fee_limit_reaches_the_node(wallet, world):
    bill = world.wallet().create_invoice(1_000, "x", 60)
    assert wallet.pay(bill.invoice, 1_000, 2) == PaymentFailed("no route")
    assert wallet.find_payment(bill.payment_hash) == PaymentFailed("no route")
    assert isinstance(wallet.pay(bill.invoice, 1_000, 3), Paid), "a failed payment may be tried again"


def test_a_payment_in_flight_is_pending_until_it_is_not(wallet, world, node, monkeypatch):
    monkeypatch.setattr(lnd_wallet, "_GRACE_S", 0.2)
    hasty = LndWallet(replace(wallet._config, payment_timeout_s=0))
    bill = world.wallet().create_invoice(1_000, "x", 60)
    node.holds = True
    assert hasty.pay(bill.invoice, 1_000, 10).pending
    assert hasty.find_payment(bill.payment_hash).pending
    assert hasty.pay(bill.invoice, 1_000, 10).pending, "no second payment"
    node.holds = False
    node.settle(bolt11.decode(bill.invoice), 10)
    assert isinstance(hasty.find_payment(bill.payment_hash), Paid)
    hasty.close()


def test_refused_before_it_began(wallet, world, node):
    bill = world.wallet().create_invoice(1_000, "x", 60)
    world.clock = lambda: NOW + 100
    assert wallet.pay(bill.invoice, 1_000, 10) == PaymentFailed("invoice expired. Valid until then")
    mainnet = MemoryNetwork(lambda: NOW, random.Random(2).randbytes, network=Network.MAINNET).wallet()
    assert "mainnet" in wallet.pay(mainnet.create_invoice(1_000, "x", 60).invoice, 1_000, 10).message
    assert "asks for 1000 msat" in wallet.pay(bill.invoice, 999, 10).message
    assert node.payments == {}


def test_an_invoice_without_an_amount_is_paid_with_one(wallet, world, node):
    read = bolt11.decode(world.wallet().create_invoice(1_000, "x", 60).invoice)
    open_ended = bolt11.sign(replace(read, amount_msat=None, payee=b"", text=""), bytes([1]) * 32)
    wallet.pay(open_ended.text, 1_000, 10)
    assert node.requests[-1]["amt_msat"] == "1000"
    wallet.pay(read.text, 1_000, 10)
    assert "amt_msat" not in node.requests[-1]


def test_what_a_node_can_answer_wrongly(wallet, world, node, certificate):
    bill = world.wallet().create_invoice(1_000, "x", 60)
    stranger = LndWallet(replace(wallet._config, macaroon=b"\x02wrong", network=Network.REGTEST))
    for ask in (lambda: stranger.pay(bill.invoice, 1_000, 10), lambda: stranger.find_payment(bill.payment_hash)):
        with pytest.raises(WalletError, match="verification failed"):
            ask()
    stranger.close()
    node.answers_with = "<html>a proxy</html>"
    with pytest.raises(WalletError, match="instead of an object"):
        wallet.is_settled(bill.payment_hash)
    for answer, says in (('{"result": {}}', "payment_request"), ('{"payment_request": "x", "r_hash": "?"}', "base64")):
        node.answers_with = answer
        with pytest.raises(WalletError, match=says):
            wallet.create_invoice(1_000, "x", 60)
    node.answers_with = '{"result": {"status": "SUCCEEDED", "payment_preimage": "zz", "fee_msat": "0"}}'
    with pytest.raises(WalletError, match="hexadecimal"):
        wallet.find_payment(bill.payment_hash)
    node.answers_with = '{"result": []}'
    with pytest.raises(WalletError, match="without a result"):
        wallet.find_payment(bill.payment_hash)


def test_a_node_that_is_not_there_or_not_trusted(wallet, certificate):
    untrusting = LndWallet(replace(wallet._config, cert_file=None))
    with pytest.raises(WalletError, match="cannot reach"):
        untrusting.is_settled(bytes(32))
    untrusting.close()
    gone = LndWallet(LndConfig("http://127.0.0.1:1", MACAROON))
    with pytest.raises(WalletError, match="cannot reach"):
        gone.is_settled(bytes(32))
    gone.close()


def test_networks():
    assert [network_of(name) for name in ("mainnet", "testnet", "testnet4", "signet", "regtest")] == [
        Network.MAINNET,
        Network.TESTNET,
        Network.TESTNET,
        Network.SIGNET,
        Network.REGTEST,
    ]
    with pytest.raises(WalletError, match="litecoin"):
        network_of("litecoin")


def test_settings_come_from_the_environment_and_from_files(tmp_path):
    macaroon = tmp_path / "pay.macaroon"
    macaroon.write_bytes(MACAROON)
    environ = {"LNHERD_LND_URL": "https://node:8080", "LNHERD_LND_MACAROON_FILE": str(macaroon)}
    config = LndConfig.from_environment({**environ, "LNHERD_LND_NETWORK": "signet"})
    assert (config.macaroon, config.network) == (MACAROON, Network.SIGNET)
    assert "lnd" not in repr(config).replace("LndConfig", ""), "the secret is not shown"
    wallet = open_lnd({**environ, "LNHERD_LND_NETWORK": "signet"})
    assert wallet.network is Network.SIGNET
    wallet.close()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"LNHERD_LND_URL": ""}, "LNHERD_LND_URL is not set"),
        ({"LNHERD_LND_URL": "node:8080"}, "not the URL of a node"),
        ({"LNHERD_LND_URL": "https://node:99999"}, "not the URL of a node"),
        ({"LNHERD_LND_URL": "http://node:8080"}, "unencrypted"),
        ({"LNHERD_LND_MACAROON_FILE": "/nowhere"}, "cannot be read"),
        ({"LNHERD_LND_NETWORK": "moon"}, "must be one of mainnet"),
        ({"LNHERD_LND_CERT_FILE": "/nowhere"}, "certificate in PEM form"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path, changes, says):
    macaroon = tmp_path / "pay.macaroon"
    macaroon.write_bytes(MACAROON)
    environ = {"LNHERD_LND_URL": "https://node:8080", "LNHERD_LND_MACAROON_FILE": str(macaroon)}
    with pytest.raises(InputError, match=says):
        open_lnd({**environ, **changes})
