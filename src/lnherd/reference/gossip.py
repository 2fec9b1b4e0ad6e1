"""What everybody believes about channels, and when a change is heard."""

import math

from lnherd.engine.codes import POLICY_HEARD
from lnherd.reference.channels import Direction
from lnherd.reference.randomness import Stream, standard_normal
from lnherd.reference.routing import Announcement
from lnherd.reference.world import World


def announcement_of(
    direction: Direction, counter: Direction, *, is_open: bool, is_written_off: bool = False
) -> Announcement:
    """What gossip says of a direction. The inbound fee is that of the node it leads to."""
    policy, far_policy = direction.policy, counter.policy
    return Announcement(
        edge=direction.edge,
        source=direction.source,
        target=direction.target,
        capacity_msat=direction.capacity_msat,
        base_fee_msat=policy.base_fee_msat,
        fee_ppm=policy.fee_ppm,
        inbound_base_fee_msat=far_policy.inbound_base_fee_msat,
        inbound_fee_ppm=far_policy.inbound_fee_ppm,
        htlc_min_msat=policy.htlc_min_msat,
        htlc_max_msat=min(policy.htlc_max_msat, direction.capacity_msat),
        cltv_delta=policy.cltv_delta,
        enabled=policy.enabled and is_open and not is_written_off,
    )


def announce(world: World, edge: int) -> None:
    """The owner of ``edge`` changed its policy; nodes relay it as soon as they have a token for the channel."""
    config, direction = world.config, world.directions[edge]
    if world.now_ms < direction.deferred_ms:
        return  # the update that waits will bring this change too
    full_ms = max(world.now_ms, direction.spent_until_ms)
    next_token_ms = full_ms - (config.update_burst - 1) * config.update_interval_ms
    direction.deferred_ms = max(world.now_ms, next_token_ms)
    direction.spent_until_ms = full_ms + config.update_interval_ms
    world.schedule(direction.deferred_ms + _spreading_ms(world, edge), POLICY_HEARD, edge)


def announce_closure(world: World, edge: int) -> None:
    """The chain shows that a channel closes; the others hear of it after the gossip delay."""
    world.schedule(world.now_ms + _spreading_ms(world, edge), POLICY_HEARD, edge)


def _spreading_ms(world: World, edge: int) -> int:
    config = world.config
    if config.gossip_sigma == 0:
        return config.gossip_delay_ms
    normal = standard_normal(world.seed, Stream.GOSSIP, edge, world.now_ms)
    return int(config.gossip_delay_ms * math.exp(config.gossip_sigma * normal))


def hear_policy(world: World, edge: int) -> None:
    """Everybody now believes what is true of both directions of the channel of ``edge``."""
    hear_direction(world, edge)
    hear_direction(world, edge ^ 1)


def hear_direction(world: World, edge: int) -> None:
    """Everybody now believes what is true of this direction, whatever a sender has learned of it before."""
    world.announcements[edge] = _in_force(world, edge)
    for lessons in world.lessons.values():
        lessons.pop(edge, None)


def learn_policy(world: World, sender: int, edge: int) -> None:
    """One sender alone learns from an error what is true of both directions of the channel of ``edge``."""
    for learned in (edge, edge ^ 1):
        world.lessons[sender][learned] = _in_force(world, learned)


def _in_force(world: World, edge: int) -> Announcement:
    """The policy of ``edge``, disabled if its far end has been away for too long."""
    direction, counter = world.directions[edge], world.directions[edge ^ 1]
    is_written_off = world.conducts[direction.target].is_written_off
    return announcement_of(direction, counter, is_open=direction.is_open, is_written_off=is_written_off)
