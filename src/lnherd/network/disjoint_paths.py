"""Edge-disjoint shortest paths, one after the other: what a payer chooses from who splits over several ways.

The first is a shortest path in hops; each next one a shortest path that uses none of the channels of those before
(Spider: Sivaraman et al., NSDI 2020). Among paths of equal length, those over larger channels come first.
"""

from collections import deque

import numpy as np

from lnherd.network.graph import Network


def disjoint_paths(
    network: Network, source: int, target: int, most: int, *, most_ppm: int | None = None
) -> list[list[int]]:
    """At most ``most`` paths from ``source`` to ``target``, as lists of edges; empty where there is none.

    Channels of others that charge more than ``most_ppm`` are no way.
    """
    neighbours = (_neighbours(network, None), _neighbours(network, most_ppm))
    used: set[int] = set()
    paths: list[list[int]] = []
    while len(paths) < most:
        path = _shortest(neighbours, used, source, target)
        if not path:
            break
        used.update(edge >> 1 for edge in path)
        paths.append(path)
    return paths


Neighbours = list[list[tuple[int, int]]]
"""By node: enabled edges that leave it, the largest channel first, and where they lead."""


def _neighbours(network: Network, most_ppm: int | None) -> Neighbours:
    name = f"neighbours by capacity, up to {most_ppm} ppm"
    if name not in network.derived:
        capacity, target = np.repeat(network.channels.capacity_msat, 2), network.edge_target
        usable = network.edges.enabled
        if most_ppm is not None:
            usable = usable & (network.edges.fee_ppm <= most_ppm)
        made: Neighbours = []
        for node in range(network.n_nodes):
            edges = network.out_edges(node)
            edges = edges[usable[edges]]
            edges = edges[np.argsort(-capacity[edges], kind="stable")]
            made.append(list(zip(edges.tolist(), target[edges].tolist(), strict=True)))
        network.derived[name] = made
    known: Neighbours = network.derived[name]
    return known


def _shortest(neighbours: tuple[Neighbours, Neighbours], used: set[int], source: int, target: int) -> list[int]:
    """Breadth first over the payer's own neighbours, then those of others; empty where there is no way."""
    way: dict[int, tuple[int, int]] = {source: (-1, -1)}
    queue = deque([source])
    while queue and target not in way:
        node = queue.popleft()
        for edge, peer in neighbours[node != source][node]:
            if peer not in way and edge >> 1 not in used:
                way[peer] = (edge, node)
                queue.append(peer)
    path: list[int] = []
    node = target
    while node != source and node in way:
        edge, node = way[node]
        path.append(edge)
    return path[::-1]
