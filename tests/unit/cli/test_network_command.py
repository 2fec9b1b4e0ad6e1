import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from lnherd.cli.main import cli
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.snapshots import read_network


def lnherd(*arguments):
    outcome = CliRunner().invoke(cli, ["network", *map(str, arguments)], catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome


def refusal(*arguments):
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(cli, ["network", *map(str, arguments)], catch_exceptions=False, standalone_mode=False)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.fixture
def small_csv(tmp_path):
    lnherd("generate", "--nodes", 80, "--seed", 3, "--out", tmp_path / "small-edges.csv")
    return tmp_path / "small-edges.csv"


def test_what_is_generated_reads_back_with_its_balances(small_csv):
    expected, found = generate(GeneratorConfig(n_nodes=80), 3), read_network(small_csv)
    assert found.node_ids.tolist() == expected.node_ids.tolist()
    assert (found.edges == expected.edges).all()
    assert (found.balance_msat == expected.balance_msat).all()


def test_generate_says_what_it_wrote(tmp_path):
    said = lnherd("generate", "--nodes", 80, "--out", tmp_path / "g.csv.gz").stdout
    assert "g.csv.gz" in said
    assert "80 nodes" in said


def test_generate_for_programs(tmp_path):
    answer = json.loads(lnherd("generate", "--nodes", 80, "--out", tmp_path / "g.json", "--json").stdout)
    assert answer["format"] == "describegraph"
    assert answer["files"] == [str(tmp_path / "g.json")]
    assert answer["channels"] == read_network(tmp_path / "g.json").n_channels


def test_a_format_can_be_forced(tmp_path):
    lnherd("generate", "--nodes", 80, "--out", tmp_path / "graph", "--format", "describegraph")
    assert json.loads((tmp_path / "graph").read_text())["nodes"]


def test_losing_balances_is_said_on_standard_error(tmp_path):
    outcome = lnherd("generate", "--nodes", 80, "--out", tmp_path / "g.json")
    assert "no place for balances" in outcome.stderr
    assert "no place" not in outcome.stdout


def test_dead_gossip_on_demand(tmp_path):
    lnherd("generate", "--nodes", 500, "--all", "--out", tmp_path / "all.csv")
    network = read_network(tmp_path / "all.csv")
    assert not network.live_channels.all()
    answer = json.loads(lnherd("stats", tmp_path / "all.csv", "--json").stdout)
    assert answer["networks"][0]["statistics"]["channels"] == network.live().n_channels
    answer = json.loads(lnherd("stats", tmp_path / "all.csv", "--all", "--json").stdout)
    assert answer["networks"][0]["statistics"]["channels"] == network.n_channels


def test_two_networks_side_by_side(small_csv, tmp_path):
    lnherd("generate", "--nodes", 90, "--out", tmp_path / "other.csv")
    table = lnherd("stats", small_csv, tmp_path / "other.csv").stdout
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines()]
    assert ["nodes", "80", "90"] in rows
    assert "degree p99.9" in table
    assert "htlc max ratio 0.99 share" in table


def test_one_network_alone_for_programs(small_csv):
    answer = json.loads(lnherd("stats", small_csv, "--json").stdout)
    assert answer["live_only"] is True
    [network] = answer["networks"]
    assert network["name"] == "small-edges.csv"
    assert network["statistics"]["nodes"] == 80


def test_convert_there_and_back(small_csv, tmp_path):
    lnherd("convert", small_csv, tmp_path / "graph.json.xz")
    lnherd("convert", tmp_path / "graph.json.xz", tmp_path / "back.csv")
    before, after = read_network(small_csv), read_network(tmp_path / "back.csv")
    assert (after.channels == before.channels).all()
    assert after.balance_msat is None


def test_convert_gives_policies_back_to_their_owners(tmp_path):
    """Generated ids ascend with the index, so that the mend has nothing to do there."""
    lnherd("generate", "--nodes", 80, "--out", tmp_path / "a.csv")
    lnherd("convert", tmp_path / "a.csv", tmp_path / "b.csv", "--directions-by-key")
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    names = (tmp_path / "a-nodes.csv").read_text().replace("n00", "zz00")
    (tmp_path / "a-nodes.csv").write_text(names)
    lnherd("convert", tmp_path / "a.csv", tmp_path / "b.csv", "--directions-by-key")
    assert (tmp_path / "a.csv").read_text() != (tmp_path / "b.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["generate", "--nodes", "2", "--out", "x.csv"], "number of nodes 2 is out of range; give 3 to"),
        (["generate", "--balances", "odd", "--out", "x.csv"], "balance prior 'odd' is unknown; choose one of"),
        (["generate", "--seed", "-1", "--out", "x.csv"], "seed -1 is negative; give 0 or more"),
        (["generate", "--nodes", "50", "--out", "x.txt"], "x.txt: cannot tell the format; call it .csv or .json"),
        (["generate", "--nodes", "50", "--out", "x.gz"], "x.gz: cannot tell the format"),
        (["generate", "--nodes", "50", "--out", "/nonexistent/x.csv"], "/nonexistent"),
        (["stats", "nowhere.csv"], "nowhere.csv: no such file"),
        (["convert", "nowhere.csv", "x.csv"], "nowhere.csv: no such file"),
    ],
)
def test_bad_input_gets_one_sentence(arguments, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert part in refusal(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_bad_input_exits_with_2(tmp_path):
    command = [sys.executable, "-c", "from lnherd.cli.main import main; main()", "network", "stats", "nowhere"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("lnherd: ")
    assert outcome.stderr.count("\n") == 1
