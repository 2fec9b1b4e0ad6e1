"""Edge-disjoint shortest paths, one after the other: what a payer chooses from who splits over several ways.

The first is a shortest path in hops; each next one a shortest path that uses none of the channels of those before
(Spider: Sivaraman et al., NSDI 2020). Among paths of equal length, those over larger channels come first.
"""

from collections import deque

import numpy as np

from lnherd.network.graph import Network
from lnherd.network.records import Bools


def disjoint_paths(
    network: Network, source: int, target: int, most: int, *, most_ppm: int | None = None
) -> list[list[int]]:
    """At most ``most`` paths from ``source`` to ``target``, as lists of edges; empty where there is none.

    Channels of others that charge more than ``most_ppm`` are no way.
    """
    used: set[int] = set()
    paths: list[list[int]] = []
    while len(paths) < most:
        path = _shortest(_neighbours(network, most_ppm), used, source, target)
        if not path:
            break
        used.update(edge >> 1 for edge in path)
        paths.append(path)
    return paths


Neighbours = list[list[tuple[int, int]]]
"""By node: enabled edges that leave it, the largest channel first, and where they lead."""


def _neighbours(network: Network, most_ppm: int | None) -> tuple[Neighbours, Neighbours]:
    """What a payer can begin with, and what others offer."""
    own, cheap = np.ones(network.n_edges, dtype=np.bool_), network.edges.fee_ppm <= (most_ppm or 0)
    offered = _made(network, "neighbours by capacity", own)
    return offered, offered if most_ppm is None else _made(network, f"neighbours up to {most_ppm} ppm", cheap)


def _made(network: Network, name: str, usable: Bools) -> Neighbours:
    if name not in network.derived:
        capacity = np.repeat(network.channels.capacity_msat, 2)
        target, enabled = network.edge_target, network.edges.enabled
        made: Neighbours = []
        for node in range(network.n_nodes):
            edges = network.out_edges(node)
            edges = edges[enabled[edges] & usable[edges]]
            edges = edges[np.argsort(-capacity[edges], kind="stable")]
            made.append(list(zip(edges.tolist(), target[edges].tolist(), strict=True)))
        network.derived[name] = made
    known: Neighbours = network.derived[name]
    return known


def _shortest(neighbours: tuple[Neighbours, Neighbours], used: set[int], source: int, target: int) -> list[int]:
    """Breadth first; empty where ``target`` cannot be reached."""
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
