"""The brake holds what costs, while the watch sounds, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from lnherd.agents.braked import Braked
from lnherd.agents.policy import Policy
from lnherd.anomaly.signals import N_SIGNALS
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import as_actions, decide
from lnherd.control.menu import MenuConfig
from lnherd.control.view import NodeView, Role, own_channels

SWAP, FEE = Action(ActionKind.SWAP_OUT, channel=0, amount_msat=10), Action(ActionKind.FEE_UP, channel=0)


class Restless:
    """Always wants everything, and counts how often it was asked."""

    name = "restless"

    def __init__(self):
        self.asked = 0

    def reset(self, seed):
        self.asked = seed

    def act(self, decision):
        self.asked += 1
        return SWAP, FEE


def decision(level=None):
    view = NodeView(Role.ROUTER, own_channels(capacity_msat=[1_000], local_msat=[500]))
    if level is not None:
        view = replace(view, alarm_levels=np.eye(N_SIGNALS)[3] * level)
    return decide(view, MenuConfig())


@pytest.mark.parametrize(("level", "plan"), [(None, (SWAP, FEE)), (0.99, (SWAP, FEE)), (1.0, (FEE,)), (2.0, (FEE,))])
def test_only_what_is_free_is_done_while_the_watch_sounds(level, plan):
    assert as_actions(Braked(Restless()).act(decision(level))) == plan


def test_a_policy_that_wants_nothing_free_waits_and_is_asked_all_the_same():
    inner = Restless()
    inner.act = lambda decision: SWAP
    braked: Policy = Braked(inner, threshold=0.5)
    braked.reset(3)
    assert (braked.act(decision(0.6)), inner.asked, braked.name) == (WAIT, 3, "braked:restless")
    assert braked.act(decision(0.4)) == SWAP
