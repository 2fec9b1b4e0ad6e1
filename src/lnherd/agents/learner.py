"""What every learner has in common: it trains by episodes, reports progress, and saves all of itself or its policy."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lnherd.agents.policy import Policy
from lnherd.control.decision import StepResult, Task

if TYPE_CHECKING:
    from lnherd.agents.rollout import Player

REWARD = "R"
"""The sum of rewards among the totals of an episode."""
DECISIONS = "decisions"
"""And the number of decisions."""


@dataclass(frozen=True)
class Progress:
    """What ``on_progress`` hears after each episode."""

    episode: int
    """Episodes done."""
    episodes: int
    """Episodes to do."""
    episode_return: float
    """Undiscounted return of this one, exploration included."""
    exploration: float
    """In it: share of exploratory actions (Q-learning, DQN), mean entropy in nats (PPO)."""
    totals: Mapping[str, float] = field(default_factory=dict)
    """Sums over the episode: ``R``, ``decisions`` and every term that the task logs."""
    losses: Mapping[str, float] = field(default_factory=dict)
    """Figures of the last update, by name."""


class Totals(defaultdict[str, float]):
    """Sums over one episode."""

    def __init__(self) -> None:
        super().__init__(float)

    def add(self, result: StepResult) -> None:
        """One step."""
        self[REWARD] += result.reward
        self[DECISIONS] += 1
        for term, value in result.terms.items():
            self[term] += value


class Learner(Protocol):
    """Something that can be trained."""

    @property
    def episodes_played(self) -> int:
        """Episodes it has learned from."""
        ...

    @property
    def batch_episodes(self) -> int:
        """Episodes between two updates: training stops and goes on in whole batches."""
        ...

    def train(
        self,
        task_factory: "Callable[[], Task] | Player",
        episodes: int,
        seeds: Sequence[int],
        on_progress: Callable[[Progress], None] | None = None,
        *,
        first: int = 0,
        last: int | None = None,
        pool: Executor | None = None,
    ) -> list[float]:
        """Play the episodes from ``first`` up to ``last`` of a training of ``episodes``; returns their returns."""
        ...

    def policy(self) -> Policy:
        """What has been learned so far, frozen."""
        ...

    def save_policy(self, path: Path | str) -> None:
        """Write what :meth:`policy` needs, for NumPy alone."""
        ...

    def save(self, path: Path | str) -> None:
        """Write everything, to go on from as if nothing had happened."""
        ...
