"""Tables add up to the summary, the summary to the state."""

import numpy as np
import pytest
from small_economies import HOUR_MS, small_economy
from small_networks import line_of

from lnherd.economy import outcomes
from lnherd.economy.outcomes import DepletionSample, gini, sample_depletion, summarise


def column(rows, columns, name):
    return [row[columns.index(name)] for row in rows]


@pytest.fixture(scope="module")
def economy():
    economy = small_economy(network=line_of(3, near_sat=12_000, far_sat=1_000_000), agent={"count": 3})
    samples = [DepletionSample(0, 0.0, 0.0)]
    for stop in (HOUR_MS // 2, HOUR_MS):
        economy.run(stop)
        samples.append(sample_depletion(economy.simulation))
    economy.samples = samples
    return economy


def test_gini_of_known_shares():
    assert gini(np.array([3, 3, 3])) == pytest.approx(0.0)
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(0.75)
    assert gini(np.array([1, 2, 3])) == pytest.approx(2 / 9)
    assert gini(np.array([])) == gini(np.zeros(4)) == 0.0


def test_welfare_is_what_agents_services_and_routers_gain(economy):
    summary = summarise(economy)
    gains = summary["agents_surplus_sat"] + summary["services_profit_sat"] + summary["routing_fees_sat"]
    assert gains == pytest.approx(summary["welfare_sat"])
    assert summary["value_sat"] == 40 * summary["calls_served"] > 0
    assert summary["cost_per_call_sat"] == pytest.approx(10 + 10 * summary["fee_share_of_price"])
    assert summary["payment_failures"] and summary["payment_success"] < 1.0


def test_outcomes_add_up(economy):
    summary = summarise(economy)
    assert sum(summary[f"calls_{name}"] for name in outcomes.OUTCOMES) == summary["calls"] == len(economy.calls)
    rows = outcomes.interval_rows(economy, economy.samples)
    assert len(rows) == 2
    assert sum(column(rows, outcomes.INTERVAL_COLUMNS, "calls")) == summary["calls"]
    assert sum(column(rows, outcomes.INTERVAL_COLUMNS, "served")) == summary["calls_served"]
    assert sum(column(rows, outcomes.INTERVAL_COLUMNS, "payments")) == summary["payments"]
    services = outcomes.service_rows(economy)
    assert column(services, outcomes.SERVICE_COLUMNS, "served") == [summary["calls_served"]]
    load = economy.services.busy_ms[0] / (64 * HOUR_MS)
    assert column(services, outcomes.SERVICE_COLUMNS, "utilisation") == [pytest.approx(load, abs=1e-6)]
    assert summary["background_payments"] == 0
    agents = outcomes.agent_rows(economy)
    assert sum(column(agents, outcomes.AGENT_COLUMNS, "surplus_sat")) == pytest.approx(summary["agents_surplus_sat"])
    calls = outcomes.call_rows(economy.calls)
    assert sum(column(calls, outcomes.CALL_COLUMNS, "price_msat")) == economy.agents.spent_msat.sum()


def test_one_way_trade_drains_channels(economy):
    summary = summarise(economy)
    assert summary["channels_used"] == 2
    assert summary["drained_share_at_first"] == 1.0, "12,000 of 1,012,000 sat are near"
    fresh = small_economy(network=line_of(3, near_sat=3_300, far_sat=3_300), agent={"count": 3})
    fresh.run(HOUR_MS)
    assert outcomes.drained_at_first(fresh.simulation) == 0.0
    assert sample_depletion(fresh.simulation).drained_share == 1.0
