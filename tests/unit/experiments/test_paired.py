"""What doing nothing earns is taken off, tick by tick."""

from small_worlds import WorldTask, chain

from lnherd.control.action import WAIT
from lnherd.experiments.paired import PairedTask


def played(task, seed, plan):
    task.reset(seed)
    results = []
    while not results or not (results[-1].terminated or results[-1].truncated):
        results.append(task.step(plan))
    return results


def test_doing_nothing_gains_nothing_and_everything_else_is_measured_by_it():
    task, alone = PairedTask(WorldTask(chain())), WorldTask(chain())
    for seed in (3, 4, 3):
        idle = [result.reward for result in played(alone, seed, WAIT)]
        assert [result.wanted for result in played(task, seed, WAIT)] == idle
        right = played(task, seed, alone.actions[1])
        assert [result.wanted for result in right] == idle
        assert [result.reward for result in right] == [r.reward for r in played(alone, seed, alone.actions[1])]
    assert set(task.idle) == {3, 4}


def test_the_account_is_closed_at_the_end():
    last = played(PairedTask(WorldTask(chain(), horizon=5)), 0, WAIT)
    assert [result.terminated for result in last] == [False] * 4 + [True] and not last[-1].truncated
