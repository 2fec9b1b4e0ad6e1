"""When agents have something to do: Poisson, with a daily cycle, shared bursts (MMPP) and self-excitation (Hawkes).

The first three are one inhomogeneous process, sampled by thinning (Lewis & Shedler 1979): candidates come at the
highest rate there can be and are kept with the present rate's share of it. Triggered tasks are the cluster form of
a Hawkes process with an exponential kernel (Hawkes & Oakes 1974): each task has Poisson many children.
"""

import math

from lnherd.economy.agenda import MOOD_TURNS, TASK_ARRIVES, TASK_TRIGGERED, schedule
from lnherd.economy.draws import STREAM_ARRIVAL, STREAM_MOOD, spell_ms
from lnherd.economy.state import EconomyState
from lnherd.engine.jit import jit
from lnherd.engine.rng import exponential, uniform
from lnherd.units import MS_PER_HOUR

MAX_CHILDREN = 8
"""Most tasks that one triggers; with branching below 1 more are rarer than one in a million."""


@jit
def schedule_arrival(economy: EconomyState, agent_id: int) -> None:
    """Put the next candidate of an agent on the agenda."""
    agent = economy.agents[agent_id]
    agent.n_arrivals += 1
    wait = exponential(economy.settings[0].seed, STREAM_ARRIVAL, agent_id, 2 * agent.n_arrivals)
    wait_ms = 1 + int(wait / highest_rate(economy, agent.group))
    schedule(economy, economy.clock[0].now_ms + wait_ms, TASK_ARRIVES, agent_id)


@jit
def candidate_is_kept(economy: EconomyState, agent_id: int) -> bool:
    """Whether the candidate that has come is a task."""
    agent = economy.agents[agent_id]
    draw = uniform(economy.settings[0].seed, STREAM_ARRIVAL, agent_id, 2 * agent.n_arrivals + 1)
    kept: bool = draw * highest_rate(economy, agent.group) < present_rate(economy, agent.group)
    return kept


@jit
def schedule_children(economy: EconomyState, agent_id: int) -> None:
    """Let a task trigger others: Poisson many, each after an exponential time."""
    agent = economy.agents[agent_id]
    group, seed = economy.groups[agent.group], economy.settings[0].seed
    if group.branching <= 0.0:
        return
    agent.n_arrivals += 1
    first = agent.n_arrivals * (MAX_CHILDREN + 1) + (1 << 40)
    left, floor = uniform(seed, STREAM_ARRIVAL, agent_id, first), math.exp(-group.branching)
    for child in range(MAX_CHILDREN):  # Knuth: as many factors as keep the product above the floor
        if left <= floor:
            return
        wait_ms = 1 + int(group.trigger_ms * exponential(seed, STREAM_ARRIVAL, agent_id, (1 << 50) + first + child))
        schedule(economy, economy.clock[0].now_ms + wait_ms, TASK_TRIGGERED, agent_id)
        left *= uniform(seed, STREAM_ARRIVAL, agent_id, first + child + 1)


@jit
def base_rate(economy: EconomyState, group_id: int) -> float:
    """Tasks per millisecond of one agent when the sun is at its mean and nothing bursts, triggered ones left out."""
    group, settings = economy.groups[group_id], economy.settings[0]
    rate = group.tasks_per_ms * (1.0 - group.branching)
    if not group.moody:
        return float(rate)
    share = settings.mean_burst_ms / (settings.mean_burst_ms + settings.mean_calm_ms)
    return float(rate / (1.0 + share * (settings.burst_factor - 1.0)))


@jit
def highest_rate(economy: EconomyState, group_id: int) -> float:
    """No moment has a higher one."""
    group = economy.groups[group_id]
    rate = base_rate(economy, group_id) * (1.0 + group.diurnal)
    return float(rate * max(1.0, economy.settings[0].burst_factor)) if group.moody else float(rate)


@jit
def present_rate(economy: EconomyState, group_id: int) -> float:
    """The rate at this hour and in this mood."""
    group, clock, settings = economy.groups[group_id], economy.clock[0], economy.settings[0]
    hour = settings.start_hour + clock.now_ms / MS_PER_HOUR
    rate = base_rate(economy, group_id) * (1.0 + group.diurnal * math.cos((hour - group.peak_hour) * math.pi / 12.0))
    return float(rate * settings.burst_factor) if group.moody and clock.is_burst else float(rate)


@jit
def turn_mood(economy: EconomyState) -> None:
    """A burst of all moody agents begins or ends."""
    clock, settings = economy.clock[0], economy.settings[0]
    clock.is_burst = not clock.is_burst
    clock.n_moods += 1
    mean_ms = settings.mean_burst_ms if clock.is_burst else settings.mean_calm_ms
    schedule(economy, clock.now_ms + spell_ms(economy, STREAM_MOOD, 0, clock.n_moods, mean_ms), MOOD_TURNS, 0)
