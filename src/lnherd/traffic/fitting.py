"""From a node's forwarding history to a demand that would have caused it: who sent how much to whom at which hour.

What lies beyond the node's channels is unknown, so the peers stand for it: a forward in over one channel and out
over another becomes a payment from the one peer to the other. Each pair of peers is a component of its own, which
keeps the matrix of who sends to whom, with its own rate and amounts; the hours of the day are common to all.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Floats, Ints, Records
from lnherd.traffic.amounts import Empirical
from lnherd.traffic.arrivals import HOURS, Hourly
from lnherd.traffic.demand import OTHER, Component, Demand
from lnherd.traffic.endpoints import FixedNodes
from lnherd.units import MS_PER_HOUR, MS_PER_SECOND

OWN_AMOUNTS = 20
"""A pair with fewer forwards than this takes its amounts from all of the node's."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted demand and what it was fitted to."""

    demand: Demand
    n_forwards: int
    """Forwards used."""
    n_circular: int
    """Forwards back to the peer they came from, which no payment between two nodes makes; left out."""
    duration_ms: int
    """Length of the history."""


def fit_demand(forwards: Records, network: Network, node: int, *, span_ms: tuple[int, int] | None = None) -> Fit:
    """Fit FORWARD_DTYPE records of ``node``; ``span_ms`` is the time they cover, from first to last if not given.

    Hours of the day are those of the records' clock (UTC for real nodes); the demand's time 0 is the start of the
    span.

    Raises:
        InputError: when a channel is not ``node``'s, or too little is left to fit.
    """
    source, target = _peers(forwards, network, node)
    usable = source != target
    if usable.sum() < 2:
        raise InputError(f"history: {usable.sum()} forwards between different peers; a fit needs at least 2")
    start_ms, end_ms = span_ms or (int(forwards.time_ms[0]), int(forwards.time_ms[-1]) + 1)
    hourly = _hourly(forwards.time_ms[usable], start_ms, end_ms)
    everyone = Empirical.of(forwards.out_msat[usable])
    components = []
    for first, second in np.unique(np.stack([source, target], axis=1)[usable], axis=0).tolist():
        amounts = forwards.out_msat[(source == first) & (target == second)]
        components.append(
            Component(
                rate_per_s=len(amounts) * MS_PER_SECOND / (end_ms - start_ms),
                amounts=Empirical.of(amounts) if len(amounts) >= OWN_AMOUNTS else everyone,
                arrivals=hourly,
                senders=FixedNodes((first,)),
                receivers=FixedNodes((second,)),
                kind=OTHER,
            )
        )
    return Fit(Demand(tuple(components)), int(usable.sum()), int((~usable).sum()), end_ms - start_ms)


def _peers(forwards: Records, network: Network, node: int) -> tuple[Ints, Ints]:
    """``[F]`` the peers at the far ends of the channels in and out."""
    ends = np.stack([network.channels.node1, network.channels.node2], axis=1)
    peers = []
    for channels in (forwards.in_channel, forwards.out_channel):
        foreign = ~(ends[channels] == node).any(axis=1)
        if foreign.any():
            raise InputError(
                f"history: channel {int(channels[np.argmax(foreign)])} does not belong to node "
                f"{network.node_ids[node]}; name the node that the history is of"
            )
        peers.append(ends[channels].sum(axis=1) - node)
    return peers[0], peers[1]


def _hourly(times_ms: Ints, start_ms: int, end_ms: int) -> Hourly:
    """Forwards per hour of the day over the time that the span has of it."""
    counts = np.bincount(times_ms // MS_PER_HOUR % HOURS, minlength=HOURS).astype(np.float64)
    exposure = _exposure_h(start_ms, end_ms)
    seen = exposure > 0
    overall = counts.sum() / exposure.sum()
    rates = np.where(seen, counts / np.where(seen, exposure, 1.0), overall)
    return Hourly(tuple((rates / rates.mean()).tolist()), start_hour=start_ms / MS_PER_HOUR % HOURS)


def _exposure_h(start_ms: int, end_ms: int) -> Floats:
    """``[24]`` hours of the span that fall into each hour of the day."""
    edges = np.arange(start_ms // MS_PER_HOUR, -(-end_ms // MS_PER_HOUR) + 1) * MS_PER_HOUR
    lengths = np.diff(np.clip(edges, start_ms, end_ms)) / MS_PER_HOUR
    return np.bincount(edges[:-1] // MS_PER_HOUR % HOURS, weights=lengths, minlength=HOURS).astype(np.float64)


def pair_matrix(sender: Ints, receiver: Ints, n_nodes: int) -> Floats:
    """``[N, N]`` share of payments from each node to each: what a fit must reproduce."""
    counts = np.zeros((n_nodes, n_nodes))
    np.add.at(counts, (sender, receiver), 1.0)
    shares: Floats = counts / max(1.0, counts.sum())
    return shares
