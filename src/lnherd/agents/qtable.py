"""A table of action values over binned candidates, and the policy that is greedy in it; runs on NumPy alone."""

from dataclasses import dataclass

import numpy as np

from lnherd.agents.binning import Binning
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
    visits: Ints
    """``[n_rows]`` number of updates."""

    @classmethod
    def empty(cls, binning: Binning, min_visits: int) -> "QTable":
        """Nothing learned."""
        return cls(binning, min_visits, np.zeros(binning.n_rows), np.zeros(binning.n_rows, dtype=np.int64))

    def copy(self) -> "QTable":
        """An independent table."""
        return QTable(self.binning, self.min_visits, self.values.copy(), self.visits.copy())

    def rows(self, decision: Decision) -> tuple[Ints, Ints]:
        """``(index, row)`` of the unmasked candidates."""
        index = np.flatnonzero(decision.mask)
        return index, self.binning.rows(decision.context, decision.features[index])

    def known(self, rows: Ints) -> Bools:
        """Which rows have been tried often enough."""
        tried: Bools = self.visits[rows] >= self.min_visits
        return tried

    def best(self, rows: Ints) -> int:
        """Position of the best known row; 0 (waiting) if none is known, the first among equals."""
        return int(np.argmax(np.where(self.known(rows), self.values[rows], -np.inf)))

    def maximum(self, rows: Ints) -> float:
        """Value of the best known row; 0 if none is known."""
        known = rows[self.known(rows)]
        return float(self.values[known].max()) if len(known) else 0.0


@dataclass(eq=False)
class QPolicy:
    """Greedy in a fixed table."""

    table: QTable
    """What was learned."""
    name: str = "q-learning"
    """Short name for tables."""

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def act(self, decision: Decision) -> Plan:
        """The best known candidate."""
        index, rows = self.table.rows(decision)
        choice = int(index[self.table.best(rows)])
        return decision.candidates[choice] if decision.candidates else WAIT
