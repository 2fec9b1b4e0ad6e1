"""The table that describes a network, so that any two can be held side by side."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from lnherd.network.graph import Network
from lnherd.network.measures.cohesion import local_clustering, max_core, pair_adjacency
from lnherd.network.measures.distributions import (
    CAPACITY_LEVELS,
    DEGREE_LEVELS,
    correlation,
    gini,
    percentiles,
    power_law_exponent,
    share,
)
from lnherd.network.measures.paths import hop_counts
from lnherd.network.measures.policies import summarise_policies
from lnherd.network.records import Bools, Indices, Ints
from lnherd.units import MSAT_PER_BTC, MSAT_PER_SAT, SAT_PER_BTC

_LONG_PATH = 6
_MIN_PATH_SOURCES = 256
_PATH_BUDGET = 1 << 30
"""Sources times directed pairs that the path-length table may cost: a second, and exact on mainnet."""


def summarise(network: Network, seed: int = 0) -> dict[str, float]:
    """Size, degrees, cohesion, path lengths, capacities and policies of ``network``, dead parts included.

    Call it on ``network.live()`` for what payments see. Topology is that of connected node *pairs*
    (parallel channels count once), degrees count channels. Path lengths are hop counts, directions
    ignored, in the largest component: exact up to about twice the size of mainnet, beyond that from
    random sources, which ``seed`` draws. Figures that a network is too small to have are NaN.
    """
    low, high, multiplicity = connected_pairs(network)
    adjacency = pair_adjacency(low, high, network.n_nodes)
    return {
        **_size(network, adjacency),
        **_degrees(network.degree),
        **_cohesion(low, high, adjacency),
        **_path_lengths(adjacency, seed),
        **_parallel(multiplicity),
        **_capacities(network),
        **summarise_policies(network),
    }


def connected_pairs(network: Network, among: Bools | None = None) -> tuple[Indices, Indices, Ints]:
    """Node pairs ``(low [P], high [P])`` with a channel (``among [C]`` those marked), and how many each has ``[P]``."""
    channels, n_nodes = network.channels, max(network.n_nodes, 1)
    if among is not None:
        channels = channels[among]
    low = np.minimum(channels.node1, channels.node2).astype(np.int64)
    high = np.maximum(channels.node1, channels.node2)
    pair, multiplicity = np.unique(low * n_nodes + high, return_counts=True)
    return (pair // n_nodes).astype(np.int32), (pair % n_nodes).astype(np.int32), multiplicity


def _size(network: Network, adjacency: csr_array) -> dict[str, float]:
    n_components, label = connected_components(adjacency, directed=False)
    largest = int(np.bincount(label).max()) if n_components else 0
    return {
        "nodes": network.n_nodes,
        "channels": network.n_channels,
        "connected_pairs": adjacency.nnz // 2,
        "capacity_btc": float(network.channels.capacity_msat.sum() / MSAT_PER_BTC),
        "components": n_components,
        "largest_component_share": largest / max(network.n_nodes, 1),
    }


def _degrees(degree: Ints) -> dict[str, float]:
    return {
        "degree_mean": float(degree.mean()) if len(degree) else float("nan"),
        "degree_max": int(degree.max(initial=0)),
        **percentiles("degree", degree, DEGREE_LEVELS),
        "degree_1_share": share(degree == 1),
        **{f"degree_alpha_xmin_{minimum}": power_law_exponent(degree, minimum) for minimum in (1, 5, 10)},
        "degree_gini": gini(degree),
    }


def _cohesion(low: Indices, high: Indices, adjacency: csr_array) -> dict[str, float]:
    degree = np.diff(adjacency.indptr)
    local, transitivity = local_clustering(low, high, adjacency.shape[0])
    near = degree[np.concatenate([low, high])].astype(np.float64)
    far = degree[np.concatenate([high, low])].astype(np.float64)
    return {
        "clustering": float(local.mean()) if len(local) else float("nan"),
        "transitivity": transitivity,
        "assortativity": correlation(near, far),
        "max_core": max_core(adjacency),
    }


def _path_lengths(adjacency: csr_array, seed: int) -> dict[str, float]:
    _, label = connected_components(adjacency, directed=False)
    largest = np.flatnonzero(label == np.bincount(label).argmax()) if len(label) else np.empty(0, np.int64)
    rng = np.random.default_rng(seed)
    affordable = max(_MIN_PATH_SOURCES, _PATH_BUDGET // max(adjacency.nnz, 1))
    sources = rng.choice(largest, size=min(affordable, len(largest)), replace=False)
    counts = hop_counts(adjacency, sources)[1:]
    return path_shares(counts)


def path_shares(counts: Ints) -> dict[str, float]:
    """Mean, longest and shares of path lengths from ``counts`` of paths with 1, 2, 3, ... hops."""
    n_paths = counts.sum()
    shares = np.zeros(max(len(counts), _LONG_PATH))
    shares[: len(counts)] = counts / n_paths if n_paths else np.nan
    hops = np.arange(1, len(shares) + 1)
    return {
        "path_mean": float((hops * shares).sum()) if n_paths else float("nan"),
        "path_longest": len(counts),
        **{f"path_{hop}_share": float(shares[hop - 1]) for hop in range(1, _LONG_PATH)},
        f"path_{_LONG_PATH}_plus_share": float(shares[_LONG_PATH - 1 :].sum()),
    }


def _parallel(multiplicity: Ints) -> dict[str, float]:
    return {
        "pairs_with_2_channels_share": share(multiplicity == 2),
        "pairs_with_3_plus_channels_share": share(multiplicity > 2),
        "parallel_channels_max": int(multiplicity.max(initial=0)),
    }


def _capacities(network: Network) -> dict[str, float]:
    capacity_sat = network.channels.capacity_msat // MSAT_PER_SAT
    ln_capacity = np.log(network.channels.capacity_msat / MSAT_PER_SAT)
    of_node = np.bincount(network.edge_source, np.repeat(capacity_sat, 2), minlength=network.n_nodes)
    return {
        **percentiles("capacity_sat", capacity_sat, CAPACITY_LEVELS),
        "capacity_ln_mean": float(ln_capacity.mean()) if len(ln_capacity) else float("nan"),
        "capacity_ln_sd": float(ln_capacity.std()) if len(ln_capacity) else float("nan"),
        **{f"capacity_{name}_share": share(capacity_sat == sat) for name, sat in _POINT_MASSES_SAT.items()},
        "capacity_1_btc_plus_share": share(capacity_sat >= SAT_PER_BTC),
        "capacity_gini": gini(capacity_sat),
        "node_capacity_gini": gini(of_node),
        **capacity_regression(network),
    }


_POINT_MASSES_SAT = {"20k": 20_000, "1m": 1_000_000, "2m": 2_000_000, "5m": 5_000_000, "10m": 10_000_000}


def capacity_regression(network: Network) -> dict[str, float]:
    """Least squares of ln capacity (sat) on the ln degrees of the smaller and the larger endpoint."""
    names = ("intercept", "ln_min_degree", "ln_max_degree", "residual_sd")
    if network.n_channels < len(names):
        return {f"capacity_regression_{name}": float("nan") for name in names}
    ends = np.stack([network.degree[network.channels.node1], network.degree[network.channels.node2]])
    factors = np.stack([np.ones(network.n_channels), np.log(ends.min(axis=0)), np.log(ends.max(axis=0))], axis=1)
    ln_capacity = np.log(network.channels.capacity_msat / MSAT_PER_SAT)
    weights = np.linalg.lstsq(factors, ln_capacity, rcond=None)[0]
    residual_sd = float((ln_capacity - factors @ weights).std())
    return {
        f"capacity_regression_{name}": value
        for name, value in zip(names, [*weights.tolist(), residual_sd], strict=True)
    }
