import numpy as np
from fake_herding import FakeTask

from lnherd.agents.packing import Packed, joined, pack


def some(counts, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(sum(counts), 2)).astype(np.float32)
    return Packed(rng.normal(size=(len(counts), 3)).astype(np.float32), features, np.array(counts))


def test_only_possible_candidates_are_packed():
    decision = FakeTask().reset(0)
    masked = type(decision)(
        decision.view, decision.candidates, decision.context, decision.features, np.array([True, False])
    )
    batch = pack([decision, masked])
    assert batch.counts.tolist() == [2, 1]
    assert np.array_equal(batch.features, np.concatenate([decision.features, decision.features[:1]]))


def test_selecting_keeps_decisions_whole_and_in_the_order_asked_for():
    batch = some([3, 1, 2, 4])
    assert batch.starts.tolist() == [0, 3, 4, 6] and batch.owners.tolist() == [0, 0, 0, 1, 2, 2, 3, 3, 3, 3]
    part = batch.select(np.array([2, 0, 2]))
    assert part.counts.tolist() == [2, 3, 2]
    assert np.array_equal(part.features, batch.features[[4, 5, 0, 1, 2, 4, 5]])
    assert np.array_equal(part.context, batch.context[[2, 0, 2]])


def test_joining_is_undone_by_selecting():
    first, second = some([2, 3]), some([1], seed=1)
    both = joined([first, second])
    assert np.array_equal(both.select(np.array([2])).features, second.features)
    assert np.array_equal(both.select(np.array([0, 1])).features, first.features)
