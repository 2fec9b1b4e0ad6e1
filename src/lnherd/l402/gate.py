"""The part of a paid server that ASGI and WSGI share: prices, flows, and the effects that flows ask for.

:meth:`Gate.perform` is synchronous. The effects in :data:`SLOW` may wait for a wallet or a disk, so an
asynchronous shell runs those in a worker thread and all others at once.
"""

import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from lnherd.l402.limits import Buckets, client_network
from lnherd.l402.offers import Claims, Offer
from lnherd.l402.pricing import Ask, Pricing
from lnherd.l402.server_flow import CACHED_CREDENTIALS, CACHED_LENGTH, ServerConfig, ServerFlow
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
from lnherd.l402.stores import TokenStore
from lnherd.l402.wallet import Wallet, WalletError

SLOW: Final = (IssueInvoice, CheckSettled, SaveToken)
"""Effects that may take longer than an event loop should wait."""
PRUNE_EVERY_S: Final = 600.0
_ALLOWED: Final = "allowed"
_SOLD: Final = "sold"


class AuditEvent(NamedTuple):
    """One decision about one request to a paid route."""

    now_s: float
    outcome: str
    """``sold`` (a token's first use), ``allowed``, ``free``, or the reason of the refusal."""
    method: str
    path: str
    client: str
    service: str
    price_msat: int
    status: int
    token: str
    """The token's key in the store; empty without one."""


class Meter:
    """What a request really used of the units that were taken for it; applications call :meth:`use`."""

    def __init__(self, reserved: int) -> None:
        self.reserved = reserved
        self.used: int | None = None
        """None: nobody said, so all that was reserved."""

    def use(self, units: int) -> None:
        """State the units used in total; the rest is given back after the response."""
        self.used = units


class Verdict(NamedTuple):
    """A remembered decision; holding the offer keeps its identity from being given to another."""

    offer: Offer
    allow: Allow
    basis: Basis


