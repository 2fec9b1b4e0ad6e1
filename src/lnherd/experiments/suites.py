"""The standard suite: three roles in three families of networks, under three kinds of traffic.

A *cell* is a role in a family. It has worlds to train and tune in and others to be scored in: other topologies, other
nodes, other seeds. The worlds of each split take turns in their traffic.

* ``synthetic``: networks of the calibrated generator, balances near one end (bimodal), as everywhere;
* ``mainnet``: neighbourhoods of real nodes in a snapshot; without one, a second set of generated networks, cut out of
  larger ones (and called ``look-alike``);
* ``drained``: everything has flowed one way, traffic goes one way only, and what is left lasts an hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.control.decision import Decision, Plan, StepResult
from lnherd.control.view import Role
from lnherd.engine import SimulationConfig
from lnherd.envs.herding import HerdingTask
from lnherd.envs.scenario import PREPAID, HerdingConfig
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network
from lnherd.network.neighbourhood import mid_size_nodes, neighbourhood
from lnherd.network.snapshots import read_network
from lnherd.traffic.amounts import LogNormal
from lnherd.traffic.arrivals import Mmpp, Poisson, ToolLoops
from lnherd.traffic.demand import preset

FAMILIES = ("synthetic", "mainnet", "drained")
SPLITS = ("train", "eval")
TRAFFIC: dict[str, dict[str, Any]] = {
    "calls": {"own_amounts": PREPAID, "own_arrivals": ToolLoops(mean_calls=10, mean_gap_s=10), "background": "l402"},
    "bursts": {"own_amounts": PREPAID, "own_arrivals": Mmpp(), "background": "mixed"},
    "people": {
        "own_amounts": LogNormal(median_sat=500, sigma=1.2, min_sat=10, max_sat=50_000),
        "own_arrivals": Poisson(),
        "background": "retail",
    },
}
"""What the role lives from, and what everybody else does."""
BACKGROUND_PER_S = 0.02
ATTEMPTS = 20
LOOK_ALIKE_FACTOR = 5
"""A look-alike neighbourhood is cut out of a network so many times its size."""


@dataclass(frozen=True)
class Cell:
    """A role in a family."""

    role: Role
    family: str

    @property
    def name(self) -> str:
        """For tables and paths."""
        return f"{self.role.value}-{self.family}"


@dataclass(frozen=True)
class SuiteConfig:
    """Size of the suite."""

    nodes: int = 100
    """Of every network."""
    horizon: int = 48
    """Decisions in an episode: a day."""
    patience_ms: int = 20_000
    """A payment is given up after this. With LND's 60 s, nearly the same payments succeed, and drained networks, where
    most fail, cost several times as much to simulate."""
    worlds: int = 3
    """Of each split of each cell."""
    seeds: int = 4
    """Held-out seeds of each world."""
    budget: int = 60
    """Episodes of a training, and of tuning a rule."""
    trainings: int = 3
    """Independent trainings of each learner."""
    roles: tuple[Role, ...] = tuple(Role)
    """Which roles."""
    families: tuple[str, ...] = FAMILIES
    """Which families."""
    snapshot: str | None = None
    """Snapshot of a real network, for the family ``mainnet``."""
    seed: int = 0
    """Of everything random."""

    def cells(self) -> list[Cell]:
        """All cells."""
        return [Cell(role, family) for role in self.roles for family in self.families]


QUICK = SuiteConfig(nodes=60, horizon=16, worlds=1, seeds=3, budget=6, trainings=1, families=("synthetic", "drained"))
"""About two minutes: shows that everything runs, says nothing about who is better."""


@dataclass(frozen=True, eq=False)
class SuiteWorld:
    """One place to herd in."""

    cell: Cell
    number: int
    traffic: str
    network: Network
    config: HerdingConfig

    def task(self) -> HerdingTask:
        """A task of its own."""
        return HerdingTask(self.config, self.network)


@dataclass(eq=False)
class AnyWorld:
    """A task that is in one world or another, by its seed: what learners train in."""

    worlds: list[SuiteWorld]
    """Where."""
    tasks: dict[int, HerdingTask] = field(default_factory=dict)
    """Those built so far."""

    def task(self, number: int) -> HerdingTask:
        """The task of one of the worlds."""
        if number not in self.tasks:
            self.tasks[number] = self.worlds[number].task()
        return self.tasks[number]

    def reset(self, seed: int) -> Decision:
        """Start an episode in the world that belongs to ``seed``."""
        self._now = self.task(seed % len(self.worlds))
        return self._now.reset(seed)

    def step(self, plan: Plan) -> StepResult:
        """One tick there."""
        return self._now.step(plan)


class Surroundings:
    """Networks for the families, each read or generated once."""

    def __init__(self, config: SuiteConfig) -> None:
        """The snapshot is read when it is first needed."""
        self.config = config
        self._whole: Network | None = None

    def worlds(self, cell: Cell, split: str) -> list[SuiteWorld]:
        """The worlds of one split of a cell."""
        return list(self._worlds(cell, split))

    def _worlds(self, cell: Cell, split: str) -> Iterator[SuiteWorld]:
        for number in range(self.config.worlds):
            place = SPLITS.index(split) * self.config.worlds + number
            traffic = tuple(TRAFFIC)[number % len(TRAFFIC)]
            yield self._world(cell, number, traffic, place)

    def _world(self, cell: Cell, number: int, traffic: str, place: int) -> SuiteWorld:
        """The first of several candidates in which the role can live (a router needs trades that pass by)."""
        apart = len(SPLITS) * self.config.worlds
        for attempt in range(ATTEMPTS):
            config = self._herding(cell, place + attempt * apart, traffic)
            try:
                network, node = self._place(cell, config.network_seed, place + attempt * apart)
                world = SuiteWorld(cell, number, traffic, network, replace(config, node=node))
                node = world.task().node
            except InputError:
                continue
            return replace(world, config=replace(config, node=node))
        raise InputError(f"{cell.name}: found no node to herd in {ATTEMPTS} networks; give larger --nodes")

    def _herding(self, cell: Cell, place: int, traffic: str) -> HerdingConfig:
        kind = dict(TRAFFIC[traffic])
        background = preset(str(kind.pop("background")), BACKGROUND_PER_S)
        config = HerdingConfig(
            role=cell.role,
            n_nodes=self.config.nodes,
            network_seed=1_000 * (1 + FAMILIES.index(cell.family)) + 100_000 * self.config.seed + place,
            horizon=self.config.horizon,
            background=background,
            simulation=SimulationConfig(payment_timeout_ms=self.config.patience_ms),
            **kind,
        )
        if cell.family == "drained":
            config = replace(config, balance_prior="drained", start_hours=1.0, asymmetry=1.0)
        return config

    def _place(self, cell: Cell, network_seed: int, place: int) -> tuple[Network, int | None]:
        """A network and the herder in it; None is the node that suits the role best."""
        if cell.family != "mainnet":
            return generate(GeneratorConfig(n_nodes=self.config.nodes), network_seed), None
        if self._whole is None:
            self._whole = self._real()
        nodes = np.random.default_rng([self.config.seed, 12]).permutation(mid_size_nodes(self._whole))
        centre = int(nodes[place % len(nodes)])
        part = neighbourhood(self._whole, centre, self.config.nodes)
        return part, part.node_index(str(self._whole.node_ids[centre]))

    def _real(self) -> Network:
        if self.config.snapshot is not None:
            return read_network(Path(self.config.snapshot)).live()
        return generate(GeneratorConfig(n_nodes=LOOK_ALIKE_FACTOR * self.config.nodes), 1_000_000 + self.config.seed)
