"""Wallets of simulated nodes: real invoices, real failures, honest balances."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import numpy as np
import pytest
from small_networks import SAT, line_of, network_of, payments_of

from lnherd.bridges.node_wallet import PRUNE_AT, SimulatedLightning
from lnherd.engine import Simulation, SimulationConfig
from lnherd.errors import InputError
from lnherd.l402 import bolt11
from lnherd.l402.bitcoin import Network
from lnherd.l402.client import L402Auth, PaymentRefused
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.server import L402WSGI
from lnherd.l402.wallet_checks import check_wallet

NOW = 1_700_000_000.0
AMPLE_FEE = 100_000
HOP_FEE = 1_000
"""Of a small payment in these networks: base fee 1 sat, 100 ppm of little."""


class Clock:
    now_s = NOW

    def __call__(self):
        return self.now_s


def lightning_on(network, *, network_name=Network.REGTEST, **config):
    simulation = Simulation(network, payments_of(), config=SimulationConfig(**config), seed=5)
    return SimulatedLightning(simulation, Clock(), random.Random(1).randbytes, network=network_name)


def total_msat(lightning):
    return int(lightning.simulation.state.edges.balance_msat.sum())


def test_it_passes_the_conformance_kit():
    lightning = lightning_on(line_of(3))
    payer, payee = lightning.wallet(0), lightning.wallet(2)
    before = payer.balance_msat, payee.balance_msat, total_msat(lightning)
    check_wallet(payer, payee)
    assert payer.balance_msat == before[0] - 2_000 - HOP_FEE
    assert payee.balance_msat == before[1] + 2_000
    assert total_msat(lightning) == before[2]
    assert lightning.simulation.audit() == []
    assert lightning.simulation.now_ms > 0, "it took event time"


def test_invoices_are_signed_by_each_nodes_own_key():
    lightning = lightning_on(line_of(3), network_name=Network.SIGNET)
    one, again, other = (lightning.wallet(node).create_invoice(1_234, "x", 60).invoice for node in (1, "node1", 2))
    payees = [bolt11.decode(invoice).payee for invoice in (one, again, other)]
    assert payees[0] == payees[1] == bolt11.node_id(lightning.private_key(1)) != payees[2]
    assert bolt11.decode(one).network is Network.SIGNET
    assert bolt11.decode(one).min_final_cltv_delta == lightning.simulation.config.final_cltv
    with pytest.raises(InputError, match="no node called 'nobody'"):
        lightning.wallet("nobody")


def test_failures_of_the_network_are_failures_of_the_wallet():
    lightning = lightning_on(network_of([(0, 1, 100_000, 0), (1, 2, 0, 100_000), (3, 4, 1_000, 0)]))
    payer = lightning.wallet(0)
    for payee, amount_msat, reason in (
        (2, 50_000 * SAT, "no_route after"),  # tried once and found empty
        (4, 1_000, "no_route after 1 attempts"),
        (1, 200_000 * SAT, "insufficient_local_balance"),
    ):
        bill = lightning.wallet(payee).create_invoice(amount_msat, "x", 60)
        outcome = payer.pay(bill.invoice, amount_msat, AMPLE_FEE)
        assert isinstance(outcome, PaymentFailed)
        assert reason in outcome.message
        assert payer.find_payment(bill.payment_hash) == outcome
    assert payer.balance_msat == 100_000 * SAT
    assert lightning.simulation.audit() == []


def test_the_fee_limit_holds():
    lightning = lightning_on(line_of(3))
    bill = lightning.wallet(2).create_invoice(2_000, "x", 60)
    assert isinstance(lightning.wallet(0).pay(bill.invoice, 2_000, HOP_FEE - 1), PaymentFailed)
    assert lightning.wallet(0).pay(bill.invoice, 2_000, HOP_FEE).fee_msat == HOP_FEE, "tried again with more"


def test_a_way_around_an_empty_channel_is_found():
    diamond = [(0, 1, 500_000, 0), (1, 3, 0, 500_000), (0, 2, 500_000, 0), (2, 3, 500_000, 0)]
    lightning = lightning_on(network_of(diamond, policies={6: {"base_fee_msat": 2_000}}))
    bill = lightning.wallet(3).create_invoice(10_000_000, "x", 60)
    assert isinstance(lightning.wallet(0).pay(bill.invoice, 10_000_000, AMPLE_FEE), Paid)
    assert int(lightning.simulation.payments[0].attempts) == 2


def test_what_is_not_paid():
    lightning = lightning_on(line_of(3))
    payer, payee = lightning.wallet(0), lightning.wallet(2)
    bill = payee.create_invoice(2_000, "x", 60)
    read = bolt11.decode(bill.invoice)
    forged = bolt11.sign(replace(read, payee=b"", text=""), bytes([7]) * 32)
    cheaper = bolt11.sign(replace(read, amount_msat=1_000, payee=b"", text=""), lightning.private_key(2))
    elsewhere = lightning_on(line_of(3)).wallet(2)
    elsewhere._lightning._entropy = random.Random(2).randbytes
    for wallet, invoice, amount_msat, reason in (
        (payer, forged.text, 2_000, "nobody on the simulated network"),
        (payer, elsewhere.create_invoice(2_000, "x", 60).invoice, 2_000, "nobody on the simulated network"),
        (payer, cheaper.text, 1_000, "the payee wants 2000 msat"),
        (payer, bill.invoice, 1_000, "asks for 2000 msat"),
        (payee, bill.invoice, 2_000, "does not pay itself"),
    ):
        assert reason in wallet.pay(invoice, amount_msat, AMPLE_FEE).message
    lightning._clock.now_s += 60
    assert "expired" in payer.pay(bill.invoice, 2_000, AMPLE_FEE).message
    lightning._clock.now_s -= 60
    assert isinstance(payer.pay(bill.invoice, 2_000, AMPLE_FEE), Paid)
    assert "somebody else" in lightning.wallet(1).pay(bill.invoice, 2_000, AMPLE_FEE).message
    assert lightning.wallet(1).find_payment(bill.payment_hash) is None
    assert not lightning.wallet(1).is_settled(bill.payment_hash)


def test_a_stuck_payment_is_pending_and_arrives_later():
    lightning = lightning_on(line_of(2), stuck_probability=1.0, stuck_median_ms=10_000_000.0, latency_sigma=0.0)
    payer, payee = lightning.wallet(0), lightning.wallet(1)
    bill = payee.create_invoice(2_000, "x", 60)
    assert payer.pay(bill.invoice, 2_000, AMPLE_FEE).pending
    assert payer.pay(bill.invoice, 2_000, AMPLE_FEE).pending, "no second payment"
    assert len(lightning.simulation.payments) == 1
    assert not payee.is_settled(bill.payment_hash)
    lightning.advance(10**9)
    assert isinstance(payer.find_payment(bill.payment_hash), Paid)
    assert payee.is_settled(bill.payment_hash)


def test_other_traffic_goes_on_while_a_payment_is_made():
    traffic = payments_of(*((10 * number, 2, 0, 1_000_000) for number in range(20)))
    lightning = SimulatedLightning(Simulation(line_of(3), traffic), Clock(), random.Random(1).randbytes)
    bill = lightning.wallet(2).create_invoice(2_000, "x", 60)
    assert isinstance(lightning.wallet(0).pay(bill.invoice, 2_000, AMPLE_FEE), Paid)
    lightning.advance(100_000)
    assert np.count_nonzero(lightning.simulation.payments.settled_msat) == 21


def test_many_threads_pay_at_once_and_no_money_is_lost():
    lightning = lightning_on(line_of(4, near_sat=900_000, far_sat=900_000))
    before = total_msat(lightning)
    bills = [lightning.wallet(3).create_invoice(1_000 + number, "x", 60) for number in range(40)]

    def buy(number):
        return lightning.wallet(number % 2).pay(bills[number].invoice, 1_000 + number, AMPLE_FEE)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(buy, range(40)))
    assert all(isinstance(outcome, Paid) for outcome in outcomes)
    assert all(lightning.wallet(3).is_settled(bill.payment_hash) for bill in bills)
    assert total_msat(lightning) == before
    assert lightning.simulation.audit() == []


def test_unpaid_invoices_do_not_pile_up():
    lightning = lightning_on(line_of(2))
    payee = lightning.wallet(1)
    kept = payee.create_invoice(2_000, "paid", 1)
    assert isinstance(lightning.wallet(0).pay(kept.invoice, 2_000, AMPLE_FEE), Paid)
    debt = lightning._debts[kept.payment_hash]
    lightning._debts.update({number.to_bytes(32): debt for number in range(PRUNE_AT)})
    lightning._clock.now_s += 10
    fresh = payee.create_invoice(2_000, "fresh", 60)
    assert set(lightning._debts) == {kept.payment_hash, fresh.payment_hash}
    assert payee.is_settled(kept.payment_hash)


def dispatch(environ, start_response):
    start_response("200 OK", [])
    return [b"dispatch"]


def test_an_api_is_bought_through_the_simulated_network():
    lightning = lightning_on(network_of([(0, 1, 100, 0), (1, 2, 100, 0)], base_fee_msat=10, fee_ppm=0))
    payer, payee = lightning.wallet(0), lightning.wallet(2)
    prices = {"GET /news": 30_000, "GET /dear": 90_000}
    shop = httpx.WSGITransport(L402WSGI(dispatch, wallet=payee, prices=prices, clock=lightning._clock))
    auth = L402Auth(payer, clock=lightning._clock)
    with httpx.Client(transport=shop, base_url="http://localhost", auth=auth) as client:
        assert [client.get("/news").text for _ in range(2)] == ["dispatch"] * 2
        with pytest.raises(PaymentRefused) as refused:
            client.get("/dear")
    assert refused.value.code == "payment_failed"
    assert payer.balance_msat == 100_000 - 30_000 - 10
    assert payee.balance_msat == 30_000
