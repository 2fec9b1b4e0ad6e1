"""What every wallet must do: run :func:`check_wallet` against your own.

A payer and a payee that can reach each other are all it takes; the check spends ``2 x amount_msat`` and
fees. It raises :class:`lnherd.errors.InvariantError` with one sentence at the first thing that is wrong.
"""

from hashlib import sha256

from lnherd.errors import InvariantError
from lnherd.l402 import bolt11
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.wallet import Wallet


def check_wallet(payer: Wallet, payee: Wallet, *, amount_msat: int = 2_000, max_fee_msat: int = 10_000) -> None:
    """Check invoices, payments, idempotence and memory of a pair of wallets."""
    _demand(payer.network is payee.network, "payer and payee are on different networks")
    bill = payee.create_invoice(amount_msat, "a wallet check", 600)
    invoice = bolt11.decode(bill.invoice)
    _demand(invoice.payment_hash == bill.payment_hash, "the invoice has another hash than the wallet says")
    _demand(invoice.amount_msat == amount_msat, "the invoice asks for another amount than was wanted")
    _demand(invoice.network is payee.network, "the invoice is for another network than the wallet's")
    _demand(invoice.describes("a wallet check"), "the invoice says something else than the memo")
    _demand(invoice.expiry_s == 600, "the invoice has another expiry than was wanted")
    _demand(not payee.is_settled(bill.payment_hash), "an invoice is settled before anyone paid it")
    _demand(payer.find_payment(bill.payment_hash) is None, "the payer remembers a payment it never made")
    _check_payment(payer, payee, bill.invoice, amount_msat, max_fee_msat)
    other = payee.create_invoice(amount_msat, "another", 600)
    _demand(other.payment_hash != bill.payment_hash, "two invoices share a payment hash")
    _demand(not payee.is_settled(other.payment_hash), "paying one invoice settled another")
    _demand(isinstance(payer.pay("lnbc1junk", 1, 0), PaymentFailed), "a malformed invoice is not a failed payment")
    _demand(not payee.is_settled(bytes(32)), "an unknown hash is settled")


def _check_payment(payer: Wallet, payee: Wallet, invoice: str, amount_msat: int, max_fee_msat: int) -> None:
    payment_hash = bolt11.decode(invoice).payment_hash
    first = payer.pay(invoice, amount_msat, max_fee_msat)
    if not isinstance(first, Paid):
        raise InvariantError(f"the payer cannot pay the payee: {first.message}")
    _demand(sha256(first.preimage).digest() == payment_hash, "the preimage does not belong to the invoice")
    _demand(0 <= first.fee_msat <= max_fee_msat, "the fee is above the limit")
    _demand(payee.is_settled(payment_hash), "a paid invoice is not settled")
    _demand(payer.pay(invoice, amount_msat, max_fee_msat) == first, "paying twice gives another outcome")
    _demand(payer.find_payment(payment_hash) == first, "the payer does not remember what it paid")


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise InvariantError(f"wallet check: {otherwise}")
