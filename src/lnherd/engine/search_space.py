"""Memory of the path search: what it needs beside the gossip, allocated once for a topology.

Nothing here depends on fees, limits, balances or on which directions are enabled, so none of these ever
makes it stale. Only a new channel does: the arrays are then allocated anew.
"""

import numpy as np

from lnherd.engine.state import FRONTIER_DTYPE, LABEL_DTYPE, RECALL_DTYPE, SEARCH_DTYPE
from lnherd.network.graph import Network
from lnherd.network.records import Bools, Records, zero_records

OUTSIDE = 255
"""Level of a node that is farther from the sender than has been looked."""
LEAF = 254
"""Level that keeps leaves from being entered."""
SCAN_BUDGET = 4096
"""Edges that may be looked at to grow the ball around the sender by whole levels beyond its peers."""


def allocate_search(network: Network) -> dict[str, Records]:
    """State fields of the path search, by name, for gossip in the order of ``network.incoming``."""
    n_nodes, n_edges = network.n_nodes, network.n_edges
    _, order = network.incoming
    sources = network.edge_source[order]
    level = np.full(2 * n_nodes, OUTSIDE, dtype=np.uint8)
    is_leaf = leaves(network)
    level[n_nodes:][is_leaf] = LEAF
    search = zero_records(1, SEARCH_DTYPE)
    search[0].scan_budget = SCAN_BUDGET
    return {
        "search": search,
        "labels": zero_records(n_nodes, LABEL_DTYPE),
        "recall": zero_records(n_nodes, RECALL_DTYPE),
        "frontier": zero_records(n_edges + 3 * n_nodes + 1, FRONTIER_DTYPE),
        "peers": np.where(is_leaf[sources], sources + n_nodes, sources).astype(np.int32),
        "level": level,
        "ball": np.zeros(n_nodes, dtype=np.int32),
    }


def leaves(network: Network) -> Bools:
    """``[N]`` which nodes have channels with one peer only: no route passes through them."""
    lowest = np.full(network.n_nodes, network.n_nodes, dtype=np.int64)
    highest = np.full(network.n_nodes, -1, dtype=np.int64)
    np.minimum.at(lowest, network.edge_source, network.edge_target)
    np.maximum.at(highest, network.edge_source, network.edge_target)
    leaf: Bools = lowest == highest
    return leaf
