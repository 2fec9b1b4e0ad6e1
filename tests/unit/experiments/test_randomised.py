"""Domain randomisation: many worlds, none of them the suite's."""

from dataclasses import replace

from lnherd.control.view import Role
from lnherd.control.wide import WIDE_CONTEXT
from lnherd.experiments.config import DAYS, ScenarioConfig, TrainConfig
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


def test_each_batch_lives_a_day_in_every_world_and_days_come_again():
    config = TrainConfig(ScenarioConfig(worlds=5), "ppo", episodes=5 * DAYS + 3, seed=3, is_wide=True)
    seeds = config.seeds()
    assert [seed % 5 for seed in seeds] == [k % 5 for k in range(len(seeds))]
    assert len(set(seeds)) == 5 * DAYS and seeds[5 * DAYS :] == seeds[:3]
    assert all(seed >> 31 == 1 for seed in seeds)
    assert config.learner().batch_episodes == 5 and config.learner().network.wait_logit == 5.0


def test_the_wide_look_is_that_of_the_task_and_of_the_learner():
    scenario = ScenarioConfig(Role.PROVIDER, nodes=40, worlds=3)
    task = many_worlds(scenario, is_wide=True).task()
    decision = task.reset(TrainConfig(scenario, "ppo", is_wide=True).seeds()[0])
    assert len(decision.context) == len(WIDE_CONTEXT)
    for algorithm in ("ppo", "dqn"):
        assert TrainConfig(scenario, algorithm, is_wide=True).learner().spaces.context == WIDE_CONTEXT
