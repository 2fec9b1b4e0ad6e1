"""Distances: how many hops a node is from a destination, in tables made once for a network and shared.

Hops over directions that were enabled when the tables were made; channels opened, closed or disabled later do not
change them, as real routing tables lag behind. Networks of up to about 16,000 nodes get a row for every destination.
Larger ones get exact rows for the destinations paid most often, as many as fit; any other destination counts as
the way to the well-connected node nearest to it and on from there, an upper bound.
"""

import numpy as np
from numpy.typing import NDArray

from lnherd.engine.hop_state import DESTINATION_DTYPE, N_REGIONS
from lnherd.engine.jit import jit
from lnherd.engine.state import State
from lnherd.network.graph import Network
from lnherd.network.records import Ints, Records, zero_records

FAR = 255
"""Not reachable, or farther than can be told."""
TABLE_BYTES = 1 << 28
COMPLETE = "complete distance tables"
"""Name among what is derived from a network: tables with a row for every destination depend on nothing else."""


@jit
def hops_between(state: State, node: int, destination: int) -> int:
    """Hops from ``node`` to ``destination`` by the tables, at most ``FAR``."""
    if node == destination:
        return 0
    entry = state.destinations[destination]
    hops = int(state.distances[int(entry.row) * len(state.nodes) + node]) + int(entry.offset)
    return min(FAR, hops)


def no_tables() -> dict[str, Records]:
    """State fields for a simulation in which nobody asks for distances."""
    return {"distances": np.zeros(1, dtype=np.uint8), "destinations": zero_records(1, DESTINATION_DTYPE)}


def distance_tables(network: Network, receivers: Ints) -> dict[str, Records]:
    """State fields ``distances`` and ``destinations`` for payments to ``receivers``."""
    n_nodes = network.n_nodes
    if COMPLETE in network.derived:
        complete: dict[str, Records] = network.derived[COMPLETE]
        return complete
    hubs = np.argsort(-network.degree, kind="stable")[:N_REGIONS]
    to_hubs = _rows(network, hubs)
    region = to_hubs.argmin(axis=0)
    destinations = zero_records(n_nodes, DESTINATION_DTYPE)
    destinations.region = region
    n_rows = TABLE_BYTES // max(n_nodes, 1)
    if n_rows >= n_nodes:
        destinations.row = np.arange(n_nodes)
        distances = _rows(network, np.arange(n_nodes)).reshape(-1)
        network.derived[COMPLETE] = {"distances": distances, "destinations": destinations}
        return {"distances": distances, "destinations": destinations}
    often = np.argsort(-np.bincount(receivers, minlength=n_nodes), kind="stable")[: n_rows - len(hubs)]
    destinations.row = region
    destinations.offset = to_hubs[region, np.arange(n_nodes)]  # taken to be the same both ways
    destinations.row[often] = len(hubs) + np.arange(len(often))
    destinations.offset[often] = 0
    table = np.concatenate([to_hubs, _rows(network, often)])
    return {"distances": table.reshape(-1), "destinations": destinations}


def _rows(network: Network, destinations: Ints) -> NDArray[np.uint8]:
    """``[D, N]`` hops from every node to each of ``destinations``."""
    start, edges = network.incoming
    sources = network.edge_source[edges].astype(np.int32)
    enabled = network.edges.enabled[edges]
    rows = np.full((len(destinations), network.n_nodes), FAR, dtype=np.uint8)
    queue = np.empty(network.n_nodes, dtype=np.int32)
    for row, destination in zip(rows, destinations, strict=True):
        _fill(row, int(destination), start, sources, enabled, queue)
    return rows


@jit
def _fill(
    row: NDArray[np.uint8],
    destination: int,
    start: NDArray[np.int32],
    sources: NDArray[np.int32],
    enabled: NDArray[np.bool_],
    queue: NDArray[np.int32],
) -> None:
    """Breadth first from the destination, against the direction of the edges."""
    row[destination] = 0
    queue[0], head, tail = destination, 0, 1
    while head < tail:
        node = queue[head]
        head += 1
        if row[node] >= FAR - 1:
            continue
        for position in range(start[node], start[node + 1]):
            source = sources[position]
            if enabled[position] and row[source] == FAR:
                row[source] = row[node] + 1
                queue[tail] = source
                tail += 1
