"""What everybody believes about channels, and when a change is heard."""

from lnherd.engine.codes import POLICY_HEARD
from lnherd.reference.channels import Direction
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
    """The owner of ``edge`` changed something; the others hear of it after the gossip delay."""
    world.schedule(world.now_ms + world.config.gossip_delay_ms, POLICY_HEARD, edge)


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
