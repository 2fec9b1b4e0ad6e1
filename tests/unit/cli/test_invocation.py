import subprocess
import sys

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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["herd"], "lnherd: No such command 'herd'; see 'lnherd --help'"),
        (["simulate", "--nodes", "5"], "lnherd: Invalid value for '--nodes': 5 is not in the range x>=10"),
        (["simulate", "--nodes", "50", "--seed", "-1"], "lnherd: Invalid value for '--seed'"),
        (["simulate", "--nodes", "50", "--rate", "inf"], "lnherd: --rate must be a positive number, got inf"),
        (["simulate"], "lnherd: give either --network PATH or --nodes N"),
    ],
)
def test_bad_flags_get_one_sentence(arguments, sentence):
    done = subprocess.run([sys.executable, "-m", "lnherd", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1
