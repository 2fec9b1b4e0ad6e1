"""Edge-disjoint shortest paths, one after the other: what a payer chooses from who splits over several ways.

The first is a shortest path in hops; each next one a shortest path that uses none of the channels of those before
(Spider: Sivaraman et al., NSDI 2020). Among paths of equal length, those over larger channels come first.
"""

from collections import deque

import numpy as np

from lnherd.network.graph import Network


def disjoint_paths(network: Network, source: int, target: int, most: int) -> list[list[int]]:
    """At most ``most`` paths from ``source`` to ``target``, as lists of edges; empty where there is none."""
    used: set[int] = set()
    paths: list[list[int]] = []
    while len(paths) < most:
        path = _shortest(_neighbours(network), used, source, target)
        if not path:
            break
        used.update(edge >> 1 for edge in path)
        paths.append(path)
    return paths


Neighbours = list[list[tuple[int, int]]]
"""By node: enabled edges that leave it, the largest channel first, and where they lead."""
NEIGHBOURS = "neighbours by capacity"
"""Name among what is derived from a network."""


def _neighbours(network: Network) -> Neighbours:
    if NEIGHBOURS not in network.derived:
        capacity = np.repeat(network.channels.capacity_msat, 2)
        target, enabled = network.edge_target, network.edges.enabled
        made: Neighbours = []
        for node in range(network.n_nodes):
            edges = network.out_edges(node)
            edges = edges[enabled[edges]]
            edges = edges[np.argsort(-capacity[edges], kind="stable")]
            made.append(list(zip(edges.tolist(), target[edges].tolist(), strict=True)))
        network.derived[NEIGHBOURS] = made
    known: Neighbours = network.derived[NEIGHBOURS]
    return known


def _shortest(neighbours: Neighbours, used: set[int], source: int, target: int) -> list[int]:
    """Breadth first; empty where ``target`` cannot be reached."""
    way: dict[int, tuple[int, int]] = {source: (-1, -1)}
    queue = deque([source])
    while queue and target not in way:
        node = queue.popleft()
        for edge, peer in neighbours[node]:
            if peer not in way and edge >> 1 not in used:
                way[peer] = (edge, node)
                queue.append(peer)
    path: list[int] = []
    node = target
    while node != source and node in way:
        edge, node = way[node]
        path.append(edge)
    return path[::-1]
