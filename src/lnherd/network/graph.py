"""The network: who exists and what they announced. Static facts, no balances in motion.

Identity is by index. Channel ``c`` joins ``channels[c].node1`` and ``.node2`` and has two directed
edges: edge ``2c`` leads from node1 to node2, edge ``2c + 1`` back. So the channel of edge ``e`` is
``e >> 1``, its counter edge ``e ^ 1``, and nothing has to be looked up. An edge carries the policy of
the node it *leaves from* (BOLT 7 ``channel_update``); inbound fees are those which that node charges
for what comes *in* over the same channel, as LND announces them (bLIP 18).
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lnherd.errors import InputError
from lnherd.network.records import Bools, Indices, Ints, Records, zero_records

CHANNEL_DTYPE = np.dtype([("node1", "i4"), ("node2", "i4"), ("capacity_msat", "i8"), ("scid", "i8")])
"""``scid`` is the short channel id (BOLT 7, 64 bits), or -1 where the source has none."""

EDGE_DTYPE = np.dtype(
    [
        ("base_fee_msat", "i8"),
        ("fee_ppm", "i8"),
        ("inbound_base_fee_msat", "i8"),
        ("inbound_fee_ppm", "i8"),
        ("htlc_min_msat", "i8"),
        ("htlc_max_msat", "i8"),
        ("cltv_delta", "i4"),
        ("enabled", "?"),
    ]
)
"""The announced policy of one direction. A direction nobody announced is not ``enabled`` and zero."""


def _adjacency(endpoints: Indices, n_nodes: int) -> tuple[Indices, Indices]:
    """CSR index: ``edges[start[v]:start[v + 1]]`` are the edges whose endpoint is ``v``, by edge id."""
    order = np.argsort(endpoints, kind="stable").astype(np.int32)
    start = np.zeros(n_nodes + 1, dtype=np.int32)
    np.cumsum(np.bincount(endpoints, minlength=n_nodes), out=start[1:])
    return start, order


@dataclass(frozen=True, eq=False)
class Network:
    """A payment-channel network, as gossip tells it.

    ``node_ids [N]`` are public keys (or any unique names), ``channels [C]`` and ``edges [2C]`` record
    arrays, ``balance_msat [2C]`` what the near end of each edge owns where the source knows it (CLoTH
    files, generated priors), else None. ``name`` says where it came from. Construction validates and
    raises :class:`InputError`.
    """

    node_ids: NDArray[np.str_]
    channels: Records
    edges: Records
    aliases: NDArray[np.str_] | None = None
    balance_msat: Ints | None = None
    name: str = field(default="network")

    def __post_init__(self) -> None:
        validate(self)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_ids)

    @property
    def n_channels(self) -> int:
        """Number of channels (pairs of edges)."""
        return len(self.channels)

    @property
    def n_edges(self) -> int:
        """Number of directed edges: two for each channel."""
        return len(self.edges)

    @cached_property
    def edge_source(self) -> Indices:
        """``[2C]`` the node each edge leaves from."""
        return np.stack([self.channels.node1, self.channels.node2], axis=1).reshape(-1)

    @cached_property
    def edge_target(self) -> Indices:
        """``[2C]`` the node each edge leads to."""
        return np.stack([self.channels.node2, self.channels.node1], axis=1).reshape(-1)

    @cached_property
    def outgoing(self) -> tuple[Indices, Indices]:
        """CSR ``(start [N + 1], edges [2C])`` of the edges that leave each node."""
        return _adjacency(self.edge_source, self.n_nodes)

    @cached_property
    def incoming(self) -> tuple[Indices, Indices]:
        """CSR ``(start [N + 1], edges [2C])`` of the edges that lead to each node."""
        return _adjacency(self.edge_target, self.n_nodes)

    @cached_property
    def live_channels(self) -> Bools:
        """``[C]`` whether at least one direction is enabled."""
        enabled: Bools = self.edges.enabled.reshape(-1, 2).any(axis=1)
        return enabled

    @cached_property
    def degree(self) -> Ints:
        """``[N]`` channels per node, dead ones included."""
        return np.diff(self.outgoing[0]).astype(np.int64)

    @cached_property
    def derived(self) -> dict[str, Any]:
        """Room for what others make once of the topology and the policies, by name (tables of distances)."""
        return {}

    @cached_property
    def _index_by_id(self) -> dict[str, int]:
        return {str(node_id): index for index, node_id in enumerate(self.node_ids)}

    def out_edges(self, node: int) -> Indices:
        """Edges that leave ``node``, in order of channel."""
        start, edges = self.outgoing
        return edges[start[node] : start[node + 1]]

    def node_index(self, name: str) -> int:
        """Find a node by public key, by unique alias or by index.

        Raises:
            InputError: when nothing, or more than one alias, matches.
        """
        if name in self._index_by_id:
            return self._index_by_id[name]
        if name.isdecimal() and int(name) < self.n_nodes:
            return int(name)
        matches = np.flatnonzero(self.aliases == name) if self.aliases is not None else np.empty(0, np.int64)
        if len(matches) == 1:
            return int(matches[0])
        problem = "no node" if len(matches) == 0 else f"{len(matches)} nodes"
        raise InputError(f"{self.name}: {problem} called {name!r}; give a public key or an index below {self.n_nodes}")

    def induced(self, keep_nodes: Bools, keep_channels: Bools | None = None, name: str | None = None) -> "Network":
        """Subnetwork of the marked nodes ``[N]`` and of the (marked ``[C]``) channels between them."""
        inside = keep_nodes[self.channels.node1] & keep_nodes[self.channels.node2]
        if keep_channels is not None:
            inside &= keep_channels
        renumbered = np.cumsum(keep_nodes) - 1
        channels = self.channels[inside].copy()
        channels.node1 = renumbered[channels.node1]
        channels.node2 = renumbered[channels.node2]
        both = np.repeat(inside, 2)
        return Network(
            node_ids=self.node_ids[keep_nodes],
            channels=channels,
            edges=self.edges[both].copy(),
            aliases=None if self.aliases is None else self.aliases[keep_nodes],
            balance_msat=None if self.balance_msat is None else self.balance_msat[both].copy(),
            name=name or self.name,
        )

    def live(self) -> "Network":
        """The part that can carry payments: channels with an enabled direction, nodes that have one."""
        touched = np.zeros(self.n_nodes, dtype=np.bool_)
        touched[self.channels.node1[self.live_channels]] = True
        touched[self.channels.node2[self.live_channels]] = True
        return self.induced(touched, self.live_channels)

    def with_balances(self, balance_msat: Ints) -> "Network":
        """The same network with known balances ``[2C]``; what follows from the topology is shared, not made again."""
        twin = replace(self, balance_msat=balance_msat)
        twin.__dict__.update({name: getattr(self, name) for name in _OF_TOPOLOGY})
        return twin


_OF_TOPOLOGY = ("edge_source", "edge_target", "outgoing", "incoming", "live_channels", "degree", "derived")


def validate(network: Network) -> None:
    """Hold a network to its laws.

    Raises:
        InputError: naming the first offending channel or node and what is wrong with it.
    """
    channels, edges, n_nodes = network.channels, network.edges, network.n_nodes
    if len(edges) != 2 * len(channels):
        raise InputError(f"{network.name}: {len(channels)} channels need {2 * len(channels)} edges, found {len(edges)}")
    if len(np.unique(network.node_ids)) != n_nodes:
        raise InputError(f"{network.name}: a node id occurs twice; every node needs its own")
    _reject(network, (channels.node1 < 0) | (channels.node2 < 0), "refers to a node below 0")
    _reject(
        network,
        (channels.node1 >= n_nodes) | (channels.node2 >= n_nodes),
        "refers to a node that is not listed",
    )
    _reject(network, channels.node1 == channels.node2, "joins a node to itself")
    _reject(network, channels.capacity_msat <= 0, "has no positive capacity")
    _reject_scid_twice(network)
    for name in ("base_fee_msat", "fee_ppm", "htlc_min_msat", "htlc_max_msat", "cltv_delta"):
        _reject(network, (edges[name] < 0).reshape(-1, 2).any(axis=1), f"has a negative {name}")
    if network.balance_msat is not None:
        _reject_balances(network, network.balance_msat)


def _reject(network: Network, offending: Records, problem: str) -> None:
    if offending.any():
        channel = int(np.argmax(offending))
        raise InputError(f"{network.name}: channel {channel_label(network, channel)} {problem}; correct or remove it")


def _reject_scid_twice(network: Network) -> None:
    scid = network.channels.scid
    order = np.argsort(scid, kind="stable")
    repeated = np.zeros(len(scid), dtype=np.bool_)
    repeated[order[1:]] = (np.diff(scid[order]) == 0) & (scid[order[1:]] >= 0)
    _reject(network, repeated, "occurs twice")


def _reject_balances(network: Network, balance_msat: Ints) -> None:
    if len(balance_msat) != network.n_edges:
        raise InputError(f"{network.name}: {network.n_edges} edges need as many balances, found {len(balance_msat)}")
    pairs = balance_msat.reshape(-1, 2)
    _reject(network, (pairs < 0).any(axis=1), "has a negative balance")
    _reject(
        network,
        pairs.sum(axis=1) != network.channels.capacity_msat,
        "has balances that do not sum to its capacity",
    )


def channel_label(network: Network, channel: int) -> str:
    """How people name a channel: block x transaction x output where known, else its index."""
    scid = int(network.channels.scid[channel])
    if scid < 0:
        return str(channel)
    return f"{scid >> 40}x{(scid >> 16) & 0xFFFFFF}x{scid & 0xFFFF}"


def empty_edges(n_channels: int) -> Records:
    """Edge records ``[2C]``, all zero and disabled, for readers and generators to fill."""
    return zero_records(2 * n_channels, EDGE_DTYPE)
