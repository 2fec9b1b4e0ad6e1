"""Statistics of a comparison: interquartile means, bootstrap intervals, paired differences, profiles.

After Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice" (NeurIPS
2021, arXiv 2108.13264). Scores have the shape ``[S, T, E]``: scenarios, trainings, evaluation seeds.
Scenarios are strata. Trainings and evaluation seeds are both drawn by chance and every training is
evaluated on every seed, so both are resampled, each on its own axis (the "pigeonhole" bootstrap of
Owen, Annals of Applied Statistics 1(2), 2007); with one training, or for a rule, this is the ordinary
stratified bootstrap over seeds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lnherd.errors import InputError
from lnherd.network.records import Floats, Ints

RESAMPLES = 10_000
"""Bootstrap replications: enough for the second digit of an interval's end."""
LEVEL = 0.95
"""Probability that an interval is meant to cover."""
CHUNK = 1_000
"""Replications held in memory at once."""


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, eq=False)
class Band:
    """A curve ``[n]`` with a pointwise interval."""

    value: Floats
    low: Floats
    high: Floats


def as_scores(values: ArrayLike) -> Floats:
    """Bring ``[E]``, ``[T, E]`` or ``[S, T, E]`` to ``[S, T, E]``.

    Raises:
        InputError: when there is no score, a wrong number of axes, or a score is not finite.
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim == 0 or scores.ndim > 3:
        raise InputError(f"scores: found {scores.ndim} axes; give [seeds], [trainings, seeds] or all three")
    scores = scores.reshape((1,) * (3 - scores.ndim) + scores.shape)
    if scores.size == 0:
        raise InputError("scores: there are none; run at least one evaluation")
    if not np.isfinite(scores).all():
        raise InputError("scores: one is not a finite number; leave failed runs out before summarising")
    return scores


def interquartile_mean(values: ArrayLike) -> float:
    """Mean of the middle half: a quarter of the scores, rounded down, is cut off at each end."""
    return float(_interquartile_means(np.asarray(values, dtype=np.float64).reshape(1, -1))[0])


def _interquartile_means(rows: Floats) -> Floats:
    """Interquartile mean of each row ``[n, m] -> [n]``."""
    length = rows.shape[1]
    cut = length // 4
    means: Floats = np.sort(rows, axis=1)[:, cut : length - cut].mean(axis=1)
    return means


def interquartile_mean_interval(values: ArrayLike, *, seed: int, resamples: int = RESAMPLES) -> Estimate:
    """Interquartile mean over all scores with its percentile bootstrap interval."""
    scores = as_scores(values)
    replications = np.concatenate(
        [_interquartile_means(_take(scores, draw)) for draw in _draws(scores.shape, seed, resamples)]
    )
    return _estimate(interquartile_mean(scores), replications)


def mean_interval(values: ArrayLike, *, seed: int, resamples: int = RESAMPLES) -> Estimate:
    """Plain mean with its percentile bootstrap interval, for terms that must add up."""
    scores = as_scores(values)
    replications = np.concatenate([_take(scores, draw).mean(axis=1) for draw in _draws(scores.shape, seed, resamples)])
    return _estimate(float(scores.mean()), replications)


def paired_difference(values: ArrayLike, baseline: ArrayLike, *, seed: int, resamples: int = RESAMPLES) -> Estimate:
    """Interquartile mean of ``values - baseline``, seed by seed, with its interval.

    Both were measured on the same seeds in the same order, so what the seeds have in common cancels.
    The baseline has one training (a rule) or as many as ``values``.

    Raises:
        InputError: when the two do not pair up.
    """
    scores, reference = as_scores(values), as_scores(baseline)
    if scores.shape[::2] != reference.shape[::2] or reference.shape[1] not in (1, scores.shape[1]):
        raise InputError(
            f"paired difference: {scores.shape} scores against {reference.shape}; "
            "both need the same scenarios and seeds, and the baseline one training or as many"
        )
    return interquartile_mean_interval(scores - reference, seed=seed, resamples=resamples)


def probability_of_improvement(
    values: ArrayLike, baseline: ArrayLike, *, seed: int, resamples: int = RESAMPLES
) -> Estimate:
    """Probability that a run of ``values`` beats a run of ``baseline`` in a scenario drawn at random.

    Every pair of runs counts, ties one half (Mann-Whitney U over the number of pairs), averaged over
    scenarios. Evaluation seeds are resampled jointly: both sides saw the same traffic.

    Raises:
        InputError: when the two do not have the same scenarios and seeds.
    """
    scores, reference = as_scores(values), as_scores(baseline)
    if scores.shape[::2] != reference.shape[::2]:
        raise InputError(f"probability of improvement: {scores.shape} scores against {reference.shape}; use one set")
    superiority = np.stack([_superiority(x, y) for x, y in zip(scores, reference, strict=True)])
    replications = []
    rows = _draws(reference.shape, seed + 1, resamples)
    for draw, other in zip(_draws(scores.shape, seed, resamples), rows, strict=True):
        other = _Draw(other.trainings, draw.evaluations)
        replications.append(_superiority_means(superiority, draw, other))
    return _estimate(float(superiority.mean()), np.concatenate(replications))


def _superiority(scores: Floats, reference: Floats) -> Floats:
    """``[T, E, T', E']`` 1 where a score beats a reference score, 1/2 where it ties."""
    left, right = scores[:, :, None, None], reference[None, None, :, :]
    wins: Floats = (left > right) + 0.5 * (left == right)
    return wins


def performance_profile(values: ArrayLike, thresholds: ArrayLike, *, seed: int, resamples: int = 2_000) -> Band:
    """Share of runs whose score exceeds each threshold ``[n]``, with a pointwise interval."""
    scores = as_scores(values)
    levels = np.asarray(thresholds, dtype=np.float64)
    above = (scores[..., None] > levels).astype(np.float64)
    shares = [_take(above, draw).mean(axis=1) for draw in _draws(scores.shape, seed, resamples)]
    low, high = np.quantile(np.concatenate(shares), _tails(), axis=0)
    return Band(above.mean(axis=(0, 1, 2)), low, high)


def curve_band(values: ArrayLike, *, seed: int, resamples: int = 2_000) -> Band:
    """Interquartile mean at every point of a curve ``[T, E, n]`` or ``[T, n]``, with a pointwise interval."""
    curves = np.asarray(values, dtype=np.float64)
    if curves.ndim == 2:
        curves = curves[:, None, :]
    estimates = [
        interquartile_mean_interval(curves[:, :, point], seed=seed, resamples=resamples)
        for point in range(curves.shape[2])
    ]
    return Band(
        np.array([estimate.value for estimate in estimates]),
        np.array([estimate.low for estimate in estimates]),
        np.array([estimate.high for estimate in estimates]),
    )


@dataclass(frozen=True, eq=False)
class _Draw:
    """Indices with replacement: ``trainings [n, S, T]`` and ``evaluations [n, S, E]``."""

    trainings: Ints
    evaluations: Ints


def _draws(shape: tuple[int, ...], seed: int, resamples: int) -> Iterator[_Draw]:
    """Chunks of bootstrap draws for scores of ``shape`` ``[S, T, E]``, ``resamples`` in all."""
    rng = np.random.default_rng(seed)
    scenarios, trainings, evaluations = shape
    for start in range(0, resamples, CHUNK):
        n = min(CHUNK, resamples - start)
        yield _Draw(
            rng.integers(trainings, size=(n, scenarios, trainings)),
            rng.integers(evaluations, size=(n, scenarios, evaluations)),
        )


def _take(scores: Floats, draw: _Draw) -> Floats:
    """Scores ``[S, T, E, ...]`` under every draw: ``[n, S * T * E, ...]``."""
    scenario = np.arange(scores.shape[0])[None, :, None, None]
    taken: Floats = scores[scenario, draw.trainings[:, :, :, None], draw.evaluations[:, :, None, :]]
    flat: Floats = taken.reshape(len(taken), -1, *scores.shape[3:])
    return flat


def _superiority_means(superiority: Floats, draw: _Draw, other: _Draw) -> Floats:
    """Mean of ``superiority [S, T, E, T', E']`` under every pair of draws: ``[n]``."""
    weights = _weights(draw, superiority.shape[1], superiority.shape[2])
    weights_other = _weights(other, superiority.shape[3], superiority.shape[4])
    means: Floats = (
        np.einsum("nste,stefg,nsfg->n", weights, superiority, weights_other, optimize=True) / superiority.shape[0]
    )
    return means


def _weights(draw: _Draw, trainings: int, evaluations: int) -> Floats:
    """Share of each run in each draw, ``[n, S, T, E]``; sums to 1 over T and E."""
    per_training = _shares(draw.trainings, trainings)
    per_evaluation = _shares(draw.evaluations, evaluations)
    weights: Floats = per_training[..., :, None] * per_evaluation[..., None, :]
    return weights


def _shares(drawn: Ints, n_values: int) -> Floats:
    """How often each value was drawn along the last axis, as a share: ``[..., k] -> [..., n_values]``."""
    shares: Floats = (drawn[..., None] == np.arange(n_values)).mean(axis=-2)
    return shares


def _tails() -> tuple[float, float]:
    return (1 - LEVEL) / 2, (1 + LEVEL) / 2


def _estimate(value: float, replications: Floats) -> Estimate:
    low, high = np.quantile(replications, _tails())
    return Estimate(value, float(low), float(high))
