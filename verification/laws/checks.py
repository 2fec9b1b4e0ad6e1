"""What a law is held to: a test whose p-value is asked twice, at the truth and at a wrong parameter.

A test that could not fail would prove nothing, so every check also computes its p-value for a law whose parameter
is off by a stated error, on the same simulated data; there it must reject.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]
MIN_EXPECTED = 8.0
"""Cells of a chi-squared test are merged until they hold this many."""


@dataclass(frozen=True)
class Check:
    """One law, one figure, one test."""

    law: str
    """What is claimed."""
    n: int
    """Observations."""
    measured: float
    """The figure in the simulation."""
    expected: float
    """The figure by the closed form."""
    p_at: Callable[[float], float]
    """p-value of the law with its parameter multiplied by the argument."""
    test: str
    """Which test."""
    wrong: float = 1.1
    """The wrong parameter, over the right one, at which the test must reject."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One quantile-quantile plot: what theory says against what was measured."""

    title: str
    theory: Floats
    measured: Floats
    unit: str


@dataclass(frozen=True, eq=False)
class Findings:
    """What one family of laws found."""

    name: str
    """Of the picture."""
    checks: tuple[Check, ...]
    panels: tuple[Panel, ...]


def two_sided(z: float) -> float:
    """p-value of a standard normal statistic."""
    return float(2.0 * stats.norm.sf(abs(z)))


def mean_check(law: str, values: ArrayLike, expected: float, variance: float | None = None) -> Check:
    """Mean of independent values; z-test with the known ``variance``, else with the measured one."""
    sample = np.asarray(values, dtype=float)
    error = float(np.sqrt((sample.var(ddof=1) if variance is None else variance) / len(sample)))
    mean = float(sample.mean())
    return Check(law, len(sample), mean, expected, lambda skew: two_sided((mean - skew * expected) / error), "z")


def variance_check(law: str, values: ArrayLike, expected: float, scale: float = 1.0) -> Check:
    """Variance over ``scale`` of independent values, whatever their distribution (fourth moment measured)."""
    sample = np.asarray(values, dtype=float)
    centred = sample - sample.mean()
    variance = float(sample.var(ddof=1))
    error = float(np.sqrt(((centred**4).mean() - variance**2) / len(sample))) / scale
    ratio = variance / scale
    return Check(law, len(sample), ratio, expected, lambda skew: two_sided((ratio - skew * expected) / error), "z")


def share_check(law: str, successes: int, n: int, expected: float, wrong: float = 1.1) -> Check:
    """A share of independent trials, by the exact binomial test."""
    return Check(
        law,
        n,
        successes / n,
        expected,
        lambda skew: float(stats.binomtest(successes, n, min(1.0, skew * expected)).pvalue),
        "binomial",
        wrong,
    )


def chi_squared(observed: ArrayLike, probabilities: ArrayLike) -> float:
    """p-value of counts per value 0, 1, 2, ... against probabilities; what lies beyond them is one more value."""
    counts, chances = np.asarray(observed, dtype=float), np.asarray(probabilities, dtype=float)
    wanted = np.append(chances, max(0.0, 1.0 - chances.sum())) * counts.sum()
    seen = np.append(counts[: len(chances)], counts[len(chances) :].sum())
    cell, filled = np.zeros(len(wanted), dtype=int), 0.0
    for value in range(len(wanted)):
        is_full = filled >= MIN_EXPECTED and wanted[value:].sum() >= MIN_EXPECTED
        cell[value] = cell[value - 1] + is_full if value else 0
        filled = wanted[value] + (0.0 if is_full else filled)
    seen, wanted = np.bincount(cell, weights=seen), np.bincount(cell, weights=wanted)
    return float(stats.chi2.sf(((seen - wanted) ** 2 / wanted).sum(), len(wanted) - 1))


def histogram(values: ArrayLike, length: int) -> NDArray[np.int64]:
    """Counts of 0, 1, ..., at least ``length`` of them."""
    return np.bincount(np.asarray(values), minlength=length)


def against(title: str, values: ArrayLike, quantile: Callable[[Floats], ArrayLike], unit: str) -> Panel:
    """A Q-Q plot of ``values`` against a distribution's quantile function."""
    measured = np.sort(np.asarray(values, dtype=float))
    levels = (np.arange(len(measured)) + 0.5) / len(measured)
    return Panel(title, np.asarray(quantile(levels), dtype=float), measured, unit)


def quantile_of(probabilities: ArrayLike, first: int = 0) -> Callable[[Floats], Floats]:
    """Quantile function of a distribution on ``first``, ``first + 1``, ..."""
    cumulative = np.cumsum(np.asarray(probabilities, dtype=float))
    return lambda levels: first + np.searchsorted(cumulative, levels).astype(float)
