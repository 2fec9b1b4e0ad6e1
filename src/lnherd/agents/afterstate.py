"""Average-reward TD(lambda) on afterstates (Sutton & Barto 2018, chapters 6.8, 10.3 and 12): learns within one life.

What an act leads to at once (balances after it, its fee) follows by arithmetic and is in its features; only what that
is worth has to be learned. So candidates that lead to the same place share one value, which is why a few hundred
decisions suffice:

    choose      a = argmax -cost(a) + V(after(a))
    delta       = income - mean + max_a' (-cost(a') + V(after(a'))) - V(after(a))
    V          += alpha * delta * traces,   traces <- lambda * traces, 1 where we were
    mean       += eta * (income - mean)
"""

from dataclasses import dataclass

import numpy as np

from lnherd.agents.binning import Binning
from lnherd.control.decision import Decision, Plan
from lnherd.network.records import Floats


@dataclass(frozen=True)
class AfterstateConfig:
    """Hyper-parameters of :class:`AfterstateLearner`."""

    binning: Binning
    """Cuts through the candidates' features: the afterstates."""
    cost_column: int
    """Which feature of a candidate is its cost."""
    cost_scale: float
    """What a cost of 1 is worth in units of reward."""
    learning_rate: float = 0.3
    """alpha."""
    mean_rate: float = 0.05
    """eta."""
    trace_decay: float = 0.9
    """lambda."""
    exploration: float = 0.02
    """Share of decisions drawn at random."""


class AfterstateLearner:
    """A policy that learns while it acts: ``act``, then ``observe`` the reward, and so on."""

    def __init__(self, config: AfterstateConfig, name: str = "afterstate-td") -> None:
        self.config, self.name = config, name
        self.values: Floats = np.zeros(config.binning.n_rows)
        self.mean = 0.0
        self.learning = True
        """Whether it learns and explores; else it acts on what it knows."""
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Begin a life; what was learned stays."""
        self._rng = np.random.default_rng([seed, 9])
        self._traces: Floats = np.zeros(len(self.values))
        self._row: int | None = None
        self._cost = self._income = 0.0

    def observe(self, reward: float) -> None:
        """What the last act brought, its cost included."""
        self._income = reward + self._cost

    def act(self, decision: Decision) -> Plan:
        """Learn from what came of the last act, then choose the next."""
        config = self.config
        features = decision.features[: len(decision.candidates)]
        costs = features[:, config.cost_column].astype(np.float64) * config.cost_scale
        rows = config.binning.rows(decision.context, features)
        worth = self.values[rows] - costs
        best = int(np.argmax(worth))
        if self.learning and self._row is not None:
            self._learn(float(worth[best]))
            worth = self.values[rows] - costs
            best = int(np.argmax(worth))
        choice = best
        if self.learning and self._rng.random() < config.exploration:
            choice = int(self._rng.integers(len(rows)))
        if choice != best:
            self._traces[:] = 0.0
        self._row, self._cost = int(rows[choice]), float(costs[choice])
        return decision.candidates[choice]

    def _learn(self, next_worth: float) -> None:
        config, row = self.config, self._row
        assert row is not None
        surprise = self._income - self.mean + next_worth - self.values[row]
        self._traces *= config.trace_decay
        self._traces[row] = 1.0
        self.values += config.learning_rate * surprise * self._traces
        self.mean += config.mean_rate * (self._income - self.mean)
