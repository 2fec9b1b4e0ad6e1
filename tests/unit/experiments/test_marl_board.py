"""The leaderboard, on results written by hand."""

import json

import pytest

from lnherd.experiments.directory import write_json
from lnherd.experiments.marl import METRICS, MarlStudy, Runner, jobs
from lnherd.experiments.marl_board import Finished
from lnherd.experiments.marl_publish import board_table, page, publish, society_table

SIZES = {
    "nodes": 12,
    "seconds": 1,
    "episodes": 4,
    "steps": 2,
    "trainings": 3,
    "seeds": 4,
    "variants": ("ippo", "mappo"),
}
LEVEL = {"random": 0.1, "shortest": 0.5, "cheapest": 0.3, "balance": 0.4, "lnd": 0.9, "ippo": 0.45, "mappo": 0.7}


def made_up(study, out):
    runner = Runner(study, out)
    for job in jobs(study):
        apart = 0.0 if job.society is None else 0.1 * job.society.cooperation
        values = [LEVEL[job.name] + apart + 0.01 * seed for seed in range(4)]
        point = {"decisions": 100, **dict.fromkeys(METRICS, values)}
        early = {**point, "decisions": 50, "delivered": [value - 0.02 for value in values]}
        write_json(runner.path(job), {"points": [point] if job.society is None else [early, point]})
    return Finished(study, out)


def test_the_leaderboard_is_in_order_and_measured_against_the_best_rule_and_the_first_variant(tmp_path):
    rules = ("random", "shortest", "cheapest", "balance", "lnd")
    finished = made_up(MarlStudy(**SIZES, cooperations=(0.0,), rules=rules), tmp_path)
    rows = finished.rows
    assert [row.name for row in rows] == ["lnd", "mappo", "shortest", "ippo", "balance", "cheapest", "random"]
    assert finished.best_rule == "shortest"  # the best of those that see what learners see
    mappo, ippo = rows[1], rows[3]
    assert mappo.gain.value == pytest.approx(0.2) and mappo.gain.excludes_zero and ippo.over_first is None
    assert mappo.over_first.value == pytest.approx(0.25) and mappo.p_over_first.value == 1.0
    assert mappo.figures["moves"] == pytest.approx(0.02) and rows[0].of_limit.value > rows[2].of_limit.value > 0
    assert len(board_table(rows)[0]) == 8 and len(society_table(rows)[0]) == 11


def test_societies_are_compared(tmp_path):
    finished = made_up(MarlStudy(**SIZES, cooperations=(0.0, 1.0)), tmp_path)
    rows = {row.name: row for row in finished.rows}
    assert rows["mappo cooperating"].over_first.value == pytest.approx(0.25)  # the same society's ippo
    anarchy = finished.price_of_anarchy()
    assert anarchy["ippo"].value == pytest.approx(sum((0.55 + 0.01 * k) / (0.45 + 0.01 * k) for k in range(4)) / 4)
    assert "Price of anarchy, mappo" in page(finished, list(rows.values()), {"command": "x"})


def test_files(tmp_path):
    publish(made_up(MarlStudy(**SIZES), tmp_path), tmp_path, {"command": "x"})
    content = json.loads((tmp_path / "marl-eval.json").read_text())["lnherd/Forwarding-v0"]["circulation"]
    assert set(content) == {"random", "shortest", "cheapest", "balance", "ippo", "mappo"}
    shapes = {(len(runs), *(tuple(sorted(run)) for run in runs.values())) for runs in content.values()}
    assert len(shapes) == 1 and next(iter(shapes))[1] == ("absolute_metrics", "step_0", "step_1")
    assert "| mappo |" in (tmp_path / "leaderboard.md").read_text()
    assert all((tmp_path / name).read_text().startswith("<svg") for name in ("marl.svg", "curves.svg"))
