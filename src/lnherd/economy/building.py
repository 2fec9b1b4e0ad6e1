"""From groups to state: put services and agents on nodes, let agents know services, lay out the first events."""

import numpy as np

from lnherd.economy.config import KINDS, PRICING, AgentGroup, EconomyConfig, ServiceGroup
from lnherd.economy.state import (
    AGENT_DTYPE,
    CALL_DTYPE,
    CLOCK_DTYPE,
    EVENT_DTYPE,
    GROUP_DTYPE,
    RELATION_DTYPE,
    SERVICE_DTYPE,
    SETTINGS_DTYPE,
    EconomyState,
)
from lnherd.engine.state import NONE
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Floats, Ints, Records, zero_records
from lnherd.traffic.demand import PAYMENT_DTYPE
from lnherd.units import MS_PER_HOUR, MS_PER_SECOND, MSAT_PER_SAT

FIRST_LATENCY_MS = 2_000.0
"""What an agent expects of a service it has not tried."""
INITIAL_CALLS = 4_096


def initial_state(network: Network, config: EconomyConfig, *, seed: int) -> EconomyState:
    """State at time 0, before the first event is on the agenda.

    Raises:
        InputError: when agents and services cannot be put on different nodes, or a kind that agents need is not sold.
    """
    on_services, on_agents, on_relations = np.random.default_rng(seed).spawn(3)
    services = _services(network, config, on_services)
    agents = _agents(network, config, services, on_agents)
    relations = _relations(config, services, agents, on_relations)
    return EconomyState(
        settings=_settings(config, seed),
        clock=zero_records(1, CLOCK_DTYPE),
        services=services,
        groups=_groups(config.agents),
        agents=agents,
        relations=relations,
        events=zero_records(4 * (len(agents) + len(services)) + 64, EVENT_DTYPE),
        calls=zero_records(INITIAL_CALLS, CALL_DTYPE),
        waiting=np.zeros(len(agents), dtype=np.int32),
        outbox=zero_records(len(agents), PAYMENT_DTYPE),
        outbox_fee_limit_msat=np.zeros(len(agents), dtype=np.int64),
    )


def _settings(config: EconomyConfig, seed: int) -> Records:
    settings = zero_records(1, SETTINGS_DTYPE)
    for name in SETTINGS_DTYPE.names or ():
        settings[name] = seed if name == "seed" else getattr(config, name)
    return settings


def _services(network: Network, config: EconomyConfig, rng: np.random.Generator) -> Records:
    free = np.ones(network.n_nodes)
    parts = []
    for index, group in enumerate(config.services):
        part = _services_of(group, rng)
        part.group = index
        part.node = _distinct_nodes(group.nodes.weights(network) * free, group.count, rng)
        free[part.node] = 0.0
        parts.append(part)
    services: Records = np.concatenate(parts).view(np.recarray)
    return services


def _services_of(group: ServiceGroup, rng: np.random.Generator) -> Records:
    services = zero_records(group.count, SERVICE_DTYPE)
    price_sat = group.price_sat * np.exp(group.price_sigma * rng.standard_normal(group.count))
    services.price_msat = np.maximum(1, np.rint(price_sat * MSAT_PER_SAT))
    services.first_price_msat = services.price_msat
    services.cost_msat = services.price_msat * group.cost_share / group.calls_per_payment
    services.kind, services.pricing = KINDS.index(group.kind), PRICING.index(group.pricing)
    for name in ("calls_per_payment", "valid_ms", "slots", "service_ms", "mean_up_ms", "mean_down_ms"):
        services[name] = getattr(group, name)
    services.is_up = True
    return services


def _distinct_nodes(weights: Floats, count: int, rng: np.random.Generator) -> Ints:
    """``[count]`` nodes by weight, each once."""
    if np.count_nonzero(weights) < count:
        raise InputError(
            f"economy: {count} services need as many nodes with live channels of their own, "
            f"found {np.count_nonzero(weights)}; use a larger network or fewer services"
        )
    nodes: Ints = rng.choice(len(weights), count, replace=False, p=weights / weights.sum())
    return nodes


def _groups(agents: tuple[AgentGroup, ...]) -> Records:
    groups = zero_records(len(agents), GROUP_DTYPE)
    plain_names = [name for name in GROUP_DTYPE.names or () if hasattr(AgentGroup, name)]
    for record, group in zip(groups, agents, strict=True):
        for name in plain_names:
            record[name] = getattr(group, name)
        record.tasks_per_ms = group.tasks_per_hour / MS_PER_HOUR
        record.kind_shares = np.array(group.kind_shares) / sum(group.kind_shares)
        record.max_price_msat = group.max_price_sat * MSAT_PER_SAT
        record.max_fee_msat = group.max_fee_sat * MSAT_PER_SAT
        record.delay_msat_per_ms = group.delay_sat_per_s * MSAT_PER_SAT / MS_PER_SECOND
    return groups


def _agents(network: Network, config: EconomyConfig, services: Records, rng: np.random.Generator) -> Records:
    parts = []
    for index, group in enumerate(config.agents):
        weights = group.nodes.weights(network).copy()
        weights[services.node] = 0.0  # a payment within one node would not cross the network
        if weights.sum() <= 0:
            raise InputError("economy: every node that agents could use runs a service; use fewer services")
        part = zero_records(group.count, AGENT_DTYPE)
        part.group = index
        part.node = rng.choice(network.n_nodes, group.count, p=weights / weights.sum())
        taste = np.exp(group.utility_sigma * rng.standard_normal(group.count))
        part.utility_msat = np.rint(np.outer(taste, group.utility_sat) * MSAT_PER_SAT)
        part.budget_per_hour_msat = round(group.budget_sat_per_hour * MSAT_PER_SAT)
        parts.append(part)
    agents: Records = np.concatenate(parts).view(np.recarray)
    agents.budget_msat = agents.budget_per_hour_msat
    agents.relation = NONE
    return agents


def _relations(config: EconomyConfig, services: Records, agents: Records, rng: np.random.Generator) -> Records:
    """Whom each agent knows: of each kind it needs some services, drawn by Zipf's law over their rank."""
    known = np.zeros((len(agents), len(services)), dtype=np.bool_)
    appeal = np.log(_appeal(config, services)) + rng.gumbel(size=known.shape)
    for index, group in enumerate(config.agents):
        rows = np.flatnonzero(agents.group == index)
        for kind, share in enumerate(group.kind_shares):
            columns = np.flatnonzero(services.kind == kind)
            if share > 0 and len(columns) == 0:
                raise InputError(f"economy: agents need {KINDS[kind]} but nobody sells it; add a group of services")
            if share > 0:
                best = np.argsort(-appeal[np.ix_(rows, columns)], axis=1)[:, : group.knows]
                known[rows[:, None], columns[best]] = True
    agent, service = np.nonzero(known)
    relations = zero_records(len(agent), RELATION_DTYPE)
    relations.service = service
    relations.price_msat = services.price_msat[service]
    relations.latency_ms = FIRST_LATENCY_MS
    relations.reliability = 1.0
    end = np.cumsum(known.sum(axis=1))
    agents.relations_end = end
    agents.relations_start[1:] = end[:-1]
    return relations


def _appeal(config: EconomyConfig, services: Records) -> Floats:
    """``[S]`` Zipf weights by rank within the group."""
    appeal = np.empty(len(services))
    for index, group in enumerate(config.services):
        appeal[services.group == index] = np.arange(1, group.count + 1, dtype=np.float64) ** -group.popularity
    return appeal
