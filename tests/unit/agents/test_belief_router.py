"""A rule goes by what it believes: it leaves a channel that fails, and comes back when the model forgets."""

import numpy as np
import pytest
from hop_batches import batch_of

from lnherd.agents.belief_router import BeliefConfig, BeliefRouter
from lnherd.agents.neighbours import NeighbourConfig, NeighbourModel
from lnherd.errors import InputError


def router(beliefs):
    config = NeighbourConfig(half_life_ms=1_000.0)
    return BeliefRouter(
        ("distance", "success_rate"),
        lambda: NeighbourModel(np.zeros(4, dtype=np.int64), 4, config),
        BeliefConfig(beliefs),
    )


def batch(*, now_ms=0, first=0, outcomes=(), record=(0.5, 0.5)):
    """Two channels, edge 0 a hop nearer than edge 2."""
    made = batch_of((0, 3, -1, 10, [0, 2], False), outcomes=outcomes, now_ms=now_ms, first=first)
    candidates = np.zeros((1, 4, 2), dtype=np.float32)
    candidates[0, 2:, 0], candidates[0, 2:, 1] = (0.1, 0.2), record
    object.__setattr__(made, "candidates", candidates)
    return made


def test_the_model_learns_from_failures_and_forgets():
    policy = router("model")
    assert policy.choose(batch()).tolist() == [2]
    chosen = [policy.choose(batch(first=number, outcomes=[(number - 1, False)])).item() for number in range(1, 4)]
    assert 3 in chosen
    assert policy.choose(batch(first=9, now_ms=60_000)).tolist() == [2]


def test_without_beliefs_the_nearest_and_by_record_the_one_that_worked():
    assert router("none").choose(batch(record=(0.0, 1.0))).tolist() == [2]
    assert router("record").choose(batch(record=(0.1, 0.9))).tolist() == [3]


def test_unknown_beliefs_are_refused():
    with pytest.raises(InputError, match="beliefs"):
        BeliefConfig("faith")
