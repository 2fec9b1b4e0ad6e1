"""The leaderboard, on results written by hand, and what makes no study."""

import json

import pytest

from lnherd.errors import InputError
from lnherd.experiments.directory import write_json
from lnherd.experiments.marl import RULES, VARIANTS, MarlStudy, Runner, jobs, leaderboard

STUDY = MarlStudy(nodes=12, seconds=2, episodes=4, steps=2, trainings=3, seeds=4, variants=("ippo", "mappo"))


def made_up(out):
    level = {"random": 0.1, "shortest": 0.5, "cheapest": 0.3, "balance": 0.4, "ippo": 0.45, "mappo": 0.7}
    for job in jobs(STUDY):
        values = [level[job[0]] + 0.01 * seed for seed in range(4)]
        point = {"decisions": 100, "delivered": values, "success": values}
        write_json(Runner(STUDY, out).path(job), {"points": [point] * (1 if job[0] in RULES else 2)})


def test_the_leaderboard_is_in_order_and_measured_against_the_best_rule(tmp_path):
    made_up(tmp_path)
    rows = leaderboard(STUDY, tmp_path)
    assert [row.name for row in rows] == ["mappo", "shortest", "ippo", "balance", "cheapest", "random"]
    assert rows[0].gain.value == pytest.approx(0.2) and rows[0].gain.excludes_zero
    assert rows[1].gain.value == 0.0 and rows[2].gain.value == pytest.approx(-0.05)
    assert rows[0].of_limit > 0


def test_raw_runs_have_equal_runs_and_steps(tmp_path):
    made_up(tmp_path)
    leaderboard(STUDY, tmp_path)
    content = json.loads((tmp_path / "marl-eval.json").read_text())["lnherd/Forwarding-v0"]["mixed"]
    assert set(content) == {*RULES, "ippo", "mappo"}
    shapes = {(len(runs), *(tuple(sorted(run)) for run in runs.values())) for runs in content.values()}
    assert len(shapes) == 1 and next(iter(shapes))[1] == ("absolute_metrics", "step_0", "step_1")


def test_what_is_done_is_not_done_again(tmp_path):
    made_up(tmp_path)
    runner = Runner(STUDY, tmp_path)
    before = runner.path(("ippo", 1)).read_bytes()
    runner.do(("ippo", 1))
    assert runner.path(("ippo", 1)).read_bytes() == before


def test_studies_without_sense_are_refused():
    for changes in ({"family": "?"}, {"variants": ("x",)}, {"trainings": 0}, {"seeds": 1}, {"steps": 9, "episodes": 4}):
        with pytest.raises(InputError):
            MarlStudy(**changes)
    assert {"ippo", "mappo", "mean-field-q"} <= set(VARIANTS)
