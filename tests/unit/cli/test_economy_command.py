"""``lnherd economy`` from the outside: tables, report, and one clear sentence for bad input."""

import csv
import json

import pytest
from click.testing import CliRunner

from lnherd.cli.main import cli
from lnherd.errors import InputError


def invoke(*arguments):
    return CliRunner().invoke(cli, ["economy", *map(str, arguments)], catch_exceptions=False, standalone_mode=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("economy") / "out"
    answer = invoke("run", "--preset", "inference", "--nodes", 100, "--hours", 1, "--scale", 0.2, "--seed", 3,
                    "--out", out, "--calls", "--json")  # fmt: skip
    return out, json.loads(answer.stdout)


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_tables_that_agree(finished):
    out, summary = finished
    assert summary["calls_served"] > 0
    assert len(read(out / "calls.csv")) == summary["calls"]
    assert sum(int(row["served"]) for row in read(out / "services.csv")) >= summary["calls_served"]
    assert sum(int(row["calls"]) for row in read(out / "intervals.csv")) == pytest.approx(summary["calls"], abs=2)
    assert len(read(out / "agents.csv")) == summary["agents"]
    assert json.loads((out / "summary.json").read_text())["summary"]["calls"] == summary["calls"]


def test_the_report_is_one_page_that_loads_nothing(finished):
    page = (finished[0] / "report.html").read_text()
    assert f"<strong>{finished[1]['calls']:,}</strong> API calls" in page
    for name in ("calls", "success", "latency", "price", "cost", "welfare", "services", "lorenz", "drained"):
        assert f'id="{name}"' in page
    assert "<script src" not in page and "<link" not in page


def test_another_run_does_not_overwrite_it(finished):
    with pytest.raises(InputError, match="seed is 3 there, 4 now"):
        invoke("run", "--preset", "inference", "--nodes", 100, "--hours", 1, "--scale", 0.2, "--seed", 4,
               "--out", finished[0])  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--preset", "bazaar"), "economy 'bazaar' is unknown"),
        (("--hours", 0), "--hours is 0.0"),
        (("--network", "nowhere.csv"), "nowhere.csv"),
        (("--scale", -1), "the scale is -1.0"),
    ],
)
def test_bad_input_is_one_sentence(arguments, problem, tmp_path):
    with pytest.raises(InputError, match=problem):
        invoke("run", "--nodes", 100, *arguments, "--out", tmp_path / "out")
