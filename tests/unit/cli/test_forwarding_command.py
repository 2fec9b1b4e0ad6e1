"""``lnherd compare forwarding``: a small comparison, and what it says to bad input."""

import json

import pytest
from click.testing import CliRunner

from lnherd.cli.main import cli
from lnherd.errors import InputError

SMALL = ["--nodes", "14", "--duration", "10", "--rate", "2", "--worlds", "1", "--seeds", "2", "--workers", "1"]


def invoke(*arguments):
    return CliRunner().invoke(cli, ["compare", "forwarding", *arguments], catch_exceptions=False, standalone_mode=False)


def test_one_scenario(tmp_path):
    out = tmp_path / "run"
    outcome = invoke(*SMALL, "--policies", "shortest,lnd", "--family", "churn", "--out", str(out), "--json")
    found = json.loads(outcome.stdout)
    assert {row["policy"] for row in found["rows"]} == {"shortest", "lnd"}
    assert list(found["changes"]) == ["synthetic-churn"]
    again = invoke(*SMALL, "--policies", "shortest,lnd,random", "--family", "churn", "--out", str(out))
    assert "random" in again.stdout and "leaderboard.md" in again.stdout


def test_hubs_stage_by_stage(tmp_path):
    out = tmp_path / "hubs"
    small = ["--nodes", "14", "--duration", "10", "--rate", "2", "--seeds", "2", "--policies", "shortest,balance"]
    arguments = ["compare", "hubs", *small, "--out", str(out)]
    CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)
    stages = json.loads((out / "hubs.json").read_text())["stages"]
    assert [stage["label"] for stage in stages] == ["shortest", "balance"] and len(stages[0]["volume_sat"]) == 14
    assert "marker.size" in (out / "hubs.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--policies", "best"], "'best' is not known"),
        (["--suite", "standard", "--cells", "moon-mixed"], "'moon-mixed' is not in the suite"),
        (["--nodes", "3"], "--nodes is 3"),
        (["--rate", "0"], "--rate is 0"),
        (["--attempts", "5000"], "--attempts is 5000; give 1 to 4000"),
    ],
)
def test_bad_input_is_told_in_one_sentence(tmp_path, arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        invoke(*arguments, "--out", str(tmp_path / "run"))
