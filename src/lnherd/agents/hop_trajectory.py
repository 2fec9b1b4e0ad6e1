"""What was decided in one forwarding world, hop by hop, ready for a learner."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lnherd.agents.credit import followers, increments, linked_gae, linked_returns, retries
from lnherd.agents.packing import Packed
from lnherd.agents.reward_scale import RewardScale
from lnherd.network.records import Bools, Floats, Ints

ATTEMPT_BITS = 16
_BY_DECISION = ("chosen", "log_probabilities", "rewards", "fees", "lost", "node", "path", "is_split", "amounts")


@dataclass(eq=False)
class HopTrajectory:
    """``T`` decisions of one episode in the order in which they were made; every outcome is known."""

    decisions: Packed
    """``T`` decisions, each with at least two possibilities."""
    chosen: Ints
    """``[T]`` position of the chosen one among them."""
    log_probabilities: Floats
    """``[T]`` with which it was chosen."""
    rewards: Floats
    """``[T]`` what came of each decision itself, in sat (``envs.forwarding_reward``)."""
    fees: Floats
    """``[T]`` the fee in it."""
    lost: Floats
    """``[T]`` what was lost in it because it failed."""
    node: Ints
    """``[T]`` who decided."""
    path: Ints
    """``[T]`` a number for each part of a payment on its way: the payment's, then ``ATTEMPT_BITS`` for the attempt."""
    is_split: Bools
    """``[T]`` whether the part was split."""
    amounts: Floats
    """``[T]`` what was to be forwarded, in sat."""
    totals: dict[str, float]
    """Sums over the episode."""

    def __len__(self) -> int:
        return len(self.rewards)

    def of_groups(self, group_of: Ints, n_groups: int) -> list["HopTrajectory"]:
        """What each group of nodes decided, ``group_of [N]`` naming each node's.

        A way goes on at the next decision of the *same* group: what other nodes do in between is its world.
        """
        if n_groups == 1:
            return [self]
        groups = group_of[self.node]
        return [self._select(np.flatnonzero(groups == group)) for group in range(n_groups)]

    def _select(self, rows: Ints) -> "HopTrajectory":
        each = (getattr(self, name)[rows] for name in _BY_DECISION)
        return replace(self, decisions=self.decisions.select(rows), **dict(zip(_BY_DECISION, each, strict=True)))

    @property
    def taken(self) -> Bools:
        """``[T]`` all decisions were taken."""
        return np.ones(len(self), dtype=np.bool_)

    def watch(self, scale: RewardScale) -> None:
        """Count the rewards in one by one: they are outcomes already, not to be summed up over the episode."""
        scale.watch_all(self.rewards)

    def advantages(self, values: Floats, scale: float, *, discount: float, trace: float, credit: str) -> Floats:
        """``[T]`` by one kind of ``credit``; ``values [T]`` are in scaled reward."""
        rewards, following = self._credited(credit)
        return linked_gae(rewards / scale, values, following, discount=discount, trace=trace)

    def transitions(self, *, n_steps: int, discount: float, credit: str) -> tuple[Floats, Ints, Floats]:
        """``(returns, next, weights)``, each ``[T]``, for replay."""
        rewards, following = self._credited(credit)
        return linked_returns(rewards, following, n_steps=n_steps, discount=discount)

    def _credited(self, credit: str) -> tuple[Floats, Ints]:
        """Rewards and the decision that follows each."""
        way = self._way
        if credit == "path":
            return increments(self.rewards, self.fees, way, self.is_split), way
        if credit == "payment":
            return self._along_the_payment()
        if credit == "stream":
            return self.rewards, followers(self.node)
        return self.rewards, np.where(self.is_split, way, -1)

    def _along_the_payment(self) -> tuple[Floats, Ints]:
        way = self._way
        _, first = np.unique(self.path, return_index=True)
        starts = first[np.searchsorted(self.path[first], self.path)]
        again = np.where(self.lost > 0, retries(self.path >> ATTEMPT_BITS, way, starts), -1)
        rewards = increments(self.rewards, self.fees, way, self.is_split)
        rewards[again >= 0] += self.lost[again >= 0]
        return rewards, np.maximum(way, again)

    @cached_property
    def _way(self) -> Ints:
        return followers(self.path)
