"""``lnherd simulate`` from the outside: files, figures, determinism, refusals."""

import csv
import json

import pytest
from click.testing import CliRunner

from lnherd.cli.simulate import command
from lnherd.errors import InputError
from lnherd.experiments.simulate import COLUMNS

PROMISED = {
    "payments",
    "success_rate",
    "attempts_mean",
    "hops_mean",
    "fee_msat_mean",
    "time_ms_median",
    "cpu_s",
    "payments_per_cpu_s",
    "attempts_per_cpu_s",
    "peak_rss_mb",
    "nodes",
    "channels",
}


def simulate(*arguments):
    done = CliRunner().invoke(command, ["--json", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def rows_of(folder):
    with (folder / "payments.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_row_per_payment_and_the_promised_figures(tmp_path):
    summary = simulate("--nodes", "60", "--payments", "300", "--seed", "4", "--out", str(tmp_path / "run"))
    rows = rows_of(tmp_path / "run")
    assert summary.keys() >= PROMISED
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == summary["payments"] == 300
    successes = [row for row in rows if row["success"] == "1"]
    assert summary["success_rate"] == pytest.approx(len(successes) / 300)
    assert 0 < len(successes) < 300
    assert summary["hops_mean"] == pytest.approx(sum(int(row["hops"]) for row in successes) / len(successes))
    assert all(int(row["end_ms"]) > int(row["start_ms"]) and not row["failure"] for row in successes)
    assert all(row["failure"] and row["fee_msat"] == "0" for row in rows if row["success"] == "0")


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path):
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        simulate("--nodes", "40", "--payments", "100", "--seed", seed, "--out", str(tmp_path / name))
    first, second, other = ((tmp_path / name / "payments.csv").read_bytes() for name in "abc")
    assert first == second != other


def test_a_run_can_be_replayed_from_its_own_payments(tmp_path):
    simulate("--nodes", "40", "--payments", "100", "--seed", "3", "--out", str(tmp_path / "a"))
    recorded = str(tmp_path / "a" / "payments.csv")
    simulate("--nodes", "40", "--payments-file", recorded, "--seed", "3", "--out", str(tmp_path / "b"))
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b")


def test_splitting_can_be_switched_off(tmp_path):
    large = ("--nodes", "60", "--payments", "60", "--traffic", "mixed", "--balances", "half")
    simulate(*large, "--no-mpp", "--out", str(tmp_path / "whole"))
    assert max(int(row["parts"]) for row in rows_of(tmp_path / "whole")) <= 1


def test_an_output_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"already holds 'thesis\.tex'; give a new or empty folder"):
        CliRunner().invoke(command, ["--nodes", "20", "--out", str(tmp_path)], catch_exceptions=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
