"""A world that changes: regret against who does best afterwards, time to recover, what learning on is worth."""

import pytest
from tests.support.made_up_forwarding import played_of

from lnherd.experiments.forwarding.board import Episodes
from lnherd.experiments.forwarding.measuring import WINDOW_MS
from lnherd.experiments.forwarding.shifts import continual, shift_rows

CHANGE_MS = 2 * WINDOW_MS
STEADY, SLOW, LOST = [0.6] * 6, [0.5, 0.5, 0.1, 0.3, 0.5, 0.5], [0.5, 0.5, 0.1, 0.1, 0.1, 0.1]
PLAYED = [
    *played_of("a-flip", "shortest", [0] * 4, windows=STEADY),
    *played_of("a-flip", "q-routing+warm", [0] * 4, windows=SLOW),
    *played_of("a-flip", "q-routing+frozen", [0] * 4, windows=LOST),
]


def test_regret_and_recovery():
    rows = shift_rows(Episodes(PLAYED), "a-flip", CHANGE_MS, seed=0)
    assert [row.policy for row in rows] == ["shortest", "q-routing+warm", "q-routing+frozen"]
    assert [row.regret.value for row in rows] == pytest.approx([0.0, 0.25, 0.5])
    assert [row.recovery_s for row in rows] == [0.0, 10.0, None]  # on average from then on
    assert (rows[1].before.value, rows[1].after.value) == (pytest.approx(0.5), pytest.approx(0.35))
    assert rows[1].windows.tolist() == pytest.approx(SLOW)


def test_learning_on_is_compared_with_stopping():
    trained = [
        *played_of("a-flip", "ppo-online", [0] * 4, windows=STEADY),
        *played_of("a-flip", "ppo", [0] * 4, windows=LOST),
    ]
    tables, network = continual(Episodes([*PLAYED, *trained]), "a-flip", CHANGE_MS, seed=0)
    assert (tables.policy, network.policy) == ("q-routing+warm", "ppo-online")
    assert tables.gain.value == pytest.approx(0.25) and tables.gain.low == pytest.approx(0.25)
    assert continual(Episodes(PLAYED[:8]), "a-flip", CHANGE_MS, seed=0) == []


def test_a_window_in_which_nobody_paid_is_no_failure():
    run = PLAYED[0].run
    idle = [
        type(each)(each.cell, each.world, type(run)(**{**vars(each.run), "offered_by_window_sat": (0.0,) * 6}), 1.0)
        for each in played_of("a-flip", "shortest", [0] * 4, windows=[0.0] * 6)
    ]
    row = shift_rows(Episodes(idle), "a-flip", CHANGE_MS, seed=0)[0]
    assert row.windows.tolist() == [1.0] * 6
