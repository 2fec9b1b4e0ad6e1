"""Performs what a client flow asks for: looks into the purse, asks the budgets, pays with the wallet.

The order of writes is what makes it crash-safe. ``Reserve`` journals before ``Pay`` sends, and ``Keep``
turns the journal's row into a token. Whatever is left ``pending`` when a program dies is asked of the
wallet on the next start (:meth:`Cashier.resume`) or when the same resource is wanted again: paid becomes
a token, failed gives its money back, unknown blocks a second payment for the same thing.
"""

from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import Final

from lnherd.l402.client_steps import (
    Event,
    Forget,
    Forgotten,
    Granted,
    Keep,
    Kept,
    Paid,
    Pay,
    PaymentFailed,
    Reserve,
    Shared,
    Step,
    Withheld,
)
from lnherd.l402.purse import Budget, Pending, Purse, Resource, authorization_of
from lnherd.l402.wallet import Wallet, WalletError

COOL_DOWN_S: Final = 300.0
"""How long a resource that was paid for and not delivered is not paid again."""
MAX_DISHONOURED: Final = 1024


class Cashier:
    """One wallet, one purse and their budgets; safe to use from several threads. ``clock`` gives unix time."""

    def __init__(self, wallet: Wallet, purse: Purse, budgets: Sequence[Budget], clock: Callable[[], float]) -> None:
        self.wallet = wallet
        self.purse = purse
        self.budgets = tuple(budgets)
        self.clock = clock
        self._dishonoured: dict[Resource, float] = {}
        self._in_flight: set[bytes] = set()
        self._fresh: set[str] = set()
        """Tokens whose buyer has not used them yet: a single-use token must not be snatched from its buyer."""

    def find(self, resource: Resource, tried: Collection[str | None] = ()) -> str | None:
        """The ``Authorization`` of a token that may open ``resource`` and has not been ``tried``."""
        return self.purse.find(resource, besides={*tried, *self._fresh})

    def release(self, tokens: Collection[str | None], payment_hash: bytes | None) -> None:
        """A flow is over: others may use its tokens, and resolve its payment if it was left open."""
        self._fresh.difference_update(token for token in tokens if token)
        if payment_hash is not None:
            self._in_flight.discard(payment_hash)

    def perform(self, step: Step, resource: Resource, tried: Collection[str | None] = ()) -> Event:
        """Do what a flow asks for and give the event to answer it with. ``tried`` are tokens already refused."""
        match step:
            case Reserve():
                return self._reserve(step, resource, tried)
            case Pay():
                return self._pay(step)
            case Keep(_, authorization, payment_hash, fee_msat):
                self._fresh.add(authorization)
                self.purse.keep(payment_hash, authorization, fee_msat)
                return Kept()
            case Forget(authorization):
                self.purse.forget(authorization, resource)
                return Forgotten()
            case _:
                raise TypeError(f"{type(step).__name__} is not for the cashier")

    def note_dishonoured(self, resource: Resource) -> None:
        """Remember that ``resource`` took money and gave nothing."""
        if len(self._dishonoured) >= MAX_DISHONOURED:
            self._dishonoured.clear()
        self._dishonoured[resource] = self.clock()

    def resume(self) -> None:
        """Ask the wallet about everything that earlier runs left open."""
        for pending in self._left_over(None):
            self._resolve(pending)

    def _left_over(self, resource: Resource | None) -> list[Pending]:
        """Open purchases that nobody here is working on: from a crash, or with an outcome still to come."""
        return [pending for pending in self.purse.pending(resource) if pending.payment_hash not in self._in_flight]

    def _reserve(self, step: Reserve, resource: Resource, tried: Collection[str | None]) -> Event:
        now_s = self.clock()
        if now_s - self._dishonoured.get(resource, -COOL_DOWN_S) < COOL_DOWN_S:
            return Withheld("not_honoured", f"{resource.origin.host} was paid for this lately and did not deliver")
        left_over = self._left_over(resource)
        if not all(self._resolve(pending) for pending in left_over):
            return Withheld("payment_pending", "an earlier payment for the same resource has no outcome yet")
        if step.shareable or left_over:
            found = self.find(resource, tried)
            if found is not None:
                return Shared(found)
        if self.purse.state(step.payment_hash) not in (None, "failed"):
            return Withheld("already_paid", "the server asks for an invoice to be paid that has been paid before")
        refusal = self.purse.reserve(step, resource, self.budgets, now_s)
        if refusal:
            return Withheld("over_budget", refusal)
        self._in_flight.add(step.payment_hash)
        return Granted()

    def _pay(self, step: Pay) -> Paid | PaymentFailed:
        outcome: Paid | PaymentFailed
        try:
            outcome = self.wallet.pay(step.invoice, step.amount_msat, step.max_fee_msat)
        except (WalletError, OSError) as error:
            outcome = PaymentFailed(f"the wallet did not answer: {error}", pending=True)
        if isinstance(outcome, PaymentFailed) and not outcome.pending:
            self.purse.fail(step.payment_hash)
        return outcome

    def _resolve(self, pending: Pending) -> bool:
        """Bring one open purchase to its outcome; False when it has none yet."""
        try:
            outcome = self.wallet.find_payment(pending.payment_hash)
        except (WalletError, OSError):
            return False
        if isinstance(outcome, Paid) and sha256(outcome.preimage).digest() == pending.payment_hash:
            self.purse.keep(pending.payment_hash, authorization_of(pending, outcome.preimage), outcome.fee_msat)
            return True
        if isinstance(outcome, PaymentFailed) and outcome.pending:
            return False
        self.purse.fail(pending.payment_hash)
        return True
