"""Economies of a few agents on a line of nodes: agent - router - service."""

from dataclasses import replace

from small_networks import line_of

from lnherd.economy import AgentGroup, EconomyConfig, ServiceGroup, settle
from lnherd.engine import SimulationConfig
from lnherd.traffic.endpoints import FixedNodes

STEADY = SimulationConfig(latency_sigma=0.0)
HOUR_MS = 3_600_000
SERVICE = ServiceGroup(
    count=1,
    price_sat=10.0,
    price_sigma=0.0,
    mean_up_ms=0.0,
    service_ms=500.0,
    nodes=FixedNodes((2,)),
)
AGENT = AgentGroup(
    count=1,
    nodes=FixedNodes((0,)),
    tasks_per_hour=20.0,
    min_calls=5,
    max_calls=5,
    utility_sigma=0.0,
    budget_sat_per_hour=1e6,
)


def small_economy(*, service=None, agent=None, network=None, seed=1, duration_ms=HOUR_MS, **config):
    """An economy on ``network`` (three nodes in a row) with changes to SERVICE, AGENT and the EconomyConfig."""
    setup = EconomyConfig(
        (replace(SERVICE, **(service or {})),), (replace(AGENT, **(agent or {})),), **{"http_sigma": 0.0, **config}
    )
    chosen = network or line_of(3, near_sat=5_000_000, far_sat=5_000_000)
    return settle(chosen, setup, seed=seed, duration_ms=duration_ms, behaviour=STEADY)
