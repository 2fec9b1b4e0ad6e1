"""The auditor finds every kind of corruption, broken in by hand."""

import pytest
from small_networks import SAT, network_of, payments_of

from lnherd.engine import Simulation, SimulationConfig, codes

CHANNELS = [(0, 1, 250_000, 50_000), (1, 3, 250_000, 50_000), (0, 2, 250_000, 50_000), (2, 3, 250_000, 50_000)]


@pytest.fixture
def busy() -> Simulation:
    """Payment 0 is paid, 1 failed, 2 is under way in two parts, of which the receiver holds one."""
    config = SimulationConfig(latency_sigma=0.0, min_part_msat=150_000 * SAT, max_parts=2)
    payments = payments_of((0, 0, 1, 1_000), (0, 0, 4, 1_000), (1_000, 0, 3, 300_000 * SAT))
    simulation = Simulation(network_of(CHANNELS, n_nodes=5, base_fee_msat=0, fee_ppm=0), payments, config=config)
    simulation.run(until_ms=1_050)
    while (simulation.state.attempts.status == codes.HELD).sum() == 0:
        simulation.run(max_events=1)
    assert simulation.payments.status.tolist() == [codes.SUCCEEDED, codes.FAILED, codes.ACTIVE]
    assert simulation.payments[2].live_parts == 2
    assert simulation.audit() == []
    return simulation


def broken(pool: str, field: str, index: int, change: int):
    def breakage(simulation):
        getattr(simulation.state, pool)[field][index] += change

    return breakage


BREAKAGES = {
    "channels not worth their capacity: [0]": broken("edges", "balance_msat", 0, 1),
    "edges with a negative balance: [7]": broken("edges", "balance_msat", 7, -60_000 * SAT),
    "edges with negative value in flight: [7]": broken("edges", "in_flight_msat", 7, -1),
    "edges with more HTLCs than allowed: [2]": broken("edges", "n_htlcs", 2, 500),
    "edges with more value in flight than allowed: [2]": broken("edges", "in_flight_msat", 2, 200_000 * SAT),
    "edges whose value in flight is not that of their HTLCs: [2]": broken("edges", "in_flight_msat", 2, 1),
    "edges whose number of HTLCs is wrong: [2]": broken("edges", "n_htlcs", 2, -1),
    "payments whose dispatched amount is not that of their attempts: [2]": broken("payments", "dispatched_msat", 2, 5),
    "payments whose held amount is not that of their parts: [2]": broken("payments", "held_msat", 2, 5),
    "succeeded payments not paid in full: [0]": broken("payments", "settled_msat", 0, -1),
    "failed payments that moved money: [1]": broken("payments", "settled_msat", 1, 1),
    "finished payments with parts still out: [2]": broken("payments", "status", 2, codes.FAILED - codes.ACTIVE),
    "active payments with nothing going on: [2]": broken("payments", "live_parts", 2, -2),
    "payments that paid more fees than their limit: [2]": broken("payments", "fee_msat", 2, 10**12),
    "money made or lost: 7 msat": broken("nodes", "wallet_msat", 4, 7),
    "events out of heap order": broken("events", "time_ms", 0, 10**9),
    "events in the past": broken("clock", "now_ms", 0, 10**9),
}


@pytest.mark.parametrize("finding", BREAKAGES)
def test_every_breakage_is_found(busy, finding):
    BREAKAGES[finding](busy)
    assert any(found.startswith(finding) for found in busy.audit()), busy.audit()


def test_findings_name_the_first_offenders(busy):
    busy.state.edges.balance_msat += 1
    assert busy.audit() == ["channels not worth their capacity: [0, 1, 2, 3]", "money made or lost: 8 msat"]
