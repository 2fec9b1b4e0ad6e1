"""Domain randomisation: a training in many worlds, so that what is learned fits worlds that were not among them.

Worlds are those of the standard suite's families (generated networks, neighbourhoods in larger ones, drained channels)
under its kinds of traffic, by seeds of their own: none of them is a world of the suite (Tobin et al. 2017, arXiv
1703.06907, for the idea).
"""

from dataclasses import dataclass, replace

from lnherd.control.decision import Task
from lnherd.control.wide import NO_OFFERS, WideTask
from lnherd.envs.scenario import HerdingConfig
from lnherd.errors import InputError
from lnherd.experiments.config import ScenarioConfig
from lnherd.experiments.paired import PairedTask
from lnherd.experiments.suites import FAMILIES, AnyWorld, SuiteConfig, SuiteWorld, Surroundings

FIRST_SEED = 1_000
"""Seed of the worlds: suites are run with smaller ones."""


@dataclass(frozen=True, eq=False)
class ManyWorlds:
    """Where to train; travels to workers."""

    worlds: list[SuiteWorld]
    """Where."""
    is_wide: bool = False
    """Whether learners have the wide look and paired rewards."""

    @property
    def config(self) -> list[HerdingConfig]:
        """The herding problems, for the record."""
        return [world.config for world in self.worlds]

    def task(self) -> Task:
        """A task that is in one of the worlds or another, by the episode's seed."""
        if not self.is_wide:
            return AnyWorld(self.worlds)
        # nobody looks at what these worlds offer themselves
        worlds = [replace(world, config=replace(world.config, offers=NO_OFFERS)) for world in self.worlds]
        return PairedTask(WideTask(AnyWorld(worlds)))


def many_worlds(scenario: ScenarioConfig, *, is_wide: bool = False) -> ManyWorlds:
    """``scenario.worlds`` worlds for its role, the families and kinds of traffic taking turns.

    With a snapshot, neighbourhoods are cut out of it; else out of generated networks.

    Raises:
        InputError: when the snapshot cannot be read, a network has no node for the role, or a watch is asked for.
    """
    if scenario.watch is not None:
        raise InputError("--worlds: a watch is calibrated for one node; leave --watch out")
    each = -(-scenario.worlds // len(FAMILIES))
    config = SuiteConfig(
        nodes=scenario.nodes,
        worlds=each,
        roles=(scenario.role,),
        snapshot=scenario.network,
        seed=FIRST_SEED + scenario.network_seed,
    )
    surroundings = Surroundings(config)
    by_family = [surroundings.worlds(cell, "train") for cell in config.cells()]
    turns = [worlds[number] for number in range(each) for worlds in by_family]
    return ManyWorlds(turns[: scenario.worlds], is_wide)
