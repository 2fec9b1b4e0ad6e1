"""Which parameters of a rule may be tuned, and within which ranges: declared beside their published defaults.

    min_ppm: int = tunable(10, low=1, high=1_000, log=True)

A rule is a dataclass; what it declares so is what ``experiments.tuning`` may search.
"""

import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from typing import Any, cast

import numpy as np

from lnherd.agents.policy import Policy
from lnherd.errors import InputError

_KEY = "range"


@dataclass(frozen=True)
class Range:
    """The values that a parameter may take in a search."""

    low: float
    """Smallest."""
    high: float
    """Largest."""
    log: bool = False
    """Whether orders of magnitude are equally likely, not values."""
    whole: bool = False
    """Whether it is an integer."""

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise InputError(f"range {self.low} to {self.high}: must grow, and be positive on a log scale")

    def draw(self, rng: np.random.Generator) -> float:
        """A value at random."""
        return self.at(float(rng.uniform()))

    def at(self, unit: float) -> float:
        """The value at ``unit`` of the way (0 to 1) through the range, on its scale."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        value = low + unit * (high - low)
        value = min(max(math.exp(value) if self.log else value, self.low), self.high)
        return float(round(value)) if self.whole else float(value)

    def unit(self, value: float) -> float:
        """How far through the range ``value`` is: the inverse of :meth:`at`, 0 or 1 beyond the ends."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        return (self._scaled(min(max(value, self.low), self.high)) - low) / (high - low)

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.log else value

    def check(self, name: str, value: float) -> None:
        """Raise InputError unless ``value`` lies in the range."""
        if not self.low <= value <= self.high:
            raise InputError(f"{name} is {value}; its range is {self.low:g} to {self.high:g}")


def tunable(default: float, *, low: float, high: float, log: bool = False) -> Any:
    """A dataclass field with a range; an integer where the default is one."""
    return field(default=default, metadata={_KEY: Range(low, high, log, isinstance(default, int))})


def ranges(policy: Policy) -> dict[str, Range]:
    """Tunable parameters of a rule by name; of a combination as ``rule.parameter``; of anything else none."""
    parts = getattr(policy, "rules", None)
    if parts is not None:
        return {f"{part.name}.{name}": bounds for part in parts for name, bounds in ranges(part).items()}
    declared: tuple[Field[Any], ...] = fields(cast(Any, policy)) if is_dataclass(policy) else ()
    return {each.name: each.metadata[_KEY] for each in declared if _KEY in each.metadata}


def parameters(policy: Policy) -> dict[str, float]:
    """The values of :func:`ranges` that ``policy`` has."""
    parts = getattr(policy, "rules", None)
    if parts is not None:
        return {f"{part.name}.{name}": value for part in parts for name, value in parameters(part).items()}
    return {name: float(getattr(policy, name)) for name in ranges(policy)}


def with_parameters(policy: Policy, values: Mapping[str, float]) -> Policy:
    """The same rule with other values.

    Raises:
        InputError: for a parameter that the rule does not declare, or a value out of its range.
    """
    known = ranges(policy)
    for name, value in values.items():
        if name not in known:
            raise InputError(f"{policy.name}: has no tunable parameter {name!r}; it has {', '.join(known) or 'none'}")
        known[name].check(f"{policy.name}: {name}", value)
    parts = getattr(policy, "rules", None)
    if parts is not None:
        changed = tuple(with_parameters(part, _of_part(part.name, values)) for part in parts)
        return cast(Policy, replace(cast(Any, policy), rules=changed))
    typed = {name: int(value) if known[name].whole else float(value) for name, value in values.items()}
    return cast(Policy, replace(cast(Any, policy), **typed)) if typed else policy


def _of_part(name: str, values: Mapping[str, float]) -> dict[str, float]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
