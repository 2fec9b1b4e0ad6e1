"""Recording: one episode a file, so that an interrupted evaluation goes on where it stopped."""

import io
from collections.abc import Callable
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lnherd.envs.herding import HerdingTask
from lnherd.envs.stress import Stress
from lnherd.errors import InputError
from lnherd.experiments.detection.config import CALM, DetectionConfig
from lnherd.experiments.detection.lookout import Lookout, Watched
from lnherd.experiments.directory import write_bytes
from lnherd.experiments.scenario import World
from lnherd.experiments.workers import Candidate, n_cores, workers
from lnherd.network.records import Floats
from lnherd.traffic.shocks import CASES, Shock
from lnherd.units import MS_PER_DAY, MS_PER_MINUTE


@dataclass(frozen=True, eq=False)
class Recording:
    """What was seen in one episode."""

    case: str
    seed: int
    scores: Floats
    """``[T, N_SIGNALS]`` standard scores, a minute apart."""
    onset: int
    """Index of the first look after the shock set in; T if there is none."""


def record(config: DetectionConfig, world: World, case: str, seed: int) -> Recording:
    """Play one episode and look at it."""
    tick_ms = world.config.tick_ms
    rng = np.random.default_rng([config.seed, seed])
    onset = int(rng.integers(*config.onset_ticks))
    n_ticks = onset + config.lasting_ticks
    if case == CALM:
        n_ticks = (config.calm_days * MS_PER_DAY + config.watch.warm_up * MS_PER_MINUTE) // tick_ms
    herding = replace(world.config, horizon=n_ticks)
    task = HerdingTask(herding, world.network)
    lookout = Lookout(world.network, world.node, herding.role, config.watch)
    candidate = Candidate(config.policy)
    watched = Watched(CASES.get(case, Shock()), lookout, herding.duration_ms)
    task.stress = Stress(watched, onset, config.lasting_ticks, candidate.policy)
    _play(task, candidate, seed)
    scores = lookout.scores()
    onset_ms = task.stress.scene(task.scenario, seed).onset_ms
    return Recording(case, seed, scores, len(scores) if case == CALM else lookout.looks_before(onset_ms))


def _play(task: HerdingTask, candidate: Candidate, seed: int) -> None:
    policy = candidate.policy()
    policy.reset(seed)
    decision, over = task.reset(seed), False
    while not over:
        result = task.step(policy.act(decision))
        decision, over = result.decision, result.truncated


def run_path(out: Path, case: str, seed: int) -> Path:
    """Where a recording is kept."""
    return out / "runs" / f"{case}-{seed}.npz"


def record_to(config: DetectionConfig, world: World, case: str, seed: int, out: Path) -> None:
    """Job: record one episode into a file, whole or not at all."""
    recording = record(config, world, case, seed)
    content = io.BytesIO()
    np.savez_compressed(content, scores=recording.scores.astype(np.float32), onset=recording.onset)
    write_bytes(run_path(out, case, seed), content.getvalue())


def record_all(config: DetectionConfig, world: World, out: Path, on_progress: Callable[[int], None]) -> None:
    """Record what is not yet in ``out``, in as many processes as there are cores."""
    jobs = [job for job in config.jobs() if not run_path(out, *job).exists()]
    done = len(config.jobs()) - len(jobs)
    on_progress(done)
    if not jobs:
        return
    with workers(world.task, min(n_cores(), len(jobs))) as pool:
        for job in as_completed([pool.submit(record_to, config, world, *job, out) for job in jobs]):
            job.result()
            done += 1
            on_progress(done)


def read_recording(out: Path, case: str, seed: int) -> Recording:
    """A recording kept by :func:`record_all`.

    Raises:
        InputError: when the file is not one.
    """
    path = run_path(out, case, seed)
    try:
        with np.load(path) as content:
            return Recording(case, seed, content["scores"].astype(np.float64), int(content["onset"]))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: is no recording ({error}); remove it and run the same command again") from None
