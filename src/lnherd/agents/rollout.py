"""Rollouts: several episodes played side by side, one forward pass of the network for all of them.

Episodes are the unit: an episode's outside events follow from its seed, its draws from (learner's seed, number of
the episode). Groups of episodes that are stepped together are fixed by the configuration, so what is played does
not depend on how many processes share the work. Networks run on NumPy here: at these sizes a call into PyTorch
costs more than the arithmetic.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from lnherd.agents.learner import Totals
from lnherd.agents.packing import Packed, joined, packed
from lnherd.agents.returns import gae, n_step
from lnherd.agents.reward_scale import RewardScale
from lnherd.agents.scorer import Scorer, best, drawn
from lnherd.control.decision import Decision, Task
from lnherd.network.records import Bools, Floats, Ints

TaskFactory: TypeAlias = Callable[[], Task]


@dataclass(frozen=True)
class EpisodeKey:
    """What an episode follows from."""

    seed: int
    """Of the outside events."""
    draws: tuple[int, ...]
    """Of the behaviour's draws."""


class Behaviour(Protocol):
    """How actions are chosen while learning; travels to other processes."""

    def choose(self, batch: Packed, rngs: Sequence[np.random.Generator]) -> tuple[Ints, Floats]:
        """``(positions [B], log-probabilities [B])``; decision b draws from ``rngs[b]`` alone."""
        ...


@dataclass(frozen=True, eq=False)
class SoftmaxBehaviour:
    """Draws each candidate with the softmax of its score."""

    scorer: Scorer

    def choose(self, batch: Packed, rngs: Sequence[np.random.Generator]) -> tuple[Ints, Floats]:
        """One each."""
        return drawn(self.scorer.scores(batch), batch, rngs)


@dataclass(frozen=True, eq=False)
class GreedyBehaviour:
    """The highest score, except for a share ``epsilon`` of exploratory actions."""

    scorer: Scorer
    epsilon: float
    n_kinds: int
    """An exploratory action is any kind, equally often, then any candidate of it; 0 draws among all alike."""

    def choose(self, batch: Packed, rngs: Sequence[np.random.Generator]) -> tuple[Ints, Floats]:
        """Epsilon-greedily."""
        chosen = best(self.scorer.scores(batch), batch)
        for row, (rng, start, count) in enumerate(zip(rngs, batch.starts, batch.counts, strict=True)):
            if rng.random() < self.epsilon:
                chosen[row] = self._explore(batch.features[start : start + count], rng)
        return chosen, np.zeros(len(chosen))

    def _explore(self, features: np.ndarray, rng: np.random.Generator) -> int:
        if self.n_kinds == 0:
            return int(rng.integers(len(features)))
        kinds = features[:, : self.n_kinds].argmax(axis=1)
        return int(rng.choice(np.flatnonzero(kinds == rng.choice(np.unique(kinds)))))


@dataclass(eq=False)
class Trajectory:
    """One played episode of ``T`` steps. Where several agents act together, their steps come in turn."""

    decisions: Packed
    """``T + 1`` decisions (of each agent); the last is what would have been asked next."""
    chosen: Ints
    """``[T]`` position of the chosen candidate among those of its decision."""
    log_probabilities: Floats
    """``[T]`` log-probability with which it was chosen."""
    rewards: Floats
    """``[T]`` less what was wanted from outside (``StepResult.wanted``): the same advantages with less noise, since no
    action changes how much is wanted."""
    terminated: bool
    """Whether the world ended, rather than the time."""
    totals: dict[str, float]
    """Sums over the episode."""
    agents: int = 1
    """How many act together: M steps and M decisions stand for one moment."""

    def __len__(self) -> int:
        return len(self.rewards)

    @property
    def taken(self) -> Bools:
        """``[T + M]`` all but those of the last moment."""
        return np.arange(len(self) + self.agents) < len(self)

    def watch(self, scale: RewardScale) -> None:
        """Count the rewards in, agent by agent."""
        for agent in range(self.agents):
            scale.watch(self.rewards[agent :: self.agents])

    def advantages(self, values: Floats, scale: float, *, discount: float, trace: float, credit: str) -> Floats:
        """``[T]`` generalised advantages; ``values [T + M]`` are in scaled reward. Each agent has one stream."""
        advantages = np.zeros(len(self))
        for agent in range(self.agents):
            own = slice(agent, None, self.agents)
            rewards = self.rewards[own] / scale
            advantages[own] = gae(rewards, values[own], discount=discount, trace=trace, terminated=self.terminated)
        return advantages

    def transitions(self, *, n_steps: int, discount: float, credit: str) -> tuple[Floats, Ints, Floats]:
        """``(returns, next, weights)``, each ``[T]``, for replay."""
        returns, weights = np.zeros(len(self)), np.zeros(len(self))
        following: Ints = np.zeros(len(self), dtype=np.int64)
        for agent in range(self.agents):
            own = slice(agent, None, self.agents)
            steps = n_step(self.rewards[own], n_steps=n_steps, discount=discount, terminated=self.terminated)
            returns[own], following[own], weights[own] = steps[0], steps[1] * self.agents + agent, steps[2]
        return returns, following, weights


