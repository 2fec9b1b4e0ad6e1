"""What senders believe about channels, and when they learn of a change."""

from lnherd.engine.codes import POLICY_HEARD
from lnherd.engine.heap import schedule
from lnherd.engine.jit import jit
from lnherd.engine.state import State


@jit
def announce(state: State, edge: int) -> None:
    """The owner of ``edge`` changed its policy: everybody hears of it after the gossip delay (BOLT 7)."""
    schedule(state, state.clock[0].now_ms + state.settings[0].gossip_delay_ms, POLICY_HEARD, edge)


@jit
def hear_policy(state: State, edge: int) -> None:
    """Bring the common view of ``edge`` up to date: from gossip, or from the ``channel_update`` in an error.

    The inbound fee belongs to the node the *counter* edge leaves from, so both views are refreshed.
    """
    _copy_policy(state, edge)
    _copy_policy(state, edge ^ 1)


@jit
def _copy_policy(state: State, edge: int) -> None:
    policy, counter = state.edges[edge], state.edges[edge ^ 1]
    view = state.gossip[state.gossip_position[edge]]
    view.base_fee_msat, view.fee_ppm = policy.base_fee_msat, policy.fee_ppm
    view.htlc_min_msat = policy.htlc_min_msat
    view.htlc_max_msat = min(policy.htlc_max_msat, view.capacity_msat)
    view.cltv_delta = policy.cltv_delta
    view.inbound_base_fee_msat = counter.inbound_base_fee_msat
    view.inbound_fee_ppm = counter.inbound_fee_ppm
    view.enabled = policy.enabled and policy.is_open
