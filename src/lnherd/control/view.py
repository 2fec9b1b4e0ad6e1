"""What one node can know about itself: its channels, wallet, payments, and the peers it could reach.

A view is plain NumPy and numbers. In simulation :mod:`lnherd.envs` builds it, on a real node the
autopilot does; nothing in it is hidden from a real operator (no foreign balances, no future traffic).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lnherd.network.records import Bools, Floats, Ints, Records, zero_records


class Role(StrEnum):
    """What a node is for, and so which payments count as its successes."""

    CONSUMER = "consumer"
    """An AI agent's node: it pays for calls; payments sent count."""
    PROVIDER = "provider"
    """An API's node: it is paid for calls; payments received count."""
    ROUTER = "router"
    """Forwards for others; settled forwards count."""


OWN_CHANNEL_DTYPE = np.dtype(
    [
        ("channel", "i8"),
        ("peer", "i4"),
        ("capacity_msat", "i8"),
        ("local_msat", "i8"),
        ("remote_msat", "i8"),
        ("in_flight_out_msat", "i8"),
        ("in_flight_in_msat", "i8"),
        ("reserve_msat", "i8"),
        ("base_fee_msat", "i8"),
        ("fee_ppm", "i8"),
        ("peer_base_fee_msat", "i8"),
        ("peer_fee_ppm", "i8"),
        ("inbound_fee_ppm", "i8"),
        # gossip about the peer's other channels
        ("market_base_fee_msat", "i8"),
        ("market_fee_ppm", "i8"),
        ("n_smaller_rivals", "i4"),
        ("n_larger_rivals", "i4"),
        ("n_htlcs", "i4"),
        ("max_htlcs", "i4"),
        ("usable", "?"),
        ("peer_usable", "?"),
        # since the last look
        ("n_sent", "i8"),
        ("sent_msat", "i8"),
        ("n_received", "i8"),
        ("received_msat", "i8"),
        ("n_forwarded", "i8"),
        ("forwarded_msat", "i8"),
        ("fees_msat", "i8"),
        ("assisted_msat", "i8"),
        ("n_refused", "i8"),
        ("refused_msat", "i8"),
        ("hold_ms", "i8"),
        # smoothed
        ("out_msat_per_h", "f8"),
        ("in_msat_per_h", "f8"),
    ]
)
"""One own channel. ``channel`` is its id: the index in a simulation, the short channel id on a node. ``reserve_msat``
is what each side must keep (BOLT 2). ``base_fee_msat``/``fee_ppm`` is what we charge for sending out through it,
``peer_*`` what the peer charges in the other direction. ``usable``: our direction is open and enabled;
``peer_usable``: theirs is. ``sent``/``received`` count HTLCs settled since the last look, ``forwarded``/``fees``
those that left here for others, ``assisted`` fees of forwards that came in here, ``refused`` forwards that did not
fit, ``hold_ms`` is how long those sent and received were pending, all together. ``market_*`` are capacity-weighted
medians of what others charge for sending into the same peer, -1 where nobody else does; *rivals* are those others,
by total capacity beside ours. ``out_msat_per_h``/``in_msat_per_h`` are demand through the channel, smoothed over
hours."""

PENDING_DTYPE = np.dtype([("kind", "u1"), ("channel", "i8"), ("amount_msat", "i8")])
"""An operation that waits for the chain or a rebalance under way: ``kind`` is an ActionKind; ``channel`` -1 for an
open whose channel does not exist yet."""

PEER_DTYPE = np.dtype(
    [("node", "i4"), ("n_channels", "i4"), ("capacity_msat", "i8"), ("wanted_share", "f8"), ("centrality", "f8")]
)
"""A node one could open a channel with, as gossip and the own books know it: its public channels and capacity, and
which share (by count) of the own payments, and of what was forwarded or refused, went to it; ``centrality``
is its betweenness as a share of the most central node's. It may be a peer already, with little left to send."""


REBALANCED_DTYPE = np.dtype(
    [("channel", "i8"), ("to_channel", "i8"), ("amount_msat", "i8"), ("fee_msat", "i8"), ("succeeded", "?")]
)
"""An own circular payment that ended: out through ``channel``, back through ``to_channel``."""


