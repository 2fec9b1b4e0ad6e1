"""Who has a channel with whom: random topologies with mainnet's degrees, hubs and path lengths.

Stubs are matched, not grown, so that a million nodes take seconds and every degree is kept:

1. :func:`draw_degrees` draws channels per node from a discretised lognormal with a tapered tail.
2. :func:`pair_stars` hangs many of the one-channel nodes on a few hubs that serve little else: on mainnet
   two such services hold two fifths of the leaves, and most of its four-hop paths are theirs.
3. :func:`matching.match_stubs` pairs the other stubs, small nodes and large ones as often as on mainnet.
4. :mod:`rewiring` then exchanges ends of channels: parallel channels become rare, triangles frequent,
   and all components one.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from lnherd.network.records import Floats, Ints
from lnherd.network.synthetic.matching import Ends, match_stubs, stub_classes
from lnherd.network.synthetic.rewiring import ParallelLimit, close_triads, join_components, limit_parallel

MAINNET_NODES = 6_978
"""Live nodes of the 2026 snapshot: the size at which the shapes below were measured."""
_SMALLEST_HUB = 10


@dataclass(frozen=True)
class TopologyConfig:
    """Shape of the graph; the defaults are those of mainnet's live part in February 2026."""

    degree_mu: float = -3.87
    """Location of the discretised lognormal of channels per node."""
    degree_sigma: float = 3.12
    """Scale of the discretised lognormal of channels per node."""
    degree_taper_share: float = 0.0515
    """Channels, as a share of all nodes at mainnet's size, over which the lognormal's tail loses a factor e."""
    degree_max_share: float = 0.267
    """Channels of the largest node, as a share of all nodes at mainnet's size."""
    star_leaf_share: float = 0.42
    """Share of the nodes with one channel that hang on star hubs."""
    star_purity: float = 0.975
    """Share of a star hub's channels that go to such nodes."""
    first_star: int = 3
    """Rank by channels of the largest star hub; 0 is the largest node."""
    role_share: float = 0.3
    """How much of whom a node serves is its own role rather than chance, channel by channel; 0 to 1."""
    triad_sweeps: int = 6
    """Sweeps that close triangles; 0 leaves half of mainnet's clustering."""
    parallel_tolerance: float = 0.44
    """Share of the node pairs drawn more than once that may keep a second channel."""
    parallel_tail: float = 0.2
    """Exponent with which the tolerance falls for a third, fourth, ... channel."""
    connected: bool = True
    """Whether everything is one component; without, some nodes (1 % on mainnet) are cut off and cannot pay."""


def draw_topology(config: TopologyConfig, n_nodes: int, rng: np.random.Generator) -> Ends:
    """Draw the ends of all channels among ``n_nodes`` nodes; node 0 has the most channels."""
    degree = draw_degrees(config, n_nodes, rng)
    hub, partner = pair_stars(config, degree, rng)
    stubs = degree - np.bincount(partner, minlength=n_nodes)
    stubs[hub] = 0
    limit = ParallelLimit(config.parallel_tolerance, config.parallel_tail, rng)
    ends = limit_parallel(match_stubs(stubs, config.role_share, rng), n_nodes, limit, rng)
    label = stub_classes(stubs)
    for _ in range(config.triad_sweeps):
        ends = close_triads(ends, label, rng)
    ends = limit_parallel(ends, n_nodes, limit, rng)
    ends = (np.concatenate([hub, ends[0]]), np.concatenate([partner, ends[1]]))
    return join_components(ends, n_nodes, rng) if config.connected else ends


def degree_distribution(config: TopologyConfig, n_nodes: int) -> Floats:
    """``[K]`` probability of 1, 2, ..., K channels.

    The tail ends earlier in a smaller network and later in a larger one, though less than in proportion:
    that keeps small networks from thinning to trees, and a million nodes from meeting in one hub. How
    fast (exponents 0.8 and 0.5) is an assumption; there is only one Lightning network to measure.
    """
    size = n_nodes / MAINNET_NODES
    largest = round(config.degree_max_share * MAINNET_NODES * size ** (0.8 if size < 1 else 0.5))
    largest = int(np.clip(largest, min(_SMALLEST_HUB, n_nodes - 1), n_nodes - 1))
    taper = config.degree_taper_share * MAINNET_NODES * size**0.5
    k = np.arange(1, largest + 1)
    survival: Floats = ndtr((config.degree_mu - np.log(k - 0.5)) / config.degree_sigma) * np.exp(-(k - 1) / taper)
    probability: Floats = -np.diff(survival, append=0.0)
    total = float(probability.sum())
    return probability / total


def draw_degrees(config: TopologyConfig, n_nodes: int, rng: np.random.Generator) -> Ints:
    """``[N]`` channels per node, descending: the largest, and one from each equal part of the distribution.

    Stratified, because a heavy tail drawn freely would let the mean wander from seed to seed.
    """
    cumulative = np.cumsum(degree_distribution(config, n_nodes))
    level = (np.arange(n_nodes - 1) + rng.random(n_nodes - 1)) / (n_nodes - 1)
    others = np.searchsorted(cumulative, level * cumulative[-1]).astype(np.int64) + 1
    others = np.sort(np.minimum(others, len(cumulative)))[::-1]
    largest = len(cumulative) + (len(cumulative) + others.sum()) % 2
    return np.concatenate([[largest], others]).astype(np.int64)


def pair_stars(config: TopologyConfig, degree: Ints, rng: np.random.Generator) -> Ends:
    """All channels of the star hubs: to leaves and, a few, to nodes smaller than the largest of them."""
    leaves = rng.permutation(np.flatnonzero(degree == 1))
    hosted = np.floor(config.star_purity * degree).astype(np.int64)
    stars = _choose_stars(hosted, config.first_star, int(config.star_leaf_share * len(leaves)))
    to_leaves = np.repeat(stars, hosted[stars])
    to_others = np.repeat(stars, degree[stars] - hosted[stars])
    others = np.flatnonzero((degree > 1) & (degree < degree[stars].max(initial=0)))
    others = np.setdiff1d(others, stars)
    partners = rng.permutation(np.repeat(others, degree[others]))[: len(to_others)]
    hubs = np.concatenate([to_leaves, to_others[: len(partners)]])
    return hubs, np.concatenate([leaves[: len(to_leaves)], partners])


def _choose_stars(hosted: Ints, first: int, wanted: int) -> Ints:
    """Largest nodes from rank ``first`` on that together host ``wanted`` leaves and no more."""
    stars: list[int] = []
    while True:
        first = max(first, int(np.searchsorted(-hosted, -wanted)))
        if first >= len(hosted) or hosted[first] < 2:
            return np.array(stars, dtype=np.int64)
        stars.append(first)
        wanted -= int(hosted[first])
        first += 1
