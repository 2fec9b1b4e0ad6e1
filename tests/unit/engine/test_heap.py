"""The agenda comes out in order of time, then kind, then scheduling."""

import numpy as np
import pytest
from small_networks import line_of, payments_of

from lnherd.engine import Simulation
from lnherd.engine.codes import FAILURE_ARRIVES, HTLC_ARRIVES, PAYMENT_EXPIRES, POLICY_HEARD
from lnherd.engine.heap import drop_first, schedule


@pytest.fixture
def state():
    return Simulation(line_of(2), payments_of()).state


def drained(state) -> list[tuple[int, int, int]]:
    events = []
    while state.clock[0].n_events:
        first = state.events[0]
        events.append((int(first.time_ms), int(first.kind), int(first.subject)))
        drop_first(state)
    return events


def test_events_come_out_by_time_whatever_the_order_they_went_in(state):
    times = np.random.default_rng(1).permutation(100)
    for time_ms in times:
        schedule(state, int(time_ms), HTLC_ARRIVES, int(time_ms))
    assert drained(state) == [(time_ms, HTLC_ARRIVES, time_ms) for time_ms in range(100)]


def test_at_one_time_the_lower_kind_goes_first_then_the_earlier_scheduled(state):
    kinds = [POLICY_HEARD, PAYMENT_EXPIRES, HTLC_ARRIVES, FAILURE_ARRIVES]
    for subject, kind in enumerate(kinds * 10):
        schedule(state, 7, kind, subject)
    expected = [(7, kind, subject) for kind in sorted(kinds) for subject, each in enumerate(kinds * 10) if each == kind]
    assert drained(state) == expected


def test_pushing_and_popping_alternately_keeps_the_order(state):
    rng = np.random.default_rng(2)
    waiting: list[int] = []
    for step in range(400):
        if waiting and rng.random() < 0.45:
            assert int(state.events[0].time_ms) == min(waiting)
            waiting.remove(min(waiting))
            drop_first(state)
        elif len(waiting) < 200:
            time_ms = int(rng.integers(50))
            waiting.append(time_ms)
            schedule(state, time_ms, HTLC_ARRIVES, step)
    assert [time_ms for time_ms, _, _ in drained(state)] == sorted(waiting)
