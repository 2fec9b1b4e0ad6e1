"""How much is paid: distributions of payment amounts in msat."""

from dataclasses import dataclass

import numpy as np

from lnherd.errors import InputError
from lnherd.network.records import Ints
from lnherd.units import MSAT_PER_SAT

MAX_VALUES = 1_000
"""Amounts that an empirical distribution keeps."""


@dataclass(frozen=True)
class LogNormal:
    """Log-normal amounts in whole satoshi, redrawn until they lie within the limits (truncated)."""

    median_sat: float
    """Median before truncation."""
    sigma: float
    """Standard deviation of the natural logarithm."""
    min_sat: int = 1
    """Smallest amount."""
    max_sat: int = 1_000
    """Largest amount."""

    def __post_init__(self) -> None:
        if not 0 < self.min_sat <= self.median_sat <= self.max_sat:
            raise InputError(
                f"amounts: need 0 < min <= median <= max, found {self.min_sat}, {self.median_sat}, {self.max_sat} sat"
            )

    def sample(self, n: int, rng: np.random.Generator) -> Ints:
        """Draw ``[n]`` amounts in msat."""
        amounts = self._draw(n, rng)
        outside = np.flatnonzero((amounts < self.min_sat) | (amounts > self.max_sat))
        while len(outside):
            amounts[outside] = self._draw(len(outside), rng)
            kept = (amounts[outside] < self.min_sat) | (amounts[outside] > self.max_sat)
            outside = outside[kept]
        return amounts * MSAT_PER_SAT

    def _draw(self, n: int, rng: np.random.Generator) -> Ints:
        logs = rng.normal(np.log(self.median_sat), self.sigma, n)
        rounded: Ints = np.rint(np.exp(np.minimum(logs, 40.0))).astype(np.int64)
        return rounded


@dataclass(frozen=True)
class FixedAmount:
    """Every payment is of the same size."""

    amount_msat: int
    """The size."""

    def __post_init__(self) -> None:
        if self.amount_msat < 1:
            raise InputError(f"amounts: {self.amount_msat} msat is not positive; give at least 1 msat")

    def sample(self, n: int, rng: np.random.Generator) -> Ints:
        """``[n]`` equal amounts in msat; draws nothing from ``rng``."""
        return np.full(n, self.amount_msat, dtype=np.int64)


@dataclass(frozen=True)
class Empirical:
    """Amounts seen elsewhere, drawn again with equal chance."""

    amounts_msat: tuple[int, ...]
    """What was seen, ascending; or as many quantiles of it."""

    def __post_init__(self) -> None:
        if not self.amounts_msat or min(self.amounts_msat) < 1:
            raise InputError("amounts: an empirical distribution needs at least one amount, all of 1 msat or more")

    @classmethod
    def of(cls, seen_msat: Ints) -> "Empirical":
        """The distribution of ``seen_msat [n]``, thinned to its quantiles where there are many."""
        ordered = np.sort(seen_msat)
        if len(ordered) > MAX_VALUES:
            ordered = ordered[((np.arange(MAX_VALUES) + 0.5) * len(ordered) / MAX_VALUES).astype(np.int64)]
        return cls(tuple(ordered.tolist()))

    def sample(self, n: int, rng: np.random.Generator) -> Ints:
        """Draw ``[n]`` amounts in msat."""
        drawn: Ints = rng.choice(np.array(self.amounts_msat, dtype=np.int64), n)
        return drawn


Amounts = LogNormal | FixedAmount | Empirical
