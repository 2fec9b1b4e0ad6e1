"""Episodes and trainings in parallel: processes that hold the world and take small jobs.

Processes, not threads: the engine lets go of the GIL, but views, features and tables are Python. Two workers
on two cores, 24 episodes on 200 nodes: threads 1.0 to 1.3 times one worker, processes 1.75 times, 1 s to start.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from lnherd.agents.braked import PREFIX, Braked
from lnherd.agents.learners import load_policy
from lnherd.agents.policy import Policy
from lnherd.agents.rules import RULES
from lnherd.agents.rules.tunable import with_parameters
from lnherd.control.decision import Task
from lnherd.experiments.config import TrainConfig
from lnherd.experiments.episodes import REWARD, Episode, play
from lnherd.experiments.training import Training
from lnherd.experiments.tuning import Tuned, tune

TaskMaker: TypeAlias = Callable[[], Task]
"""Something that builds a task; it travels to the workers by pickle."""
AnyFuture: TypeAlias = Future[Any]
"""A job under way."""
_task: Task | None = None
TUNED = ", tuned"
"""What the name of a rule ends in, in tables, where its parameters have been tuned."""


@dataclass(frozen=True)
class Candidate:
    """A policy by reference, as it travels to a worker."""

    name: str
    """Name in tables."""
    training: int = 0
    """Which training it comes from."""
    path: Path | None = None
    """File of a learned policy; None is the rule called ``name``."""
    episodes: int = 0
    """Training episodes it has seen."""
    settings: tuple[tuple[str, float], ...] = ()
    """Tuned parameters of a rule; without any it runs as published."""
    is_braked: bool = False
    """Whether it spends nothing while the anomaly watch sounds."""

    def policy(self) -> Policy:
        """Build or load it."""
        policy = self._unbraked()
        return Braked(policy) if self.is_braked else policy

    def _unbraked(self) -> Policy:
        if self.path is not None:
            return load_policy(self.path)[0]
        rule = self.name.removeprefix(PREFIX).removesuffix(TUNED)
        return with_parameters(RULES[rule](), dict(self.settings))

    def fingerprint(self) -> str:
        """What tells a saved policy from another of its name: the start of its file's SHA-256; rules have none."""
        return "" if self.path is None else sha256(self.path.read_bytes()).hexdigest()[:12]


@dataclass(frozen=True)
class Evaluated:
    """Episodes of one candidate."""

    candidate: Candidate
    episodes: tuple[Episode, ...]


@dataclass(frozen=True)
class Trained:
    """A training that got on: ``kept`` is set where it reached the stop asked for."""

    directory: Path
    episodes: int
    played: int
    kept: Path | None


def _begin(make_task: TaskMaker) -> None:
    """Set a worker up. An interrupt is the parent's to handle: a worker finishes its job and its files."""
    global _task
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _task = make_task()


def _end_with_parent() -> None:
    """A parent that is killed cannot stop its workers: they would play on for nobody."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def own_task() -> Task:
    """The task of this worker."""
    assert _task is not None
    return _task


def evaluate(candidate: Candidate, seeds: tuple[int, ...]) -> Evaluated:
    """Job: play ``candidate`` on ``seeds``."""
    policy, task = candidate.policy(), own_task()
    episodes = [play(task, policy, seed, name=candidate.name, training=candidate.training) for seed in seeds]
    return Evaluated(candidate, tuple(episodes))


def train(directory: Path, until: int, stop: int) -> Trained:
    """Job: go on with the training in ``directory`` until ``until`` episodes, keeping the policy at ``stop``."""
    training = Training.read(directory, TrainConfig)
    before = training.episodes
    training.advance(until, own_task, lambda _: None)
    kept = training.keep() if training.episodes == stop else None
    return Trained(directory, training.episodes, training.episodes - before, kept)


def tune_rule(rule: str, seeds: tuple[int, ...], seed: int) -> Tuned:
    """Job: search the settings of ``rule`` on training seeds, with as many episodes as there are seeds."""
    task = own_task()

    def score(policy: Policy, each: int) -> float:
        return play(task, policy, each).totals[REWARD]

    return tune(RULES[rule](), score, seeds, episodes=len(seeds), seed=seed)


def n_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def workers(make_task: TaskMaker, n_workers: int) -> Iterator[Executor]:
    """Processes for :func:`evaluate` and :func:`train`; on an interrupt, jobs not begun are dropped."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(n_workers, mp_context=context, initializer=_begin, initargs=(make_task,))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
