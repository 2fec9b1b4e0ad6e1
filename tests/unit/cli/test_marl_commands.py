"""Comparisons of many agents from the outside: files, tables, and one clear sentence for bad input."""

import csv
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from lnherd.cli.main import cli
from lnherd.errors import InputError


def invoke(*arguments):
    return CliRunner().invoke(cli, ["compare", *map(str, arguments)], catch_exceptions=False, standalone_mode=False)


def refusal(*arguments):
    with pytest.raises(InputError) as caught:
        invoke(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_small_market_leaves_its_files(tmp_path):
    out = tmp_path / "market"
    answer = invoke("market", "--nodes", 6, "--seconds", 1, "--seeds", 2, "--rehearsals", 0, "--out", out, "--json")
    content = json.loads(answer.stdout)
    names = [each["name"] for each in content["conditions"]]
    assert names[0] == "no market" and "information sold" in names
    assert json.loads((out / "results.json").read_text())["conditions"] == content["conditions"]
    with (out / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(names) and all(0 <= float(row["delivered"]) <= 1 for row in rows)
    assert (out / "market.svg").read_text().startswith("<svg")
    assert "another configuration" in refusal("market", "--nodes", 7, "--out", out)


def test_a_small_fee_game_says_what_anarchy_costs(tmp_path):
    sizes = ("--nodes", 12, "--intervals", 40, "--rate", 0.05, "--seeds", 2)
    answer = invoke("fees", *sizes, "--out", tmp_path / "fees", "--json")
    content = json.loads(answer.stdout)
    assert content["price_of_anarchy"]["value"] > 0
    assert content["societies"]["nobody learns"]["changes"]["value"] == 0.0


def test_small_teams_are_compared_with_rules(tmp_path):
    out = tmp_path / "marl"
    sizes = ("--nodes", 10, "--seconds", 1, "--episodes", 2, "--steps", 2, "--trainings", 1, "--seeds", 2)
    given = (
        "marl",
        "--variants",
        "mappo",
        "--rules",
        "shortest,q-routing",
        *sizes,
        "--shares",
        "0.2,1",
        "--workers",
        1,
    )
    content = json.loads(invoke(*given, "--out", out, "--json").stdout)
    assert {row["name"] for row in content["leaderboard"]} == {"shortest", "q-routing", "mappo 20%", "mappo 100%"}
    assert content["best_rule"] == "shortest" and content["price_of_anarchy"] == {}
    for name in ("leaderboard.md", "marl-eval.json", "marl.svg", "curves.svg"):
        assert (out / name).is_file()
    first = (out / "results.json").read_text()
    assert "leaderboard.md" in invoke(*given, "--out", out).output
    assert json.loads(first)["leaderboard"] == json.loads((out / "results.json").read_text())["leaderboard"]


def test_small_flocks_are_compared_with_doing_nothing_and_rules(tmp_path):
    out = tmp_path / "herders"
    sizes = ("--nodes", 25, "--herders", 2, "--episodes", 3, "--trainings", 1, "--seeds", 2, "--workers", 1)
    arguments = ("marl", "--world", "herding", "--variants", "iql", *sizes, "--out", out)
    content = json.loads(invoke(*arguments, "--json").stdout)
    assert {row["name"] for row in content["leaderboard"]} == {"do-nothing", "role-rules", "iql"}
    assert (out / "marl-eval.json").is_file() and (out / "marl.svg").is_file()
    assert "iql" in invoke(*arguments).stdout
    assert "--same-network means nothing" in refusal("marl", "--world", "herding", "--same-network")
    assert "--herders means nothing" in refusal("marl", "--herders", 3)
    assert "one number" in refusal("marl", "--world", "herding", "--cooperation", "0,1")
    assert "x" in refusal("marl", "--world", "herding", "--variants", "x")


def test_beliefs_are_compared(tmp_path):
    sizes = ("--families", "churn", "--nodes", 12, "--seconds", 1, "--seeds", 2)
    content = json.loads(invoke("neighbours", *sizes, "--out", tmp_path / "out", "--json").stdout)
    assert [row["beliefs"] for row in content["rows"]] == ["none", "record", "model, 5 s", "model, 120 s"]


def test_bad_input_is_refused(tmp_path):
    assert "--variants" in refusal("marl", "--variants", "x", "--out", tmp_path / "a")
    assert "--family" in refusal("marl", "--family", "x", "--out", tmp_path / "b")
    assert "--shares" in refusal("marl", "--shares", "much", "--out", tmp_path / "b")
    assert "--same-network" in refusal("marl", "--variants", "ippo-own", "--out", tmp_path / "b")
    assert "--families" in refusal("neighbours", "--families", "x", "--out", tmp_path / "c")


def test_without_pytorch_one_sentence_says_what_to_install(tmp_path):
    without = "import sys; sys.modules['torch'] = None; from lnherd.cli.main import main; main()"
    for world in ("forwarding", "herding"):
        command = [sys.executable, "-c", without, "compare", "marl", "--world", world, "--out", str(tmp_path / world)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr == "lnherd: training a network needs PyTorch; install it with: pip install 'lnherd[rl]'\n"
        assert not (tmp_path / world).exists()
