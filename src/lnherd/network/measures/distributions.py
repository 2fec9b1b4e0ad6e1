"""Numbers that describe a sample, defined also where the sample is too small to have them (NaN)."""

import numpy as np

from lnherd.network.records import Bools, Floats, Indices, Ints

CAPACITY_LEVELS = (1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9)
POLICY_LEVELS = (1, 5, 10, 25, 50, 75, 90, 95, 99)
DEGREE_LEVELS = (50, 75, 90, 95, 99, 99.9)


def percentiles(prefix: str, values: Ints | Floats, levels: tuple[float, ...]) -> dict[str, float]:
    """``{prefix_p50: ..., prefix_p99_9: ...}``; NaN of an empty sample."""
    keys = [f"{prefix}_p{level:g}".replace(".", "_") for level in levels]
    if len(values) == 0:
        return dict.fromkeys(keys, float("nan"))
    return dict(zip(keys, np.percentile(values, levels).tolist(), strict=True))


def share(marked: Bools) -> float:
    """Share of entries that are true; NaN of an empty sample."""
    return float(np.mean(marked)) if len(marked) else float("nan")


def correlation(x: Floats, y: Floats) -> float:
    """Pearson's correlation; NaN where either does not vary."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def gini(values: Ints) -> float:
    """Gini coefficient of non-negative ``values``: 0 all equal, towards 1 one holds all."""
    total = float(values.sum())
    if total == 0:
        return float("nan")
    ascending = np.sort(values).astype(np.float64)
    rank = np.arange(1, len(values) + 1)
    return float(2 * (rank * ascending).sum() / (len(values) * total) - (len(values) + 1) / len(values))


def power_law_exponent(values: Ints, minimum: int) -> float:
    """Exponent of a discrete power law above ``minimum`` (Clauset, Shalizi and Newman 2009, eq. 3.7)."""
    tail = values[values >= minimum]
    if len(tail) == 0:
        return float("nan")
    return float(1 + len(tail) / np.log(tail / (minimum - 0.5)).sum())


def between_group_share(values: Floats, group: Ints | Indices, n_groups: int) -> float:
    """Share of the variance of ``values`` that lies between the means of their groups."""
    if len(values) == 0 or np.ptp(values) == 0:
        return float("nan")
    size = np.bincount(group, minlength=n_groups)
    mean = np.bincount(group, weights=values, minlength=n_groups) / np.maximum(size, 1)
    return float(mean[group].var() / values.var())


def kolmogorov_smirnov(sample: Ints | Floats, reference: Ints | Floats) -> float:
    """Largest gap between the two empirical distribution functions; NaN when either is empty."""
    if len(sample) == 0 or len(reference) == 0:
        return float("nan")
    values = np.union1d(sample, reference)
    below = np.searchsorted(np.sort(sample), values, side="right") / len(sample)
    below_reference = np.searchsorted(np.sort(reference), values, side="right") / len(reference)
    return float(np.abs(below - below_reference).max())
