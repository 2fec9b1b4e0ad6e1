"""lnherd stress end to end on a small world: pairing, files, going on after an interrupt."""

import csv
import json

import pytest
from click.testing import CliRunner

from lnherd.cli.main import cli
from lnherd.errors import InputError

SMALL = ["--nodes", "30", "--seeds", "2", "--role", "consumer"]


def stress(*arguments):
    outcome = CliRunner().invoke(cli, ["stress", *(str(a) for a in arguments)], catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("stress") / "out"
    outcome = stress(*SMALL, "--policies", "do-nothing", "--cases", "mass-closure,flow-flip", "--out", out, "--json")
    return out, json.loads(outcome.stdout)


def test_one_object_and_its_files(finished):
    out, content = finished
    assert [(each["policy"], each["case"]) for each in content["cases"]] == [
        ("do-nothing", "control"),
        ("do-nothing", "mass-closure"),
        ("do-nothing", "flow-flip"),
    ]
    names = {path.name for path in out.iterdir()}
    assert names == {"config.json", "provenance.json", "runs", "results.csv", "results.json", "report.html"}
    rows = list(csv.DictReader((out / "results.csv").read_text().splitlines()))
    assert len(rows) == 2 * 4 and {row["case"] for row in rows} == {"calm", "control", "mass-closure", "flow-flip"}


def test_control_is_exactly_zero_and_a_mass_closure_is_not(finished):
    control, closure, _ = finished[1]["cases"]
    assert control["is_untouched"] is True
    assert all(control[name] == {"value": 0.0, "low": 0.0, "high": 0.0} for name in ("R", "revenue", "success_rate"))
    assert closure["is_untouched"] is False
    assert closure["success_rate"]["value"] < 0 and closure["channels_lost"]["value"] > 0


def test_a_test_that_was_cut_off_goes_on_and_ends_the_same(finished, tmp_path):
    out, _ = finished
    whole = (out / "results.csv").read_text()
    lost = out / "runs" / "do-nothing--flow-flip.json"
    kept = (out / "runs" / "do-nothing--calm.json").stat().st_mtime_ns
    lost.unlink()
    arguments = ["--policies", "do-nothing", "--cases", "mass-closure,flow-flip", "--out", out]
    printed = stress(*SMALL, *arguments).output
    assert "mass-closure" in printed and "Report:" in printed
    assert (out / "results.csv").read_text() == whole
    assert (out / "runs" / "do-nothing--calm.json").stat().st_mtime_ns == kept
    with pytest.raises(InputError, match="another configuration"):
        CliRunner().invoke(
            cli, ["stress", *SMALL, "--seed", "9", *map(str, arguments)], catch_exceptions=False, standalone_mode=False
        )


def test_unknown_names_are_refused():
    for arguments, word in ((["--cases", "meteor"], "meteor"), (["--policies", "sage"], "sage")):
        with pytest.raises(InputError, match=word):
            CliRunner().invoke(cli, ["stress", *arguments], catch_exceptions=False, standalone_mode=False)