class Played(Protocol):
    """One episode as learners take it: a :class:`Trajectory` or one of forwarding (``hop_trajectory``)."""

    decisions: Packed
    chosen: Ints
    log_probabilities: Floats
    rewards: Floats
    totals: dict[str, float]

    def __len__(self) -> int: ...

    @property
    def taken(self) -> Bools:
        """Of ``decisions``, which were answered."""
        ...

    def watch(self, scale: RewardScale) -> None:
        """Tell ``scale`` how large rewards are."""
        ...

    def advantages(self, values: Floats, scale: float, *, discount: float, trace: float, credit: str) -> Floats:
        """``[T]`` from the values of ``decisions``."""
        ...

    def transitions(self, *, n_steps: int, discount: float, credit: str) -> tuple[Floats, Ints, Floats]:
        """``[T]`` returns, the positions of the decisions that complete them, and the weights of these."""
        ...


@runtime_checkable
class Player(Protocol):
    """What plays whole episodes by itself, as compiled worlds do."""

    def collect(self, behaviour: "Behaviour", keys: Sequence[EpisodeKey]) -> Sequence[Played]:
        """One episode a key, in their order."""
        ...


@dataclass(eq=False)
class _Lane:
    """One episode under way."""

    task: Task
    rng: np.random.Generator
    decision: Decision
    looks: list[Packed] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    logs: list[float] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    terminated: bool = False

    def step(self, position: int, log_probability: float) -> bool:
        """Carry the candidate at ``position`` out; whether the episode is over."""
        candidate = int(np.flatnonzero(self.decision.mask)[position])
        result = self.task.step(self.decision.candidates[candidate])
        self.chosen.append(position)
        self.logs.append(log_probability)
        self.rewards.append(result.reward - result.wanted)
        self.totals.add(result)
        self.decision, self.terminated = result.decision, result.terminated
        return result.terminated or result.truncated

    def trajectory(self) -> Trajectory:
        """What was played."""
        return Trajectory(
            joined([*self.looks, packed(self.decision)]),
            np.array(self.chosen, dtype=np.int64),
            np.array(self.logs),
            np.array(self.rewards),
            self.terminated,
            dict(self.totals),
        )


def play_together(tasks: Sequence[Task], behaviour: Behaviour, keys: Sequence[EpisodeKey]) -> list[Trajectory]:
    """Play one episode in each task, step by step side by side."""
    lanes = [
        _Lane(task, np.random.default_rng(key.draws), task.reset(key.seed))
        for task, key in zip(tasks, keys, strict=True)
    ]
    running = lanes
    while running:
        looks = [packed(lane.decision) for lane in running]
        chosen, logs = behaviour.choose(joined(looks), [lane.rng for lane in running])
        still = []
        for lane, look, position, log in zip(running, looks, chosen.tolist(), logs.tolist(), strict=True):
            lane.looks.append(look)
            if not lane.step(position, log):
                still.append(lane)
        running = still
    return [lane.trajectory() for lane in lanes]


class Collector:
    """Plays batches of episodes, here or in the processes of a :func:`task_pool`."""

    def __init__(self, task_factory: TaskFactory, lanes: int, pool: Executor | None = None) -> None:
        self._factory, self._lanes, self._pool = task_factory, lanes, pool
        self._tasks: list[Task] = []

    def collect(self, behaviour: Behaviour, keys: Sequence[EpisodeKey]) -> Sequence[Played]:
        """One trajectory a key, in their order."""
        groups = [keys[start : start + self._lanes] for start in range(0, len(keys), self._lanes)]
        if self._pool is not None:
            jobs = [self._pool.submit(_play_in_worker, behaviour, group) for group in groups]
            return [played for job in jobs for played in job.result()]
        while len(self._tasks) < min(self._lanes, len(keys)):
            self._tasks.append(self._factory())
        return [each for group in groups for each in play_together(self._tasks[: len(group)], behaviour, group)]


_factory: TaskFactory | None = None
_tasks: list[Task] = []


def _begin(task_factory: TaskFactory) -> None:
    """Set a worker up; an interrupt is the parent's to handle."""
    global _factory
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _factory = task_factory


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _play_in_worker(behaviour: Behaviour, keys: Sequence[EpisodeKey]) -> list[Trajectory]:
    assert _factory is not None
    while len(_tasks) < len(keys):
        _tasks.append(_factory())
    return play_together(_tasks[: len(keys)], behaviour, keys)


@contextmanager
def task_pool(task_factory: TaskFactory, n_workers: int) -> Iterator[Executor | None]:
    """Processes with tasks of their own for a :class:`Collector`; None where one process is enough."""
    if n_workers <= 1:
        yield None
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(n_workers, mp_context=context, initializer=_begin, initargs=(task_factory,))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
