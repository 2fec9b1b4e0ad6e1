"""Random numbers of an economy: counter-based, so what one agent meets does not depend on what another does."""

import math

from lnherd.economy.state import EconomyState
from lnherd.engine.jit import jit
from lnherd.engine.rng import exponential, standard_normal, uniform

# Streams of their own, far from the engine's.
STREAM_AGENT = 1001
STREAM_ARRIVAL = 1002
STREAM_OUTAGE = 1003
STREAM_MOOD = 1004


@jit
def agent_uniform(economy: EconomyState, agent_id: int) -> float:
    """The next number in [0, 1) of an agent's own sequence."""
    agent = economy.agents[agent_id]
    agent.n_draws += 1
    return uniform(economy.settings[0].seed, STREAM_AGENT, agent_id, agent.n_draws)


@jit
def agent_exponential_ms(economy: EconomyState, agent_id: int, mean_ms: float) -> int:
    """A pause of at least a millisecond."""
    return 1 + int(-mean_ms * math.log(1.0 - agent_uniform(economy, agent_id)))


@jit
def agent_log_normal_ms(economy: EconomyState, agent_id: int, median_ms: float, sigma: float) -> int:
    """A duration of at least a millisecond."""
    agent = economy.agents[agent_id]
    agent.n_draws += 1
    normal = standard_normal(economy.settings[0].seed, STREAM_AGENT, agent_id, agent.n_draws + (1 << 40))
    return max(1, int(median_ms * math.exp(sigma * normal)))


@jit
def http_leg_ms(economy: EconomyState, agent_id: int) -> int:
    """How long a message takes between an agent and a service, one way."""
    settings = economy.settings[0]
    return agent_log_normal_ms(economy, agent_id, settings.http_ms, settings.http_sigma)


@jit
def spell_ms(economy: EconomyState, stream: int, subject: int, number: int, mean_ms: float) -> int:
    """Length of the ``number``-th spell (of an outage, of a burst) of ``subject``."""
    return 1 + int(mean_ms * exponential(economy.settings[0].seed, stream, subject, number))
