"""Synthetic Lightning networks of any size, calibrated to mainnet in February 2026.

Who has channels with whom is drawn by :mod:`topology`, their size by :mod:`capacities`, what nodes announce
by :mod:`policies`, who owns what by :mod:`balances`. ``docs/generator.md`` holds the result against mainnet.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lnherd.errors import InputError
from lnherd.network.balances import PRIORS, draw_balances
from lnherd.network.graph import CHANNEL_DTYPE, Network
from lnherd.network.records import Ints, Records, zero_records
from lnherd.network.synthetic.capacities import draw_capacities
from lnherd.network.synthetic.dead import LIVE_NODE_SHARE, with_dead_part
from lnherd.network.synthetic.matching import Ends
from lnherd.network.synthetic.policies import draw_policies
from lnherd.network.synthetic.topology import MAINNET_NODES, TopologyConfig, draw_topology

__all__ = ["GeneratorConfig", "draw_balances", "generate"]

MIN_NODES, MAX_NODES = 3, 10_000_000
_FIRST_BLOCK, _CHANNELS_PER_BLOCK = 600_000, 100


@dataclass(frozen=True)
class GeneratorConfig:
    """What network to generate; the defaults are mainnet's live part in February 2026."""

    n_nodes: int = MAINNET_NODES
    """Number of nodes; with ``live_only`` off, dead ones included."""
    balances: str = "bimodal"
    """Prior of the balances: bimodal, uniform, half or drained."""
    live_only: bool = True
    """Leave out what cannot carry payments: on mainnet, a third of the channels and most nodes are dead gossip."""
    directions_lost: bool = False
    """Hand policies to the wrong end as compressed gossip maps do, half of them; see ``network.directions``."""
    topology: TopologyConfig = field(default_factory=TopologyConfig)
    """Shape of the live graph."""

    def __post_init__(self) -> None:
        if not MIN_NODES <= self.n_nodes <= MAX_NODES:
            raise InputError(f"number of nodes {self.n_nodes} is out of range; give {MIN_NODES} to {MAX_NODES}")
        if self.balances not in PRIORS:
            raise InputError(f"balance prior {self.balances!r} is unknown; choose one of {', '.join(PRIORS)}")


def generate(config: GeneratorConfig, seed: int) -> Network:
    """Draw a network with balances. The same ``config`` and ``seed`` give the same network, bit by bit.

    Nodes are called n0, n1, ... (padded with zeros to one width) in descending order of live channels;
    channels are sorted by their ends and carry made-up short channel ids.

    Raises:
        InputError: when the seed is negative.
    """
    if seed < 0:
        raise InputError(f"seed {seed} is negative; give 0 or more")
    streams = np.random.SeedSequence(seed).spawn(5)
    topology, capacities, policies, dead, balances = map(np.random.default_rng, streams)
    n_live = config.n_nodes if config.live_only else max(round(LIVE_NODE_SHARE * config.n_nodes), MIN_NODES)
    ends = _in_order(draw_topology(config.topology, n_live, topology))
    degree = np.bincount(np.concatenate(ends), minlength=n_live)
    channels = zero_records(len(ends[0]), CHANNEL_DTYPE)
    channels.node1, channels.node2 = ends
    channels.capacity_msat = draw_capacities(*ends, degree, capacities)
    channels.scid = _short_channel_ids(len(channels))
    edges = draw_policies(ends, channels.capacity_msat, n_live, policies)
    if config.directions_lost:
        _lose_directions(ends, edges, n_live, policies)
    name = f"generated-{config.n_nodes}-seed-{seed}"
    network = Network(_node_ids(config.n_nodes), channels, edges, name=name)
    if config.n_nodes > n_live:
        network = with_dead_part(network, n_live, dead)
    return network.with_balances(draw_balances(network, config.balances, balances))


def _in_order(ends: Ends) -> Ends:
    low, high = np.minimum(*ends), np.maximum(*ends)
    order = np.lexsort((high, low))
    return low[order], high[order]


def _short_channel_ids(n_channels: int) -> Ints:
    """Block, transaction and output (BOLT 7) as if a hundred channels had been opened in every block."""
    block, transaction = np.divmod(np.arange(n_channels), _CHANNELS_PER_BLOCK)
    ids: Ints = (_FIRST_BLOCK + block) << 40 | (transaction + 1) << 16
    return ids


def _node_ids(n_nodes: int) -> NDArray[np.str_]:
    width = len(str(n_nodes - 1))
    return np.char.add("n", np.char.zfill(np.arange(n_nodes).astype(np.str_), width))


def _lose_directions(ends: Ends, edges: Records, n_nodes: int, rng: np.random.Generator) -> None:
    """Swap the policies of the channels whose first node would have the greater of two random keys."""
    key = rng.permutation(n_nodes)
    edge = np.arange(len(edges))
    edges[:] = edges[np.where(np.repeat(key[ends[0]] > key[ends[1]], 2), edge ^ 1, edge)]
