"""The worlds of the standard forwarding suite: families of demand in two kinds of places.

Demand is heavy, as in Spider's evaluation (NSDI 2020): payments are a tenth of a channel, not a thousandth, so what
nodes own runs out. How heavy was chosen so that shortest-path forwarding delivers between 40 and 70 % of the value
(docs/forwarding-benchmarks.md).

Families
* ``circulation``: who pays is as likely to be paid, so that nothing has to run dry;
* ``mixed``: half of the value circulates, the rest flows to a few servers;
* ``one-way``: everything has flowed one way already and goes on to;
* ``flip``: like mixed, but half-way senders and receivers change places;
* ``churn``: like circulation, while channels go offline and come back.

Places: networks of the calibrated generator, or neighbourhoods of nodes in a snapshot (without one, cut out of a larger
generated network). Those to train in and those to be measured in are different ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lnherd.engine.config import LIMITS
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.errors import InputError
from lnherd.experiments.seeds import held_out_seeds, training_seeds
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network
from lnherd.network.neighbourhood import mid_size_nodes, neighbourhood
from lnherd.network.snapshots import read_network
from lnherd.traffic.amounts import LogNormal
from lnherd.traffic.demand import OTHER, Component, Demand
from lnherd.traffic.endpoints import CapacityWeighted, DegreeWeighted, Endpoints, ZipfSinks
from lnherd.units import MS_PER_SECOND

FAMILIES = ("circulation", "mixed", "one-way", "flip", "churn")
PLACES = ("synthetic", "mainnet")
WHOLE = "whole-mainnet"
"""The place that is a whole snapshot."""
OF_SIZE = "-nodes"
"""End of the name of a place that is a generated network of that size."""
SPLITS = ("train", "eval")
HEAVY = LogNormal(median_sat=300_000, sigma=1.0, min_sat=1_000, max_sat=10_000_000)
"""Amounts of the suite."""
LOOK_ALIKE_FACTOR = 5
"""A look-alike neighbourhood is cut out of a network so many times its size."""
CHURN_STEPS = 120
"""Channels go offline so many times as fast as an episode is long; half of them do."""
N_TRAINING_SEEDS = 1_000
MOST_ATTEMPTS = LIMITS["policy_attempts"][1]


@dataclass(frozen=True)
class Cell:
    """A family of demand in a kind of place."""

    place: str
    family: str

    @property
    def name(self) -> str:
        """For tables and paths."""
        return f"{self.place}-{self.family}"


@dataclass(frozen=True)
class ForwardingSuite:
    """Size of the suite."""

    nodes: int = 100
    """Of every network."""
    duration_s: int = 30
    """Within which payments start."""
    payments_per_s: float = 20.0
    """Over the whole network."""
    worlds: int = 5
    """Held-out networks of each place."""
    seeds: int = 2
    """Held-out seeds of each world."""
    families: tuple[str, ...] = FAMILIES
    """Which families."""
    places: tuple[str, ...] = PLACES
    """Which places."""
    snapshot: str | None = None
    """Snapshot of a real network, for the place ``mainnet``."""
    bound: bool = True
    """Whether the fluid limit of every episode is worked out."""
    attempts: int = 16
    """Most that a payment may make hop by hop, its parts counted one by one."""
    learner: str = "all"
    """Who follows a contender: all nodes, or hub, the best connected one among nodes that take the shortest path."""
    seed: int = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        for name, least in (("nodes", 10), ("duration_s", 10), ("worlds", 1), ("seeds", 1)):
            if getattr(self, name) < least:
                option = name.removesuffix("_s")
                raise InputError(f"--{option} is {getattr(self, name)}; give {least} or more")
        if not 1 <= self.attempts <= MOST_ATTEMPTS:
            raise InputError(f"--attempts is {self.attempts}; give 1 to {MOST_ATTEMPTS}")
        if self.learner not in ("all", "hub"):
            raise InputError(f"--learner is {self.learner!r}; choose all or hub")
        if not self.payments_per_s > 0:
            raise InputError(f"--rate is {self.payments_per_s:g}; it must be positive")

    def cells(self) -> list[Cell]:
        """All cells."""
        return [Cell(place, family) for place in self.places for family in self.families]

    def held_out(self) -> list[tuple[int, int]]:
        """``(world, seed)`` of every episode of a cell."""
        seeds = held_out_seeds(self.seed, self.worlds * self.seeds)
        return [(position % self.worlds, seed) for position, seed in enumerate(seeds)]


SCALE = ForwardingSuite(
    duration_s=10,
    worlds=1,
    seeds=3,
    families=("mixed",),
    places=("100-nodes", "1000-nodes", "10000-nodes", WHOLE),
    bound=False,
)
"""One family on ever larger networks, with payments in proportion: policies trained on 100 nodes, run as they are."""
QUICK = ForwardingSuite(nodes=40, duration_s=20, worlds=1, seeds=3, places=("synthetic",))
"""Under two minutes: shows that everything runs, says little about who is better."""


@dataclass(frozen=True, eq=False)
class ForwardingWorld:
    """One network under one kind of demand."""

    name: str
    network: Network
    config: ForwardingConfig
    training_seeds: tuple[int, ...]
    """For policies that learn here before they are measured."""


def circulation(rate_per_s: float) -> Demand:
    """Nodes pay and are paid in proportion to their number of channels."""
    return Demand((_heavy(rate_per_s, DegreeWeighted(), DegreeWeighted()),))


def mixed(rate_per_s: float) -> Demand:
    """Half circulates, half flows to a few servers."""
    to_servers = _heavy(rate_per_s / 2, DegreeWeighted(), ZipfSinks())
    return Demand((*circulation(rate_per_s / 2).components, to_servers))


def one_way(rate_per_s: float) -> Demand:
    """All flows from the many to the large."""
    return Demand((_heavy(rate_per_s, DegreeWeighted(), CapacityWeighted()),))


def _heavy(rate_per_s: float, senders: Endpoints, receivers: Endpoints) -> Component:
    return Component(rate_per_s, HEAVY, senders=senders, receivers=receivers, kind=OTHER)


DEMANDS: dict[str, Callable[[float], Demand]] = {
    "circulation": circulation,
    "mixed": mixed,
    "one-way": one_way,
    "flip": mixed,
    "churn": circulation,
}


def scenario(family: str, nodes: int, duration_s: int, payments_per_s: float, attempts: int = 16) -> ForwardingConfig:
    """A world of ``family``; what changes does so from half-way on."""
    duration_ms = duration_s * MS_PER_SECOND
    standard = ForwardingConfig()
    return replace(
        standard,
        simulation=replace(standard.simulation, policy_attempts=attempts),
        n_nodes=nodes,
        demand=DEMANDS[family](payments_per_s),
        duration_ms=duration_ms,
        balance_prior="drained" if family == "one-way" else "bimodal",
        flip_after_ms=duration_ms // 2 if family == "flip" else None,
        churn_interval_ms=duration_ms // CHURN_STEPS if family == "churn" else None,
        churn_after_ms=duration_ms // 2,
        n_offline=max(nodes // 5, 1),
    )


class Places:
    """Networks for the suite, each read or generated once."""

    def __init__(self, suite: ForwardingSuite) -> None:
        """The snapshot is read when it is first needed."""
        self.suite = suite
        self._whole: Network | None = None
        self._networks: dict[tuple[str, str, int], Network] = {}

    def world(self, cell: Cell, number: int, split: str = "eval") -> ForwardingWorld:
        """One of the worlds of ``split``."""
        suite = self.suite
        network = self._network(cell.place, split, number)
        rate_per_s = suite.payments_per_s * (network.n_nodes / suite.nodes if is_sized(cell.place) else 1.0)
        config = scenario(cell.family, network.n_nodes, suite.duration_s, rate_per_s, suite.attempts)
        config = replace(config, learner=suite.learner)
        seeds = tuple(training_seeds(suite.seed, N_TRAINING_SEEDS))
        name = f"{cell.name} {split} {number}"
        return ForwardingWorld(name, network, config, seeds)

    def _network(self, place: str, split: str, number: int) -> Network:
        if (place, split, number) not in self._networks:
            self._networks[place, split, number] = self._made(place, SPLITS.index(split) + len(SPLITS) * number)
        return self._networks[place, split, number]

    def _made(self, place: str, number: int) -> Network:
        if place == WHOLE:
            return self._real()
        if place == "mainnet":
            return self._cut_out(number)
        n_nodes = int(place.removesuffix(OF_SIZE)) if is_sized(place) else self.suite.nodes
        return generate(GeneratorConfig(n_nodes=n_nodes), 7_000 + 100_000 * self.suite.seed + number)

    def _cut_out(self, number: int) -> Network:
        whole = self._real()
        nodes = np.random.default_rng([self.suite.seed, 13]).permutation(mid_size_nodes(whole))
        return neighbourhood(whole, int(nodes[number % len(nodes)]), self.suite.nodes)

    def _real(self) -> Network:
        if self._whole is None:
            large = GeneratorConfig(n_nodes=LOOK_ALIKE_FACTOR * self.suite.nodes)
            path = self.suite.snapshot
            self._whole = read_network(Path(path)).live() if path else generate(large, 1_000_000 + self.suite.seed)
        return self._whole


def is_sized(place: str) -> bool:
    """Whether a place has a size of its own, to which the rate of payments is fitted."""
    return place == WHOLE or place.endswith(OF_SIZE)
