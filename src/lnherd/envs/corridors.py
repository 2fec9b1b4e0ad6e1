"""Corridors: pairs of peers whose payments to each other prefer to pass through a given node.

A router lives from payments between others, so its scenario needs senders and receivers whose best route
leads through it. Preference is estimated on gossip alone, at one amount: fees plus a cost per hop, which
stands for the chance that a hop fails (LND's attempt cost of 100 sat dwarfs the fees of micro-payments).
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from lnherd.network.graph import Network
from lnherd.network.records import Bools, Floats, Ints
from lnherd.units import MSAT_PER_SAT, PPM

HOP_COST_MSAT = 150_000.0
"""What one more hop is worth avoiding."""
MIN_CAPACITY_MSAT = 500_000 * MSAT_PER_SAT
"""Own channels smaller than this are not expected to carry a trade."""


def transit_pairs(network: Network, node: int, amount_msat: int) -> tuple[Ints, Ints]:
    """``(senders [P], receivers [P])``, peers of ``node`` whose cheapest route to each other leads through it.

    A peer stands for everything behind it. Routes are those for ``amount_msat``; pairs come in order of
    sender and receiver.
    """
    cost = _edge_costs(network, amount_msat)
    own = network.out_edges(node).astype(np.int64)
    own = own[network.channels.capacity_msat[own >> 1] >= MIN_CAPACITY_MSAT]
    peers, first = np.unique(network.edge_target[own], return_inverse=True)
    to_node, from_node = _cheapest(cost[own ^ 1], first, len(peers)), _cheapest(cost[own], first, len(peers))
    through = to_node[:, None] + from_node[None, :]
    around = dijkstra(_matrix_without(network, cost, node), indices=peers, limit=_largest_finite(through))[:, peers]
    senders, receivers = np.nonzero((through < around) & np.isfinite(through) & ~np.eye(len(peers), dtype=np.bool_))
    return peers[senders].astype(np.int64), peers[receivers].astype(np.int64)


def _edge_costs(network: Network, amount_msat: int) -> Floats:
    """``[E]`` cost of sending over each edge; infinite where the policy or the capacity forbids it."""
    edges = network.edges
    usable = edges.enabled & (edges.htlc_min_msat <= amount_msat)
    usable &= network.channels.capacity_msat.repeat(2) >= amount_msat
    cost: Floats = np.where(usable, HOP_COST_MSAT + edges.base_fee_msat + amount_msat * edges.fee_ppm / PPM, np.inf)
    return cost


def _cheapest(costs: Floats, group: Ints, n_groups: int) -> Floats:
    """Smallest cost in each group (parallel channels to one peer)."""
    cheapest = np.full(n_groups, np.inf)
    np.minimum.at(cheapest, group, costs)
    return cheapest


def _largest_finite(costs: Floats) -> float:
    """Routes dearer than the dearest one through the node need not be found."""
    return float(costs[np.isfinite(costs)].max(initial=0.0))


def _matrix_without(network: Network, cost: Floats, node: int) -> csr_array:
    """``[N, N]`` cost of the cheapest edge between two nodes, edges of ``node`` left out."""
    source, target = network.edge_source, network.edge_target
    keep: Bools = np.isfinite(cost) & (source != node) & (target != node)
    source, target, cost = source[keep], target[keep], cost[keep]
    order = np.lexsort((cost, target, source))
    source, target, cost = source[order], target[order], cost[order]
    first = np.ones(len(cost), dtype=np.bool_)
    first[1:] = (np.diff(source) != 0) | (np.diff(target) != 0)
    return csr_array((cost[first], (source[first], target[first])), shape=(network.n_nodes, network.n_nodes))
