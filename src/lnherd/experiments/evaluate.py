"""One policy on held-out seeds, beside doing nothing on the same ones."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

from lnherd.agents.braked import PREFIX
from lnherd.agents.learners import load_policy
from lnherd.agents.rules import RULES
from lnherd.agents.shipped import shipped_policy, shipped_role
from lnherd.errors import InputError
from lnherd.experiments.config import LEARNED_NAMES, ScenarioConfig, TrainConfig
from lnherd.experiments.directory import CONFIG_FILE, kind_of
from lnherd.experiments.episodes import Episode
from lnherd.experiments.results import BASELINE
from lnherd.experiments.training import POLICY_FILE, Training
from lnherd.experiments.workers import Candidate, TaskMaker, evaluate, n_cores, workers

SEEDS_PER_JOB = 2


def find_policy(name: str) -> tuple[Candidate, ScenarioConfig]:
    """What ``name`` means: a rule, ``shipped-ROLE``, a saved policy, or the directory of a training; and where it runs.

    ``braked:`` before it puts on the brake of the anomaly watch.

    Raises:
        InputError: when it is none of them.
    """
    if name.startswith(PREFIX):
        candidate, trained_on = find_policy(name.removeprefix(PREFIX))
        return replace(candidate, name=PREFIX + candidate.name, is_braked=True), trained_on
    path = Path(name)
    if name in RULES and not path.exists():
        return Candidate(name), ScenarioConfig()
    role = shipped_role(name)
    if role is not None and not path.exists():
        policy, episodes = load_policy(shipped_policy(role))
        return Candidate(policy.name, 0, shipped_policy(role), episodes), ScenarioConfig(role)
    if path.is_dir():
        return _of_training(path)
    if not path.exists():
        raise InputError(f"{name}: is no training, no policy file and no rule; rules are {', '.join(RULES)}")
    policy, episodes = load_policy(path)
    return Candidate(policy.name, 0, path, episodes), ScenarioConfig()


def require_watch(candidates: Iterable[Candidate], scenario: ScenarioConfig) -> None:
    """Refuse a brake that nothing would pull.

    Raises:
        InputError: when a candidate is braked and nobody watches the node.
    """
    for each in candidates:
        if each.is_braked and scenario.watch is None:
            raise InputError(f"{each.name}: brakes on an anomaly watch; give --watch the watch.json of lnherd detect")


def _of_training(directory: Path) -> tuple[Candidate, ScenarioConfig]:
    kind = kind_of(directory) if (directory / CONFIG_FILE).is_file() else None
    if kind is None:
        raise InputError(f"{directory}: is no training; give a directory that lnherd train wrote")
    if kind != "train":
        raise InputError(f"{directory}: holds the output of lnherd {kind}; give one of {directory / 'trainings'}/*")
    training = Training.read(directory, TrainConfig)
    name = LEARNED_NAMES[training.config.algorithm]
    return Candidate(name, 0, directory / POLICY_FILE, training.episodes), training.config.scenario


def evaluate_policy(
    candidate: Candidate, seeds: Sequence[int], make_task: TaskMaker, on_progress: Callable[[int], None]
) -> list[Episode]:
    """Play ``candidate`` and the baseline on ``seeds``, in as many processes as there are cores."""
    candidates = [Candidate(BASELINE)] if candidate.name == BASELINE else [Candidate(BASELINE), candidate]
    jobs: list[Any] = []
    episodes: list[Episode] = []
    with workers(make_task, n_cores()) as pool:
        for start in range(0, len(seeds), SEEDS_PER_JOB):
            part = tuple(seeds[start : start + SEEDS_PER_JOB])
            jobs += [pool.submit(evaluate, each, part) for each in candidates]
        for job in as_completed(jobs):
            episodes.extend(job.result().episodes)
            on_progress(len(episodes))
    order = [each.name for each in candidates]
    return sorted(episodes, key=lambda episode: (order.index(episode.policy), episode.seed))
