"""What all senders believe about channels, and when they hear of a change (one alone: :mod:`lnherd.engine.lessons`)."""

from lnherd.engine.codes import POLICY_HEARD
from lnherd.engine.heap import schedule
from lnherd.engine.jit import jit
from lnherd.engine.state import State
from lnherd.network.records import Records


@jit
def announce(state: State, edge: int) -> None:
    """The owner of ``edge`` changed its policy: everybody hears of it after the gossip delay (BOLT 7)."""
    schedule(state, state.clock[0].now_ms + state.settings[0].gossip_delay_ms, POLICY_HEARD, edge)


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
    view.enabled = policy.enabled and policy.is_open and not state.conduct[policy.target].is_written_off
