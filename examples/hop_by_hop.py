"""Nodes on the way that choose the next channel: two rules on the same traffic, batches of decisions as arrays.

All decisions that are due at one moment come together; choice 0 gives up, choice 1 splits, the others are channels.
What came of a decision is told later, by its number (`batch.outcomes`, `batch.rewards`): a learner would use that.
"""

from collections.abc import Callable

import numpy as np

from lnherd.control.hop_decision import DecisionBatch
from lnherd.engine.codes import SUCCEEDED
from lnherd.engine.hop_features import CANDIDATE_FEATURES
from lnherd.envs import ForwardingConfig, ForwardingTask

DISTANCE, SUCCESS_RATE = CANDIDATE_FEATURES.index("distance"), CANDIDATE_FEATURES.index("success_rate")
IS_CHANNEL = CANDIDATE_FEATURES.index("is_channel")


def nearest(batch: DecisionBatch) -> np.ndarray:
    """Scores [B, K]: the fewest hops left."""
    return -batch.candidates[:, :, DISTANCE]


def nearest_that_worked(batch: DecisionBatch) -> np.ndarray:
    """Scores [B, K]: the same, but what has always failed towards that region is worth a detour of two hops."""
    return nearest(batch) + 0.2 * batch.candidates[:, :, SUCCESS_RATE]


def success(score: Callable[[DecisionBatch], np.ndarray], seeds: range) -> float:
    """Share of payments that arrive when every node takes the channel with the highest score."""
    task, shares = ForwardingTask(ForwardingConfig(n_nodes=50)), []
    for seed in seeds:
        batch = task.reset(seed)
        while not batch.is_over:
            possible = batch.mask & (batch.candidates[:, :, IS_CHANNEL] > 0)
            batch = task.step(np.where(possible, score(batch), -np.inf).argmax(axis=1))
        shares.append(float((task.simulation.payments.status == SUCCEEDED).mean()))
    return float(np.mean(shares))


def main() -> None:
    """A minute of traffic on 50 nodes, five times."""
    for score in (nearest, nearest_that_worked):
        print(f"{score.__name__}: {success(score, range(5)):.1%} of payments arrive")


if __name__ == "__main__":
    main()
