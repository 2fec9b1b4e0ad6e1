"""A comparison: train the learners, run everybody on the same held-out seeds, write table and report.

    config.json  provenance.json  trainings/ALGORITHM-N/  results.csv  results.json  marl-eval.json  report.html

An interrupted comparison goes on where its trainings stopped when it is run again with the same
configuration and directory.
"""

import shutil
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.agents.rules import RULES
from lnherd.agents.rules.tunable import ranges
from lnherd.experiments.config import LEARNED_NAMES, CompareConfig, TrainConfig, describe
from lnherd.experiments.curves import Curve
from lnherd.experiments.directory import CONFIG_FILE, claim, kind_of, read_json, write_json
from lnherd.experiments.episodes import REWARD, Episode
from lnherd.experiments.training import PROVENANCE_FILE, Training
from lnherd.experiments.tuning import Tuned, search_cost
from lnherd.experiments.workers import (
    TUNED,
    AnyFuture,
    Candidate,
    Evaluated,
    TaskMaker,
    Trained,
    evaluate,
    n_cores,
    train,
    tune_rule,
    workers,
)

SEEDS_PER_JOB = 4
"""Episodes of one evaluation job: long enough to be worth sending, short enough to show progress."""
EPISODES_PER_JOB = 16
"""Episodes of one training job: whole batches of every learner."""
TRAININGS = "trainings"
"""Directory of the trainings."""
TUNED_RULES = "tuned"
"""Directory of tuned settings, one file a rule."""
OUTPUTS = ("results.csv", "results.json", "marl-eval.json", "curves.svg", "report.html")
"""What :mod:`lnherd.experiments.publish` adds."""


@dataclass(eq=False)
class Findings:
    """All episodes of a comparison."""

    final: list[Episode]
    """Rules, and learners at the end of their training."""
    curves: tuple[Curve, ...]
    """One a learner."""


@dataclass(eq=False)
class _Race:
    """The state of a comparison under way."""

    config: CompareConfig
    pool: Executor
    on_progress: Callable[[int], None]
    tuned_rules: Path
    """Directory of tuned settings."""
    learners: dict[Path, tuple[str, int]]
    """Directory of each training -> its algorithm and number."""
    pending: set[AnyFuture] = field(default_factory=set)
    evaluated: dict[Candidate, list[Episode]] = field(default_factory=dict)
    done: int = 0

    def finish(self) -> None:
        """Follow every job up until none is left."""
        while self.pending:
            finished, self.pending = wait(self.pending, return_when=FIRST_COMPLETED)
            for job in finished:
                self._follow_up(job.result())

    def _follow_up(self, result: Evaluated | Trained | Tuned) -> None:
        if isinstance(result, Tuned):
            self._tuned(result)
            return
        if isinstance(result, Evaluated):
            self.evaluated.setdefault(result.candidate, []).extend(result.episodes)
            self.advance(len(result.episodes))
            return
        self.advance(result.played)
        if result.kept is not None:
            self.evaluate_kept(result.directory, result.kept, result.episodes)
        self.train(result.directory, result.episodes)

    def tune(self, rule: str) -> None:
        """Start the search for the best settings of ``rule``, or take up what an earlier run found."""
        path = self.tuned_rules / f"{rule}.json"
        if path.exists():
            self._tuned(Tuned(**read_json(path)))
        else:
            self.pending.add(self.pool.submit(tune_rule, rule, self.config.tuning_seeds(), self.config.seed))

    def _tuned(self, found: Tuned) -> None:
        """Store what a search found and let the tuned rule play."""
        write_json(self.tuned_rules / f"{found.rule}.json", found.as_json())
        self.advance(found.episodes)
        self.evaluate(Candidate(found.rule + TUNED, settings=tuple(found.parameters.items())))

    def take_up(self, training: Training[TrainConfig]) -> None:
        """Go on with a training, and measure what an earlier, interrupted run had kept of it."""
        self.advance(training.episodes)
        for stop in self.config.stops():
            kept = training.kept_path(stop)
            if stop == training.episodes and not kept.exists():
                training.keep()
            if stop <= training.episodes:
                self.evaluate_kept(training.directory, kept, stop)
        self.train(training.directory, training.episodes)

    def evaluate(self, candidate: Candidate) -> None:
        """Start ``candidate`` on all held-out seeds."""
        seeds = self.config.seeds()
        for start in range(0, len(seeds), SEEDS_PER_JOB):
            self.pending.add(self.pool.submit(evaluate, candidate, tuple(seeds[start : start + SEEDS_PER_JOB])))

    def evaluate_kept(self, directory: Path, kept: Path, episodes: int) -> None:
        """Start the policy that a training kept after ``episodes``."""
        algorithm, number = self.learners[directory]
        self.evaluate(Candidate(LEARNED_NAMES[algorithm], number, kept, episodes))

    def train(self, directory: Path, episodes: int) -> None:
        """Start the next stretch of a training that has played ``episodes``; nothing where it is complete."""
        stop = next((stop for stop in self.config.stops() if stop > episodes), None)
        if stop is not None:
            until = min(episodes + EPISODES_PER_JOB, stop)
            self.pending.add(self.pool.submit(train, directory, until, stop))

    def advance(self, episodes: int) -> None:
        """Tell how many episodes have been played."""
        self.done += episodes
        self.on_progress(self.done)


