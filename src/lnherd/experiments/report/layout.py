"""Where to draw the nodes of a network: rings of equal hops around one node.

Every node hangs on one that is a hop nearer. Each gets a sector of the circle as wide as the number of nodes
that end in it, so the disc fills evenly, and sits in the middle of its sector (a radial tree drawing).
"""

import numpy as np

from lnherd.network.graph import Network
from lnherd.network.records import Floats, Indices, Ints

GOLDEN = 0.6180339887498949
BREADTH = 0.6
"""Of a ring, in hops: crowded rings stay readable."""


def positions(network: Network, centre: int) -> Floats:
    """Coordinates ``[N, 2]`` within [-1, 1]; ``centre`` is at the origin, nodes it cannot reach are outermost."""
    hops = hops_from(network, centre)
    outermost = int(hops.max(initial=0)) + 1
    parent = _parents(network, np.where(hops < 0, outermost, hops), centre)
    angle = _angles(parent, np.argsort(np.where(hops < 0, outermost, hops), kind="stable"), centre)
    spread = (np.arange(network.n_nodes) * GOLDEN) % 1.0 - 0.5
    radius = np.where(hops < 0, outermost, hops) + BREADTH * spread
    radius[centre] = 0.0
    place = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    scaled: Floats = place / max(float(radius.max()), 1e-12)
    return scaled


def hops_from(network: Network, node: int) -> Ints:
    """``[N]`` hops from ``node`` over any channel, -1 where there is no way."""
    hops = np.full(network.n_nodes, -1, dtype=np.int64)
    hops[node] = 0
    reached, distance = np.array([node]), 0
    while len(reached):
        distance += 1
        at_hand = np.zeros(network.n_nodes, dtype=np.bool_)
        at_hand[reached] = True
        neighbours = np.unique(network.edge_target[at_hand[network.edge_source]])
        reached = neighbours[hops[neighbours] < 0]
        hops[reached] = distance
    return hops


def _parents(network: Network, hops: Ints, centre: int) -> Ints:
    """``[N]`` what each node hangs on: of its neighbours one hop nearer the one with least on it, else the centre."""
    parent = np.full(network.n_nodes, centre, dtype=np.int64)
    load = np.zeros(network.n_nodes, dtype=np.int64)
    target: Indices = network.edge_target
    for node in np.argsort(hops, kind="stable"):
        neighbours = target[network.out_edges(int(node))]
        nearer = neighbours[hops[neighbours] == hops[node] - 1]
        if len(nearer):
            parent[node] = nearer[np.argmin(load[nearer])]
        load[parent[node]] += 1
    return parent


def _angles(parent: Ints, order: Ints, centre: int) -> Floats:
    """``[N]`` middle of each node's sector; ``order`` lists parents before children."""
    leaves = np.zeros(len(parent))
    for node in order[::-1]:
        leaves[node] = max(leaves[node], 1.0)
        if node != centre:
            leaves[parent[node]] += leaves[node]
    start, used = np.zeros(len(parent)), np.zeros(len(parent))
    width = 2.0 * np.pi * leaves / leaves[centre]
    for node in order:
        if node != centre:
            start[node] = start[parent[node]] + used[parent[node]]
            used[parent[node]] += width[node]
    middle: Floats = start + width / 2.0
    return middle
