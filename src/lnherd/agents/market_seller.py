"""Sellers' prices: each node tries prices and keeps to those that earned most, knowing nothing of the others.

An epsilon-greedy bandit with recency-weighted means (Sutton and Barto 2018, section 2.5) for each seller and product;
what a price earned fades, because buyers and rivals change too.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.errors import InputError
from lnherd.network.records import Floats, Ints


@dataclass(frozen=True)
class SellerConfig:
    """How prices are searched."""

    exploration: float = 0.15
    """Share of intervals with a price drawn at random."""
    step: float = 0.2
    """Weight of the newest interval in a price's mean."""

    def __post_init__(self) -> None:
        if not 0 <= self.exploration <= 1 or not 0 < self.step <= 1:
            raise InputError("sellers: exploration must lie between 0 and 1, step above 0 and at most 1")


class PriceSearch:
    """Prices of ``N`` sellers for ``G`` goods out of ``L`` levels."""

    def __init__(self, n_sellers: int, n_goods: int, n_levels: int, config: SellerConfig | None = None) -> None:
        self.config = config or SellerConfig()
        self._shape = (n_sellers, n_goods)
        self._mean: Floats = np.zeros((*self._shape, n_levels))
        self._tried: Ints = np.zeros((*self._shape, n_levels), dtype=np.int64)
        self.levels: Ints = np.full(self._shape, n_levels // 2, dtype=np.int64)
        """``[N, G]`` asked now."""

    def begin(self, seed: int) -> None:
        """Key the draws of an episode; what was learned stays."""
        self._rng = np.random.default_rng([seed, 6])

    def learn(self, earned: Ints) -> None:
        """Take in what the present levels earned ``[N, G]`` in the interval that is over, and choose the next."""
        sellers, goods = np.indices(self._shape)
        at = (sellers, goods, self.levels)
        self._tried[at] += 1
        step = np.maximum(self.config.step, 1.0 / self._tried[at])
        self._mean[at] += step * (earned - self._mean[at])
        n_levels = self._mean.shape[2]
        drawn = self._rng.integers(n_levels, size=self._shape)
        explores = self._rng.random(self._shape) < self.config.exploration
        knows_nothing = self._mean.max(axis=2) <= 0.0
        best = self._mean.argmax(axis=2)
        self.levels = np.where(explores | knows_nothing, drawn, best)
