"""A herding task without an engine, for tests of what surrounds it: acting pays, and traffic depends on the seed."""

import numpy as np

from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, StepResult, as_actions
from lnherd.control.encode import CANDIDATE_FEATURES, CONTEXT_FEATURES
from lnherd.control.view import OWN_CHANNEL_DTYPE, NodeView, Role
from lnherd.network.records import zero_records

SWAP = Action(ActionKind.SWAP_OUT, channel=0, amount_msat=1_000)
TERMS = ("S", "F", "C", "revenue", "capital", "rebalance_fees", "swap_fees", "chain_fees", "forward_fees")


class FakeTask:
    """Ten ticks. Waiting lets 2 of 10 payments through, a swap 8 of 10 for 5 sat; a success is worth 1 sat."""

    horizon = 10

    def reset(self, seed):
        self._rng = np.random.default_rng(seed)
        self._tick = 0
        return self._decision()

    def step(self, plan):
        swaps = any(action.kind == ActionKind.SWAP_OUT for action in as_actions(plan))
        successes = float(self._rng.binomial(10, 0.2) + 6 * swaps)
        terms = dict.fromkeys(TERMS, 0.0) | {"S": successes, "F": 1.0, "C": 1.0 * swaps, "swap_fees": 1.0 * swaps}
        terms |= {"successes": successes, "failures": 16.0 - successes}
        self._tick += 1
        return StepResult(
            decision=self._decision(),
            reward=terms["S"] - terms["F"] - terms["C"],
            terms=terms,
            truncated=self._tick == self.horizon,
        )

    def _decision(self):
        view = NodeView(Role.PROVIDER, zero_records(1, OWN_CHANNEL_DTYPE))
        features = np.zeros((2, len(CANDIDATE_FEATURES)), dtype=np.float32)
        features[0, WAIT.kind] = features[1, SWAP.kind] = 1.0
        context = np.zeros(len(CONTEXT_FEATURES), dtype=np.float32)
        return Decision(view, (WAIT, SWAP), context, features, np.ones(2, dtype=np.bool_))
