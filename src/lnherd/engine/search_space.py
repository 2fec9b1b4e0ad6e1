"""Memory of the path search: what it needs beside the gossip, allocated once for a topology.

Nothing here depends on fees, limits, balances or on which directions are enabled, so none of these ever
makes it stale. Only a new channel does: the arrays are then allocated anew.
"""

import math

import numpy as np

from lnherd.engine.state import BALL_DTYPE, FRONTIER_DTYPE, LABEL_DTYPE, MAX_TABLES, RECALL_DTYPE, SEARCH_DTYPE
from lnherd.network.graph import Network
from lnherd.network.records import Bools, Records, zero_records

OUTSIDE = 254
"""Odds of a node that is farther from the sender than has been looked."""
LEAF = 255
"""Odds that keep leaves from being entered."""
MOST_ODDS = 120
"""Largest distance told apart."""
HOP_ODDS = 4
"""Units of a hop nobody knows anything about."""
LOG_UNIT = -math.log(0.6) / HOP_ODDS * (1.0 - 1e-9)
"""Minus the logarithm of one unit: four are LND's 0.6, and a hair more, so that rounding errors cannot matter."""
SCAN_BUDGET, USUAL_EDGES = 4096, 1 << 17
"""Edges that may be looked at to grow the ball around the sender beyond its peers, in networks of a usual size."""


def scan_budget(n_edges: int) -> int:
    """The same for any size: it grows with the square root, as do the ways that meet half-way.

    With 1.2 million edges, 16,384 made searches settle a quarter of the nodes that 4,096 did, and 262,144 hardly fewer.
    """
    return max(SCAN_BUDGET, math.isqrt(SCAN_BUDGET**2 * n_edges // USUAL_EDGES))


def allocate_search(network: Network) -> dict[str, Records]:
    """State fields of the path search, by name, for gossip in the order of ``network.incoming``."""
    n_nodes, n_edges = network.n_nodes, network.n_edges
    _, order = network.incoming
    sources = network.edge_source[order]
    most_channels = int(network.degree.max(initial=0))
    return {
        "search": _search(scan_budget(n_edges)),
        "labels": zero_records(n_nodes, LABEL_DTYPE),
        "recall": zero_records(n_nodes, RECALL_DTYPE),
        "frontier": zero_records(n_edges + 2 * n_nodes + 1, FRONTIER_DTYPE),
        "peers": np.where(leaves(network)[sources], sources + n_nodes, sources).astype(np.int32),
        "odds_to": np.repeat(np.array([OUTSIDE, 0] * MAX_TABLES, dtype=np.uint8), n_nodes),
        "odds_past": np.repeat(np.array([OUTSIDE, LEAF] * MAX_TABLES, dtype=np.uint8), n_nodes),
        "is_own_peer": np.zeros(n_nodes, dtype=np.bool_),
        "ball": zero_records(MAX_TABLES * (scan_budget(n_edges) + most_channels + n_nodes + 1), BALL_DTYPE),
    }


def _search(budget: int) -> Records:
    search = zero_records(1, SEARCH_DTYPE)
    search[0].scan_budget = budget
    search[0].chance = [math.exp(-LOG_UNIT * odds) for odds in range(256)]
    return search


def leaves(network: Network) -> Bools:
    """``[N]`` which nodes have channels with one peer only: no route passes through them."""
    lowest = np.full(network.n_nodes, network.n_nodes, dtype=np.int64)
    highest = np.full(network.n_nodes, -1, dtype=np.int64)
    np.minimum.at(lowest, network.edge_source, network.edge_target)
    np.maximum.at(highest, network.edge_source, network.edge_target)
    leaf: Bools = lowest == highest
    return leaf
