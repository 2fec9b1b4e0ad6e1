"""What L402 needs of a Lightning wallet: make an invoice, pay one, and remember both.

A wallet is synchronous and safe to call from several threads; asynchronous servers and clients call it
in a worker thread. So one implementation serves both worlds, and none has to be written twice.

Whoever writes one should run :mod:`lnherd.l402.wallet_checks` against it.
"""

from typing import NamedTuple, Protocol

from lnherd.l402.bitcoin import Network
from lnherd.l402.client_steps import Paid, PaymentFailed


class Bill(NamedTuple):
    """An invoice that a wallet made: BOLT 11 text and payment hash (32 bytes)."""

    invoice: str
    payment_hash: bytes


class WalletError(RuntimeError):
    """The wallet could not be asked (no connection, a refusal, nonsense): nothing is known about the outcome."""


class Wallet(Protocol):
    """A Lightning wallet. Methods raise :class:`WalletError` when it cannot be reached."""

    @property
    def network(self) -> Network:
        """Where it lives; invoices of other networks are not paid."""

    def create_invoice(self, amount_msat: int, memo: str, expiry_s: int) -> Bill:
        """A new invoice to this wallet."""

    def is_settled(self, payment_hash: bytes) -> bool:
        """Whether an invoice of this wallet has been paid; False for unknown ones."""

    def pay(self, invoice: str, amount_msat: int, max_fee_msat: int) -> Paid | PaymentFailed:
        """Pay ``invoice``, which asks for ``amount_msat``, spending at most ``max_fee_msat`` on routing.

        Paying the same invoice again must not move money again: it gives the first outcome. A payment
        that may still succeed is ``PaymentFailed(pending=True)``.
        """

    def find_payment(self, payment_hash: bytes) -> Paid | PaymentFailed | None:
        """What became of a payment from this wallet; None when it never tried. For resuming after a crash."""
