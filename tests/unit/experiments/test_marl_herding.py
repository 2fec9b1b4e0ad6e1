"""The comparison of herders: its leaderboard on results written by hand, one small run, and what makes no study."""

import json

import pytest

from lnherd.errors import InputError
from lnherd.experiments.directory import write_json
from lnherd.experiments.marl_herding import (
    DO_NOTHING,
    ROLE_RULES,
    RULES,
    HerdStudy,
    Runner,
    jobs,
    leaderboard,
    variants,
)

STUDY = HerdStudy(nodes=30, ticks=2, episodes=4, steps=2, trainings=2, seeds=3, variants=("qmix", "iql"))


def made_up(out):
    level = {DO_NOTHING: 100.0, ROLE_RULES: 300.0, "qmix": 400.0, "iql": 50.0}
    for job in jobs(STUDY):
        values = [level[job[0]] + seed for seed in range(3)]
        point = {"decisions": 8, "reward": values, "success": [0.5] * 3, "oscillating": [0.0] * 3}
        write_json(Runner(STUDY, out).path(job), {"points": [point] * (1 if job[0] in RULES else 2)})


def test_the_leaderboard_is_in_order_and_measured_against_doing_nothing_and_the_rules(tmp_path):
    made_up(tmp_path)
    rows = leaderboard(STUDY, tmp_path)
    assert [row.name for row in rows] == ["qmix", ROLE_RULES, DO_NOTHING, "iql"]
    assert (rows[0].gain.value, rows[0].over_rules.value) == (300.0, 100.0) and rows[3].gain.value == -50.0
    content = json.loads((tmp_path / "marl-eval.json").read_text())["lnherd/Herding-v0"]["flock"]
    assert {len(runs) for runs in content.values()} == {2}
    assert set(content["iql"]["run_1"]["absolute_metrics"]) == {"reward", "success", "oscillating"}


@pytest.mark.parametrize("variant", ["qmix", "mf-q"])
def test_a_training_is_evaluated_at_each_stop_and_not_done_again(tmp_path, variant):
    runner = Runner(HerdStudy(nodes=30, herders=2, ticks=2, episodes=4, steps=2, seeds=2), tmp_path)
    runner.do((variant, 0))
    before = runner.path((variant, 0)).read_bytes()
    points = json.loads(before)["points"]
    assert [point["decisions"] for point in points] == [16, 16]  # one batch of four episodes serves both stops
    assert all(len(point["reward"]) == 2 and 0 <= min(point["success"]) <= 1 for point in points)
    runner.do((variant, 0))
    assert runner.path((variant, 0)).read_bytes() == before


def test_every_variant_has_a_name_and_bad_studies_are_refused():
    assert {"ippo", "mappo", "idqn", "vdn", "qmix", "iql", "mf-q"} <= set(variants(4))
    for changes in ({"variants": ("x",)}, {"trainings": 0}, {"seeds": 1}, {"steps": 9, "episodes": 4}):
        with pytest.raises(InputError):
            HerdStudy(**changes)
