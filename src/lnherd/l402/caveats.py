"""What the caveats of an L402 token allow: conditions, and the rule that they only ever narrow.

A caveat reads ``condition=value`` (split at the first ``=``, no spaces). The ones L402 knows::

    services=NAME:TIER,NAME:TIER     which services the token opens, each at a tier of 0-255
    NAME_capabilities=A,B            what it may do at a service; absent means everything
    NAME_valid_until=UNIX            until when it opens that service, in seconds

A condition may be repeated, because anyone can add caveats to a token they hold. Each repetition must
be no wider than the one before (a subset, an earlier time); then the last one counts. If widening were
merely ignored, a stolen restricted token would still be fine; it is refused, since nobody honest does it.

Conditions that no rule knows are skipped, as the protocol asks: they are addressed to someone else.
What cannot be a condition (no ``=``) and third-party caveats can be satisfied by nobody, so they refuse.

:class:`Requirement` is what one route demands, prepared once; :meth:`Requirement.check` runs for each request.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from lnherd.errors import InputError
from lnherd.l402.macaroon import Caveat

MAX_TIER: Final = 255
MAX_NUMBER_DIGITS: Final = 18
_DIGITS: Final = frozenset("0123456789")


class Refusal(NamedTuple):
    """Why a token does not open a route: a word for programs and a sentence for people."""

    code: str
    message: str


def services_caveat(services: Mapping[str, int]) -> str:
    """``services=...`` for service names and tiers. Raises :class:`InputError` for a name that would not parse."""
    for name, tier in services.items():
        check_name(name)
        if not 0 <= tier <= MAX_TIER:
            raise InputError(f"tier {tier} of service {name!r} is outside 0-{MAX_TIER}")
    return "services=" + ",".join(f"{name}:{tier}" for name, tier in services.items())


def capabilities_caveat(service: str, capabilities: Iterable[str]) -> str:
    """``SERVICE_capabilities=...``; raises :class:`InputError` for a name that would not parse."""
    listed = list(capabilities)
    for name in (service, *listed):
        check_name(name)
    return f"{service}_capabilities=" + ",".join(listed)


def valid_until_caveat(service: str, unix_s: int) -> str:
    """``SERVICE_valid_until=...``."""
    check_name(service)
    return f"{service}_valid_until={unix_s}"


def check_name(name: str) -> str:
    """``name``, or :class:`InputError` when it could not stand in a caveat."""
    if not name or not name.isascii() or any(char in ",:= " or not char.isprintable() for char in name):
        raise InputError(
            f"the name {name!r} cannot stand in a caveat; use ASCII letters, digits, '-', '_', '/' and '.'"
        )
    return name


def split(condition: bytes) -> tuple[str, str] | None:
    """``(condition, value)`` of a caveat; None for what is not ``condition=value``."""
    try:
        name, separator, value = condition.decode().partition("=")
    except UnicodeDecodeError:
        return None
    return (name, value) if name and separator else None


def parse_services(value: str) -> dict[str, int] | None:
    """Name -> tier; None when malformed."""
    services = {}
    for item in value.split(","):
        name, separator, tier = item.partition(":")
        number = _parse_number(tier, 3)
        if not name or not separator or number is None or number > MAX_TIER:
            return None
        services[name] = number
    return services


def parse_names(value: str) -> frozenset[str]:
    """A comma-separated set; the empty value is the empty set."""
    return frozenset(value.split(",")) if value else frozenset()


def _parse_number(text: str, max_digits: int) -> int | None:
    """Plain ASCII digits only: ``int`` would also take ``+1``, ``1_0`` and other scripts' digits."""
    return int(text) if text and len(text) <= max_digits and _DIGITS.issuperset(text) else None


class Context(NamedTuple):
    """What a request is, as far as caveats care: the time, and facts that custom rules ask for."""

    now_s: float
    facts: Mapping[str, Any] = MappingProxyType({})


class Rule(NamedTuple):
    """How one condition is read, narrowed and tested; all three functions are pure."""

    parse: Callable[[str], Any]
    """The value's text -> its meaning, None when malformed."""
    narrows: Callable[[Any, Any], bool]
    """``(before, after)`` -> whether a repetition is no wider."""
    allows: Callable[[Any, Context], bool]
    """Whether the last value permits the request."""
    refusal: str = "caveat_denies"
    """Code of the refusal when it does not."""
    required: bool = False
    """Whether a token without the condition is refused."""


