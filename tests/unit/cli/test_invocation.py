import pytest

from lnherd.cli.invocation import command_line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["demo"], "lnherd demo"),
        (["compare", "herding", "--network", "/home/alice/ln.csv.xz"], "lnherd compare herding --network ln.csv.xz"),
        (["train", "--out=/home/alice/run", "--seed=3"], "lnherd train --out=run --seed=3"),
        (["train", "--out", "runs/1", "--node", "my node"], "lnherd train --out runs/1 --node 'my node'"),
        (["train", "--out", "~/run"], "lnherd train --out run"),
    ],
)
def test_the_record_names_no_directory_of_the_machine(arguments, line, monkeypatch):
    monkeypatch.setattr("sys.argv", ["/opt/venv/bin/lnherd", *arguments])
    assert command_line() == line
