"""Nodes that come and go, messages that wait for them, and what their peers tell the others."""

import math

from lnherd.engine.codes import (
    DECIDING,
    DECISION_DUE,
    FAILING,
    FAILURE_ARRIVES,
    FORWARDING,
    HTLC_ARRIVES,
    NODE_SWITCHES,
    PREIMAGE_ARRIVES,
    PRESENCE_HEARD,
    SETTLING,
)
from lnherd.reference.gossip import hear_direction
from lnherd.reference.randomness import Stream, standard_normal, uniform
from lnherd.reference.world import Part, World

MESSAGE = {FORWARDING: HTLC_ARRIVES, SETTLING: PREIMAGE_ARRIVES, FAILING: FAILURE_ARRIVES, DECIDING: DECISION_DUE}
"""By which event news of a part of this status arrive."""


def switch(world: World, node: int, online: bool) -> None:
    """A node comes or goes; if it comes, what waited for it arrives at once."""
    conduct = world.conducts[node]
    if world.online[node] == online:
        return
    world.online[node], conduct.changed_ms = online, world.now_ms
    if online:
        for part in conduct.waiting:
            part.is_waiting = False
            world.schedule(world.now_ms, MESSAGE[part.status], part)
        conduct.waiting.clear()
    if online == conduct.is_written_off:
        world.schedule(world.now_ms + _silence_ms(world, online), PRESENCE_HEARD, node)


def _silence_ms(world: World, online: bool) -> int:
    """Peers wait before they announce that a node is gone or back, and gossip takes its time."""
    config = world.config
    return config.gossip_delay_ms + (config.enable_timeout_ms if online else config.disable_timeout_ms)


def hear_presence(world: World, node: int) -> None:
    """The channels to a node are announced disabled, or enabled again, if it has stayed as it was."""
    conduct, online = world.conducts[node], world.online[node]
    if world.now_ms - conduct.changed_ms == _silence_ms(world, online):
        _write_off(world, node, not online)


def _write_off(world: World, node: int, is_written_off: bool) -> None:
    world.conducts[node].is_written_off = is_written_off
    for direction in world.directions:
        if direction.target == node:
            hear_direction(world, direction.edge)


def must_wait(world: World, part: Part) -> bool:
    """Whether the message of ``part`` has reached a node that is offline, where it waits."""
    direction = world.directions[part.edges[part.hop]]
    node = direction.target if part.status == FORWARDING else direction.source
    part.is_waiting = not world.online[node]
    if part.is_waiting:
        world.conducts[node].waiting.append(part)
    return part.is_waiting


def switch_by_itself(world: World, node: int) -> None:
    """The node's time online or offline is over; the next one is drawn."""
    conduct = world.conducts[node]
    if conduct.availability >= 1.0:
        return
    switch(world, node, not world.online[node])
    conduct.n_switches += 1
    sigma = world.config.churn_sigma
    normal = standard_normal(world.seed, Stream.CHURN, node, conduct.n_switches)
    period_ms = _mean_period_ms(world, node) * math.exp(sigma * normal - 0.5 * sigma * sigma)
    world.schedule(world.now_ms + max(1, int(period_ms)), NODE_SWITCHES, node)


def _mean_period_ms(world: World, node: int) -> float:
    down_ms, availability = world.config.mean_downtime_ms, world.conducts[node].availability
    return down_ms * availability / (1.0 - availability) if world.online[node] else down_ms


def begin_churn(world: World) -> None:
    """Every node starts in the middle of a time online or offline, as if it had always come and gone."""
    for node, conduct in enumerate(world.conducts):
        conduct.availability = world.config.mean_availability
        _begin(world, node)


def _begin(world: World, node: int) -> None:
    conduct, sigma = world.conducts[node], world.config.churn_sigma
    world.online[node] = uniform(world.seed, Stream.PRESENCE, node, 0) < conduct.availability
    normal = standard_normal(world.seed, Stream.CHURN, node, 0)
    period_ms = _mean_period_ms(world, node) * math.exp(sigma * normal + 0.5 * sigma * sigma)
    past_ms = int(period_ms * uniform(world.seed, Stream.PRESENCE, node, 1))
    world.schedule(max(1, int(period_ms) - past_ms), NODE_SWITCHES, node)
    if world.online[node]:
        return
    conduct.changed_ms = -past_ms
    heard_ms = conduct.changed_ms + _silence_ms(world, online=False)
    if heard_ms > 0:
        world.schedule(heard_ms, PRESENCE_HEARD, node)
    else:
        _write_off(world, node, is_written_off=True)
