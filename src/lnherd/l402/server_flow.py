"""The server's side of L402 without I/O: one flow decides about one request.

A flow never reads a clock, a database or a wallet. The shell hands it an *event* (the request, then
answers) and gets back either an *effect*, something to do whose outcome is the next event, or a
*decision*, which ends the flow::

    event: Event = Request(now_s, authorization=...)
    while not isinstance(step := flow.receive(event), Allow | Respond):
        event = perform(step)

The two tables below are the protocol; the code only fills in when which arrow is taken. The order of
checks is that of Aperture: identifier, preimage, root key, HMAC chain, caveats, then settlement and
units. Cheap checks come first, and nothing a client sends is believed before the HMAC has held.

::

    START ----> FINDING ----> SETTLING ----> SPENDING ----> Allow
      |  \\         |  (next       |              |
      |   \\        |  candidate)  |              |
      |    +-------+--------------+--------------+
      |            v
      |        INVOICING ----> SAVING ----> Respond 402
      |            +----------------------> Respond 429, 503
      +-----------------------------------> Respond 400

A request whose credentials are all bad is answered like one without: 402, a fresh challenge and the
reason. Malformed credentials never raise. What raises :class:`InvariantError` is a shell that answers
an effect with the wrong event.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from lnherd.errors import InputError, InvariantError
from lnherd.l402 import headers, macaroon, payment_scheme
from lnherd.l402.caveats import Context, Refusal
from lnherd.l402.headers import Credential, Malformed
from lnherd.l402.macaroon import Identifier, Macaroon
from lnherd.l402.offers import Claims, Offer, TokenRecord
from lnherd.l402.server_steps import (
    Allow,
    Basis,
    CheckSettled,
    Denied,
    Event,
    Exhaust,
    FindToken,
    Issued,
    IssueInvoice,
    Request,
    Respond,
    Saved,
    SaveToken,
    Settlement,
    Spend,
    Spent,
    Step,
    Token,
)
from lnherd.units import MSAT_PER_SAT

CACHED_CREDENTIALS: Final = 2048
"""Credentials whose reading and signature are remembered; revocation, expiry and units are checked every time."""
CACHED_LENGTH: Final = 2048
"""Longer header values are read anew each time, so that nobody can fill the memory with them."""


_NOTHING_SHOWN: Final = Refusal("payment_required", "this resource is paid for over Lightning")


class State(Enum):
    """Whose answer the flow waits for."""

    START = auto()
    FINDING = auto()
    SETTLING = auto()
    SPENDING = auto()
    INVOICING = auto()
    SAVING = auto()
    DONE = auto()


ACCEPTS: Final[dict[State, tuple[type[Event], ...]]] = {
    State.START: (Request,),
    State.FINDING: (Token,),
    State.SETTLING: (Settlement,),
    State.SPENDING: (Spent,),
    State.INVOICING: (Issued, Denied),
    State.SAVING: (Saved,),
    State.DONE: (),
}
"""The events each state takes."""

_REFUSED: Final[dict[type[Step], State]] = {FindToken: State.FINDING, IssueInvoice: State.INVOICING}
_SPENDING: Final[dict[type[Step], State]] = {Spend: State.SPENDING, Exhaust: State.SPENDING}
_GRANTED: Final[dict[type[Step], State]] = {Allow: State.DONE}
TRANSITIONS: Final[dict[State, dict[type[Step], State]]] = {
    State.START: {**_REFUSED, Respond: State.DONE},
    State.FINDING: {**_REFUSED, CheckSettled: State.SETTLING, **_SPENDING, **_GRANTED},
    State.SETTLING: {**_REFUSED, **_SPENDING, **_GRANTED},
    State.SPENDING: {**_REFUSED, **_GRANTED},
    State.INVOICING: {SaveToken: State.SAVING, Respond: State.DONE},
    State.SAVING: {Respond: State.DONE},
    State.DONE: {},
}
"""State -> step taken -> next state. A refused candidate leads to the next one, or to a fresh challenge."""


@dataclass(frozen=True)
class ServerConfig:
    """How a server sells, whatever it sells."""

    invoice_expiry_s: int = 600
    """How long an invoice can be paid."""
    check_settlement: bool = False
    """Also ask the wallet whether the invoice was paid; the preimage proves it unless it leaked elsewhere."""
    malformed_status: int = 402
    """402 answers unreadable credentials with a fresh challenge; 400 refuses them without making an invoice."""
    location: str = "lsat"
    """The macaroon's hint of its origin; deployed clients expect this word."""
    payment_secret: bytes | None = field(default=None, repr=False)
    """At least 16 random bytes: also sell by the scheme ``Payment`` (intent ``charge``, single use); None does not."""
    realm: str = "l402"
    """The server's name in that scheme."""

    def __post_init__(self) -> None:
        if self.payment_secret is not None and len(self.payment_secret) < 16:
            raise InputError("payment_secret has fewer than 16 bytes and could be guessed; use secrets.token_bytes(32)")
        if not self.realm.isascii() or not self.realm.isprintable() or set(self.realm) & set('"\\|'):
            raise InputError(f"the realm {self.realm!r} cannot stand in a header; use plain ASCII without quotes and |")
        if self.invoice_expiry_s <= 0 or self.malformed_status not in (400, 402):
            raise InputError("invoice_expiry_s must be positive and malformed_status either 402 or 400")


