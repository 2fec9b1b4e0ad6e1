"""A fitted demand has the statistics of the history it was fitted to, on time it has not seen."""

import numpy as np
import pytest
from scipy import stats
from small_networks import network_of

from lnherd.engine import Simulation
from lnherd.engine.forward_log import record_forwards
from lnherd.errors import InputError
from lnherd.traffic.amounts import Empirical, LogNormal
from lnherd.traffic.arrivals import Hourly, Mmpp, ToolLoops
from lnherd.traffic.demand import Component, Demand
from lnherd.traffic.demand_file import read_demand, write_demand
from lnherd.traffic.endpoints import FixedNodes, ZipfSinks
from lnherd.traffic.fitting import fit_demand, pair_matrix
from lnherd.traffic.history import FORWARD_DTYPE, read_forwards, write_lnd_history

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
HUB = 4
DAYLIGHT = tuple(1.0 + 0.8 * np.cos((hour - 15) * np.pi / 12) for hour in range(24))


@pytest.fixture(scope="module")
def star():
    """Four peers around a hub; only the hub joins them."""
    return network_of([(peer, HUB, 90_000_000, 90_000_000) for peer in range(4)])


@pytest.fixture(scope="module")
def history(star):
    """Three days of what the hub forwards in a simulation, with a daily cycle and few sinks."""
    demand = Demand(
        (
            Component(
                0.01,
                amounts=LogNormal(50, 1.0),
                arrivals=Hourly(DAYLIGHT),
                senders=FixedNodes((0, 1, 2), (0.5, 0.3, 0.2)),
                receivers=FixedNodes((2, 3), (0.25, 0.75)),
            ),
        )
    )
    payments = demand.sample(star, duration_ms=3 * DAY_MS, rng=np.random.default_rng(1))
    return record_forwards(Simulation(star, payments, seed=1), HUB, 3 * DAY_MS)


def test_the_recorder_misses_nothing(star, history):
    assert len(history) > 2_000
    assert (history.in_msat - history.out_msat == 1_000 + history.out_msat // 10_000).all()
    assert (history.in_channel != history.out_channel).all()
    assert (np.diff(history.time_ms) >= 0).all()


def test_a_nodes_own_history_is_reproduced_on_held_out_time(star, history, tmp_path):
    """Fitted to two days as LND exports them, compared with the third."""
    write_lnd_history(history[history.time_ms < 2 * DAY_MS], star, tmp_path / "history.json")
    known = read_forwards(tmp_path / "history.json", star)
    fit = fit_demand(known, star, HUB, span_ms=(0, 2 * DAY_MS))
    held_out = history[history.time_ms >= 2 * DAY_MS]
    drawn = fit.demand.sample(star, duration_ms=DAY_MS, rng=np.random.default_rng(2))
    # How many, and when.
    assert len(drawn) == pytest.approx(len(held_out), rel=0.15)
    per_hour = [
        np.bincount(times // (4 * HOUR_MS), minlength=6) for times in (drawn.start_ms, held_out.time_ms - 2 * DAY_MS)
    ]
    assert stats.chi2_contingency(np.stack(per_hour)).pvalue > 0.001
    # How much.
    assert stats.ks_2samp(drawn.amount_msat, held_out.out_msat).pvalue > 0.001
    # From whom to whom.
    real = pair_matrix(held_out.in_channel, held_out.out_channel, 5)
    assert np.abs(pair_matrix(drawn.sender, drawn.receiver, 5) - real).sum() < 0.12


def test_the_check_can_fail(star, history):
    """The same comparison rejects a demand without a daily cycle, other amounts, or another matrix."""
    fit = fit_demand(history, star, HUB, span_ms=(0, 3 * DAY_MS))
    first = fit.demand.components[0]
    assert isinstance(first.arrivals, Hourly)
    flat = np.bincount(np.arange(24), weights=np.ones(24))
    assert stats.chisquare(np.array(first.arrivals.weights) * 100, flat * 100).pvalue < 0.001
    assert isinstance(first.amounts, Empirical)
    assert stats.ks_2samp(first.amounts.amounts_msat, history.out_msat * 2).pvalue < 0.001
    reversed_matrix = pair_matrix(history.out_channel, history.in_channel, 5)
    assert np.abs(reversed_matrix - pair_matrix(history.in_channel, history.out_channel, 5)).sum() > 0.5


def test_fitted_payments_cross_the_node_again(star, history):
    fit = fit_demand(history, star, HUB, span_ms=(0, 3 * DAY_MS))
    payments = fit.demand.sample(star, duration_ms=DAY_MS // 4, rng=np.random.default_rng(3))
    again = record_forwards(Simulation(star, payments, seed=2), HUB, DAY_MS // 4 + 120_000)
    assert len(again) == len(payments) > 50


def rows(*forwards):
    return np.array(list(forwards), dtype=FORWARD_DTYPE).view(np.recarray)


def test_circular_forwards_are_left_out_and_counted(star):
    fit = fit_demand(rows((0, 11, 10, 0, 1), (5, 21, 20, 2, 2), (HOUR_MS, 31, 30, 1, 0)), star, HUB)
    assert (fit.n_forwards, fit.n_circular, fit.duration_ms) == (2, 1, HOUR_MS + 1)
    assert [part.senders.nodes + part.receivers.nodes for part in fit.demand.components] == [(0, 1), (1, 0)]


def test_foreign_and_tiny_histories_are_refused(star):
    with pytest.raises(InputError, match="channel 1 does not belong to node node0"):
        fit_demand(rows((0, 11, 10, 0, 1), (1, 11, 10, 0, 1)), star, 0)
    with pytest.raises(InputError, match="1 forwards between different peers"):
        fit_demand(rows((0, 11, 10, 0, 1)), star, HUB)


def test_demand_files_round_trip(tmp_path):
    demand = Demand(
        (
            Component(0.5, arrivals=ToolLoops(mean_calls=7.0), senders=FixedNodes((1, 2), (0.5, 0.5))),
            Component(0.1, amounts=Empirical((1, 5)), arrivals=Hourly(DAYLIGHT, 3.5), receivers=ZipfSinks(3)),
            Component(0.1, arrivals=Mmpp(), kind=1),
        )
    )
    write_demand(demand, tmp_path / "demand.json")
    assert read_demand(tmp_path / "demand.json") == demand


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[]", "is no demand of lnherd"),
        ('{"components": [{"rate_per_s": 1}]}', "component 0: is not as lnherd wrote it"),
        ('{"components": [{"rate_per_s": 1, "amounts": {"type": "Cauchy"}}]}', "amounts: type 'Cauchy' is unknown"),
    ],
)
def test_damaged_demand_files_are_refused(tmp_path, content, problem):
    (tmp_path / "demand.json").write_text(content)
    with pytest.raises(InputError, match=problem):
        read_demand(tmp_path / "demand.json")