def at_most(fact: str) -> Rule:
    """A custom rule ``condition=NUMBER``: the request's ``fact`` must not exceed it; an absent fact does."""
    return Rule(
        parse=lambda value: _parse_number(value, MAX_NUMBER_DIGITS),
        narrows=lambda before, after: bool(after <= before),
        allows=lambda value, context: fact in context.facts and bool(context.facts[fact] <= value),
    )


def one_of(fact: str) -> Rule:
    """A custom rule ``condition=A,B``: the request's ``fact`` must be one of the names."""
    return Rule(
        parse=parse_names,
        narrows=lambda before, after: bool(after <= before),
        allows=lambda value, context: context.facts.get(fact) in value,
    )


def _valid_until() -> Rule:
    return Rule(
        parse=lambda value: _parse_number(value, MAX_NUMBER_DIGITS),
        narrows=lambda before, after: bool(after <= before),
        allows=lambda value, context: bool(context.now_s < value),
        refusal="token_expired",
    )


def _services(service: str, tier: int) -> Rule:
    return Rule(
        parse=parse_services,
        narrows=lambda before, after: all(name in before and tier <= before[name] for name, tier in after.items()),
        allows=lambda value, context: bool(value.get(service, -1) >= tier),
        refusal="wrong_service",
        required=True,
    )


def _capabilities(capability: str | None) -> Rule:
    return Rule(
        parse=parse_names,
        narrows=lambda before, after: bool(after <= before),
        allows=lambda value, context: capability is None or capability in value,
        refusal="wrong_capability",
    )


@dataclass(frozen=True)
class Requirement:
    """What a token must allow to open a route; raises :class:`InputError` for impossible names."""

    service: str
    """Name of the service the route belongs to."""
    tier: int = 0
    """Least tier of that service, 0-255."""
    capability: str | None = None
    """What the route does, where tokens may be limited to some capabilities."""
    custom: Mapping[str, Rule] = field(default_factory=dict)
    """Further conditions that this server enforces."""

    def __post_init__(self) -> None:
        check_name(self.service)
        if not 0 <= self.tier <= MAX_TIER:
            raise InputError(f"tier {self.tier} of service {self.service!r} is outside 0-{MAX_TIER}")

    @cached_property
    def rules(self) -> dict[str, Rule]:
        """Condition -> rule, prepared once for all requests."""
        return {
            "services": _services(self.service, self.tier),
            f"{self.service}_valid_until": _valid_until(),
            f"{self.service}_capabilities": _capabilities(self.capability),
            **self.custom,
        }

    def check(self, caveats: Iterable[Caveat], context: Context) -> Refusal | None:
        """None when ``caveats`` allow the request, otherwise why not. Never raises for what a token says."""
        held: dict[str, Any] = {}
        for caveat in caveats:
            pair = split(caveat.condition)
            if pair is None or caveat.verification_id:
                return Refusal("bad_caveat", "the token carries a caveat that nobody here can satisfy")
            refusal = self._hold(held, *pair)
            if refusal:
                return refusal
        return self._decide(held, context)

    def passes_until(self, caveats: Iterable[Caveat]) -> float | None:
        """Until when caveats that :meth:`check` let pass do so; None where custom rules may tell requests apart."""
        if self.custom:
            return None
        prefix = f"{self.service}_valid_until=".encode()
        ends = (int(c.condition[len(prefix) :]) for c in caveats if c.condition.startswith(prefix))
        return min(ends, default=math.inf)

    def _hold(self, held: dict[str, Any], name: str, text: str) -> Refusal | None:
        rule = self.rules.get(name)
        if rule is None:
            return None
        value = rule.parse(text)
        if value is None:
            return Refusal("bad_caveat", f"the token's caveat {name} has a value that cannot be read")
        if name in held and not rule.narrows(held[name], value):
            return Refusal("widened_caveat", f"the token's caveat {name} is repeated with a wider value")
        held[name] = value
        return None

    def _decide(self, held: dict[str, Any], context: Context) -> Refusal | None:
        for name, rule in self.rules.items():
            if name not in held:
                if rule.required:
                    return Refusal(rule.refusal, f"the token lacks the caveat {name}")
            elif not rule.allows(held[name], context):
                return Refusal(rule.refusal, f"the token's caveat {name} does not allow this request")
        return None
