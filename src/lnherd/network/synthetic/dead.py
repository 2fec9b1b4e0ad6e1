"""The dead part of gossip: channels still announced that nobody updates, and nodes that have no others.

On mainnet in February 2026 a third of the announced channels were off in both directions and 60 % of the
nodes had no other. Readers of whole snapshots meet them, payments never do.
"""

import numpy as np
from scipy.special import ndtr

from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import Indices, Ints, zero_records
from lnherd.network.synthetic import mainnet2026 as mainnet
from lnherd.network.synthetic.matching import Ends
from lnherd.units import MSAT_PER_SAT

LIVE_NODE_SHARE = 6_978 / 17_324
"""Live nodes among all announced."""
_DEGREE_MU, _DEGREE_SIGMA, _DEGREE_MAX = -1.55, 1.58, 1_000
"""Discretised lognormal of channels per dead node."""
_STUBS_TO_LIVE_SHARE = 7_574 / (7_574 + 2 * 8_464)
"""Share of dead nodes' channel ends whose other end is a live node."""
_LIVE_TO_LIVE_PER_STUB = 877 / 7_574
"""Dead channels between live nodes for each between a live and a dead one."""


def with_dead_part(network: Network, n_live: int, rng: np.random.Generator) -> Network:
    """Join the nodes from ``n_live`` on, isolated so far, by channels that are off in both directions.

    Live ends are drawn by their number of channels. Dead channels' policies are unknown, so all zero.
    """
    low, high = _dead_ends(network, n_live, rng)
    channels = zero_records(len(low), CHANNEL_DTYPE)
    channels.node1, channels.node2 = low, high
    amounts = mainnet.DEAD_CAPACITY_SAT.quantile(rng.random(len(low)))
    channels.capacity_msat = amounts * MSAT_PER_SAT
    block = network.channels.scid.max(initial=0) >> 40
    channels.scid = (block + 1 + np.arange(len(low))) << 40 | 1 << 16
    return Network(
        node_ids=network.node_ids,
        channels=np.concatenate([network.channels, channels]).view(np.recarray),
        edges=np.concatenate([network.edges, empty_edges(len(low))]).view(np.recarray),
        name=network.name,
    )


def _dead_ends(network: Network, n_live: int, rng: np.random.Generator) -> Ends:
    stubs = rng.permutation(np.repeat(np.arange(n_live, network.n_nodes), _degrees(network.n_nodes - n_live, rng)))
    live_stubs = network.edge_source
    n_to_live = round(_STUBS_TO_LIVE_SHARE * len(stubs))
    n_to_live += (len(stubs) - n_to_live) % 2
    among = stubs[n_to_live:].reshape(-1, 2)
    near = np.concatenate([stubs[:n_to_live], among[:, 0], _draw(live_stubs, _LIVE_TO_LIVE_PER_STUB * n_to_live, rng)])
    far = np.concatenate([_draw(live_stubs, n_to_live, rng), among[:, 1]])
    far = np.concatenate([far, _draw(live_stubs, len(near) - len(far), rng)])
    loop = near == far
    far[loop & (near >= n_live)] = 0  # the largest live node; no dead node may lose its only channel
    keep = near != far
    return np.minimum(near, far)[keep], np.maximum(near, far)[keep]


def _draw(stubs: Indices, count: float, rng: np.random.Generator) -> Ints:
    return rng.choice(stubs, size=round(count)).astype(np.int64)


def _degrees(n_nodes: int, rng: np.random.Generator) -> Ints:
    k = np.arange(1, _DEGREE_MAX + 1)
    survival = ndtr((_DEGREE_MU - np.log(k - 0.5)) / _DEGREE_SIGMA)
    cumulative = 1 - survival / survival[0]
    return np.searchsorted(cumulative, rng.random(n_nodes), side="right").astype(np.int64)
