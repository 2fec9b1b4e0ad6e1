"""The client's side of L402 without I/O: one flow fetches one resource and pays at most once.

Driven like the server's flow: the shell hands in events and performs the effects it gets back, until
a decision::

    event: Event = Begin(origin, stored=store.find(origin, path))
    while not isinstance(step := flow.receive(event), Deliver | Refuse):
        event = perform(step)

Before a payment is even asked for, the challenge is *verified*: right host, right network, not expired,
an amount within bounds and not above the price the server states, and a token that the payment will
open (its identifier names the invoice's payment hash). A server that fails any of these costs nothing.

::

    START -> SENT --(402)--> [FORGETTING] -> RESERVING -> PAYING -> KEEPING -> RETRIED -> Deliver
               |                                 |           |                    |
               +-> Deliver (no 402)              |           +-> Refuse           +-> Refuse (402 again)
                                                 +-> (shared) SENT once more

At most one payment is made and at most one shared token is tried, so no server can keep a flow going:
a 402 that comes back after paying ends it. A 402 from another origin than the one asked (a redirect) is
never paid, and credentials go to the original URL only.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import sha256
from typing import Any, Final, NamedTuple

from lnherd.errors import InputError, InvariantError
from lnherd.l402 import bolt11, headers, macaroon
from lnherd.l402.bitcoin import Network
from lnherd.l402.bolt11 import Invoice
from lnherd.l402.client_steps import (
    Answer,
    Begin,
    Deliver,
    Event,
    Forget,
    Forgotten,
    Granted,
    Keep,
    Kept,
    Origin,
    Paid,
    Pay,
    PaymentFailed,
    Refuse,
    Reserve,
    Send,
    Shared,
    Step,
    Withheld,
)
from lnherd.l402.headers import Challenge
from lnherd.l402.macaroon import IDENTIFIER_BYTES, Identifier
from lnherd.units import MSAT_PER_SAT

PAYMENT_REQUIRED: Final = 402
MAX_BODY_BYTES: Final = 65_536
"""How much of a 402's body is searched for a stated price."""
_STATED_PRICES: Final = {
    "amount_msat": 1,
    "price_msat": 1,
    "amount_sats": MSAT_PER_SAT,
    "amount_sat": MSAT_PER_SAT,
    "price_sats": MSAT_PER_SAT,
    "price_sat": MSAT_PER_SAT,
}
"""Where deployed servers state the price, and what one of it is in millisatoshi."""


class State(Enum):
    """Whose answer the flow waits for."""

    START = auto()
    SENT = auto()
    FORGETTING = auto()
    RESERVING = auto()
    PAYING = auto()
    KEEPING = auto()
    RETRIED = auto()
    DONE = auto()


ACCEPTS: Final[dict[State, tuple[type[Event], ...]]] = {
    State.START: (Begin,),
    State.SENT: (Answer,),
    State.FORGETTING: (Forgotten,),
    State.RESERVING: (Granted, Shared, Withheld),
    State.PAYING: (Paid, PaymentFailed),
    State.KEEPING: (Kept,),
    State.RETRIED: (Answer,),
    State.DONE: (),
}
"""The events each state takes."""

_ENDS: Final[dict[type[Step], State]] = {Deliver: State.DONE, Refuse: State.DONE}
TRANSITIONS: Final[dict[State, dict[type[Step], State]]] = {
    State.START: {Send: State.SENT},
    State.SENT: {Forget: State.FORGETTING, Reserve: State.RESERVING, **_ENDS},
    State.FORGETTING: {Reserve: State.RESERVING, **_ENDS},
    State.RESERVING: {Pay: State.PAYING, Send: State.SENT, **_ENDS},
    State.PAYING: {Keep: State.KEEPING, **_ENDS},
    State.KEEPING: {Send: State.RETRIED},
    State.RETRIED: _ENDS,
    State.DONE: {},
}
"""State -> step taken -> next state."""


