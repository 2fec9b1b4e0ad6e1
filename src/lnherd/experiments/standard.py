"""``lnherd compare herding --suite standard``: rules, tuned, and learners in every cell of the standard suite.

Every (cell, policy, training) is a job: it tunes or trains in the cell's training worlds, then plays every held-out
seed in its held-out worlds. Each result is a file of its own, written whole, so that an interrupted run goes on where
it stopped and later policies can join a finished one.

    config.json  cells/CELL/POLICY/tuned.json | policy-N.npz  cells/CELL/POLICY/N-WORLD-SEED.json
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lnherd.agents.configs import WIDE_SPACES, DQNConfig, PPOConfig
from lnherd.agents.learners import LearnerConfig, gentle, load_policy, looks_widely, make_learner, start_from
from lnherd.agents.policy import Policy
from lnherd.agents.qlearning import QConfig
from lnherd.agents.rules import RULES
from lnherd.agents.rules.tunable import ranges, with_parameters
from lnherd.agents.shipped import shipped_policy
from lnherd.control.view import Role
from lnherd.control.wide import wide_task
from lnherd.experiments.config import widely
from lnherd.experiments.directory import read_json, write_json
from lnherd.experiments.episodes import REWARD, Episode, play
from lnherd.experiments.jobs import do_all
from lnherd.experiments.results import BASELINE
from lnherd.experiments.seeds import held_out_seeds, training_seeds
from lnherd.experiments.suites import AnyWorld, Cell, SuiteConfig, Surroundings
from lnherd.experiments.tuning import tune
from lnherd.experiments.worth import worth_bound

SHIPPED, FINE_TUNED = "ppo-shipped", "ppo-fine-tuned"
"""The policy that comes with the package, as it is, and trained on in the cell."""
LEARNERS: dict[str, LearnerConfig] = {
    "q-learning": QConfig(),
    "dqn": widely(DQNConfig(), 1),
    "ppo": widely(PPOConfig(), 1),
    FINE_TUNED: gentle(widely(PPOConfig(), 1)),
}
"""Learners that are trained in each cell, by their name in tables."""
LEARNED = (*LEARNERS, SHIPPED)
"""Policies that are no rules."""
FEES_ONLY = (
    "market", "static", "proportional", "exp-balance", "lndg-autofees", "demand-controller", "terminal-autofees",
    "pid-spread",
)  # fmt: skip
"""Rules that set fees and nothing else: they do nothing for a node whose successes are its own payments."""
TUNED_FILE = "tuned.json"


@dataclass(frozen=True)
class Job:
    """One policy in one cell."""

    cell: Cell
    policy: str
    training: int = 0


def policies_of(cell: Cell, wanted: Sequence[str]) -> list[str]:
    """Those of ``wanted`` that can make a difference in ``cell``, and that there are for its role."""
    missing = (SHIPPED, FINE_TUNED) if not shipped_policy(cell.role).exists() else ()
    return [name for name in wanted if name not in missing and (cell.role == Role.ROUTER or name not in FEES_ONLY)]


def jobs(config: SuiteConfig, wanted: Sequence[str]) -> list[Job]:
    """All jobs, policy by policy, so that an unfinished run compares whom it has in every cell."""
    return [
        Job(cell, name, training)
        for name in wanted
        for cell in config.cells()
        if name in policies_of(cell, wanted)
        for training in range(config.trainings if name in LEARNERS else 1)
    ]


def learner_config(job: Job) -> LearnerConfig:
    """Of the learner that ``job`` trains. Fine-tuning looks as the policy does that it starts from."""
    if job.policy == FINE_TUNED and not looks_widely(shipped_policy(job.cell.role)):
        return gentle(PPOConfig())
    return LEARNERS[job.policy]


def results_of(out: Path, job: Job) -> Path:
    """Where the results of a job are."""
    return out / "cells" / job.cell.name / job.policy


def held_out(config: SuiteConfig) -> list[tuple[int, int]]:
    """``(world, seed)`` of every held-out episode of a cell."""
    seeds = held_out_seeds(config.seed, config.worlds * config.seeds)
    return [(position % config.worlds, seed) for position, seed in enumerate(seeds)]


def missing(config: SuiteConfig, out: Path, job: Job) -> list[tuple[int, int]]:
    """Held-out episodes of a job that have not been played yet."""
    folder = results_of(out, job)
    return [
        (world, seed) for world, seed in held_out(config) if not (folder / _file(job.training, world, seed)).exists()
    ]


def _file(training: int, world: int, seed: int) -> str:
    return f"{training}-{world}-{seed}.json"


class Worker:
    """A process that does jobs; worlds are kept from one job to the next."""

    def __init__(self, config: SuiteConfig, out: Path) -> None:
        self.config, self.out = config, out
        self._surroundings = Surroundings(config)
        self._worlds: dict[tuple[Cell, str], AnyWorld] = {}

    def do(self, job: Job) -> None:
        """Play what is missing of ``job``."""
        todo = missing(self.config, self.out, job)
        if not todo:
            return
        policy, worlds = self._policy(job), self._in(job.cell, "eval")
        for world, seed in todo:
            task = worlds.task(world)
            episode = play(task, policy, seed, name=job.policy, training=job.training)
            stored = {**asdict(episode), "world": world, "bound": worth_bound(task.scenario, seed)}
            write_json(results_of(self.out, job) / _file(job.training, world, seed), stored)

    def _in(self, cell: Cell, split: str) -> AnyWorld:
        if (cell, split) not in self._worlds:
            self._worlds[cell, split] = AnyWorld(self._surroundings.worlds(cell, split))
        return self._worlds[cell, split]

    def _policy(self, job: Job) -> Policy:
        if job.policy == SHIPPED:
            return load_policy(shipped_policy(job.cell.role))[0]
        return self._learned(job) if job.policy in LEARNERS else self._tuned(job)

    def _tuned(self, job: Job) -> Policy:
        """The rule with the settings that its tuning found, tuned now if that has not been done."""
        rule, path = RULES[job.policy](), results_of(self.out, job) / TUNED_FILE
        if not ranges(rule):
            return rule
        if not path.exists():
            started = time.perf_counter()
            seeds = training_seeds(self.config.seed, self.config.budget)
            train = self._in(job.cell, "train")

            def score(policy: Policy, seed: int) -> float:
                return play(train, policy, seed).totals[REWARD]

            tuned = tune(rule, score, seeds, episodes=self.config.budget, seed=self.config.seed)
            write_json(path, {**tuned.as_json(), "wall_s": time.perf_counter() - started})
        stored = read_json(path)
        return with_parameters(rule, stored["parameters"])

    def _learned(self, job: Job) -> Policy:
        """The learner's policy, trained now if that has not been done."""
        path = results_of(self.out, job) / f"policy-{job.training}.npz"
        if not path.exists():
            started, config = time.perf_counter(), self.config
            seed = config.seed * 1_000 + job.training
            about = learner_config(job)
            learner = make_learner(about, seed)
            if job.policy == FINE_TUNED:
                start_from(learner, shipped_policy(job.cell.role))
            world = partial(AnyWorld, self._in(job.cell, "train").worlds)
            is_wide = not isinstance(about, QConfig) and about.spaces == WIDE_SPACES
            make_task = partial(wide_task, world) if is_wide else world
            learner.train(make_task, config.budget, training_seeds(seed + 1, config.budget))
            path.parent.mkdir(parents=True, exist_ok=True)
            learner.save_policy(path)
            wall_s = time.perf_counter() - started
            write_json(path.with_suffix(".json"), {"episodes": config.budget, "wall_s": wall_s})
        return load_policy(path)[0]


