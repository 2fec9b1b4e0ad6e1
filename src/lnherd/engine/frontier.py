"""The search's priority queue: a 4-ary heap of (key, phase, node), smallest first.

Four children share a cache line. Entries are never moved down when a better label is found: the better one
is pushed as well and the stale one skipped when it comes up. At equal keys further edges of settled nodes
(a phase) go before nodes to settle (phase -1), so that every label of that cost is known when a node is
settled; then the lower node index goes first. That makes a search reproducible.
"""

from lnherd.engine.jit import jit
from lnherd.network.records import Records


@jit
def push(frontier: Records, n_entries: int, key: float, phase: int, node: int) -> None:
    """Insert an entry into a heap of ``n_entries``; the caller counts."""
    hole = n_entries
    while hole > 0:
        parent = (hole - 1) >> 2
        above = frontier[parent]
        if not _before(key, phase, node, above.key, above.phase, above.node):
            break
        _place(frontier, hole, above.key, above.phase, above.node)
        hole = parent
    _place(frontier, hole, key, phase, node)


@jit
def drop_first(frontier: Records, n_entries: int) -> None:
    """Remove the first of ``n_entries``, which the caller has read; the caller counts."""
    last = frontier[n_entries - 1]
    key, phase, node = last.key, last.phase, last.node
    hole = 0
    while True:
        child = 4 * hole + 1
        if child >= n_entries - 1:
            break
        best = frontier[child]
        for other in range(child + 1, min(child + 4, n_entries - 1)):
            entry = frontier[other]
            if _before(entry.key, entry.phase, entry.node, best.key, best.phase, best.node):
                child, best = other, entry
        if not _before(best.key, best.phase, best.node, key, phase, node):
            break
        _place(frontier, hole, best.key, best.phase, best.node)
        hole = child
    _place(frontier, hole, key, phase, node)


@jit
def _before(key: float, phase: int, node: int, other_key: float, other_phase: int, other_node: int) -> bool:
    if key != other_key:
        return key < other_key
    if phase != other_phase:
        return phase > other_phase
    return node < other_node


@jit
def _place(frontier: Records, index: int, key: float, phase: int, node: int) -> None:
    entry = frontier[index]
    entry.key = key
    entry.phase = phase
    entry.node = node
