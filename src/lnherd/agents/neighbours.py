"""Models of other nodes: how likely a neighbour is to get a payment through, and how often it changes its fees.

Learned from what came of the node's own choices alone. Success has a beta posterior for each (channel, region of the
destination), centred on the posterior of the channel, which is centred on that of all channels (empirical Bayes):

    mean = (s + m M) / (s + f + m)        M: mean one level up, m: pseudo-observations

with successes s and failures f that fade by half every ``half_life_ms``, since neighbours drain, fill and learn.
Fee changes are a Poisson process with a gamma prior on its rate, and a fading mean of the logarithm of each change.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.control.hop_decision import DecisionBatch
from lnherd.errors import InputError
from lnherd.network.records import Floats, Ints
from lnherd.units import MS_PER_MINUTE

NEIGHBOUR_FEATURES = ("neighbour_success", "neighbour_doubt", "neighbour_evidence", "fee_changes", "fee_drift")
"""Of one choice: mean and twice the standard deviation of the posterior; evidence n / (n + 8); expected fee changes a
minute, x / (1 + x); mean logarithm of a change, within [-1, 1]. Zero for choices that are no channel."""
EVIDENCE_SCALE = 8.0


@dataclass(frozen=True)
class NeighbourConfig:
    """How much to believe, and for how long."""

    half_life_ms: float = 2.0 * MS_PER_MINUTE
    """Time after which an outcome counts half."""
    prior_weight: float = 4.0
    """Pseudo-observations that the level above is worth (m)."""
    prior_success: float = 0.7
    """Mean before anything is known."""

    def __post_init__(self) -> None:
        if self.half_life_ms <= 0 or self.prior_weight <= 0:
            raise InputError("neighbours: half_life_ms and prior_weight must be positive")
        if not 0 < self.prior_success < 1:
            raise InputError(f"neighbours: prior_success is {self.prior_success}; it must lie between 0 and 1")


class FadingCounts:
    """Successes and failures by key, each fading with time."""

    def __init__(self, n_keys: int, half_life_ms: float) -> None:
        self._half_life_ms = half_life_ms
        self._counts = np.zeros((n_keys, 2))
        self._as_of_ms = np.zeros(n_keys)

    def add(self, keys: Ints, succeeded: Ints, now_ms: float) -> None:
        """Count one outcome for each of ``keys [n]`` (any of them several times)."""
        touched = np.unique(keys)
        self._counts[touched] = self.at(touched, now_ms)
        self._as_of_ms[touched] = now_ms
        np.add.at(self._counts, (keys, succeeded.astype(np.int64)), 1.0)

    def at(self, keys: Ints, now_ms: float) -> Floats:
        """``[n, 2]`` failures and successes as of now."""
        fading = 0.5 ** ((now_ms - self._as_of_ms[keys]) / self._half_life_ms)
        counts: Floats = self._counts[keys] * fading[..., None]
        return counts


class SuccessModel:
    """Beta posteriors of success by (group, member), centred on the group, centred on all."""

    def __init__(self, n_groups: int, n_members: int, config: NeighbourConfig) -> None:
        """As many keys as ``n_groups * n_members``; key ``g * n_members + m`` is member ``m`` of group ``g``."""
        self.config, self._n_members = config, n_members
        self._all = FadingCounts(1, config.half_life_ms)
        self._groups = FadingCounts(n_groups, config.half_life_ms)
        self._members = FadingCounts(n_groups * n_members, config.half_life_ms)

    def add(self, keys: Ints, succeeded: Ints, now_ms: float) -> None:
        """Learn one outcome for each of ``keys [n]``."""
        self._all.add(np.zeros_like(keys), succeeded, now_ms)
        self._groups.add(keys // self._n_members, succeeded, now_ms)
        self._members.add(keys, succeeded, now_ms)

    def posterior(self, keys: Ints, now_ms: float) -> tuple[Floats, Floats]:
        """``(mean, evidence)``, both shaped like ``keys``: of success, and outcomes seen (faded)."""
        weight = self.config.prior_weight
        mean: Floats = np.full(np.shape(keys), self.config.prior_success)
        evidence: Floats = np.zeros(np.shape(keys))
        for counts, level in (
            (self._all, np.zeros_like(keys)),
            (self._groups, keys // self._n_members),
            (self._members, keys),
        ):
            failed, succeeded = np.moveaxis(counts.at(level, now_ms), -1, 0)
            evidence = failed + succeeded
            mean = (succeeded + weight * mean) / (evidence + weight)
        return mean, evidence


class FeeModel:
    """How often each edge's announced fee changes, and which way."""

    def __init__(self, n_edges: int, config: NeighbourConfig) -> None:
        self._half_life_ms = config.half_life_ms
        self._fees: Floats | None = None
        self._changes, self._exposure_min, self._drift = (np.zeros(n_edges) for _ in range(3))
        self._seen_ms = 0.0

    def look(self, fee_ppm: Ints, now_ms: float) -> None:
        """Hear every edge's fee ``[E]``, in millionths, as announced at ``now_ms``."""
        fees = np.log1p(np.asarray(fee_ppm, dtype=np.float64))
        if self._fees is not None:
            passed_ms = now_ms - self._seen_ms
            fading = 0.5 ** (passed_ms / self._half_life_ms)
            change = fees - self._fees
            has_changed = change != 0.0
            self._changes = fading * self._changes + has_changed
            self._exposure_min = fading * self._exposure_min + passed_ms / MS_PER_MINUTE
            self._drift = np.where(has_changed, 0.7 * self._drift + 0.3 * change, self._drift)
        self._fees, self._seen_ms = fees, now_ms

    def per_minute(self, edges: Ints) -> Floats:
        """Expected changes a minute: mean of a gamma posterior whose prior is one change in ten minutes."""
        rate: Floats = (1.0 + self._changes[edges]) / (10.0 + self._exposure_min[edges])
        return rate

    def drift(self, edges: Ints) -> Floats:
        """Fading mean of the logarithm of the changes: above 0 where fees rise."""
        drift: Floats = self._drift[edges]
        return drift


