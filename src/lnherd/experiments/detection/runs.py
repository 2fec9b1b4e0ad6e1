"""Recording: one episode a file, so that an interrupted evaluation goes on where it stopped."""

import io
from collections.abc import Callable
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lnherd.anomaly.baseline import Past
from lnherd.anomaly.signals import N_SIGNALS
from lnherd.anomaly.watch import Scorer, WatchConfig
from lnherd.control.view import NodeView
from lnherd.envs.herding import HerdingTask
from lnherd.envs.stress import Stress
from lnherd.errors import InputError
from lnherd.experiments.detection.config import CALM, DetectionConfig
from lnherd.experiments.directory import write_bytes
from lnherd.experiments.scenario import World
from lnherd.experiments.workers import Candidate, n_cores, workers
from lnherd.network.records import Floats
from lnherd.traffic.shocks import CASES, Shock
from lnherd.units import MS_PER_DAY, MS_PER_MINUTE


@dataclass(frozen=True, eq=False)
class Recording:
    """What was seen in one episode, a look a minute."""

    case: str
    seed: int
    scores: Floats
    """``[T, N_SIGNALS]`` standard scores, a minute apart."""
    onset: int
    """Index of the first look after the shock set in; T if there is none."""
    past: Past
    """What is usual for the node, as learned by the end."""


class _Recorder:
    """Keeps the standard scores of the looks it is shown."""

    def __init__(self, config: WatchConfig) -> None:
        self.scorer = Scorer(config)
        self.scores: list[Floats] = []
        self.times_ms: list[int] = []

    def see(self, view: NodeView) -> None:
        """Score one look."""
        scores = self.scorer.look(view)
        if scores is not None:
            self.scores.append(scores)
            self.times_ms.append(view.now_ms)


def record(config: DetectionConfig, world: World, case: str, seed: int) -> Recording:
    """Play one episode and look at it every minute, while its policy goes on acting every tick."""
    tick_ms = world.config.tick_ms
    rng = np.random.default_rng([config.seed, seed])
    onset = int(rng.integers(*config.onset_ticks))
    n_ticks = onset + config.lasting_ticks
    if case == CALM:
        n_ticks = (config.calm_days * MS_PER_DAY + config.watch.warm_up * MS_PER_MINUTE) // tick_ms
    herding = replace(world.config, horizon=n_ticks)
    task = HerdingTask(herding, world.network)
    recorder, candidate = _Recorder(config.watch), Candidate(config.policy)
    task.on_minute = recorder.see
    task.stress = Stress(CASES.get(case, Shock()), onset, config.lasting_ticks, candidate.policy)
    _play(task, candidate, seed)
    scores = np.array(recorder.scores, dtype=np.float64).reshape(-1, N_SIGNALS)
    onset_ms = task.stress.scene(task.scenario, seed).onset_ms
    before = len(scores) if case == CALM else int(np.searchsorted(recorder.times_ms, onset_ms))
    return Recording(case, seed, scores, before, recorder.scorer.past)


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
    scores, past = recording.scores.astype(np.float32), np.array(recording.past)
    np.savez_compressed(content, scores=scores, onset=recording.onset, past=past)
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
            past = Past(*(tuple(row) for row in content["past"].tolist()))
            return Recording(case, seed, content["scores"].astype(np.float64), int(content["onset"]), past)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no recording ({error}); remove it and run the same command again") from None
