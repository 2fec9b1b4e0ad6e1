"""What all senders believe about channels, and when they hear of a change (one alone: :mod:`lnherd.engine.lessons`)."""

import math

from lnherd.engine.codes import POLICY_HEARD
from lnherd.engine.heap import schedule
from lnherd.engine.jit import jit
from lnherd.engine.rng import STREAM_GOSSIP, standard_normal
from lnherd.engine.state import State
from lnherd.network.records import Records


@jit
def announce(state: State, edge: int) -> None:
    """The owner of ``edge`` changed its policy: everybody hears of it after the gossip delay (BOLT 7).

    Nodes relay a burst of updates of one direction and then one per interval (LND): a token bucket, kept as the
    time until which its tokens are spent. A change for which there is no token waits for the next one, and with
    it all later changes: what is heard then is the policy in force.
    """
    now_ms, settings, updates = state.clock[0].now_ms, state.settings[0], state.updates[edge]
    if updates.deferred_ms > now_ms:
        return
    spent_until_ms = max(now_ms, updates.spent_until_ms)
    sent_ms = max(now_ms, spent_until_ms - (settings.update_burst - 1) * settings.update_interval_ms)
    updates.spent_until_ms = spent_until_ms + settings.update_interval_ms
    updates.deferred_ms = sent_ms
    schedule(state, sent_ms + _spreading_ms(state, edge), POLICY_HEARD, edge)


@jit
def announce_closure(state: State, edge: int) -> None:
    """A channel is closing: the chain shows it, so no rate limit applies."""
    schedule(state, state.clock[0].now_ms + _spreading_ms(state, edge), POLICY_HEARD, edge)


@jit
def _spreading_ms(state: State, edge: int) -> int:
    """Time until an update of ``edge`` has reached everybody."""
    settings = state.settings[0]
    if settings.gossip_sigma == 0.0:
        return int(settings.gossip_delay_ms)
    normal = standard_normal(settings.seed, STREAM_GOSSIP, edge, state.clock[0].now_ms)
    return int(settings.gossip_delay_ms * math.exp(settings.gossip_sigma * normal))


@jit
def hear_policy(state: State, edge: int) -> None:
    """Gossip brings the policy of ``edge``: the common view is up to date, and whatever a sender knew is outdated.

    The inbound fee belongs to the node the *counter* edge leaves from, so both views are refreshed.
    """
    hear_direction(state, edge)
    hear_direction(state, edge ^ 1)


@jit
def hear_direction(state: State, edge: int) -> None:
    """Gossip brings one direction of a channel."""
    copy_policy(state, edge, state.gossip[state.gossip_position[edge]])
    state.edges[edge].n_heard += 1


@jit
def copy_policy(state: State, edge: int, view: Records) -> None:
    """Write the policy of ``edge`` now in force to the gossip or a sender's lesson about it."""
    policy, counter = state.edges[edge], state.edges[edge ^ 1]
    capacity_msat = state.gossip[state.gossip_position[edge]].capacity_msat
    view.base_fee_msat, view.fee_ppm = policy.base_fee_msat, policy.fee_ppm
    view.htlc_min_msat = policy.htlc_min_msat
    view.htlc_max_msat = min(policy.htlc_max_msat, capacity_msat)
    view.cltv_delta = policy.cltv_delta
    view.inbound_base_fee_msat = counter.inbound_base_fee_msat
    view.inbound_fee_ppm = counter.inbound_fee_ppm
    view.enabled = is_announced(state, edge)


@jit
def is_announced(state: State, edge: int) -> bool:
    """Whether the source of ``edge`` announces it enabled: not if its peer has been away for too long."""
    policy = state.edges[edge]
    return bool(policy.enabled and policy.is_open and not state.conduct[policy.target].is_written_off)
