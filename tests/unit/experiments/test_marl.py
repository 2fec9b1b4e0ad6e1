"""What makes a study of teams, and what makes none."""

import pytest

from lnherd.errors import InputError
from lnherd.experiments.marl import VARIANTS, Job, MarlStudy, Runner, Society, jobs

STUDY = MarlStudy(
    nodes=12, seconds=1, episodes=4, steps=2, trainings=2, seeds=4, networks=2, variants=("ippo", "mappo")
)


def test_networks_of_trainings_and_measurements_are_different_ones():
    held_out = STUDY.held_out()
    assert len(held_out) == 4 and held_out[0][0] is held_out[2][0] is not held_out[1][0]
    learned = {id(STUDY.training_network(seed)) for seed in range(40)}
    assert learned.isdisjoint(id(network) for network, _ in held_out)
    alone = MarlStudy(nodes=12, same_network=True)
    assert alone.held_out()[1][0] is alone.training_network(3)


def test_societies_say_who_learns_and_for_whom():
    study = MarlStudy(nodes=20, shares=(0.1, 1.0), cooperations=(0.0, 0.5, 1.0))
    assert len(jobs(study)) == 4 + 5 * 6 * 3
    problem = study.problem(Society(0.1, 0.5))
    assert len(problem.deciders(study.training_network(0))) == 2 and problem.others == "shortest"
    assert problem.reward.fee_weight == problem.reward.cooperation == 0.5
    assert study.name("ippo", Society(0.1, 0.0)) == "ippo 10% competing" and STUDY.name("ippo", Society(1, 1)) == "ippo"


def test_what_is_done_is_not_done_again(tmp_path):
    runner, job = Runner(STUDY, tmp_path), Job("shortest")
    runner.do(job)
    before = runner.path(job).read_bytes()
    runner.path(job).write_bytes(before + b" ")
    runner.do(job)
    assert runner.path(job).read_bytes() == before + b" "


@pytest.mark.parametrize(
    "changes",
    [
        {"family": "?"},
        {"variants": ("x",)},
        {"rules": ("x",)},
        {"trainings": 0},
        {"seeds": 1},
        {"steps": 9, "episodes": 4},
        {"shares": (0.0,)},
        {"cooperations": (2.0,)},
        {"variants": ("ippo-own",)},
    ],
)
def test_studies_without_sense_are_refused(changes):
    with pytest.raises(InputError):
        MarlStudy(**changes)


def test_all_kinds_of_teams_have_a_name():
    assert {"ippo", "mappo", "mean-field-ac", "idqn", "mean-field-q", "ippo-own", "ippo-role"} <= set(VARIANTS)
