import numpy as np
import pytest

from lnherd.agents.packing import Packed
from lnherd.agents.replay import Replay, SumTree
from lnherd.agents.rollout import Trajectory


@pytest.mark.parametrize("size", [1, 5, 8, 100])
def test_the_tree_sums_and_finds_like_a_running_sum(size):
    rng = np.random.default_rng(size)
    tree, values = SumTree(size), np.zeros(size)
    for _ in range(20):
        index = rng.integers(size, size=4)
        values[index] = numbers = rng.integers(0, 5, size=size)[index].astype(float)
        tree.set(index, numbers)
    values[0] = 1.0
    tree.set(np.array([0]), np.array([1.0]))
    assert tree.total == values.sum() and np.array_equal(tree.get(np.arange(size)), values)
    sums = rng.random(200) * tree.total
    assert np.array_equal(tree.find(sums), np.searchsorted(np.cumsum(values), sums, side="right"))


def episode(number, length, *, terminated=False):
    """Features and rewards tell which step of which episode they are."""
    steps = np.arange(length + 1)
    counts = 1 + steps % 3
    mark = (number * 100 + steps) / 2_000
    return Trajectory(
        Packed(mark[:, None].astype(np.float32), np.repeat(mark, counts)[:, None].astype(np.float32), counts),
        steps[:-1] % counts[:-1],
        np.zeros(length),
        100.0 * number + steps[:-1],
        terminated,
        {},
    )


def replay(capacity, power=0.0):
    return Replay(capacity, n_steps=2, discount=0.5, priority_power=power)


def test_samples_are_whole_transitions_of_the_newest_episodes():
    memory = replay(50)
    for number in range(1, 20):
        memory.add(episode(number, 10))
    sample = memory.sample(200, np.random.default_rng(0), 0.0, n_parts=2)
    assert sample.slots.shape == (2, 200) and np.allclose(sample.corrections, 1.0)
    slots = sample.slots.ravel()
    decisions, following, taken = memory.packed(slots), memory.packed(memory.next[slots]), memory.taken(slots)
    marks = np.rint(decisions.context[:, 0] * 2_000).astype(int)
    number, step = marks // 100, marks % 100
    assert set(number[step < 10]) <= {15, 16, 17, 18, 19} and step.max() == 9
    assert len(set(marks)) >= 40
    length = np.minimum(step + 2, 10) - step
    expected = 100.0 * number + step + np.where(length == 2, 0.5 * (100.0 * number + step + 1), 0.0)
    assert np.allclose(memory.returns[slots], expected)
    assert np.array_equal(np.rint(following.context[:, 0] * 2_000).astype(int), marks + length)
    assert np.allclose(memory.weights[slots], 0.5**length)
    assert np.array_equal(decisions.counts, 1 + step % 3)
    assert np.array_equal(taken.context, decisions.context)
    assert np.array_equal(taken.first, decisions.features[decisions.starts])
    assert np.array_equal(taken.chosen, decisions.features[decisions.starts + memory.chosen[slots]])
    means = np.add.reduceat(decisions.features, decisions.starts) / decisions.counts[:, None]
    assert np.allclose(taken.mean, means, atol=1e-3)


def test_a_termination_is_not_bootstrapped_from():
    memory = replay(50)
    memory.add(episode(0, 5, terminated=True))
    sample = memory.sample(64, np.random.default_rng(0), 0.0)
    assert np.array_equal(memory.weights[sample.slots] == 0.0, sample.slots >= 3)


def test_surprising_transitions_come_more_often_and_weigh_less():
    memory = replay(50, power=1.0)
    memory.add(episode(0, 10))
    memory.surprise(np.arange(10), np.full(10, 1.0 - 1e-3))
    memory.surprise(np.array([3]), np.array([9.0 - 1e-3]))
    sample = memory.sample(18_000, np.random.default_rng(0), 1.0)
    share = np.bincount(sample.slots[0], minlength=10) / 18_000
    assert share[3] == pytest.approx(0.5, abs=0.01) and share[4] == pytest.approx(1 / 18, abs=0.01)
    assert sample.corrections[sample.slots == 3] == pytest.approx(1 / 9)
    assert sample.corrections[sample.slots == 4] == pytest.approx(1.0)


def test_what_was_saved_samples_the_same():
    memory, again = replay(60, power=0.6), replay(60, power=0.6)
    for number in range(9):
        memory.add(episode(number, 10))
    memory.surprise(np.arange(5), np.arange(5.0))
    again.restore(memory.arrays())
    for each in (memory, again):
        each.add(episode(50, 7))
    first, second = (each.sample(99, np.random.default_rng(1), 0.5) for each in (memory, again))
    slots = first.slots[0]
    assert np.array_equal(slots, second.slots[0]) and np.array_equal(first.corrections, second.corrections)
    for name in ("chosen", "returns", "weights", "next"):
        assert np.array_equal(getattr(memory, name)[slots], getattr(again, name)[slots])
    assert np.array_equal(memory.packed(slots).features, again.packed(slots).features)
    for name in ("context", "chosen", "first", "mean"):
        assert np.array_equal(getattr(memory.taken(slots), name), getattr(again.taken(slots), name))
