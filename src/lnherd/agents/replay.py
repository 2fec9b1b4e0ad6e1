"""Replay memory: a ring of decisions, sampled evenly or by priority with a sum tree (Schaul et al. 2016).

A transition is the slot of its decision; its n-step return is worked out when it comes in, and the decision it leads
to lies in a later slot, which the ring overwrites later. Features are kept as float16: they lie in [-1, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lnherd.agents.packing import Packed
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
    """``B`` transitions."""

    slots: Ints
    decisions: Packed
    chosen: Ints
    returns: Floats
    """``[B]`` n-step rewards, discounted."""
    following: Packed
    """``[B]`` decisions after those steps."""
    weights: Floats
    """``[B]`` weight of the following decision's value; 0 after a termination."""
    corrections: Floats
    """``[B]`` importance weights, the largest 1."""


class Replay:
    """The last ``capacity`` decisions."""

    def __init__(
        self, capacity: int, *, n_steps: int, discount: float, priority_power: float, credit: str = "own"
    ) -> None:
        self.capacity, self._power, self._credit = capacity, priority_power, credit
        self._n_steps, self._discount = n_steps, discount
        self.added = 0
        self.tree = SumTree(capacity)
        self.top_priority = 1.0
        self._context: list[NDArray[np.float16]] = []
        self._features: list[NDArray[np.float16]] = []
        self._chosen = np.zeros(capacity, dtype=np.int64)
        self._returns = np.zeros(capacity)
        self._next = np.zeros(capacity, dtype=np.int64)
        self._weights = np.zeros(capacity)

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, episode: Played) -> None:
        """Remember an episode; what comes in is as urgent as the most urgent."""
        is_taken = episode.taken
        slots = (self.added + np.arange(len(is_taken))) % self.capacity
        self._remember(slots, episode.decisions)
        returns, following, weights = episode.transitions(
            n_steps=self._n_steps, discount=self._discount, credit=self._credit
        )
        taken = slots[is_taken]
        self._chosen[taken], self._returns[taken], self._weights[taken] = episode.chosen, returns, weights
        self._next[taken] = slots[following]
        self.tree.set(slots, np.where(is_taken, self.top_priority, 0.0))
        self.added += len(is_taken)

    def _remember(self, slots: Ints, decisions: Packed) -> None:
        features = np.split(decisions.features.astype(np.float16), decisions.starts[1:])
        for slot, context, rows in zip(slots.tolist(), decisions.context.astype(np.float16), features, strict=True):
            if slot == len(self._context):
                self._context.append(context)
                self._features.append(rows)
            else:
                self._context[slot], self._features[slot] = context, rows

    def sample(self, size: int, rng: np.random.Generator, correction: float) -> Sample:
        """Draw transitions by priority, one from each of ``size`` equal stretches of their sum."""
        sums = (np.arange(size) + rng.random(size)) * (self.tree.total / size)
        slots = self.tree.find(sums)
        corrections = self.tree.get(slots) ** -correction
        return Sample(
            slots,
            self._packed(slots),
            self._chosen[slots],
            self._returns[slots],
            self._packed(self._next[slots]),
            self._weights[slots],
            corrections / corrections.max(),
        )

    def _packed(self, slots: Ints) -> Packed:
        rows = [self._features[slot] for slot in slots.tolist()]
        context = np.stack([self._context[slot] for slot in slots.tolist()])
        counts = np.array([len(each) for each in rows], dtype=np.int64)
        return Packed(context.astype(np.float32), np.concatenate(rows).astype(np.float32), counts)

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
        numbers = np.stack([self._chosen[:n], self._returns[:n], self._next[:n], self._weights[:n], priorities])
        return {
            "replay_context": np.stack(self._context),
            "replay_features": np.concatenate(self._features),
            "replay_counts": np.array([len(rows) for rows in self._features]),
            "replay_numbers": numbers,
            "replay_added": np.array([self.added, self.top_priority]),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what :meth:`arrays` gave."""
        if "replay_added" not in arrays:
            return
        self._context = list(arrays["replay_context"])
        self._features = np.split(arrays["replay_features"], np.cumsum(arrays["replay_counts"])[:-1])
        n = len(self._context)
        self._chosen[:n], self._returns[:n], self._next[:n], self._weights[:n], priorities = arrays["replay_numbers"]
        self.tree.set(np.arange(n), priorities)
        self.added, self.top_priority = int(arrays["replay_added"][0]), float(arrays["replay_added"][1])
