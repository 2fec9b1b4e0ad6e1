"""Channels: the only writer of balances and HTLC counts (BOLT 2, 3).

An HTLC on edge ``e`` takes its amount out of ``balance[e]`` and keeps it ``in_flight[e]`` until it either
settles into ``balance[e ^ 1]`` or fails back into ``balance[e]``. Nothing else moves money in a channel.
"""

from lnherd.engine.codes import (
    AMOUNT_ABOVE_MAXIMUM,
    AMOUNT_BELOW_MINIMUM,
    CHANNEL_DISABLED,
    DUST_EXPOSURE_EXCEEDED,
    MAX_IN_FLIGHT_EXCEEDED,
    NO_FAILURE,
    TEMPORARY_CHANNEL_FAILURE,
    TOO_MANY_HTLCS,
    UNKNOWN_NEXT_PEER,
)
from lnherd.engine.jit import jit
from lnherd.engine.state import State


@jit
def spendable_msat(state: State, edge: int) -> int:
    """What the near end of ``edge`` may still send: its balance above the reserve (BOLT 2)."""
    spendable: int = state.edges[edge].balance_msat - state.edges[edge].reserve_msat
    return spendable if spendable > 0 else 0


@jit
def refusal(state: State, edge: int, amount_msat: int) -> int:
    """Why ``edge`` cannot take an HTLC of ``amount_msat`` now, as a failure code; NO_FAILURE if it can."""
    channel = state.edges[edge]
    if not channel.is_open:
        return UNKNOWN_NEXT_PEER
    if not (channel.enabled and state.nodes[channel.target].online):
        return CHANNEL_DISABLED
    if amount_msat < channel.htlc_min_msat:
        return AMOUNT_BELOW_MINIMUM
    if amount_msat > channel.htlc_max_msat:
        return AMOUNT_ABOVE_MAXIMUM
    if amount_msat > channel.balance_msat - channel.reserve_msat:
        return TEMPORARY_CHANNEL_FAILURE
    return _crowded(state, edge, amount_msat)


@jit
def refusal_to_sender(state: State, edge: int, amount_msat: int) -> int:
    """What the running path search is told about an edge of its own sender: :func:`refusal` as of now.

    A search that ignores the past (a quirk of CLoTH) goes by the balance at the start of the simulation.
    """
    channel = state.edges[edge]
    if not state.search[0].ignores_past:
        return refusal(state, edge, amount_msat)
    if not channel.enabled or amount_msat > min(channel.htlc_max_msat, channel.initial_balance_msat):
        return TEMPORARY_CHANNEL_FAILURE
    return AMOUNT_BELOW_MINIMUM if amount_msat < channel.htlc_min_msat else NO_FAILURE


@jit
def _crowded(state: State, edge: int, amount_msat: int) -> int:
    """The limits on what is pending: slots, value in flight and dust exposure (BOLT 2, 3)."""
    channel = state.edges[edge]
    if channel.n_htlcs >= channel.max_htlcs:
        return TOO_MANY_HTLCS
    if channel.in_flight_msat + amount_msat > channel.max_in_flight_msat:
        return MAX_IN_FLIGHT_EXCEEDED
    settings = state.settings[0]
    if amount_msat < settings.dust_limit_msat and channel.dust_msat + amount_msat > settings.max_dust_msat:
        return DUST_EXPOSURE_EXCEEDED
    return NO_FAILURE


@jit
def add_htlc(state: State, edge: int, amount_msat: int) -> None:
    """Lock ``amount_msat`` on ``edge``. The caller has asked :func:`refusal` first."""
    channel = state.edges[edge]
    channel.balance_msat -= amount_msat
    channel.in_flight_msat += amount_msat
    channel.n_htlcs += 1
    if amount_msat < state.settings[0].dust_limit_msat:
        channel.dust_msat += amount_msat


@jit
def release_htlc(state: State, edge: int, amount_msat: int) -> None:
    """What was locked on ``edge`` is no longer; the caller says whose it is now."""
    channel = state.edges[edge]
    channel.in_flight_msat -= amount_msat
    channel.n_htlcs -= 1
    if amount_msat < state.settings[0].dust_limit_msat:
        channel.dust_msat -= amount_msat


@jit
def settle_htlc(state: State, edge: int, amount_msat: int) -> None:
    """The preimage came: what was locked on ``edge`` now belongs to its far end."""
    release_htlc(state, edge, amount_msat)
    state.edges[edge ^ 1].balance_msat += amount_msat


@jit
def fail_htlc(state: State, edge: int, amount_msat: int) -> None:
    """The HTLC failed: what was locked on ``edge`` returns to its near end."""
    release_htlc(state, edge, amount_msat)
    state.edges[edge].balance_msat += amount_msat
