"""Wallets that live in memory and pay each other with real, signed BOLT 11 invoices.

No channels, no routes: money moves from one balance to another or it does not. For tests, examples and
trying out a paid API on one's own machine.
"""

import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Final, NamedTuple

from lnherd.errors import InputError
from lnherd.l402 import bolt11
from lnherd.l402.bitcoin import Network
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.wallet import Bill

MIN_FINAL_CLTV_DELTA: Final = 18
FORGET_ABOVE: Final = 1024
"""With fewer invoices than this, none is forgotten."""


class _Debt(NamedTuple):
    payee: "MemoryWallet"
    preimage: bytes
    amount_msat: int
    expires_s: int


class MemoryNetwork:
    """All wallets that can pay each other. ``clock`` gives unix time, ``entropy(n)`` n random bytes."""

    def __init__(
        self,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        *,
        network: Network = Network.REGTEST,
        fee_msat: int = 0,
    ) -> None:
        self.network = network
        self.fee_msat = fee_msat
        """Routing fee of every payment."""
        self.clock = clock
        self.entropy = entropy
        self.lock = threading.Lock()
        self.debts: dict[bytes, _Debt] = {}
        self.settled: set[bytes] = set()
        self._look_again = FORGET_ABOVE

    def forget_expired(self, now_s: float) -> None:
        """Drop invoices that nobody paid in time, whenever their number has doubled: memory stays bounded."""
        if len(self.debts) < self._look_again:
            return
        self.debts = {
            payment_hash: debt
            for payment_hash, debt in self.debts.items()
            if payment_hash in self.settled or now_s < debt.expires_s
        }
        self._look_again = max(FORGET_ABOVE, 2 * len(self.debts))

    def wallet(self, balance_msat: int = 0) -> "MemoryWallet":
        """A new wallet with some money."""
        return MemoryWallet(self, balance_msat)


class MemoryWallet:
    """A :class:`~lnherd.l402.wallet.Wallet` on a :class:`MemoryNetwork`."""

    def __init__(self, world: MemoryNetwork, balance_msat: int) -> None:
        self.balance_msat = balance_msat
        self.payments: dict[bytes, Paid] = {}
        self._world = world
        self._key = sha256(world.entropy(32)).digest()

    @property
    def network(self) -> Network:
        """Where it lives."""
        return self._world.network

    def create_invoice(self, amount_msat: int, memo: str, expiry_s: int) -> Bill:
        """A new invoice to this wallet."""
        world = self._world
        preimage = world.entropy(32)
        payment_hash = sha256(preimage).digest()
        now_s = int(world.clock())
        unsigned = bolt11.Invoice(
            world.network, amount_msat, now_s, payment_hash, world.entropy(32), memo,
            expiry_s=expiry_s, min_final_cltv_delta=MIN_FINAL_CLTV_DELTA,
        )  # fmt: skip
        with world.lock:
            world.forget_expired(now_s)
            world.debts[payment_hash] = _Debt(self, preimage, amount_msat, now_s + expiry_s)
        return Bill(bolt11.sign(unsigned, self._key).text, payment_hash)

    def is_settled(self, payment_hash: bytes) -> bool:
        """Whether an invoice of this wallet has been paid."""
        debt = self._world.debts.get(payment_hash)
        return debt is not None and debt.payee is self and payment_hash in self._world.settled

    def pay(self, invoice: str, amount_msat: int, max_fee_msat: int) -> Paid | PaymentFailed:
        """Pay ``invoice`` from this wallet's balance; a second time gives the first outcome."""
        try:
            read = bolt11.decode(invoice)
        except InputError as error:
            return PaymentFailed(str(error))
        with self._world.lock:
            return self.payments.get(read.payment_hash) or self._pay(read, amount_msat, max_fee_msat)

    def _pay(self, invoice: bolt11.Invoice, amount_msat: int, max_fee_msat: int) -> Paid | PaymentFailed:
        world, debt = self._world, self._world.debts.get(invoice.payment_hash)
        if debt is None or invoice.network is not world.network:
            return PaymentFailed("no route: nobody on this network knows the invoice")
        if world.clock() >= debt.expires_s or invoice.payment_hash in world.settled:
            return PaymentFailed("the invoice has expired or was paid by somebody else")
        if amount_msat != debt.amount_msat or world.fee_msat > max_fee_msat:
            return PaymentFailed("no route: the amount is not the invoice's, or the fee is above the limit")
        if self.balance_msat < amount_msat + world.fee_msat:
            return PaymentFailed("no route: too little money")
        self.balance_msat -= amount_msat + world.fee_msat
        debt.payee.balance_msat += amount_msat
        world.settled.add(invoice.payment_hash)
        paid = self.payments[invoice.payment_hash] = Paid(debt.preimage, world.fee_msat)
        return paid

    def find_payment(self, payment_hash: bytes) -> Paid | PaymentFailed | None:
        """What became of a payment from this wallet."""
        return self.payments.get(payment_hash)
