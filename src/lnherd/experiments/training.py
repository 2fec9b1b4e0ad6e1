"""A training that lives in a directory: checkpoints, a learning curve, and going on after an interrupt.

    config.json      what is trained (and what marks the directory as ours)
    provenance.json  versions, commit, command
    metrics.csv      one row an episode
    learner.npz      the learner after the last complete batch, with all it needs to go on
    policy.npz       the policy learned so far, for NumPy alone
    policies/        the policy after the episodes that a comparison measures
    events/          the same curve, and losses, for TensorBoard (where that is installed)

``learner.npz`` says how many episodes it has seen. Rows of ``metrics.csv`` beyond that are dropped when a
training goes on, so an interrupt at any moment costs the batch it hit and nothing else: what follows is
what would have followed.
"""

import csv
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar, cast

from lnherd.agents.learner import Learner, Progress
from lnherd.agents.learners import load_learner, make_learner, start_from
from lnherd.agents.policy import Policy
from lnherd.agents.rollout import Player, TaskFactory, task_pool
from lnherd.errors import InputError
from lnherd.experiments.config import TABULAR, TrainingConfig, describe, read_train_config
from lnherd.experiments.directory import CONFIG_FILE, claim, kind_of, read_json, write_csv, write_json
from lnherd.experiments.events import write_events

LEARNER_FILE, POLICY_FILE = "learner.npz", "policy.npz"
METRICS_FILE, PROVENANCE_FILE = "metrics.csv", "provenance.json"
COLUMNS = ("episode", "seed", "exploration", "decisions", "wall_s", "R")
"""First columns of ``metrics.csv``, followed by the terms of what is trained: ``exploration`` is epsilon or entropy,
``decisions`` and ``wall_s`` are running totals, money is in sat."""
EVENTS = "events"
"""Directory of TensorBoard events."""
SAVE_EVERY = 5
"""Batches between two saves."""


C = TypeVar("C", bound=TrainingConfig)
Worlds: TypeAlias = TaskFactory | Player


@dataclass(eq=False)
class Training(Generic[C]):
    """One training and its directory."""

    directory: Path
    config: C
    learner: Learner
    rows: list[list[str]]
    """Rows of ``metrics.csv``, one an episode played."""
    _losses: dict[int, Mapping[str, float]] = field(default_factory=dict)
    """Figures of the updates since the last save, by episode."""

    @classmethod
    def start(
        cls,
        directory: Path,
        config: C,
        environment: Any,
        provenance: dict[str, Any],
        *,
        resume: bool,
        policy: str | None = None,
    ) -> "Training[C]":
        """Claim ``directory`` for a training, or take up the one that is there; a new one begins at a saved ``policy``.

        Raises:
            InputError: when something else is there, or a training that ``resume`` was not said for.
        """
        found = claim(directory, describe(config.kind, config, environment))
        if found and not resume:
            raise InputError(f"{directory}: holds this training already; add --resume or choose another --out")
        if (directory / LEARNER_FILE).exists():
            return cls.read(directory, type(config))
        write_json(directory / PROVENANCE_FILE, provenance)
        learner = make_learner(config.learner(), config.seed)
        if policy is not None:
            start_from(learner, policy)
        training = cls(directory, config, learner, [])
        training.save()
        return training

    @classmethod
    def read(cls, directory: Path, kind: type[C]) -> "Training[C]":
        """The training of one ``kind`` in ``directory``.

        Raises:
            InputError: when there is none, or its files do not fit together.
        """
        if kind_of(directory) != kind.kind:
            raise InputError(f"{directory}: holds no training; give a directory that lnherd train wrote")
        config = read_train_config(kind, read_json(directory / CONFIG_FILE), str(directory / CONFIG_FILE))
        learner = load_learner(config.learner(), directory / LEARNER_FILE, config.seed)
        rows = read_rows(directory / METRICS_FILE, (*COLUMNS, *config.terms))[: learner.episodes_played]
        if len(rows) < learner.episodes_played:
            raise InputError(f"{directory / METRICS_FILE}: ends before the policy does; train anew in a new directory")
        return cls(directory, config, learner, rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of ``metrics.csv``."""
        return (*COLUMNS, *self.config.terms)

    @property
    def episodes(self) -> int:
        """Episodes played and saved."""
        return self.learner.episodes_played

    def advance(self, until: int, world: Worlds, on_episode: Callable[[int], None], *, n_workers: int = 1) -> None:
        """Train until ``until`` episodes have been played in tasks of ``world``, saving on the way.

        ``n_workers`` processes play the episodes of learners that play elsewhere; the result is the same. A world
        that plays by itself (:class:`lnherd.agents.rollout.Player`) shares the work out by itself.
        """
        batch = self.learner.batch_episodes
        until = min(until, self.config.episodes)
        is_alone = self.config.algorithm in TABULAR or isinstance(world, Player)
        with task_pool(cast("TaskFactory", world), 1 if is_alone else n_workers) as pool:
            while self.episodes < until:
                stop = min(self.episodes + SAVE_EVERY * batch, until)
                self._play(stop, world, on_episode, pool)
                self.save()

    def _play(self, stop: int, world: Worlds, on_episode: Callable[[int], None], pool: Executor | None) -> None:
        seeds = self.config.seeds()
        started, before = time.perf_counter(), float(self.rows[-1][4]) if self.rows else 0.0
        decisions = int(self.rows[-1][3]) if self.rows else 0

        def note(progress: Progress) -> None:
            nonlocal decisions
            seed, episode = seeds[progress.episode - 1], progress.totals
            decisions += int(episode["decisions"])
            wall_s = before + time.perf_counter() - started
            head = [str(progress.episode), str(seed), f"{progress.exploration:.4f}", str(decisions), f"{wall_s:.3f}"]
            self.rows.append(head + [f"{episode.get(term, 0.0):.3f}" for term in ("R", *self.config.terms)])
            self._losses[progress.episode] = progress.losses
            on_episode(progress.episode)

        self.learner.train(
            world,
            self.config.episodes,
            seeds,
            note,
            first=self.episodes,
            last=stop,
            pool=pool,
        )

    def save(self) -> None:
        """Write curve, policy and learner, each whole or not at all; the learner counts and comes after the others."""
        write_csv(self.directory / METRICS_FILE, self.columns, self.rows)
        write_whole(self.learner.save_policy, self.directory / POLICY_FILE)
        write_whole(self.learner.save, self.directory / LEARNER_FILE)
        write_events(self.directory / EVENTS, self.columns, self.rows, self._losses)
        self._losses.clear()

    def keep(self) -> Path:
        """Save the learner as it is now for good, and say where."""
        path = self.kept_path(self.episodes)
        write_whole(self.learner.save_policy, path)
        return path

    def kept_path(self, episodes: int) -> Path:
        """Where the learner as it was after ``episodes`` is, if it was kept."""
        return self.directory / "policies" / f"episode-{episodes:06d}.npz"

    def policy(self) -> Policy:
        """What has been learned."""
        return self.learner.policy()


def write_whole(write: Callable[[Path], None], path: Path) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another --out") from error


def read_rows(path: Path, columns: tuple[str, ...]) -> list[list[str]]:
    """Rows of ``metrics.csv``.

    Raises:
        InputError: when it is missing or not what we wrote.
    """
    try:
        with path.open(newline="") as file:
            header, *rows = csv.reader(file)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); train anew in a new directory") from None
    if tuple(header) != columns or any(len(row) != len(columns) for row in rows):
        raise InputError(f"{path}: is not the curve of a training of this version; train anew in a new directory")
    return rows
