"""The handshake, call by call: who pays what when, what failures cost, and that slicing changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
from small_economies import HOUR_MS, small_economy
from small_networks import line_of

from lnherd.economy import preset, scaled, settle
from lnherd.economy.state import LATE, OVER_BUDGET, REFUSED, SERVED, TOO_DEAR, UNPAID
from lnherd.engine.codes import INSUFFICIENT_LOCAL_BALANCE, NO_ROUTE, SUCCEEDED
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.traffic.endpoints import FixedNodes


@pytest.fixture(scope="module")
def town():
    return generate(GeneratorConfig(n_nodes=60), 3)


def small_preset(name: str, scale: float):
    """With a fifth of the services: the town has few nodes."""
    config = scaled(preset(name), scale)
    services = tuple(replace(group, count=max(1, group.count // 5)) for group in config.services)
    return replace(config, services=services)


def outcomes(economy) -> set[int]:
    return set(np.unique(economy.calls.outcome).tolist())


def test_every_satoshi_an_agent_spends_arrives_or_is_a_fee():
    economy = small_economy()
    economy.run(HOUR_MS)
    agent, service, payments = economy.agents[0], economy.services[0], economy.simulation.payments
    paid = payments[payments.status == SUCCEEDED]
    assert len(economy.calls) > 50
    assert outcomes(economy) == {SERVED}
    assert agent.spent_msat == service.revenue_msat == paid.amount_msat.sum() == 10_000 * agent.n_served
    assert agent.fees_msat == paid.fee_msat.sum() > 0
    assert economy.simulation.state.edges.balance_msat[0] == 5_000_000_000 - agent.spent_msat - agent.fees_msat
    assert agent.value_msat == 40_000 * agent.n_served
    assert service.costs_msat == 4_000 * service.n_served
    assert economy.simulation.audit() == []


def test_a_call_takes_the_handshake_the_payment_and_the_answer():
    """Two legs to the price, 4 x 100 ms over two hops and back, notice, a leg, 500 ms or so of work, a leg."""
    economy = small_economy()
    economy.run(HOUR_MS)
    calls = economy.calls
    waited_ms = 60 + 60 + 400 + 100 + 60 + 60
    work_ms = calls.end_ms - calls.start_ms - waited_ms
    assert work_ms.min() > 0
    assert np.median(work_ms) == pytest.approx(500, rel=0.2)
    assert economy.services[0].busy_ms == pytest.approx(work_ms.sum(), rel=0.02)


def test_a_bundle_is_paid_once_and_used_up():
    economy = small_economy(service={"calls_per_payment": 5}, agent={"min_calls": 10, "max_calls": 10})
    economy.run(HOUR_MS)
    calls = economy.calls
    assert outcomes(economy) == {SERVED}
    assert (calls.payments == 1).tolist() == [index % 5 == 0 for index in range(len(calls))]


def test_what_was_bought_expires():
    """Tasks of one call, three minutes apart on average; the bundle is valid for one second."""
    economy = small_economy(
        service={"calls_per_payment": 100, "valid_ms": 1_000}, agent={"min_calls": 1, "max_calls": 1}
    )
    economy.run(HOUR_MS)
    assert len(economy.calls) > 10
    assert economy.services[0].n_sold >= 0.9 * len(economy.calls)


def test_a_full_service_turns_requests_away_and_is_thought_less_of():
    economy = small_economy(
        service={"slots": 1, "service_ms": 30_000.0}, agent={"count": 20, "utility_sat": (400.0, 1.0, 1.0, 1.0)}
    )
    economy.run(HOUR_MS)
    service = economy.services[0]
    assert service.n_turned_away > 100
    assert REFUSED in outcomes(economy)
    assert service.busy_ms < 1.1 * HOUR_MS, "one slot serves one call at a time"
    assert economy.state.relations.reliability.mean() < 0.7


def test_a_service_that_is_down_serves_nobody():
    economy = small_economy(service={"mean_up_ms": 1.0, "mean_down_ms": 1e12})
    economy.run(HOUR_MS)
    assert economy.services[0].n_sold == 0
    assert economy.services[0].n_turned_away > 0


def test_a_price_above_what_the_answer_is_worth_is_not_paid():
    economy = small_economy(service={"price_sat": 100.0})
    economy.run(HOUR_MS)
    assert outcomes(economy) == {TOO_DEAR}
    assert len(economy.simulation.payments) == 0


def test_demand_falls_with_the_price():
    served = []
    for price in (5.0, 30.0, 38.0, 45.0):
        economy = small_economy(service={"price_sat": price}, agent={"utility_sigma": 0.3, "count": 40})
        economy.run(HOUR_MS // 2)
        served.append(int(economy.services[0].n_served))
    assert served[0] > served[1] > served[2] > served[3] > 0


def test_a_budget_holds_and_refills():
    economy = small_economy(agent={"budget_sat_per_hour": 100.0, "tasks_per_hour": 100.0})
    economy.run(HOUR_MS // 4)
    assert OVER_BUDGET in outcomes(economy)
    after_a_quarter = int(economy.agents[0].spent_msat)
    assert 100_000 <= after_a_quarter <= 125_000
    economy.run(HOUR_MS)
    assert after_a_quarter < economy.agents[0].spent_msat <= 200_000


def test_routing_fees_above_the_cap_are_not_paid():
    network = line_of(3, near_sat=5_000_000, far_sat=5_000_000, base_fee_msat=10_001)
    economy = small_economy(network=network, service={"price_sat": 30.0})
    economy.run(HOUR_MS)
    assert outcomes(economy) <= {UNPAID, TOO_DEAR}
    assert economy.calls.outcome[0] == UNPAID
    assert set(economy.simulation.payments.failure.tolist()) == {NO_ROUTE}
    assert economy.services[0].n_unpaid == economy.calls.payments.sum() > 0


def test_a_drained_channel_ends_the_trade():
    economy = small_economy(network=line_of(3, near_sat=1_200, far_sat=100_000))
    economy.run(4 * HOUR_MS)
    assert economy.calls.failure[-1] == INSUFFICIENT_LOCAL_BALANCE
    assert economy.calls.outcome[0] == SERVED
    assert economy.agents[0].budget_msat > 0


def test_an_answer_after_the_patience_is_worth_nothing():
    economy = small_economy(service={"service_ms": 5_000.0}, agent={"patience_ms": 2_000})
    economy.run(HOUR_MS)
    late = economy.calls[economy.calls.outcome == LATE]
    assert len(late) > 0.9 * len(economy.calls)
    assert economy.agents[0].value_msat == 40_000 * (economy.calls.outcome == SERVED).sum()


def test_surge_prices_follow_the_load():
    """Three to four of five slots are busy, then hardly one of 64."""
    highest = []
    for service, agent in (
        ({"slots": 5, "service_ms": 4_000.0}, {"count": 36, "max_retries": 20, "learning_rate": 0.0}),
        ({}, {}),
    ):
        economy = small_economy(service={"pricing": "surge"} | service, agent=agent)
        prices = []
        for quarter in range(1, 5):
            economy.run(quarter * HOUR_MS // 4)
            prices.append(int(economy.services[0].price_msat))
        highest.append(max(prices))
    assert highest[0] > highest[1] == 10_000


def test_slicing_changes_nothing(town):
    """Slices of 7 ms instead of up to 100 ms give the same calls, payments and balances: the coupling is exact."""
    config = small_preset("agent-swarm", 0.1)
    whole = settle(town, config, seed=5, duration_ms=HOUR_MS // 6)
    fine = settle(town, config, seed=5, duration_ms=HOUR_MS // 6)
    fine._end_of_slice = lambda now_ms: now_ms + 7
    for economy in (whole, fine):
        economy.run(HOUR_MS // 6)
    assert len(whole.calls) > 50
    assert whole.calls.tobytes() == fine.calls.tobytes()
    assert whole.simulation.payments.tobytes() == fine.simulation.payments.tobytes()
    assert whole.agents.tobytes() == fine.agents.tobytes()


def test_the_seed_decides(town):
    config = small_preset("data-feeds", 0.05)
    runs = []
    for seed in (1, 1, 2):
        economy = settle(town, config, seed=seed, duration_ms=HOUR_MS // 6)
        economy.run(HOUR_MS // 12)
        economy.run(HOUR_MS // 6)
        runs.append(economy.calls.tobytes())
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("name", ["inference", "data-feeds", "agent-swarm", "mixed-mainnet"])
def test_every_preset_runs_and_stays_sound(town, name):
    config = small_preset(name, 0.5 if name == "mixed-mainnet" else 0.1)
    economy = settle(town, config, seed=1, duration_ms=HOUR_MS // 4)
    economy.run(HOUR_MS // 4)
    assert (economy.calls.outcome == SERVED).any()
    assert economy.simulation.audit() == []
    assert economy.agents.spent_msat.sum() <= economy.services.revenue_msat.sum()


def test_one_cannot_go_back(town):
    economy = settle(town, scaled(preset("inference"), 0.05), seed=1, duration_ms=1_000)
    economy.run(1_000)
    with pytest.raises(InputError, match="cannot run until 999 ms"):
        economy.run(999)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"service": {"count": 4, "nodes": FixedNodes((2,))}}, "4 services need as many nodes"),
        ({"agent": {"kind_shares": (0.0, 0.0, 1.0, 0.0)}}, "agents need data but nobody sells it"),
        ({"agent": {"nodes": FixedNodes((2,))}}, "every node that agents could use runs a service"),
    ],
)
def test_what_does_not_fit_the_network_is_refused(changes, problem):
    with pytest.raises(InputError, match=problem):
        small_economy(**changes)
