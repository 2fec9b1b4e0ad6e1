"""Policies that come with the package."""

import json

import numpy as np
import pytest

from lnherd.agents.learners import load_policy
from lnherd.agents.shipped import shipped_policy, shipped_role
from lnherd.control.decision import decide
from lnherd.control.menu import MenuConfig
from lnherd.control.view import NodeView, Role, own_channels
from lnherd.control.wide import wide_decision
from lnherd.experiments.evaluate import find_policy

SAT = 1_000


@pytest.mark.parametrize("role", [role for role in Role if shipped_policy(role).exists()])
def test_it_runs_and_says_where_it_comes_from(role):
    policy, episodes = load_policy(shipped_policy(role))
    channels = own_channels(capacity_msat=[1_000_000 * SAT] * 2, local_msat=[900_000 * SAT, 50_000 * SAT])
    decision = decide(NodeView(role, channels, wallet_msat=5_000_000 * SAT), MenuConfig())
    policy.reset(0)
    assert policy.act(decision) in (wide_decision(decision.view) if policy.is_wide else decision).candidates
    with np.load(shipped_policy(role)) as stored:
        about = json.loads(str(stored["about"]))
    assert (about["algorithm"], about["episodes"]) == ("ppo", episodes)
    assert episodes >= 200 and about["seed"] == 0


def test_every_role_has_one():
    assert all(shipped_policy(role).exists() for role in Role)


def test_it_is_found_by_name():
    candidate, scenario = find_policy("shipped-consumer")
    assert candidate.path == shipped_policy(Role.CONSUMER) and scenario.role == Role.CONSUMER
    assert shipped_role("shipped-baker") is None and shipped_role("consumer") is None
