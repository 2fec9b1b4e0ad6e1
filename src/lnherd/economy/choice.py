"""Which service an agent calls: worth times experienced reliability, less price, fees and waiting, with noise.

A logit choice with an outside option of worth 0 (not to call at all), so demand is elastic in price, reliability
and speed: a service that becomes dear or fails is left little by little, and a task nobody serves at a price
that is worth it is given up.
"""

import math

from lnherd.economy.draws import agent_uniform
from lnherd.economy.state import EconomyState
from lnherd.engine.jit import jit
from lnherd.engine.state import NONE

PRIOR_RELIABILITY = 0.95
"""What an agent expects of a service it has not tried, and what old opinions fade to."""


@jit
def choose_relation(economy: EconomyState, agent_id: int) -> int:
    """The relation through which the present call is made, or NONE when nothing is worth it."""
    agent = economy.agents[agent_id]
    utility = float(agent.utility_msat[agent.kind])
    scale = economy.groups[agent.group].temperature * utility
    best, highest = NONE, scale * _gumbel(agent_uniform(economy, agent_id))
    for relation_id in range(agent.relations_start, agent.relations_end):
        if economy.services[economy.relations[relation_id].service].kind != agent.kind:
            continue
        value = worth(economy, agent_id, relation_id) + scale * _gumbel(agent_uniform(economy, agent_id))
        if value > highest:
            best, highest = relation_id, value
    return best


@jit
def _gumbel(draw: float) -> float:
    return -math.log(-math.log(draw + 1e-300) + 1e-300)


@jit
def worth(economy: EconomyState, agent_id: int, relation_id: int) -> float:
    """Expected gain in msat of one call: a payment is spread over the calls it buys."""
    agent, relation = economy.agents[agent_id], economy.relations[relation_id]
    service, group = economy.services[relation.service], economy.groups[agent.group]
    gain = reliability(economy, agent_id, relation_id) * agent.utility_msat[agent.kind]
    gain -= group.delay_msat_per_ms * relation.latency_ms
    if not holds_token(economy, relation_id):
        gain -= (relation.price_msat + relation.fee_msat) / service.calls_per_payment
    return float(gain)


@jit
def holds_token(economy: EconomyState, relation_id: int) -> bool:
    """Whether calls are left that were paid for and have not expired."""
    relation = economy.relations[relation_id]
    return bool(relation.calls_left > 0 and relation.valid_until_ms > economy.clock[0].now_ms)


@jit
def reliability(economy: EconomyState, agent_id: int, relation_id: int) -> float:
    """Share of tries with this service expected to work: the running mean, faded towards the prior with age."""
    relation, group = economy.relations[relation_id], economy.groups[economy.agents[agent_id].group]
    age_ms = economy.clock[0].now_ms - relation.judged_ms
    kept = 2.0 ** (-age_ms / group.forget_ms)
    return float(PRIOR_RELIABILITY + kept * (relation.reliability - PRIOR_RELIABILITY))


@jit
def judge(economy: EconomyState, agent_id: int, has_worked: bool) -> None:
    """Learn from one try with the service of the present call."""
    agent = economy.agents[agent_id]
    relation, rate = economy.relations[agent.relation], economy.groups[agent.group].learning_rate
    before = reliability(economy, agent_id, agent.relation)
    relation.reliability = before + rate * ((1.0 if has_worked else 0.0) - before)
    relation.judged_ms = economy.clock[0].now_ms
    if has_worked:
        taken_ms = economy.clock[0].now_ms - agent.try_ms
        relation.latency_ms += rate * (taken_ms - relation.latency_ms)
