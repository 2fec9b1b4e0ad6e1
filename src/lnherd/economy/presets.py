"""Economies by name. All sizes are assumptions (no L402 trace is public); see ``config`` for what they rest on."""

from collections.abc import Callable
from dataclasses import replace

from lnherd.economy.config import ANYWHERE, HOSTED, AgentGroup, EconomyConfig, ServiceGroup
from lnherd.errors import InputError
from lnherd.traffic import demand
from lnherd.units import MS_PER_MINUTE

PROVIDERS = (30, 15, 20, 10)
"""Services of each kind in ``agent-swarm``: 75 together, as many as a public directory listed in April 2026."""


def inference() -> EconomyConfig:
    """Pay-per-call language models: few, slow, dear; chat-like tasks of people by day."""
    models = ServiceGroup("inference", 12, price_sat=20.0, price_sigma=0.8, service_ms=2_500.0, slots=48)
    cheap = replace(models, count=8, price_sat=5.0, service_ms=1_200.0, pricing="surge")
    users = AgentGroup(400, max_calls=40, tasks_per_hour=0.6, diurnal=0.6, utility_sat=(60.0, 20.0, 10.0, 20.0))
    return EconomyConfig((models, cheap), (users, replace(users, count=200, nodes=HOSTED)))


def data_feeds() -> EconomyConfig:
    """Prices, weather, chain data: fast, cheap, sold in bundles that are valid for a while; steady polling."""
    feeds = ServiceGroup(
        "data", 25, price_sat=10.0, calls_per_payment=20, valid_ms=15 * MS_PER_MINUTE, service_ms=40.0, slots=200
    )
    single = replace(feeds, count=15, price_sat=1.0, price_sigma=0.8, calls_per_payment=1)
    pollers = AgentGroup(
        400, min_calls=20, max_calls=400, tasks_per_hour=0.5, kind_shares=(0.0, 0.0, 1.0, 0.0), think_ms=10_000.0
    )
    return EconomyConfig((feeds, single), (replace(pollers, utility_sat=(40.0, 20.0, 4.0, 20.0)),))


def agent_swarm() -> EconomyConfig:
    """Thousands of agents in tool loops of 10 to 1,000 calls over four kinds of service, day and night, in bursts."""
    models, search, data, tools = PROVIDERS
    services = (
        ServiceGroup("inference", models, price_sat=10.0, price_sigma=0.8, service_ms=1_500.0, slots=128),
        ServiceGroup("search", search, price_sat=5.0, service_ms=400.0, slots=128),
        ServiceGroup("data", data, price_sat=10.0, calls_per_payment=10, service_ms=60.0, slots=256),
        ServiceGroup("tool", tools, price_sat=20.0, price_sigma=1.0, service_ms=800.0, pricing="surge"),
    )
    hosted = AgentGroup(
        2_400,
        nodes=HOSTED,
        tasks_per_hour=0.08,
        min_calls=10,
        max_calls=1_000,
        kind_shares=(0.55, 0.2, 0.2, 0.05),
        utility_sat=(50.0, 25.0, 10.0, 60.0),
        branching=0.3,
        diurnal=0.3,
        moody=True,
    )
    own_node = replace(hosted, count=1_600, nodes=ANYWHERE)
    return EconomyConfig(services, (hosted, own_node))


def mixed_mainnet() -> EconomyConfig:
    """A tenth of the swarm beside people and exchanges, who pay whatever the machines do."""
    swarm = scaled(agent_swarm(), 0.1)
    retail = demand.retail(0.9).components
    large = tuple(part for part in demand.mixed(10.0).components if part.kind == demand.LARGE)
    return replace(swarm, background=demand.Demand((*retail, *large)))


PRESETS: dict[str, Callable[[], EconomyConfig]] = {
    "inference": inference,
    "data-feeds": data_feeds,
    "agent-swarm": agent_swarm,
    "mixed-mainnet": mixed_mainnet,
}


def preset(name: str) -> EconomyConfig:
    """An economy by name; raises InputError for an unknown one."""
    if name not in PRESETS:
        raise InputError(f"economy {name!r} is unknown; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]()


def scaled(config: EconomyConfig, factor: float) -> EconomyConfig:
    """The same services with ``factor`` times the agents (at least one a group)."""
    if not factor > 0:
        raise InputError(f"economy: the scale is {factor}; it must be positive")
    agents = tuple(replace(group, count=max(1, round(group.count * factor))) for group in config.agents)
    return replace(config, agents=agents)


__all__ = ["PRESETS", "preset", "scaled"]
