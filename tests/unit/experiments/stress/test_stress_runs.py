"""Which days are kept under which name, and what a braked policy by reference is."""

import pytest

from lnherd.agents.braked import Braked
from lnherd.errors import InputError
from lnherd.experiments.config import ScenarioConfig
from lnherd.experiments.evaluate import find_policy, require_watch
from lnherd.experiments.stress.config import SHOULD_MOVE
from lnherd.experiments.stress.runs import StressRun, run_path
from lnherd.experiments.workers import Candidate
from lnherd.traffic.shocks import CASES


def test_days_of_a_policy_that_was_trained_on_are_not_taken_for_the_new_ones(tmp_path):
    saved = tmp_path / "policy.npz"
    saved.write_bytes(b"one")
    candidate = Candidate("ppo", path=saved)
    before = run_path(tmp_path, candidate, "calm")
    assert before == run_path(tmp_path, Candidate("ppo", path=saved), "calm")
    saved.write_bytes(b"two")
    assert run_path(tmp_path, candidate, "calm") != before
    assert run_path(tmp_path, Candidate("market"), "calm") == tmp_path / "runs" / "market--calm.json"


def test_a_brake_is_put_on_by_name():
    candidate, _ = find_policy("braked:threshold-swap")
    policy = candidate.policy()
    assert isinstance(policy, Braked)
    assert policy.name == candidate.name == "braked:threshold-swap"
    require_watch([Candidate("market")], ScenarioConfig())
    require_watch([candidate], ScenarioConfig(watch="watch.json"))
    with pytest.raises(InputError, match="--watch"):
        require_watch([candidate], ScenarioConfig())


def test_every_case_says_what_it_should_move():
    assert set(SHOULD_MOVE) == set(CASES)
    assert {name for names in SHOULD_MOVE.values() for name in names} <= set(StressRun.__dataclass_fields__)