class NeighbourModel:
    """What the deciding nodes believe of their neighbours, as features of their choices.

    An edge belongs to one node, so one model holds the beliefs of all without sharing any between nodes, but for
    the mean of all, which stands for what a newcomer would be told.
    """

    def __init__(self, region: Ints, n_edges: int, config: NeighbourConfig | None = None) -> None:
        """``region [N]`` of every destination; ``n_edges`` directed channels."""
        self.config = config or NeighbourConfig()
        self._region, self._n_regions = region, int(region.max(initial=0)) + 1
        self.success = SuccessModel(n_edges, self._n_regions, self.config)
        self.fees = FeeModel(n_edges, self.config)
        self._asked: dict[int, int] = {}

    def keys(self, batch: DecisionBatch) -> Ints:
        """``[B, K]`` key of each choice's channel and the destination's region; that of edge 0 where it is none."""
        keys: Ints = np.maximum(batch.edges, 0).astype(np.int64) * self._n_regions
        return keys + self._region[batch.receiver][:, None]

    def hear(self, batch: DecisionBatch) -> None:
        """Learn from the outcomes that a batch brings. Choices that sent nothing taught nothing."""
        outcomes = batch.outcomes
        known = [self._asked.pop(number, -1) for number in outcomes.decision.tolist()]
        keys = np.array(known, dtype=np.int64)
        sent = keys >= 0
        if sent.any():
            self.success.add(keys[sent], outcomes.succeeded[sent], batch.now_ms)

    def remember(self, batch: DecisionBatch, choices: Ints) -> None:
        """Note what was chosen, to know whom an outcome is about."""
        rows = np.arange(len(choices))
        is_sent = (batch.edges[rows, choices] >= 0) & batch.mask[rows, choices]
        keys = np.where(is_sent, self.keys(batch)[rows, choices], -1)
        self._asked.update(zip(batch.number.tolist(), keys.tolist(), strict=True))

    def features(self, batch: DecisionBatch) -> Floats:
        """``[B, K, len(NEIGHBOUR_FEATURES)]``."""
        mean, evidence = self.success.posterior(self.keys(batch), batch.now_ms)
        weight = evidence + self.config.prior_weight
        edges = np.maximum(batch.edges, 0)
        rate = self.fees.per_minute(edges)
        columns = (
            mean,
            2.0 * np.sqrt(mean * (1.0 - mean) / (weight + 1.0)),
            evidence / (evidence + EVIDENCE_SCALE),
            rate / (1.0 + rate),
            np.clip(self.fees.drift(edges), -1.0, 1.0),
        )
        features: Floats = np.stack(columns, axis=-1) * (batch.edges >= 0)[..., None]
        return features
