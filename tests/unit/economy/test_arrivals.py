"""Tasks come as often as asked for, in daily cycles, shared bursts and self-made clusters."""

import numpy as np
import pytest
from small_economies import HOUR_MS, small_economy

from lnherd.economy.config import AgentGroup, mean_calls

NEVER_BUYS = {"utility_sat": (1.0, 1.0, 1.0, 1.0), "min_calls": 1, "max_calls": 1, "count": 400}
"""Calls are given up at once, so every task leaves one call at the time it came."""


def arrivals(hours=24, **agent):
    economy = small_economy(agent=NEVER_BUYS | agent, service={"price_sat": 500.0}, seed=4)
    economy.run(hours * HOUR_MS)
    return economy.calls.start_ms.copy()


def dispersion(starts_ms, window_ms):
    counts = np.bincount(starts_ms // window_ms)
    return counts.var() / counts.mean()


def test_poisson_arrivals_have_the_rate_and_no_memory():
    starts = arrivals(tasks_per_hour=0.5)
    assert len(starts) == pytest.approx(400 * 0.5 * 24, rel=0.05)
    assert dispersion(starts, 60_000) == pytest.approx(1.0, abs=0.15)


def test_the_daily_cycle_peaks_where_it_is_told():
    starts = arrivals(tasks_per_hour=0.5, diurnal=0.9, peak_hour=6.0)
    per_hour = np.bincount(starts // HOUR_MS, minlength=24)
    assert len(starts) == pytest.approx(400 * 0.5 * 24, rel=0.05)
    assert per_hour[4:8].sum() > 8 * per_hour[16:20].sum()


def test_moody_agents_burst_together_at_the_same_mean_rate():
    starts = arrivals(tasks_per_hour=0.5, moody=True)
    assert len(starts) == pytest.approx(400 * 0.5 * 24, rel=0.35)
    assert dispersion(starts, 60_000) > 3.0


def test_tasks_trigger_tasks():
    starts = arrivals(tasks_per_hour=0.05, branching=0.8, trigger_ms=1_000.0, count=100)
    assert len(starts) == pytest.approx(100 * 0.05 * 24, rel=0.5)
    assert dispersion(starts, 60_000) > 2.0


def test_the_length_of_a_task_is_log_uniform():
    assert mean_calls(AgentGroup(min_calls=7, max_calls=7)) == pytest.approx(7.0)
    assert mean_calls(AgentGroup(min_calls=10, max_calls=1_000)) == pytest.approx(990 / np.log(100), rel=0.01)
    economy = small_economy(agent={"min_calls": 1, "max_calls": 50, "count": 30, "tasks_per_hour": 2.0})
    economy.run(6 * HOUR_MS)
    assert economy.agents.n_calls.sum() / economy.agents.n_tasks.sum() == pytest.approx(50 / np.log(51), rel=0.2)
