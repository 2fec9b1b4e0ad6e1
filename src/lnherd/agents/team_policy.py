"""A team at play, asked from outside: every group of nodes decides by a behaviour of its own.

One policy for all nodes is a team of one group; a policy for each node is a team of as many groups as nodes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lnherd.agents.hop_scorer import choices_at, packed_hops
from lnherd.agents.packing import Numbers, Packed
from lnherd.agents.rollout import Behaviour
from lnherd.control.hop_decision import DecisionBatch
from lnherd.network.records import Floats, Ints


@dataclass(eq=False)
class TeamPolicy:
    """Behaviours by group (a ``HopPolicy``)."""

    behaviours: Sequence[Behaviour]
    """One a group."""
    group_of: Ints
    """``[N]`` group of each node."""
    neighbours: Callable[[], Numbers] | None = None
    """``[B, 5]`` mean late actions of the neighbours of those who decide, where they are part of the context."""

    def begin(self, seed: int) -> None:
        """A new episode; every group draws from a generator of its own."""
        self._rngs = [np.random.default_rng([seed, 8, group]) for group in range(len(self.behaviours))]

    def choose(self, batch: DecisionBatch) -> Ints:
        """``[B]`` choices."""
        if len(batch.number) == 0:
            return np.zeros(0, dtype=np.int64)
        decisions = self.seen(batch)
        return choices_at(self.decided(decisions, batch)[0], decisions, batch)

    def seen(self, batch: DecisionBatch) -> Packed:
        """What is possible in each decision of ``batch``."""
        seen = packed_hops(batch)
        if self.neighbours is None:
            return seen
        return Packed(np.concatenate([seen.context, self.neighbours()], axis=1), seen.features, seen.counts)

    def decided(self, decisions: Packed, batch: DecisionBatch) -> tuple[Ints, Floats]:
        """``(positions [B], log-probabilities [B])``, each by the behaviour of its node's group."""
        groups = self.group_of[batch.node]
        positions, logs = np.zeros(len(groups), dtype=np.int64), np.zeros(len(groups))
        for group in np.unique(groups).tolist():
            rows = np.flatnonzero(groups == group)
            part = decisions if len(rows) == len(groups) else decisions.select(rows)
            chosen, log = self.behaviours[group].choose(part, [self._rngs[group]] * len(rows))
            positions[rows], logs[rows] = chosen, log
        return positions, logs
