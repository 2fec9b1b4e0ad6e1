"""Domain randomisation: many worlds, none of them the suite's."""

from dataclasses import replace

from lnherd.control.view import Role
from lnherd.experiments.config import ScenarioConfig
from lnherd.experiments.randomised import many_worlds
from lnherd.experiments.suites import FAMILIES, QUICK, TRAFFIC, Surroundings


def test_families_and_traffic_take_turns_in_worlds_that_are_not_the_suites():
    scenario = ScenarioConfig(Role.PROVIDER, nodes=40, worlds=8)
    many = many_worlds(scenario)
    assert [world.cell.family for world in many.worlds] == [*FAMILIES, *FAMILIES, *FAMILIES][:8]
    assert {world.traffic for world in many.worlds} == set(TRAFFIC)
    assert all(config.role == Role.PROVIDER for config in many.config)
    seeds = {config.network_seed for config in many.config}
    suite = Surroundings(replace(QUICK, nodes=40, roles=(Role.PROVIDER,)))
    theirs = {
        w.config.network_seed for cell in suite.config.cells() for s in ("train", "eval") for w in suite.worlds(cell, s)
    }
    assert len(seeds) == 8 and not seeds & theirs
    other = many_worlds(replace(scenario, network_seed=1))
    assert not seeds & {config.network_seed for config in other.config}
