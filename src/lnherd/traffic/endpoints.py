"""Who pays and who is paid: weights over the nodes of a network."""

from dataclasses import dataclass

import numpy as np

from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Floats


@dataclass(frozen=True)
class Uniform:
    """Every node that has a live channel, equally often."""

    def weights(self, network: Network) -> Floats:
        """``[N]`` weights that sum to 1."""
        return normalised(reachable(network), "endpoints")


@dataclass(frozen=True)
class CapacityWeighted:
    """In proportion to a node's live capacity (sim-ln's default)."""

    def weights(self, network: Network) -> Floats:
        """``[N]`` weights that sum to 1."""
        live = np.where(network.live_channels, network.channels.capacity_msat, 0).astype(np.float64)
        return normalised(per_node(network, live), "endpoints")


@dataclass(frozen=True)
class DegreeWeighted:
    """In proportion to a node's number of live channels (LNTrafficSimulator's merchants)."""

    def weights(self, network: Network) -> Floats:
        """``[N]`` weights that sum to 1."""
        return normalised(per_node(network, network.live_channels.astype(np.float64)), "endpoints")


@dataclass(frozen=True)
class ZipfSinks:
    """A few hot servers: ``n_sinks`` nodes, the r-th of them with weight ``r ** -exponent``.

    Which nodes they are belongs to the demand (``seed``), not to the sample: the same servers are hot
    in every episode on one network.
    """

    n_sinks: int = 20
    """How many servers there are (all nodes, if the network has fewer)."""
    exponent: float = 1.0
    """Steepness: 0 is uniform."""
    seed: int = 0
    """Which nodes are servers."""

    def __post_init__(self) -> None:
        if self.n_sinks < 1:
            raise InputError(f"endpoints: n_sinks is {self.n_sinks}; there must be at least one server")

    def weights(self, network: Network) -> Floats:
        """``[N]`` weights that sum to 1."""
        nodes = np.flatnonzero(reachable(network) > 0)
        sinks = np.random.default_rng(self.seed).permutation(nodes)[: self.n_sinks]
        weights = np.zeros(network.n_nodes)
        weights[sinks] = np.arange(1, len(sinks) + 1, dtype=np.float64) ** -self.exponent
        return normalised(weights, "endpoints")


@dataclass(frozen=True)
class FixedNodes:
    """These nodes, by index, equally often or with the given shares."""

    nodes: tuple[int, ...]
    """Node indices."""
    shares: tuple[float, ...] | None = None
    """One weight a node; None means equal."""

    def __post_init__(self) -> None:
        if not self.nodes:
            raise InputError("endpoints: the list of nodes is empty; name at least one")
        if self.shares is not None and len(self.shares) != len(self.nodes):
            raise InputError(f"endpoints: {len(self.nodes)} nodes but {len(self.shares)} shares; give one share a node")

    def weights(self, network: Network) -> Floats:
        """``[N]`` weights that sum to 1; raises InputError for a node the network has not."""
        weights = np.zeros(network.n_nodes)
        for node, share in zip(self.nodes, self.shares or (1.0,) * len(self.nodes), strict=True):
            if not 0 <= node < network.n_nodes:
                raise InputError(f"{network.name}: no node {node}; give an index below {network.n_nodes}")
            weights[node] += share
        return normalised(weights, "endpoints")


Endpoints = Uniform | CapacityWeighted | DegreeWeighted | ZipfSinks | FixedNodes
KINDS = (Uniform, CapacityWeighted, DegreeWeighted, ZipfSinks, FixedNodes)
"""The same as classes."""


def per_node(network: Network, channel_values: Floats) -> Floats:
    """``[N]`` sums of a value per channel over the channels of each node."""
    ends = np.concatenate([network.channels.node1, network.channels.node2])
    counts: Floats = np.bincount(ends, weights=np.tile(channel_values, 2), minlength=network.n_nodes).astype(np.float64)
    return counts


def reachable(network: Network) -> Floats:
    """``[N]`` 1 where a node has a live channel, else 0."""
    has: Floats = (per_node(network, network.live_channels.astype(np.float64)) > 0).astype(np.float64)
    return has


def normalised(weights: Floats, what: str) -> Floats:
    """``weights`` scaled to sum to 1; raises InputError when none is positive."""
    total = weights.sum()
    if not (np.all(weights >= 0) and total > 0):
        raise InputError(f"{what}: no node has a positive weight; the network needs live channels there")
    scaled: Floats = weights / total
    return scaled
