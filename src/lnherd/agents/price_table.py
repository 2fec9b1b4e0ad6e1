"""Tabular Q-learning of a price: the state is how busy the last tick was and where in the day it is."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Observation = NDArray[np.float32]


@dataclass(frozen=True)
class PriceTableConfig:
    """How the table learns."""

    n_actions: int = 9
    """Prices to choose from."""
    learning_rate: float = 0.1
    """Least weight of the newest outcome; early on every visit counts alike."""
    discount: float = 0.8
    """Of the next tick: customers come back, or not."""
    exploration: float = 0.3
    """Share of random prices at first; falls to nothing over the training."""
    load_bins: tuple[float, ...] = (0.2, 0.5)
    """Edges between quiet, busy and full."""
    day_bins: int = 4
    """Parts of the day."""


@dataclass(eq=False)
class PriceTable:
    """Values ``[load, part of the day, price]`` in the unit of the reward."""

    config: PriceTableConfig = field(default_factory=PriceTableConfig)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        shape = (len(self.config.load_bins) + 1, self.config.day_bins, self.config.n_actions)
        self.values = np.zeros(shape)
        self.visits = np.zeros(shape, dtype=np.int64)

    def state(self, observation: Observation) -> tuple[int, int]:
        """Bins of an observation of ``lnherd/Pricing-v0``."""
        load = int(np.searchsorted(self.config.load_bins, observation[2]))
        angle = float(np.arctan2(observation[5], observation[6])) % (2 * np.pi)
        return load, min(self.config.day_bins - 1, int(angle / (2 * np.pi) * self.config.day_bins))

    def act(self, observation: Observation, exploration: float = 0.0) -> int:
        """The best price so far; prices never tried come first, then chance as often as ``exploration``."""
        state = self.state(observation)
        if exploration > 0:
            untried = np.flatnonzero(self.visits[state] == 0)
            if len(untried):
                return int(self.rng.choice(untried))
            if self.rng.random() < exploration:
                return int(self.rng.integers(self.config.n_actions))
        tried = np.where(self.visits[state] > 0, self.values[state], -np.inf)
        return int(np.argmax(tried)) if np.isfinite(tried).any() else self.config.n_actions // 3

    def learn(self, before: Observation, action: int, reward: float, after: Observation) -> None:
        """One step of Q-learning (Watkins 1989)."""
        cell = (*self.state(before), action)
        self.visits[cell] += 1
        rate = max(self.config.learning_rate, 1.0 / self.visits[cell])
        target = reward + self.config.discount * float(self.values[self.state(after)].max())
        self.values[cell] += rate * (target - self.values[cell])