@dataclass(frozen=True)
class PaymentCounts:
    """Own payments that ended since the last look (a receiver knows failures as invoices left unpaid)."""

    n_succeeded: int = 0
    n_failed: int = 0
    succeeded_msat: int = 0
    failed_msat: int = 0
    fees_msat: int = 0

    @property
    def n_ended(self) -> int:
        """Payments that succeeded or failed."""
        return self.n_succeeded + self.n_failed


def own_channels(
    *, capacity_msat: Sequence[int], local_msat: Sequence[int], **columns: Sequence[int | float | bool]
) -> Records:
    """OWN_CHANNEL_DTYPE records ``[n]`` from columns by field name.

    What is not given: ids and peers count from 0, the peer holds what we do not, both directions are
    usable, everything else is zero.
    """
    channels = zero_records(len(capacity_msat), OWN_CHANNEL_DTYPE)
    channels.channel = channels.peer = np.arange(len(capacity_msat))
    channels.capacity_msat = capacity_msat
    channels.local_msat = local_msat
    channels.remote_msat = channels.capacity_msat - channels.local_msat
    channels.usable = channels.peer_usable = True
    for name, values in columns.items():
        channels[name] = values
    return channels


def no_records(dtype: np.dtype[np.void]) -> Records:
    """An empty record array of ``dtype``."""
    return zero_records(0, dtype)


@dataclass(frozen=True, eq=False)
class NodeView:
    """Everything one node sees at one moment.

    ``channels [n]`` are OWN_CHANNEL_DTYPE records in order of channel id, ``pending`` PENDING_DTYPE,
    ``peers`` PEER_DTYPE records of nodes that a channel could be opened with.
    """

    role: Role
    channels: Records
    now_ms: int = 0
    tick_ms: int = 1_800_000
    """Time between two looks."""
    wallet_msat: int = 0
    """Confirmed on-chain coins."""
    feerate_msat_per_vb: int = 5_000
    """What the chain charges now."""
    swap_fee_ppm: int = 5_000
    """What the swap server takes, of the amount."""
    pending: Records = field(default_factory=lambda: no_records(PENDING_DTYPE))
    peers: Records = field(default_factory=lambda: no_records(PEER_DTYPE))
    rebalanced: Records = field(default_factory=lambda: no_records(REBALANCED_DTYPE))
    """Own circular payments that ended since the last look (REBALANCED_DTYPE)."""
    sent: PaymentCounts = PaymentCounts()
    received: PaymentCounts = PaymentCounts()
    n_forwarded: int = 0
    """Forwards settled since the last look."""
    n_refused: int = 0
    """Forwards refused for want of balance or slots since the last look."""
    operations_failed: int = 0
    """Own rebalances, swaps, opens or closes that failed since the last look."""
    out_demand_msat_per_h: float = 0.0
    """Smoothed wish to send, own payments and forwards, failed ones included."""
    in_demand_msat_per_h: float = 0.0
    """Smoothed wish to receive, unpaid invoices included."""
    alarm_levels: Floats = field(default_factory=lambda: np.zeros(0))
    """How far each signal of the anomaly watch has strayed at most since the last look, 1 being an alarm, in the order
    of ``anomaly.SIGNALS``; empty where nobody watches."""

    @property
    def local_share(self) -> Floats:
        """``[n]`` our share of each channel, p = local / capacity."""
        return share(self.channels.local_msat, self.channels.capacity_msat)

    @property
    def spendable_msat(self) -> Ints:
        """``[n]`` what we can send through each channel now."""
        channels = self.channels.view(np.ndarray)
        spendable: Ints = np.maximum(channels["local_msat"] - channels["reserve_msat"], 0) * channels["usable"]
        return spendable

    @property
    def receivable_msat(self) -> Ints:
        """``[n]`` what can reach us through each channel now."""
        channels = self.channels.view(np.ndarray)
        receivable: Ints = np.maximum(channels["remote_msat"] - channels["reserve_msat"], 0) * channels["peer_usable"]
        return receivable

    @property
    def busy(self) -> Bools:
        """``[n]`` whether an operation is already pending on each channel."""
        return np.isin(self.channels.channel, self.pending.channel)

    def row(self, channel: int) -> int:
        """Index of the own channel with id ``channel``, or -1."""
        rows = np.flatnonzero(self.channels.channel == channel)
        return int(rows[0]) if len(rows) else -1


def share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Floats:
    """``part / whole`` where ``whole`` is positive, else 0."""
    quotient: Floats = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return quotient
