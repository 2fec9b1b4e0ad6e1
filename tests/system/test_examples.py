"""Every example runs and prints what the file beside it says."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))


def test_there_are_examples():
    assert {"hop_by_hop.py", "own_herder.py", "paid_api.py", "paying_agent.py"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_output_is_as_recorded(script):
    run = subprocess.run(
        [sys.executable, script], cwd=EXAMPLES, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == (EXAMPLES / script).with_suffix(".out").read_text()
