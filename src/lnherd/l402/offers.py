"""What is for sale, and what a token stands for once it is sold."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from lnherd.errors import InputError
from lnherd.l402.caveats import Requirement, Rule, capabilities_caveat, services_caveat, valid_until_caveat


@dataclass(frozen=True)
class Offer:
    """What one request costs and what paying for it buys. Raises :class:`InputError` when it makes no sense.

    A token bought under one offer opens every route of the same ``service`` whose ``tier`` and
    ``capability`` it covers, so routes of different value belong to different services or tiers.
    """

    price_msat: int
    """Amount of the invoice."""
    service: str
    """The name under which tokens are bought and accepted."""
    tier: int = 0
    """Tier the token gets and the route demands, 0-255."""
    capability: str | None = None
    """What this route does; a token limited to other capabilities does not open it."""
    grants: tuple[str, ...] = ()
    """Capabilities the token gets; empty means all."""
    valid_for_s: int | None = None
    """Seconds from the challenge until the token expires; None means it does not."""
    units: int | None = None
    """How much the token can be used: 1 is single use, N a bundle, None without limit."""
    cost: int = 1
    """Units this request takes from such a token; what it did not need can be given back afterwards."""
    at_current_price: bool = False
    """Accept only tokens that cost at least ``price_msat``; for prices that differ from request to request."""
    description: str = ""
    """What the invoice says it is for; the service's name where empty."""
    rules: dict[str, Rule] = field(default_factory=dict)
    """Further caveats that are enforced on this route."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What those rules may ask about the request."""

    def __post_init__(self) -> None:
        if self.price_msat <= 0:
            raise InputError(f"the price of {self.service!r} is {self.price_msat} msat; a paid route costs at least 1")
        if self.units is not None and not 0 < self.cost <= self.units:
            raise InputError(f"one request to {self.service!r} costs {self.cost} of {self.units} units; it must fit")
        _ = self.requirement

    @cached_property
    def requirement(self) -> Requirement:
        """What a token must allow to open the route."""
        return Requirement(self.service, self.tier, self.capability, self.rules)

    def conditions(self, now_s: float) -> tuple[str, ...]:
        """The caveats of a token minted at ``now_s``."""
        caveats = [services_caveat({self.service: self.tier})]
        if self.grants:
            caveats.append(capabilities_caveat(self.service, self.grants))
        if self.valid_for_s is not None:
            caveats.append(valid_until_caveat(self.service, int(now_s) + self.valid_for_s))
        return tuple(caveats)


class TokenRecord(NamedTuple):
    """What the server remembers of a token; without it the token is void."""

    root_key: bytes
    """32 random bytes of this token alone."""
    service: str
    price_msat: int
    created_s: float
    expires_s: float | None = None
    units: int | None = None
    """Units left; None without limit."""
    used: bool = False
    """Whether it was ever shown with its preimage: from then on it is known to be paid for."""


class Claims(NamedTuple):
    """What an authorised request may rely on: all of it was under the HMAC or in the server's own store."""

    key: str
    """The token's name in the store: hexadecimal SHA-256 of its identifier."""
    token_id: str
    payment_hash: str
    service: str
    price_msat: int
    units_left: int | None
    expires_s: float | None
    first_use: bool
    """Whether the token was never shown before: a sale has just been proved."""
    conditions: tuple[str, ...]