@dataclass(frozen=True)
class ClientPolicy:
    """What a client is willing to pay, and to whom."""

    network: Network
    """The network of the wallet; invoices of others are refused."""
    max_amount_msat: int = 1_000_000
    """Most that one request may cost, without routing fees."""
    max_fee_msat: int = 10_000
    """Most that routing one payment may cost."""
    allowed_hosts: frozenset[str] | None = None
    """Hosts that may be paid; None allows all."""
    https_only: bool = True
    """Refuse to pay over plain HTTP, where anyone on the way can steal the token; loopback and .onion are fine."""
    expiry_margin_s: float = 5.0
    """Refuse an invoice that expires within this time."""
    opaque_tokens: bool = True
    """Also buy tokens that are not L402 macaroons, which cannot be checked against the invoice."""

    def __post_init__(self) -> None:
        if self.max_amount_msat < 0 or self.max_fee_msat < 0 or self.expiry_margin_s < 0:
            raise InputError("max_amount_msat, max_fee_msat and expiry_margin_s of a client policy cannot be negative")


class Purchase(NamedTuple):
    """A challenge that passed all checks."""

    challenge: Challenge
    invoice: Invoice
    amount_msat: int


class ClientFlow:
    """Fetches one resource under ``policy``, paying for it at most once."""

    def __init__(self, policy: ClientPolicy) -> None:
        self.state = State.START
        self.policy = policy
        self._origin = Origin("", "", 0)
        self._sent: str | None = None
        self._shareable = True
        self._purchase: Purchase | None = None
        self._verdict: Purchase | Refuse | None = None
        self._authorization = ""

    def receive(self, event: Event) -> Step:
        """Take the next event; gives the next effect, or the decision. Raises :class:`InvariantError` out of turn."""
        if not isinstance(event, ACCEPTS[self.state]):
            raise InvariantError(f"a client flow in state {self.state.name} cannot take {type(event).__name__}")
        step = self._react(event)
        self.state = TRANSITIONS[self.state][type(step)]
        return step

    def _react(self, event: Event) -> Step:
        match event:
            case Begin(origin, stored):
                self._origin = origin
                return self._send(stored)
            case Answer():
                return self._consider(event)
            case Forgotten():
                return self._reserve()
            case Granted():
                return self._pay()
            case Shared(authorization):
                self._shareable = False
                return self._send(authorization)
            case Withheld(code, message):
                return Refuse(code, message)
            case Paid():
                return self._keep(event)
            case PaymentFailed(message, pending):
                return Refuse("payment_pending" if pending else "payment_failed", message)
            case Kept():
                return self._send(self._authorization)

    def _send(self, authorization: str | None) -> Send:
        self._sent = authorization
        return Send(authorization)

    def _consider(self, answer: Answer) -> Step:
        if answer.status != PAYMENT_REQUIRED:
            return Deliver()
        if self.state is State.RETRIED:
            return Refuse(
                "not_honoured", f"{self._origin.host} was paid and asks for payment again; it will not be paid twice"
            )
        challenges = headers.read_challenges(answer.challenges)
        if not challenges:
            return Deliver()
        self._verdict = self._verify(answer, challenges)
        if self._sent is not None and answer.origin == self._origin:
            return Forget(self._sent)
        return self._reserve()

    def _verify(self, answer: Answer, challenges: list[Challenge]) -> Purchase | Refuse:
        """The first challenge that passes, or why the first one does not."""
        refusal = check_origin(self._origin, answer.origin, self.policy)
        if refusal:
            return refusal
        stated_msat = stated_price_msat(answer.body)
        verdicts = [check_challenge(challenge, self.policy, answer.now_s, stated_msat) for challenge in challenges]
        return next((verdict for verdict in verdicts if isinstance(verdict, Purchase)), verdicts[0])

    def _reserve(self) -> Step:
        if not isinstance(self._verdict, Purchase):
            return self._verdict or Deliver()
        self._purchase = purchase = self._verdict
        return Reserve(
            origin=self._origin,
            amount_msat=purchase.amount_msat,
            max_fee_msat=self.policy.max_fee_msat,
            payment_hash=purchase.invoice.payment_hash,
            challenge=purchase.challenge,
            shareable=self._shareable,
        )

    def _pay(self) -> Step:
        purchase = self._present_purchase()
        hash_ = purchase.invoice.payment_hash
        return Pay(purchase.challenge.invoice, purchase.amount_msat, self.policy.max_fee_msat, hash_)

    def _keep(self, paid: Paid) -> Step:
        purchase = self._present_purchase()
        payment_hash = purchase.invoice.payment_hash
        if sha256(paid.preimage).digest() != payment_hash:
            return Refuse(
                "wrong_preimage", "the wallet says it paid but gives no valid preimage; the token cannot be used"
            )
        challenge = purchase.challenge
        self._authorization = headers.authorization(challenge.token, paid.preimage, challenge.scheme)
        return Keep(self._origin, self._authorization, payment_hash, paid.fee_msat)

    def _present_purchase(self) -> Purchase:
        if self._purchase is None:
            raise InvariantError("a client flow pays without a purchase")
        return self._purchase


