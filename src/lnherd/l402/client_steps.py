"""What passes between a client flow and its shell: events go in, effects and decisions come out."""

from collections.abc import Sequence
from typing import NamedTuple

from lnherd.l402.headers import Challenge


class Origin(NamedTuple):
    """Scheme, host and port: what a credential may be shown to, and nobody else."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


# --- events: what the shell tells the flow ---


class Begin(NamedTuple):
    """A request is wanted; ``stored`` is the ``Authorization`` of a token bought earlier, if any."""

    origin: Origin
    stored: str | None = None


class Answer(NamedTuple):
    """A response arrived (after redirects, if those were followed)."""

    now_s: float
    origin: Origin
    """Whom it came from."""
    status: int
    challenges: Sequence[str] = ()
    """Values of ``WWW-Authenticate``, every line of them."""
    body: bytes = b""
    """Beginning of the body of a 402; may state the price."""


class Forgotten(NamedTuple):
    """Answer to :class:`Forget`."""


class Granted(NamedTuple):
    """Answer to :class:`Reserve`: the money is set aside and the payment journalled; go ahead."""


class Shared(NamedTuple):
    """Answer to :class:`Reserve`: somebody else has just bought the same thing; use theirs."""

    authorization: str


class Withheld(NamedTuple):
    """Answer to :class:`Reserve`: no, for instance because a budget is used up."""

    code: str
    message: str


class Paid(NamedTuple):
    """Answer to :class:`Pay`."""

    preimage: bytes
    fee_msat: int = 0


class PaymentFailed(NamedTuple):
    """Answer to :class:`Pay` when the money did not move, or may still be on its way (``pending``)."""

    message: str
    pending: bool = False


class Kept(NamedTuple):
    """Answer to :class:`Keep`: the token is stored durably."""


Event = Begin | Answer | Forgotten | Granted | Shared | Withheld | Paid | PaymentFailed | Kept

# --- effects: what the flow asks of the shell ---


class Send(NamedTuple):
    """Send the request, with this ``Authorization`` and to the original URL only."""

    authorization: str | None


class Forget(NamedTuple):
    """Remove a stored token that the server no longer honours."""

    authorization: str


class Reserve(NamedTuple):
    """Set aside ``amount_msat + max_fee_msat`` of the budgets of ``origin`` and journal the payment to come.

    With ``shareable`` the shell may wait for a payment for the same thing that is under way and answer
    :class:`Shared`.
    """

    origin: Origin
    amount_msat: int
    max_fee_msat: int
    payment_hash: bytes
    challenge: Challenge
    shareable: bool


class Pay(NamedTuple):
    """Pay ``invoice``, spending at most ``max_fee_msat`` on routing."""

    invoice: str
    amount_msat: int
    max_fee_msat: int
    payment_hash: bytes


class Keep(NamedTuple):
    """Store a token that was paid for; ``authorization`` is what shows it."""

    origin: Origin
    authorization: str
    payment_hash: bytes
    fee_msat: int


# --- decisions: how it ends ---


class Deliver(NamedTuple):
    """Hand the last response to the caller."""


class Refuse(NamedTuple):
    """Do not pay (or not again): a word for programs, a sentence for people."""

    code: str
    message: str


Step = Send | Forget | Reserve | Pay | Keep | Deliver | Refuse