def n_episodes(config: CompareConfig) -> int:
    """Episodes that a comparison plays in all."""
    learned = len(config.algorithms) * config.trainings
    tuned = len(tuned_rules(config))
    evaluations = len(config.rules) + tuned + learned * len(config.stops())
    searched = tuned * search_cost(config.train_episodes)
    return learned * config.train_episodes + searched + evaluations * config.evaluations


def tuned_rules(config: CompareConfig) -> list[str]:
    """Rules that are to run tuned: those that have something to tune."""
    return [rule for rule in config.rules if config.tuned and ranges(RULES[rule]())]


def prepare(
    config: CompareConfig, out: Path, environment: Any, provenance: dict[str, Any], *, kind: str, fresh: bool
) -> list[Training[TrainConfig]]:
    """Claim ``out`` and its trainings, in the order of ``config.learners()``; ``fresh`` forgets an earlier run.

    Raises:
        InputError: when something else is there.
    """
    if fresh and kind_of(out) == kind:
        _forget(out)
        write_json(out / CONFIG_FILE, describe(kind, config, environment))
    claim(out, describe(kind, config, environment))
    write_json(out / PROVENANCE_FILE, provenance)
    return [
        Training.start(
            out / TRAININGS / f"{algorithm}-{number}",
            config.training(algorithm, number),
            environment,
            provenance,
            resume=True,
        )
        for algorithm, number in config.learners()
    ]


def _forget(out: Path) -> None:
    """Remove what a comparison writes, and nothing else."""
    shutil.rmtree(out / TRAININGS, ignore_errors=True)
    shutil.rmtree(out / TUNED_RULES, ignore_errors=True)
    for name in (PROVENANCE_FILE, *OUTPUTS):
        (out / name).unlink(missing_ok=True)


def run(
    config: CompareConfig,
    trainings: list[Training[TrainConfig]],
    make_task: TaskMaker,
    on_progress: Callable[[int], None],
    *,
    out: Path,
    days: float,
) -> Findings:
    """Play everything, in as many processes as there are cores; an episode lasts ``days``, settings go to ``out``."""
    learners = {each.directory: place for each, place in zip(trainings, config.learners(), strict=True)}
    with workers(make_task, n_cores()) as pool:
        race = _Race(config, pool, on_progress, out / TUNED_RULES, learners)
        for training in trainings:
            race.take_up(training)
        for rule in config.rules:
            race.evaluate(Candidate(rule))
        for rule in tuned_rules(config):
            race.tune(rule)
        race.finish()
    final = [
        episode
        for candidate, episodes in race.evaluated.items()
        for episode in episodes
        if candidate.path is None or candidate.episodes == config.train_episodes
    ]
    names = [*config.rules, *(rule + TUNED for rule in tuned_rules(config)), *LEARNED_NAMES.values()]
    order = {name: place for place, name in enumerate(names)}
    final.sort(key=lambda episode: (order[episode.policy], episode.training, episode.seed))
    curves = [_curve(config, name, learners, race.evaluated, days) for name in config.algorithms]
    return Findings(final, tuple(curves))


def _curve(
    config: CompareConfig,
    algorithm: str,
    learners: dict[Path, tuple[str, int]],
    evaluated: dict[Candidate, list[Episode]],
    days: float,
) -> Curve:
    """What a learner earned on the held-out seeds at each stop."""
    stops = config.stops()
    held_out = np.full((config.trainings, config.evaluations, len(stops)), np.nan)
    for candidate, episodes in evaluated.items():
        if candidate.path is not None and candidate.name == LEARNED_NAMES[algorithm]:
            rewards = [e.totals[REWARD] for e in sorted(episodes, key=lambda episode: episode.seed)]
            held_out[candidate.training, :, stops.index(candidate.episodes)] = rewards
    rows = [Training.read(path, TrainConfig).rows for path, (name, _) in learners.items() if name == algorithm]
    spent = np.array([[[float(row[stop - 1][3]), float(row[stop - 1][4])] for stop in stops] for row in rows])
    decisions, wall_s = spent.mean(axis=0).T
    return Curve(LEARNED_NAMES[algorithm], np.array(stops, dtype=float), decisions, wall_s, held_out / days)