class Gate:
    """Decides about requests with a wallet, a token store and a price list; safe to use from several threads."""

    def __init__(
        self,
        pricing: Pricing,
        wallet: Wallet,
        tokens: TokenStore,
        *,
        config: ServerConfig,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        invoices: Buckets | None = None,
        free: Buckets | None = None,
        audit: Callable[[AuditEvent], None] | None = None,
    ) -> None:
        self.pricing = pricing
        self.wallet = wallet
        self.tokens = tokens
        self.config = config
        self.clock = clock
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """(service, outcome) -> requests."""
        self.earned_msat: Counter[str] = Counter()
        """Service -> price of all tokens whose payment was proved."""
        self.entropy = entropy
        self._invoices = invoices
        self._free = free
        self._audit = audit
        self._verdicts: dict[tuple[str, int], Verdict] = {}
        self._prune_at_s = 0.0
        self._lock = threading.Lock()

    def offer(self, ask: Ask) -> Offer | None:
        """What a request costs; None lets it through."""
        return self.pricing.offer(ask)

    def is_free(self, offer: Offer, ask: Ask, client: str, authorization: Sequence[str]) -> bool:
        """Whether the client's free requests cover this one (those who show something are not asked to use them)."""
        if self._free is None or authorization:
            return False
        with self._lock:
            granted = self._free.take(client, self.clock()) == 0.0
        if granted:
            self._note(offer, ask, client, "free", 200, "")
        return granted

    def recall(self, offer: Offer, authorization: Sequence[str], macaroons: Sequence[str]) -> Allow | None:
        """What a flow decided about the same credential and offer, if that still stands; None: ask a flow.

        The token's record is read and compared each time, so that revocation, retirement and expiry count at
        once, whichever process caused them.
        """
        if macaroons or len(authorization) != 1:
            return None
        verdict = self._verdicts.get((authorization[0], id(offer)))
        if verdict is None:
            return None
        now_s, basis, allow = self.clock(), verdict.basis, verdict.allow
        stands = now_s < basis.until_s and self.tokens.find(allow.claims.key, now_s) == basis.record
        return allow if stands else None

    def remember(self, step: Step, offer: Offer, authorization: Sequence[str], macaroons: Sequence[str]) -> None:
        """Keep a decision for :meth:`recall` if it says what it rests on; the oldest makes room."""
        if not isinstance(step, Allow) or step.basis is None or macaroons or len(authorization) != 1:
            return
        if len(authorization[0]) <= CACHED_LENGTH:
            with self._lock:
                if len(self._verdicts) >= CACHED_CREDENTIALS:
                    del self._verdicts[next(iter(self._verdicts))]
                self._verdicts[authorization[0], id(offer)] = Verdict(offer, step, step.basis)

    def begin(self, offer: Offer, authorization: Sequence[str], macaroons: Sequence[str]) -> tuple[ServerFlow, Step]:
        """A flow for one request, and its first step."""
        flow = ServerFlow(offer, self.entropy, self.config)
        return flow, flow.receive(Request(self.clock(), authorization, macaroons))

    def perform(self, step: Step, client: str) -> Event:
        """Do what a flow asks for and give the event to answer it with."""
        match step:
            case FindToken(key):
                return Token(self.tokens.find(key, self.clock()))
            case Spend(key, units):
                return Spent(self.tokens.spend(key, units))
            case Exhaust(key, units):
                return Spent(0 if self.tokens.exhaust(key, units) else None)
            case SaveToken(key, record):
                self.tokens.save(key, record)
                self._prune()
                return Saved()
            case CheckSettled(payment_hash):
                return Settlement(self._is_settled(payment_hash))
            case IssueInvoice():
                return self._issue(step, client)
            case _:
                raise TypeError(f"{type(step).__name__} is a decision, not an effect")

    def _prune(self) -> None:
        """Now and then, and only where tokens are made, forget those that can never be used again."""
        now_s = self.clock()
        with self._lock:
            if now_s < self._prune_at_s:
                return
            self._prune_at_s = now_s + PRUNE_EVERY_S
        self.tokens.prune(now_s)

    def _is_settled(self, payment_hash: bytes) -> bool:
        try:
            return self.wallet.is_settled(payment_hash)
        except (WalletError, OSError):
            return False

    def _issue(self, step: IssueInvoice, client: str) -> Issued | Denied:
        if self._invoices is not None:
            with self._lock:
                wait_s = self._invoices.take(client, self.clock())
            if wait_s:
                return Denied(429, "too many unpaid invoices from your network; pay one or wait", math.ceil(wait_s))
        try:
            return Issued(*self.wallet.create_invoice(step.amount_msat, step.memo, step.expiry_s))
        except (WalletError, OSError):
            return Denied(503, "the server cannot make an invoice at the moment; try again later", 5)

    def conclude(self, decision: Allow | Respond, offer: Offer, ask: Ask, client: str) -> Meter | None:
        """Note a decision; gives the meter of an allowed request whose token is counted."""
        if isinstance(decision, Respond):
            self._note(offer, ask, client, decision.reason, decision.status, "")
            return None
        claims = decision.claims
        if claims.first_use:
            self.tokens.mark_used(claims.key, self.clock())
        self._note(offer, ask, client, _SOLD if claims.first_use else _ALLOWED, 200, claims.key)
        if claims.first_use:
            with self._lock:
                self.earned_msat[claims.service] += claims.price_msat
        return None if claims.units_left is None else Meter(offer.cost)

    def settle(self, claims: Claims, meter: Meter, *, failed: bool) -> None:
        """After the response: give back what was not used, all of it when the application ``failed``."""
        used = 0 if failed else meter.reserved if meter.used is None else max(0, meter.used)
        if used < meter.reserved:
            self.tokens.refund(claims.key, meter.reserved - used)
        elif used > meter.reserved:
            self.tokens.spend(claims.key, used - meter.reserved)

    def _note(self, offer: Offer, ask: Ask, client: str, outcome: str, status: int, token: str) -> None:
        with self._lock:
            self.outcomes[offer.service, outcome] += 1
        if self._audit is not None:
            self._audit(
                AuditEvent(
                    self.clock(), outcome, ask.method, ask.path, client, offer.service, offer.price_msat, status, token
                )
            )


def client_key(address: str | None) -> str:
    """Under which name a peer's limits are counted."""
    return client_network(address)


def metrics_text(gate: Gate) -> str:
    """The gate's counters in Prometheus' text format."""
    lines = ["# HELP lnherd_l402_requests_total Requests to paid routes.", "# TYPE lnherd_l402_requests_total counter"]
    lines += [
        f'lnherd_l402_requests_total{{service="{service}",outcome="{outcome}"}} {number}'
        for (service, outcome), number in sorted(gate.outcomes.items())
    ]
    lines += ["# HELP lnherd_l402_earned_msat_total Price of tokens whose payment was proved."]
    lines += ["# TYPE lnherd_l402_earned_msat_total counter"]
    lines += [
        f'lnherd_l402_earned_msat_total{{service="{name}"}} {msat}' for name, msat in sorted(gate.earned_msat.items())
    ]
    return "\n".join(lines) + "\n"
