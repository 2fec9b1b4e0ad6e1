"""Replay memory: a ring of decisions, sampled evenly or by priority with a sum tree (Schaul et al. 2016).

A transition is the slot of its decision; its n-step return is worked out when it comes in, and the decision it leads
to lies in a later slot, which the ring overwrites later. Features are kept as float16: they lie in [-1, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lnherd.agents.packing import Numbers, Packed
from lnherd.agents.rollout import Played
from lnherd.network.records import Floats, Ints


class SumTree:
    """Non-negative numbers by index, their sum, and the index at which a running sum passes a given value."""

    def __init__(self, size: int) -> None:
        self.depth = max(1, (size - 1).bit_length())
        self.offset = 1 << self.depth
        self.nodes: Floats = np.zeros(2 * self.offset)

    @property
    def total(self) -> float:
        """Sum of all numbers."""
        return float(self.nodes[1])

    def get(self, index: Ints) -> Floats:
        """Numbers at ``index``."""
        values: Floats = self.nodes[self.offset + index]
        return values

    def set(self, index: Ints, values: Floats) -> None:
        """Set numbers and every sum above them; sums are computed anew, so errors do not pile up."""
        nodes = self.offset + index
        self.nodes[nodes] = values
        for _ in range(self.depth):
            nodes = np.unique(nodes >> 1)
            self.nodes[nodes] = self.nodes[2 * nodes] + self.nodes[2 * nodes + 1]

    def find(self, sums: Floats) -> Ints:
        """Smallest index whose running sum exceeds each of ``sums``, which lie in [0, total)."""
        nodes, rest = np.ones(len(sums), dtype=np.int64), sums.copy()
        for _ in range(self.depth):
            left = 2 * nodes
            # a rounding error must not lead into a branch that holds nothing
            right = (rest >= self.nodes[left]) & (self.nodes[left + 1] > 0)
            rest[right] -= self.nodes[left[right]]
            nodes = left + right
        return nodes - self.offset


@dataclass(frozen=True, eq=False)
class Sample:
    """``M`` minibatches of ``B`` transitions."""

    slots: Ints
    """``[M, B]``; where agents decide together, of the first of each moment."""
    corrections: Floats
    """``[M, B]`` importance weights, the largest of each minibatch 1."""


OF_CANDIDATES = ("chosen", "first", "mean")
"""Rows of candidates that every update needs."""


@dataclass(frozen=True, eq=False)
class Taken:
    """What ``B`` transitions were about, of each decision only what every update needs."""

    context: Numbers
    """``[B, C]``"""
    chosen: Numbers
    """``[B, F]`` the candidate that was chosen."""
    first: Numbers
    """``[B, F]`` the first candidate."""
    mean: Numbers
    """``[B, F]`` the mean of all."""


class Replay:
    """The last ``capacity`` decisions."""

    def __init__(
        self,
        capacity: int,
        *,
        n_steps: int,
        discount: float,
        priority_power: float,
        credit: str = "own",
        agents: int = 1,
    ) -> None:
        """``agents`` decisions after one another are drawn together; ``capacity`` is cut to a multiple of them."""
        capacity, self._agents = capacity - capacity % agents, agents
        self.capacity, self._power, self._credit = capacity, priority_power, credit
        self._n_steps, self._discount = n_steps, discount
        self.added = 0
        self.tree = SumTree(capacity)
        self.top_priority = 1.0
        self._features: list[NDArray[np.float16]] = []
        self.chosen = np.zeros(capacity, dtype=np.int64)
        """``[capacity]`` position of the chosen candidate."""
        self.returns = np.zeros(capacity)
        """``[capacity]`` n-step rewards, discounted."""
        self.next = np.zeros(capacity, dtype=np.int64)
        """``[capacity]`` slot of the decision after those steps."""
        self.weights = np.zeros(capacity)
        """``[capacity]`` weight of that decision's value; 0 after a termination."""
        self._rows: dict[str, NDArray[Any]] = {}
        self._states: NDArray[np.float16] | None = None

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, episode: Played) -> None:
        """Remember an episode; what comes in is as urgent as the most urgent."""
        is_taken = episode.taken
        slots = (self.added + np.arange(len(is_taken))) % self.capacity
        returns, following, weights = episode.transitions(
            n_steps=self._n_steps, discount=self._discount, credit=self._credit
        )
        taken = slots[is_taken]
        self.chosen[taken], self.returns[taken], self.weights[taken] = episode.chosen, returns, weights
        self.next[taken] = slots[following]
        self._remember(slots, episode.decisions)
        self.tree.set(slots, np.where(is_taken & (slots % self._agents == 0), self.top_priority, 0.0))
        self.added += len(is_taken)

    def _remember(self, slots: Ints, decisions: Packed) -> None:
        """All candidates of each decision in a list; what every update needs in arrays."""
        features, starts = decisions.features.astype(np.float16), decisions.starts
        for slot, rows in zip(slots.tolist(), np.split(features, starts[1:]), strict=True):
            if slot == len(self._features):
                self._features.append(rows)
            else:
                self._features[slot] = rows
        if decisions.hidden is not None and self._agents > 1:
            if self._states is None:
                self._states = np.zeros((self.capacity, decisions.hidden.shape[1]), np.float16)
            self._states[slots] = decisions.hidden
        if not self._rows:
            self._make_room({"context": decisions.context.shape[1]} | dict.fromkeys(OF_CANDIDATES, features.shape[1]))
        self._rows["context"][slots] = decisions.context
        self._rows["first"][slots] = features[starts]
        self._rows["chosen"][slots] = features[starts + np.minimum(self.chosen[slots], decisions.counts - 1)]
        self._rows["mean"][slots] = np.add.reduceat(decisions.features, starts) / decisions.counts[:, None]

    def _make_room(self, widths: Mapping[str, int]) -> None:
        exact = {"mean": np.float32}
        self._rows = {name: np.zeros((self.capacity, n), exact.get(name, np.float16)) for name, n in widths.items()}

    def sample(self, size: int, rng: np.random.Generator, correction: float, n_parts: int = 1) -> Sample:
        """Draw minibatches by priority: of each, one transition from each of ``size`` equal stretches of their sum."""
        sums = (np.arange(size) + rng.random((n_parts, size))) * (self.tree.total / size)
        slots = self.tree.find(sums.ravel()).reshape(n_parts, size)
        corrections = self.tree.get(slots) ** -correction
        return Sample(slots, corrections / corrections.max(axis=1, keepdims=True))

    def everyone(self, slots: Ints) -> Ints:
        """``[..., agents]`` slots of all that decided together with the first, in ``slots [...]``."""
        together: Ints = slots[..., None] + np.arange(self._agents)
        return together

    def states(self, slots: Ints) -> Numbers | None:
        """``[..., S]`` what was hidden from the agents at the decisions in ``slots [...]``, if that was told."""
        return None if self._states is None else self._states[slots].astype(np.float32)

    def taken(self, slots: Ints) -> Taken:
        """What every update needs of the decisions in ``slots``."""
        return Taken(**{name: rows[slots].astype(np.float32) for name, rows in self._rows.items()})

    def packed(self, slots: Ints) -> Packed:
        """The decisions in ``slots`` with all their candidates."""
        rows = [self._features[slot] for slot in slots.tolist()]
        counts = np.array([len(each) for each in rows], dtype=np.int64)
        return Packed(self._rows["context"][slots].astype(np.float32), np.concatenate(rows).astype(np.float32), counts)

    def surprise(self, slots: Ints, errors: Floats) -> None:
        """Set priorities after the errors that were found."""
        priorities = (np.abs(errors) + 1e-3) ** self._power
        self.top_priority = max(self.top_priority, float(priorities.max()))
        self.tree.set(slots, priorities)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, as arrays."""
        n = len(self)
        if n == 0:
            return {}
        priorities = self.tree.get(np.arange(n))
        numbers = np.stack([self.chosen[:n], self.returns[:n], self.next[:n], self.weights[:n], priorities])
        states = {} if self._states is None else {"replay_states": self._states[:n]}
        return {
            **states,
            **{f"replay_{name}": rows[:n] for name, rows in self._rows.items()},
            "replay_features": np.concatenate(self._features),
            "replay_counts": np.array([len(rows) for rows in self._features]),
            "replay_numbers": numbers,
            "replay_added": np.array([self.added, self.top_priority]),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what :meth:`arrays` gave."""
        if "replay_added" not in arrays:
            return
        self._features = np.split(arrays["replay_features"], np.cumsum(arrays["replay_counts"])[:-1])
        n = len(self._features)
        self._make_room({name: arrays[f"replay_{name}"].shape[1] for name in ("context", *OF_CANDIDATES)})
        for name, rows in self._rows.items():
            rows[:n] = arrays[f"replay_{name}"]
        if "replay_states" in arrays:
            self._states = np.zeros((self.capacity, arrays["replay_states"].shape[1]), np.float16)
            self._states[:n] = arrays["replay_states"]
        self.chosen[:n], self.returns[:n], self.next[:n], self.weights[:n], priorities = arrays["replay_numbers"]
        self.tree.set(np.arange(n), priorities)
        self.added, self.top_priority = int(arrays["replay_added"][0]), float(arrays["replay_added"][1])