class Candidate(NamedTuple):
    """One macaroon of one credential whose preimage fits its identifier."""

    token: Macaroon
    identifier: Identifier
    key: str
    payment: payment_scheme.Shown | None = None
    """Set for a credential of the scheme ``Payment``."""


class ServerFlow:
    """Decides about one request for ``offer``. ``entropy(n)`` gives n random bytes, e.g. ``secrets.token_bytes``."""

    def __init__(self, offer: Offer, entropy: Callable[[int], bytes], config: ServerConfig | None = None) -> None:
        self.state = State.START
        self.offer = offer
        self.config = config or ServerConfig()
        self.refusal = _NOTHING_SHOWN
        """Why the request is not let through, as far as known; the last candidate's reason."""
        self._entropy = entropy
        self._now_s = 0.0
        self._entries: Iterator[Candidate | Refusal] = iter(())
        self._candidate: Candidate | None = None
        self._record: TokenRecord | None = None
        self._response: Respond | None = None
        self._showed_payment = False

    def receive(self, event: Event) -> Step:
        """Take the next event; gives the next effect, or the decision. Raises :class:`InvariantError` out of turn."""
        if not isinstance(event, ACCEPTS[self.state]):
            raise InvariantError(f"a server flow in state {self.state.name} cannot take {type(event).__name__}")
        step = self._react(event)
        self.state = TRANSITIONS[self.state][type(step)]
        return step

    def _react(self, event: Event) -> Step:
        match event:
            case Request():
                return self._start(event)
            case Token(record):
                return self._check(record)
            case Settlement(settled):
                return (
                    self._spend() if settled else self._refuse("not_settled", "the invoice of this token is not paid")
                )
            case Spent(units_left):
                return self._check_spent(units_left)
            case Issued():
                return self._mint(event)
            case Denied():
                return _deny(event)
            case Saved():
                return self._challenge()

    def _start(self, request: Request) -> Step:
        self._now_s = request.now_s
        entries = read_candidates(tuple(request.authorization), tuple(request.macaroons))
        if self.config.payment_secret is not None:
            shown = payment_scheme.read_credentials(
                request.authorization, self.config.payment_secret, self.config.realm
            )
            payments = tuple(_read_payment(payment, self._now_s) for payment in shown)
            self._showed_payment = bool(payments)
            entries += payments
        if self.config.malformed_status != 402 and entries and all(_is_malformed(entry) for entry in entries):
            return _error(self.config.malformed_status, "malformed_credential", str(entries[0][1]))
        self._entries = iter(entries)
        return self._next_candidate()

    def _next_candidate(self) -> Step:
        for entry in self._entries:
            if isinstance(entry, Candidate):
                self._candidate = entry
                return FindToken(entry.key)
            self.refusal = entry
        offer = self.offer
        return IssueInvoice(offer.price_msat, offer.description or offer.service, self.config.invoice_expiry_s)

    def _refuse(self, code: str, message: str) -> Step:
        self.refusal = Refusal(code, message)
        return self._next_candidate()

    def _check(self, record: TokenRecord | None) -> Step:
        candidate = self._present_candidate()
        if record is None:
            return self._refuse("unknown_token", "the token was not issued here, or was revoked or has expired")
        if not _verify(candidate.token, record.root_key):
            return self._refuse("bad_signature", "the token was altered")
        if record.expires_s is not None and self._now_s >= record.expires_s:
            return self._refuse("token_expired", "the token has expired")
        refusal = self.offer.requirement.check(candidate.token.caveats, Context(self._now_s, self.offer.facts))
        if refusal:
            return self._refuse(*refusal)
        if self.offer.at_current_price and record.price_msat < self.offer.price_msat:
            return self._refuse("price_rose", "the token was bought for less than this request costs")
        self._record = record
        if self.config.check_settlement:
            return CheckSettled(candidate.identifier.payment_hash)
        return self._spend()

    def _spend(self) -> Step:
        if self._present_candidate().payment is not None:
            return Exhaust(self._present_candidate().key, self.offer.cost)
        if self._record is not None and self._record.units is not None:
            return Spend(self._present_candidate().key, self.offer.cost)
        return self._allow(None)

    def _check_spent(self, units_left: int | None) -> Step:
        if units_left is None:
            return self._refuse("used_up", "the token has too few uses left")
        return self._allow(None if self._present_candidate().payment else units_left)

    def _allow(self, units_left: int | None) -> Step:
        candidate, record = self._present_candidate(), self._record
        if record is None:
            raise InvariantError("a server flow allowed a request without a token's record")
        added = () if candidate.payment is None else (payment_scheme.receipt_header(candidate.payment, self._now_s),)
        return Allow(
            Claims(
                key=candidate.key,
                token_id=candidate.identifier.token_id.hex(),
                payment_hash=candidate.identifier.payment_hash.hex(),
                service=record.service,
                price_msat=record.price_msat,
                units_left=units_left,
                expires_s=record.expires_s,
                first_use=not record.used,
                conditions=tuple(caveat.condition.decode() for caveat in candidate.token.caveats),
            ),
            added,
            self._basis(candidate, record),
        )

    def _basis(self, candidate: Candidate, record: TokenRecord) -> Basis | None:
        """What this decision rests on; None if it took anything, asked the wallet, or hangs on more than the token."""
        once = record.units is not None or candidate.payment is not None or not record.used
        if once or self.config.check_settlement or self.offer.at_current_price or self.refusal is not _NOTHING_SHOWN:
            return None
        until_s = self.offer.requirement.passes_until(candidate.token.caveats)
        if until_s is None:
            return None
        return Basis(record, until_s if record.expires_s is None else min(until_s, record.expires_s))

    def _present_candidate(self) -> Candidate:
        if self._candidate is None:
            raise InvariantError("a server flow has no candidate to decide about")
        return self._candidate

    def _mint(self, issued: Issued) -> Step:
        """A fresh token for a fresh invoice; the response waits until its record is stored."""
        offer, now_s = self.offer, self._now_s
        identifier = Identifier(issued.payment_hash, self._entropy(32)).encode()
        record = TokenRecord(
            root_key=self._entropy(macaroon.ROOT_KEY_BYTES),
            service=offer.service,
            price_msat=offer.price_msat,
            created_s=now_s,
            expires_s=None if offer.valid_for_s is None else now_s + offer.valid_for_s,
            units=offer.units,
        )
        token = macaroon.mint(record.root_key, identifier, offer.conditions(now_s), self.config.location).to_text()
        body = {
            "error": "payment_required",
            "reason": self.refusal.code,
            "message": self.refusal.message,
            "macaroon": token,
            "invoice": issued.invoice,
            "payment_hash": issued.payment_hash.hex(),
            "amount_msat": offer.price_msat,
            "price_sats": -(-offer.price_msat // MSAT_PER_SAT),
            "service": offer.service,
            "units": offer.units,
            "expires_at": None if record.expires_s is None else int(record.expires_s),
        }
        lines = headers.challenge_headers(token, issued.invoice)
        charge = self._charge(token, issued)
        if charge is not None:
            lines.append(charge)
        if self._showed_payment:
            body |= payment_scheme.problem(self.refusal.code, self.refusal.message)
        self._response = _respond(402, lines, body, self.refusal.code)
        return SaveToken(token_key(identifier), record)

    def _charge(self, token: str, issued: Issued) -> tuple[str, str] | None:
        """The same invoice as a ``Payment`` challenge; none for bundles, of which one request would take all."""
        offer, secret = self.offer, self.config.payment_secret
        bundle = offer.units is not None and offer.units > offer.cost
        if secret is None or bundle or not payment_scheme.can_charge(offer.price_msat):
            return None
        until_s = self._now_s + self.config.invoice_expiry_s
        text = offer.description or offer.service
        amount_msat = offer.price_msat
        charge = payment_scheme.Charge(token, issued.invoice, issued.payment_hash, amount_msat, text, until_s)
        return payment_scheme.challenge_header(secret, self.config.realm, charge)

    def _challenge(self) -> Step:
        if self._response is None:
            raise InvariantError("a server flow has no challenge to give")
        return self._response


def read_candidates(authorization: tuple[str, ...], macaroons: tuple[str, ...]) -> tuple[Candidate | Refusal, ...]:
    """What a request shows: macaroons worth a look-up, and why others are not. Pure, so repetitions are cached."""
    short = sum(map(len, authorization + macaroons)) <= CACHED_LENGTH
    return _read_cached(authorization, macaroons) if short else _read(authorization, macaroons)


def _read(authorization: tuple[str, ...], macaroons: tuple[str, ...]) -> tuple[Candidate | Refusal, ...]:
    presented = headers.read_credentials(authorization, macaroons)
    return tuple(entry for credential in presented for entry in _read_credential(credential))


_read_cached = lru_cache(CACHED_CREDENTIALS)(_read)


def _read_credential(credential: Credential | Malformed) -> Iterator[Candidate | Refusal]:
    if isinstance(credential, Malformed):
        yield Refusal("malformed_credential", credential.message)
        return
    payment_hash = sha256(credential.preimage).digest()
    for token in credential.macaroons:
        try:
            identifier = Identifier.decode(token.identifier)
        except InputError as error:
            yield Refusal("malformed_credential", str(error))
            continue
        if identifier.payment_hash == payment_hash:
            yield Candidate(token, identifier, token_key(token.identifier))
        else:
            yield Refusal("wrong_preimage", "the preimage does not belong to the token")


def _read_payment(shown: payment_scheme.Shown | Malformed | None, now_s: float) -> Candidate | Refusal:
    if shown is None:
        return Refusal("unknown_challenge", "the Payment credential answers a challenge that was never given here")
    if isinstance(shown, Malformed):
        return Refusal("malformed_credential", shown.message)
    if now_s >= shown.expires_s:
        return Refusal("challenge_expired", "the challenge of the Payment credential has expired")
    (entry,) = _read_credential(Credential((shown.token,), shown.preimage))
    return entry._replace(payment=shown) if isinstance(entry, Candidate) else entry


def _is_malformed(entry: Candidate | Refusal) -> bool:
    return isinstance(entry, Refusal) and entry.code == "malformed_credential"


@lru_cache(CACHED_CREDENTIALS)
def _verify(token: Macaroon, root_key: bytes) -> bool:
    """Whether the HMAC chain holds; pure as well."""
    return macaroon.verify(token, macaroon.signing_key(root_key))


def token_key(identifier: bytes) -> str:
    """The name under which a token is stored: hexadecimal SHA-256 of its identifier, as in Aperture."""
    return sha256(identifier).hexdigest()


def _deny(denied: Denied) -> Respond:
    response = _error(denied.status, "no_invoice", denied.message)
    response.headers.append(("Retry-After", str(denied.retry_after_s)))
    return response


def _error(status: int, code: str, message: str) -> Respond:
    return _respond(status, [], {"error": code, "reason": code, "message": message}, code)


def _respond(status: int, lines: list[tuple[str, str]], body: dict[str, object], reason: str) -> Respond:
    kind = "application/problem+json" if "title" in body else "application/json"
    fixed = [("Content-Type", kind), ("Cache-Control", "no-store")]
    return Respond(status, [*lines, *fixed], json.dumps(body).encode(), reason)