def run(
    config: SuiteConfig, planned: Sequence[Job], out: Path, n_workers: int, on_progress: Callable[[int], None]
) -> None:
    """Do every job of ``planned`` that is not done yet."""
    todo = [job for job in planned if missing(config, out, job)]
    done = len(planned) - len(todo)
    do_all(partial(Worker, config, out), todo, n_workers, lambda more: on_progress(done + more))


@dataclass(frozen=True)
class Played:
    """One stored episode."""

    cell: str
    episode: Episode
    world: int
    bound: float


def stored(out: Path, config: SuiteConfig, wanted: Sequence[str]) -> Iterator[Played]:
    """Every stored episode of the suite that ``config`` describes."""
    for job in jobs(config, wanted):
        for world, seed in held_out(config):
            path = results_of(out, job) / _file(job.training, world, seed)
            if path.exists():
                content: dict[str, Any] = read_json(path)
                bound = float(content.pop("bound"))
                yield Played(job.cell.name, Episode(**{k: v for k, v in content.items() if k != "world"}), world, bound)


def standard_policies() -> list[str]:
    """Doing nothing first, then the learners, then every rule, those first that move liquidity."""
    rules = [name for name in RULES if name not in FEES_ONLY and name not in (BASELINE, "random")]
    return [BASELINE, *LEARNED, *rules, *FEES_ONLY, "random"]
