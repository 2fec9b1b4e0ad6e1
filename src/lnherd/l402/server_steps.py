"""What passes between a server flow and its shell: events go in, effects and decisions come out."""

from collections.abc import Sequence
from typing import NamedTuple

from lnherd.l402.offers import Claims, TokenRecord

# --- events: what the shell tells the flow ---


class Request(NamedTuple):
    """A request for the flow's offer; header values as they came, every line of them."""

    now_s: float
    authorization: Sequence[str] = ()
    macaroons: Sequence[str] = ()
    """Values of ``Macaroon`` and ``Grpc-Metadata-Macaroon``."""


class Token(NamedTuple):
    """Answer to :class:`FindToken`; None for a token that never was, has been revoked or has expired."""

    record: TokenRecord | None


class Settlement(NamedTuple):
    """Answer to :class:`CheckSettled`."""

    settled: bool


class Spent(NamedTuple):
    """Answer to :class:`Spend` and :class:`Exhaust`; ``units_left`` is None when there were too few."""

    units_left: int | None


class Issued(NamedTuple):
    """Answer to :class:`IssueInvoice`: a BOLT 11 invoice and its hash (32 bytes)."""

    invoice: str
    payment_hash: bytes


class Denied(NamedTuple):
    """Answer to :class:`IssueInvoice` when there is none: too many asked for (429) or no wallet (503)."""

    status: int
    message: str
    retry_after_s: int = 1


class Saved(NamedTuple):
    """Answer to :class:`SaveToken`: it is stored durably."""


Event = Request | Token | Settlement | Spent | Issued | Denied | Saved

# --- effects: what the flow asks of the shell ---


class FindToken(NamedTuple):
    """Look up the record of token ``key`` (hexadecimal SHA-256 of its identifier)."""

    key: str


class CheckSettled(NamedTuple):
    """Ask the wallet whether its invoice ``payment_hash`` (32 bytes) was paid."""

    payment_hash: bytes


class Spend(NamedTuple):
    """Take ``units`` from token ``key``, atomically, or nothing when it has fewer."""

    key: str
    units: int


class Exhaust(NamedTuple):
    """Take all that is left of token ``key``, atomically, or nothing when that is less than ``units``."""

    key: str
    units: int


class IssueInvoice(NamedTuple):
    """Have the wallet make an invoice."""

    amount_msat: int
    memo: str
    expiry_s: int


class SaveToken(NamedTuple):
    """Store the record of a token before anyone can pay for it."""

    key: str
    record: TokenRecord


# --- decisions: how it ends ---


class Basis(NamedTuple):
    """What can change a decision: it stays the same while the store gives ``record``, before ``until_s``."""

    record: TokenRecord
    until_s: float


class Allow(NamedTuple):
    """Let the request through."""

    claims: Claims
    headers: tuple[tuple[str, str], ...] = ()
    """Lines to add to the application's response."""
    basis: Basis | None = None
    """When the same headers and offer would be allowed again; None: nobody can say without asking a flow."""


class Respond(NamedTuple):
    """Answer instead of the application."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    reason: str
    """One word for logs and metrics."""


Step = FindToken | CheckSettled | Spend | Exhaust | IssueInvoice | SaveToken | Allow | Respond
