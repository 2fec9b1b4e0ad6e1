"""A team at play: every group of nodes decides by a behaviour of its own, and what was decided is recorded.

One policy for all nodes is a team of one group; a policy for each node is a team of as many groups as nodes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lnherd.agents.hop_scorer import choices_at, packed_hops
from lnherd.agents.hop_trajectory import HopTrajectory
from lnherd.agents.mean_field import NeighbourhoodActions
from lnherd.agents.packing import Numbers, Packed, joined
from lnherd.agents.rollout import Behaviour
from lnherd.control.hop_decision import DecisionBatch
from lnherd.network.records import Bools, Floats, Ints, Records
from lnherd.units import MSAT_PER_SAT

Hidden = Callable[[DecisionBatch], Numbers]
"""Batch -> ``[B, H]`` what only a central critic sees."""


@dataclass(eq=False)
class TeamPolicy:
    """Behaviours by group (a ``HopPolicy``)."""

    behaviours: Sequence[Behaviour]
    """One a group."""
    group_of: Ints
    """``[N]`` group of each node."""
    mean_field: Callable[[], NeighbourhoodActions] | None = None
    """Makes the memory of neighbours' actions of an episode, where they are part of the context."""
    hidden: Hidden | None = None
    """Where a central critic learns."""
    recorder: "Recorder | None" = None
    """Keeps what was decided, for learning."""

    def begin(self, seed: int) -> None:
        """A new episode; every group draws from a generator of its own."""
        self._rngs = [np.random.default_rng([seed, 8, group]) for group in range(len(self.behaviours))]
        self._actions = None if self.mean_field is None else self.mean_field()

    def choose(self, batch: DecisionBatch) -> Ints:
        """``[B]`` choices."""
        if self.recorder is not None:
            self.recorder.hear(batch)
        if len(batch.number) == 0:
            return np.zeros(0, dtype=np.int64)
        decisions = self._seen(batch)
        positions, logs = self._decided(decisions, self.group_of[batch.node])
        choices = choices_at(positions, decisions, batch)
        if self._actions is not None:
            self._actions.note(batch, choices)
        if self.recorder is not None:
            self.recorder.note(batch, decisions, positions, logs)
        return choices

    def _seen(self, batch: DecisionBatch) -> Packed:
        seen = packed_hops(batch)
        context = seen.context
        if self._actions is not None:
            around = self._actions.of_neighbours(batch.node.astype(np.int64)).astype(np.float32)
            context = np.concatenate([context, around], axis=1)
        hidden = None if self.hidden is None else self.hidden(batch)
        return Packed(context.copy(), seen.features, seen.counts, hidden)

    def _decided(self, decisions: Packed, groups: Ints) -> tuple[Ints, Floats]:
        positions, logs = np.zeros(len(groups), dtype=np.int64), np.zeros(len(groups))
        for group in np.unique(groups).tolist():
            rows = np.flatnonzero(groups == group)
            part = decisions if len(rows) == len(groups) else decisions.select(rows)
            chosen, log = self.behaviours[group].choose(part, [self._rngs[group]] * len(rows))
            positions[rows], logs[rows] = chosen, log
        return positions, logs


@dataclass(eq=False)
class Recorder:
    """Decisions of one episode and what came of them."""

    decisions: list[Packed] = field(default_factory=list)
    columns: list[Floats] = field(default_factory=list)
    outcomes: list[tuple[Records, Floats]] = field(default_factory=list)

    def hear(self, batch: DecisionBatch) -> None:
        """Outcomes that a batch brings."""
        self.outcomes.append((batch.outcomes, batch.rewards))

    def note(self, batch: DecisionBatch, decisions: Packed, positions: Ints, logs: Floats) -> None:
        """What was chosen; where nothing was to choose there is nothing to learn."""
        kept = np.flatnonzero(decisions.counts > 1)
        amounts_sat = batch.amount_msat / MSAT_PER_SAT
        columns = (batch.number, batch.node, batch.payment, positions, logs, amounts_sat)
        self.decisions.append(decisions.select(kept))
        self.columns.append(np.stack([np.asarray(each, dtype=np.float64)[kept] for each in columns]))

    def trajectories(self, group_of: Ints, n_groups: int, totals: dict[str, float]) -> list[HopTrajectory]:
        """One for each group."""
        everything = joined(self.decisions)
        numbers, node, payment, chosen, logs, amounts = np.concatenate(self.columns, axis=1)
        rewards, is_split = self._results(numbers.astype(np.int64))
        groups, parts = group_of[node.astype(np.int64)], []
        for group in range(n_groups):
            rows = np.flatnonzero(groups == group)
            parts.append(
                HopTrajectory(
                    everything if len(rows) == len(groups) else everything.select(rows),
                    chosen[rows].astype(np.int64),
                    logs[rows],
                    rewards[rows],
                    np.zeros(len(rows)),
                    node[rows].astype(np.int64),
                    payment[rows].astype(np.int64),
                    is_split[rows],
                    amounts[rows],
                    totals,
                )
            )
        return parts

    def _results(self, numbers: Ints) -> tuple[Floats, Bools]:
        """``(rewards [T], is_split [T])`` of the decisions by ascending number."""
        rewards, is_split = np.zeros(len(numbers)), np.zeros(len(numbers), dtype=np.bool_)
        for outcomes, worth in self.outcomes:
            at = np.minimum(np.searchsorted(numbers, outcomes.decision), len(numbers) - 1)
            known = numbers[at] == outcomes.decision
            rewards[at[known]] = worth[known]
            is_split[at[known]] = (outcomes.succeeded & (outcomes.latency_ms == 0))[known]
        return rewards, is_split