def check_origin(asked: Origin, answered: Origin, policy: ClientPolicy) -> Refuse | None:
    """Whether the one who asks for money is the one the request was for, and may be paid at all."""
    if answered != asked:
        return Refuse("redirected", f"the request to {asked} was redirected to {answered}, which asks for money")
    if policy.allowed_hosts is not None and asked.host not in policy.allowed_hosts:
        return Refuse("host_not_allowed", f"{asked.host} is not among the hosts that may be paid")
    if policy.https_only and asked.scheme != "https" and not _is_private(asked.host):
        return Refuse(
            "insecure", f"{asked} is plain HTTP, where the token can be stolen; set https_only=False to pay anyway"
        )
    return None


def check_challenge(
    challenge: Challenge, policy: ClientPolicy, now_s: float, stated_msat: int | None = None
) -> Purchase | Refuse:
    """Whether ``challenge`` is worth paying; ``stated_msat`` is the price its server states elsewhere."""
    try:
        invoice = bolt11.decode(challenge.invoice)
    except InputError as error:
        return Refuse("bad_invoice", str(error))
    amount_msat = invoice.amount_msat
    if invoice.network is not policy.network:
        return Refuse(
            "wrong_network", f"the invoice is for {invoice.network.name}, the wallet is on {policy.network.name}"
        )
    if invoice.expired(now_s + policy.expiry_margin_s):
        return Refuse("invoice_expired", "the invoice has expired or is about to")
    if amount_msat is None:
        return Refuse("no_amount", "the invoice names no amount, so the server could claim any")
    if amount_msat > policy.max_amount_msat:
        return Refuse(
            "too_expensive", f"the invoice asks for {amount_msat} msat; at most {policy.max_amount_msat} may be paid"
        )
    if stated_msat is not None and amount_msat > stated_msat:
        return Refuse("price_mismatch", f"the invoice asks for {amount_msat} msat, the server states {stated_msat}")
    return _check_binding(challenge, invoice, policy) or Purchase(challenge, invoice, amount_msat)


def _check_binding(challenge: Challenge, invoice: Invoice, policy: ClientPolicy) -> Refuse | None:
    """Whether paying the invoice opens the token."""
    try:
        identifier = _read_identifier(macaroon.from_text(challenge.token).identifier)
    except InputError:
        opaque = Refuse("opaque_token", "the token is no L402 macaroon, so nothing binds it to the invoice")
        return None if policy.opaque_tokens else opaque
    if identifier.payment_hash != invoice.payment_hash:
        return Refuse("wrong_hash", "the invoice pays for another token than the one offered")
    return None


def _read_identifier(raw: bytes) -> Identifier:
    """The identifier, also in hexadecimal, as lsat-js and Boltwall write it. Raises :class:`InputError`."""
    if len(raw) == 2 * IDENTIFIER_BYTES:
        with suppress(ValueError):
            raw = bytes.fromhex(raw.decode())
    return Identifier.decode(raw)


def stated_price_msat(body: bytes) -> int | None:
    """The lowest price that the JSON body of a 402 states; None when it states none."""
    if not body.lstrip().startswith(b"{") or len(body) > MAX_BODY_BYTES:
        return None
    try:
        stated: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    prices = [
        int(value * scale)
        for name, scale in _STATED_PRICES.items()
        if isinstance(value := stated.get(name), int | float) and not isinstance(value, bool) and 0 <= value < 2**63
    ]
    return min(prices, default=None)


def _is_private(host: str) -> bool:
    return host in ("localhost", "::1", "[::1]") or host.endswith((".localhost", ".onion")) or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isascii() and part.isdigit() for part in parts)
