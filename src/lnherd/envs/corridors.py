"""Corridors: pairs of nodes whose payments prefer to pass through a given node.

A router lives from payments between others, so its scenario needs senders and receivers whose best route
leads through it. Preference is estimated on gossip alone, at one amount: fees plus a cost per hop, which
stands for the chance that a hop fails (LND's attempt cost of 100 sat dwarfs the fees of micro-payments).
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from lnherd.network.graph import Network
from lnherd.network.records import Bools, Floats, Ints
from lnherd.units import PPM

HOP_COST_MSAT = 150_000.0
"""What one more hop is worth avoiding."""
MAX_ENDPOINTS = 96
"""How many nodes near the router are considered as ends."""


def transit_pairs(network: Network, node: int, amount_msat: int) -> tuple[Ints, Ints]:
    """``(senders [P], receivers [P])`` whose cheapest route for ``amount_msat`` leads through ``node``.

    Ends are the nodes nearest to ``node``, at most MAX_ENDPOINTS of them; pairs in order of sender, receiver.
    """
    weights = _edge_weights(network, amount_msat)
    to_node = dijkstra(weights.T.tocsr(), indices=node)
    from_node = dijkstra(weights, indices=node)
    ends = _nearest(to_node + from_node, node)
    direct = dijkstra(_without(network, weights, node), indices=ends)[:, ends]
    through = to_node[ends][:, None] + from_node[ends][None, :]
    better = (through < direct) & np.isfinite(through)
    np.fill_diagonal(better, False)
    senders, receivers = np.nonzero(better)
    return ends[senders], ends[receivers]


def _edge_weights(network: Network, amount_msat: int) -> csr_array:
    """``[N, N]`` cost of the cheapest usable channel from one node to another."""
    edges = network.edges
    usable = edges.enabled & (edges.htlc_min_msat <= amount_msat)
    usable &= network.channels.capacity_msat.repeat(2) >= amount_msat
    source, target = network.edge_source[usable], network.edge_target[usable]
    cost = HOP_COST_MSAT + edges.base_fee_msat[usable] + amount_msat * edges.fee_ppm[usable] / PPM
    order = np.lexsort((cost, target, source))
    source, target, cost = source[order], target[order], cost[order]
    first = np.ones(len(cost), dtype=np.bool_)
    first[1:] = (np.diff(source) != 0) | (np.diff(target) != 0)
    return csr_array((cost[first], (source[first], target[first])), shape=(network.n_nodes, network.n_nodes))


def _without(network: Network, weights: csr_array, node: int) -> csr_array:
    """The same costs without the edges of ``node``."""
    edges = weights.tocoo()
    keep: Bools = (edges.row != node) & (edges.col != node)
    shape = (network.n_nodes, network.n_nodes)
    return csr_array((edges.data[keep], (edges.row[keep], edges.col[keep])), shape=shape)


def _nearest(distance: Floats, node: int) -> Ints:
    """The reachable nodes nearest to ``node``, in order of index."""
    order = np.argsort(distance, kind="stable")
    order = order[np.isfinite(distance[order]) & (order != node)]
    return np.sort(order[:MAX_ENDPOINTS])
