"""The simplest worlds: many separate rows of nodes, so that one simulation holds many independent experiments."""

import numpy as np

from lnherd.engine import SimulationConfig
from lnherd.network.graph import CHANNEL_DTYPE, EDGE_DTYPE, Network
from lnherd.network.records import Ints, Records, zero_records
from lnherd.traffic.amounts import FixedAmount
from lnherd.traffic.demand import PAYMENT_DTYPE, Component, Demand
from lnherd.traffic.endpoints import FixedNodes
from lnherd.units import MS_PER_SECOND

NO_LIMIT = 1 << 30
PLAIN = SimulationConfig(
    mpp=False,
    payment_timeout_ms=0,
    fee_limit="none",
    half_life_ms=0.0,
    capacity_smearing=0.0,
    reserve_ppm=0,
    max_htlcs=NO_LIMIT,
    max_htlcs_cln=NO_LIMIT,
    max_in_flight_ppm=1_000_000,
    max_dust_msat=1 << 60,
)
"""One attempt a payment, no memory, no reserve, no limits: what the closed forms assume."""


def rows(n_rows: int, n_hops: int, capacity_msat: int, **policy: int) -> Network:
    """``n_rows`` separate rows of ``n_hops`` channels; everything lies on the side payments come from."""
    first = np.arange(n_rows)[:, None] * (n_hops + 1) + np.arange(n_hops)[None, :]
    channels = zero_records(n_rows * n_hops, CHANNEL_DTYPE)
    channels.node1, channels.node2 = first.ravel(), first.ravel() + 1
    channels.capacity_msat, channels.scid = capacity_msat, -1
    edges = zero_records(2 * len(channels), EDGE_DTYPE)
    edges.cltv_delta, edges.htlc_min_msat, edges.enabled = 40, 1, True
    for name, value in policy.items():
        edges[name] = value
    balance_msat = np.tile(np.array([capacity_msat, 0], dtype=np.int64), len(channels))
    names = np.array([f"n{index}" for index in range(n_rows * (n_hops + 1))])
    return Network(names, channels, edges, balance_msat=balance_msat, name="rows")


def along_rows(network: Network, n_rows: int, rate_per_s: float, duration_s: int, seed: int) -> Records:
    """Poisson payments of 1 sat from the start to the end of each row."""
    length = network.n_nodes // n_rows
    ends = [(row * length, (row + 1) * length - 1) for row in range(n_rows)]
    demand = Demand(
        tuple(
            Component(rate_per_s, FixedAmount(1_000), senders=FixedNodes((first,)), receivers=FixedNodes((last,)))
            for first, last in ends
        )
    )
    return demand.sample(network, duration_ms=duration_s * MS_PER_SECOND, rng=np.random.default_rng(seed))


def payments_of(start_ms: Ints, sender: Ints, receiver: Ints, amount_msat: Ints | int) -> Records:
    """Payment records, sorted by start."""
    payments = zero_records(len(start_ms), PAYMENT_DTYPE)
    payments.start_ms, payments.amount_msat = start_ms, amount_msat
    payments.sender, payments.receiver = sender, receiver
    ordered: Records = payments[np.argsort(payments.start_ms, kind="stable")]
    return ordered
