"""Channels, one direction at a time: what its owner enforces, what it owns, and the HTLCs it offers.

The value in flight is not a number that is kept but the sum of the HTLCs that are there, each under the
name of the hop it belongs to: (payment, attempt, hop).
"""

from dataclasses import dataclass, field, replace
from typing import TypeAlias

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
from lnherd.engine.config import SimulationConfig
from lnherd.network.graph import Network

HtlcId: TypeAlias = tuple[int, int, int]
"""Payment, number of its attempt, hop."""
NO_MAXIMUM_MSAT = 1 << 60
CLN_TIME_LOCK = 34
"""Core Lightning's default, which gives its nodes away."""


@dataclass(frozen=True)
class Policy:
    """What the source of a direction asks of HTLCs that leave over it (and, inbound, come in over its channel)."""

    base_fee_msat: int
    fee_ppm: int
    inbound_base_fee_msat: int
    inbound_fee_ppm: int
    htlc_min_msat: int
    htlc_max_msat: int
    cltv_delta: int
    enabled: bool


@dataclass
class Direction:
    """One direction of a channel, seen from the node that owns it."""

    edge: int
    source: int
    target: int
    capacity_msat: int
    balance_msat: int
    initial_balance_msat: int
    policy: Policy
    reserve_msat: int
    max_in_flight_msat: int
    max_htlcs: int
    is_open: bool = True
    is_on_chain: bool = False
    deferred_ms: int = 0
    """When the next update is relayed, if one waits for that."""
    spent_until_ms: int = 0
    """When the bucket of update tokens will be full again."""
    htlcs: dict[HtlcId, int] = field(default_factory=dict)
    """Amount of every HTLC the source has offered and that is neither settled nor failed."""

    @property
    def in_flight_msat(self) -> int:
        """Value of all pending HTLCs."""
        return sum(self.htlcs.values())

    def dust_msat(self, limit_msat: int) -> int:
        """Value of the pending HTLCs that are too small for an output of their own."""
        return sum(amount for amount in self.htlcs.values() if amount < limit_msat)


@dataclass
class Flow:
    """Totals of one direction since the start."""

    n_settled: int = 0
    settled_msat: int = 0
    n_forwards: int = 0
    forwarded_msat: int = 0
    fees_msat: int = 0
    assisted_msat: int = 0
    n_refused: int = 0
    refused_msat: int = 0
    hold_ms: int = 0


def policy_of(network: Network, edge: int) -> Policy:
    """The policy announced for ``edge``; a maximum of 0 means that none was announced."""
    record = network.edges[edge]
    policy = Policy(
        **{name: int(record[name]) for name in Policy.__dataclass_fields__ if name != "enabled"},
        enabled=bool(record.enabled),
    )
    return policy if policy.htlc_max_msat > 0 else replace(policy, htlc_max_msat=NO_MAXIMUM_MSAT)


def direction_of(network: Network, edge: int, balance_msat: int, config: SimulationConfig) -> Direction:
    """Direction ``edge`` at the start, with its limits as shares of the capacity."""
    capacity_msat = int(network.channels.capacity_msat[edge >> 1])
    receiver_runs_cln = int(network.edges.cltv_delta[edge ^ 1]) == CLN_TIME_LOCK
    return Direction(
        edge=edge,
        source=int(network.edge_source[edge]),
        target=int(network.edge_target[edge]),
        capacity_msat=capacity_msat,
        balance_msat=int(balance_msat),
        initial_balance_msat=int(balance_msat),
        policy=policy_of(network, edge),
        reserve_msat=capacity_msat * config.reserve_ppm // 1_000_000,
        max_in_flight_msat=capacity_msat * config.max_in_flight_ppm // 1_000_000,
        max_htlcs=config.max_htlcs_cln if receiver_runs_cln else config.max_htlcs,
    )


def refusal(direction: Direction, amount_msat: int, *, peer_online: bool, config: SimulationConfig) -> int:
    """Why ``direction`` takes no HTLC of this amount now, or NO_FAILURE. The first obstacle counts."""
    policy, is_dust = direction.policy, amount_msat < config.dust_limit_msat
    dust_msat = direction.dust_msat(config.dust_limit_msat)
    obstacles = (
        (not direction.is_open, UNKNOWN_NEXT_PEER),
        (not policy.enabled or not peer_online, CHANNEL_DISABLED),
        (amount_msat < policy.htlc_min_msat, AMOUNT_BELOW_MINIMUM),
        (amount_msat > policy.htlc_max_msat, AMOUNT_ABOVE_MAXIMUM),
        (direction.balance_msat - amount_msat < direction.reserve_msat, TEMPORARY_CHANNEL_FAILURE),
        (len(direction.htlcs) >= direction.max_htlcs, TOO_MANY_HTLCS),
        (direction.in_flight_msat + amount_msat > direction.max_in_flight_msat, MAX_IN_FLIGHT_EXCEEDED),
        (is_dust and dust_msat + amount_msat > config.max_dust_msat, DUST_EXPOSURE_EXCEEDED),
    )
    return next((failure for applies, failure in obstacles if applies), NO_FAILURE)


def add_htlc(direction: Direction, htlc: HtlcId, amount_msat: int) -> None:
    """Lock an amount; the reserve must be left (BOLT 2)."""
    assert htlc not in direction.htlcs, "one HTLC for each hop"
    assert direction.balance_msat - amount_msat >= direction.reserve_msat, "the reserve is untouchable"
    direction.balance_msat -= amount_msat
    direction.htlcs[htlc] = amount_msat


def fail_htlc(direction: Direction, htlc: HtlcId) -> None:
    """The amount returns to the near end."""
    direction.balance_msat += direction.htlcs.pop(htlc)


def settle_htlc(direction: Direction, counter: Direction, htlc: HtlcId) -> int:
    """The amount goes to the far end, which owns the counter direction. Returns it."""
    amount_msat = direction.htlcs.pop(htlc)
    counter.balance_msat += amount_msat
    return amount_msat
