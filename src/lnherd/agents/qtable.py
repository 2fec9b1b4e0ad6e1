"""A table of action values over binned candidates, and the policy that is greedy in it; runs on NumPy alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lnherd.agents.binning import Binning
from lnherd.agents.packing import Numbers, Packed
from lnherd.agents.scorer import best, drawn, log_probabilities
from lnherd.control.action import WAIT
from lnherd.control.decision import Decision, Plan
from lnherd.network.records import Bools, Floats, Ints


@dataclass(eq=False)
class QTable:
    """Values and visits, one entry a row."""

    binning: Binning
    """What the rows mean."""
    min_visits: int
    """Rows tried less often are unknown: not chosen greedily, not bootstrapped from."""
    values: Floats
    """``[n_rows]`` estimated return."""
    variances: Floats
    """``[n_rows]`` mean squared surprise of the updates."""
    visits: Ints
    """``[n_rows]`` number of updates."""

    @classmethod
    def empty(cls, binning: Binning, min_visits: int, initial: float = 0.0) -> "QTable":
        """Nothing learned."""
        n = binning.n_rows
        return cls(binning, min_visits, np.full(n, initial), np.zeros(n), np.zeros(n, dtype=np.int64))

    def copy(self) -> "QTable":
        """An independent table."""
        return replace(self, values=self.values.copy(), variances=self.variances.copy(), visits=self.visits.copy())

    def update(self, row: int, target: float, learning_rate: float) -> None:
        """Move the value of ``row`` towards ``target``, its variance towards the squared surprise."""
        surprise = target - self.values[row]
        self.values[row] += learning_rate * surprise
        self.variances[row] += learning_rate * (surprise**2 - self.variances[row])

    def rows(self, decision: Decision) -> tuple[Ints, Ints]:
        """``(index, row)`` of the unmasked candidates."""
        index = np.flatnonzero(decision.mask)
        return index, self.binning.rows(decision.context, decision.features[index])

    def known(self, rows: Ints) -> Bools:
        """Which rows have been tried often enough."""
        tried: Bools = self.visits[rows] >= self.min_visits
        return tried

    def best(self, rows: Ints, confidence: float = 0.0) -> int:
        """Position of the best known row; position 0 is waiting.

        With ``confidence`` an act must beat waiting by so many standard errors of the difference.
        """
        error = self.variances[rows] / np.maximum(self.visits[rows], 1)
        doubt = confidence * np.sqrt(error + error[0])
        doubt[0] = 0.0
        return int(np.argmax(np.where(self.known(rows), self.values[rows] - doubt, -np.inf)))

    def maximum(self, rows: Ints) -> float:
        """Value of the best known row; 0 if none is known."""
        known = rows[self.known(rows)]
        return float(self.values[known].max()) if len(known) else 0.0

    def best_of_each(self, decisions: Packed, confidence: float = 0.0) -> Ints:
        """``[B]`` position of each decision's best known candidate, as :meth:`best` has it; the first of equals."""
        rows, starts = self.binning.packed_rows(decisions), decisions.starts
        error = self.variances[rows] / np.maximum(self.visits[rows], 1)
        doubt = confidence * np.sqrt(error + np.repeat(error[starts], decisions.counts))
        doubt[starts] = 0.0
        return best(np.where(self.known(rows), self.values[rows] - doubt, -np.inf), decisions)

    def logits(self, rows: Ints, temperature: float) -> Numbers:
        """``[N]`` scores of a Boltzmann policy; rows that were never tried have the value they started with."""
        logits: Numbers = (self.values[rows] / temperature).astype(np.float32)
        return logits

    def worth(self, decisions: Packed, rows: Ints, temperature: float | None) -> Floats:
        """``[B]`` of each decision, whose candidates are in ``rows [N]``: the best known one's value, 0 if none is
        known; with a temperature what Boltzmann's policy expects."""
        if temperature is None:
            known = np.where(self.known(rows), self.values[rows], -np.inf)
            highest: Floats = np.maximum.reduceat(known, decisions.starts)
            return np.where(np.isfinite(highest), highest, 0.0)
        shares = np.exp(log_probabilities(self.logits(rows, temperature), decisions))
        expected: Floats = np.add.reduceat(shares * self.values[rows], decisions.starts)
        return expected


@dataclass(frozen=True, eq=False)
class TableBehaviour:
    """The best known candidate, except for a share ``epsilon`` drawn among all alike (``agents.rollout.Behaviour``).

    With a temperature each with the softmax of its value over it.
    """

    table: QTable
    epsilon: float
    temperature: float | None = None
    confidence: float = 0.0
    """Standard errors by which a candidate must beat the first."""

    def choose(self, batch: Packed, rngs: Sequence[np.random.Generator]) -> tuple[Ints, Floats]:
        """Decision b draws from ``rngs[b]``."""
        if self.temperature is not None:
            return drawn(self.table.logits(self.table.binning.packed_rows(batch), self.temperature), batch, rngs)
        chosen = self.table.best_of_each(batch, self.confidence)
        for row, (rng, count) in enumerate(zip(rngs, batch.counts.tolist(), strict=True)):
            if rng.random() < self.epsilon:
                chosen[row] = rng.integers(count)
        return chosen, np.zeros(len(chosen))


@dataclass(eq=False)
class QPolicy:
    """Greedy in a fixed table."""

    table: QTable
    """What was learned."""
    confidence: float = 0.0
    """Standard errors by which an act must beat waiting."""
    name: str = "q-learning"
    """Short name for tables."""

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def act(self, decision: Decision) -> Plan:
        """The best known candidate."""
        index, rows = self.table.rows(decision)
        choice = int(index[self.table.best(rows, self.confidence)])
        return decision.candidates[choice] if decision.candidates else WAIT
