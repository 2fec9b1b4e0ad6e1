"""``lnherd compare forwarding``: every contender in every cell, on held-out networks and traffic.

A job is a contender in one world of one cell. Each episode is a file of its own, written whole, so that an interrupted
run goes on where it stopped and later policies can join a finished one.

    config.json  cells/CELL/POLICY/TRAINING-WORLD-SEED.json  cells/CELL/fluid-limit/0-WORLD-SEED.json
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from lnherd.experiments.directory import read_json, write_json
from lnherd.experiments.forwarding.contenders import Contender
from lnherd.experiments.forwarding.fluid import episode_limit
from lnherd.experiments.forwarding.measuring import ForwardingRun
from lnherd.experiments.forwarding.playing import Player
from lnherd.experiments.forwarding.worlds import Cell, ForwardingSuite, Places
from lnherd.experiments.jobs import do_all
from lnherd.experiments.json_config import from_json

LIMIT = Contender("fluid-limit")
"""No policy: the bound, kept beside what policies did."""


@dataclass(frozen=True)
class Job:
    """One contender in one world."""

    cell: Cell
    world: int
    contender: Contender


@dataclass(frozen=True)
class Played:
    """One stored episode and its fluid limit, a share of the value offered; 1 where it was not worked out."""

    cell: str
    world: int
    run: ForwardingRun
    limit: float


def jobs(suite: ForwardingSuite, contenders: Sequence[Contender], cells: Sequence[str]) -> list[Job]:
    """Jobs of the named cells, contender by contender, so that an unfinished run compares whom it has everywhere."""
    limit = (LIMIT,) if suite.bound else ()
    return [
        Job(cell, world, contender)
        for contender in (*contenders, *limit)
        for cell in suite.cells()
        if cell.name in cells
        for world in range(suite.worlds)
    ]


def path_of(out: Path, job: Job, seed: int) -> Path:
    """Where the episode of ``seed`` is."""
    file = f"{job.contender.training}-{job.world}-{seed}.json"
    return out / "cells" / job.cell.name / job.contender.name / file


def missing(suite: ForwardingSuite, out: Path, job: Job) -> list[int]:
    """Seeds of a job that have not been played yet."""
    seeds = [seed for world, seed in suite.held_out() if world == job.world]
    return [seed for seed in seeds if not path_of(out, job, seed).exists()]


class SuiteWorker:
    """Plays what is missing of jobs; networks are kept from one to the next."""

    def __init__(self, suite: ForwardingSuite, out: Path) -> None:
        self._suite, self._out, self._places = suite, out, Places(suite)

    def do(self, job: Job) -> None:
        """Play a job."""
        world = self._places.world(job.cell, job.world)
        todo = missing(self._suite, self._out, job)
        if job.contender == LIMIT:
            for seed in todo:
                limit, circulation = episode_limit(world.config, world.network, seed)
                write_json(path_of(self._out, job, seed), {"limit": limit, "circulation": circulation})
            return
        player = Player(job.contender, world)
        for seed in todo:
            write_json(path_of(self._out, job, seed), asdict(player.play(seed)))


def run(
    suite: ForwardingSuite,
    contenders: Sequence[Contender],
    out: Path,
    n_workers: int,
    on_progress: Callable[[int], None],
    *,
    cells: Sequence[str],
) -> None:
    """Play all of the named cells that is not yet in ``out``."""
    planned = jobs(suite, contenders, cells)
    todo = [job for job in planned if missing(suite, out, job)]
    done = len(planned) - len(todo)
    do_all(partial(SuiteWorker, suite, out), todo, n_workers, lambda more: on_progress(done + more))


def stored(suite: ForwardingSuite, contenders: Sequence[Contender], out: Path) -> list[Played]:
    """Every episode in ``out`` that belongs to the suite.

    Raises:
        InputError: for a file that is not what :func:`run` wrote.
    """
    found = []
    for cell in suite.cells():
        for world, seed in suite.held_out():
            limit = limit_of(out, cell, world, seed)
            for contender in contenders:
                path = path_of(out, Job(cell, world, contender), seed)
                if path.exists():
                    episode = from_json(ForwardingRun, read_json(path), str(path))
                    found.append(Played(cell.name, world, episode, limit))
    return found


def limit_of(out: Path, cell: Cell, world: int, seed: int) -> float:
    """The fluid limit of an episode, or 1 where there is none."""
    path = path_of(out, Job(cell, world, LIMIT), seed)
    return float(read_json(path)["limit"]) if path.exists() else 1.0
