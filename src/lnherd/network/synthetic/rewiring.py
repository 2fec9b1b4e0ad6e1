"""Changing who is joined to whom without changing anybody's number of channels.

Everything here exchanges ends: channels (a, b) and (c, d) become (a, d) and (c, b).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from lnherd.network.records import Bools, Indices, Ints
from lnherd.network.synthetic.matching import N_CLASSES, Ends

_EXCHANGE_ROUNDS = 50
_SHARE_PER_SWEEP = 0.35
"""Channels that one sweep of :func:`close_triads` tries: few enough that they seldom get in each other's way."""


class ParallelLimit:
    """How many channels a node pair may have: a fixed random number of each pair, one for most.

    A pair may have m channels beyond the first with probability ``tolerance * m ** -tail``.
    """

    def __init__(self, tolerance: float, tail: float, rng: np.random.Generator) -> None:
        self._ln_tolerance = np.log(max(tolerance, 1e-300))
        self._tail = tail
        self._salt = rng.integers(1 << 63, dtype=np.uint64)

    def extra_channels(self, pair: Ints) -> Ints:
        """Channels beyond the first that each ``pair`` (a number that names it) may have."""
        uniform = (_mix(pair.astype(np.uint64) ^ self._salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        ln_extra = (self._ln_tolerance - np.log(np.maximum(uniform, 1e-18))) / self._tail
        extra: Ints = np.exp(np.clip(ln_extra, -1.0, 20.0)).astype(np.int64)
        return extra


def _mix(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finaliser of SplitMix64 (Steele, Lea and Flood 2014): near words become unrelated ones."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def limit_parallel(ends: Ends, n_nodes: int, limit: ParallelLimit, rng: np.random.Generator) -> Ends:
    """Exchange ends at random until no node pair holds more channels than it may and no node one with itself.

    What small, dense networks cannot resolve stays parallel; loops that remain are dropped.
    """
    near, far = ends[0].copy(), ends[1].copy()
    for _ in range(_EXCHANGE_ROUNDS):
        excess = _excess(near, far, n_nodes, limit)
        offending = np.flatnonzero(excess)
        if len(offending) == 0 or 2 * len(offending) > len(near):
            break
        partner = rng.choice(np.flatnonzero(~excess), size=len(offending), replace=False)
        far[offending], far[partner] = far[partner], far[offending]
    apart = near != far
    return near[apart], far[apart]


def _excess(near: Ints, far: Ints, n_nodes: int, limit: ParallelLimit) -> Bools:
    """Channels ``[C]`` that are loops or beyond the limit of their pair."""
    pair = np.minimum(near, far) * n_nodes + np.maximum(near, far)
    repeated = _repeated(pair)
    order = np.argsort(pair[repeated], kind="stable")
    position = np.arange(len(repeated))
    is_first = np.diff(pair[repeated][order], prepend=-1) != 0
    occurrence = np.empty(len(repeated), dtype=np.int64)
    occurrence[order] = position - np.maximum.accumulate(np.where(is_first, position, 0))
    excess: Bools = near == far
    excess[repeated] |= occurrence > limit.extra_channels(pair[repeated])
    return excess


def _repeated(values: Ints) -> Ints:
    """Positions of the values that occur more than once (far quicker than sorting all positions)."""
    ascending = np.sort(values)
    twice = np.unique(ascending[1:][ascending[1:] == ascending[:-1]])
    if len(twice) == 0:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(twice[np.minimum(np.searchsorted(twice, values), len(twice) - 1)] == values)


class _Partners:
    """Random access to the channels of a node with partners of one class."""

    def __init__(self, near: Ints, far: Ints, label: Ints, rng: np.random.Generator) -> None:
        self._end_sum, self._rng = near + far, rng
        key = np.concatenate([near * N_CLASSES + label[far], far * N_CLASSES + label[near]])
        self._order = _counting_order(key, len(label) * N_CLASSES) % len(near)
        self._count = np.bincount(key, minlength=len(label) * N_CLASSES)
        self._first = np.cumsum(self._count) - self._count

    def draw(self, node: Ints, wanted: Ints) -> tuple[Ints, Ints]:
        """A random channel of each ``node`` to a partner of class ``wanted``, and that partner; -1 where none.

        A ``node`` of -1, from a draw before, has none.
        """
        key = np.maximum(node, 0) * N_CLASSES + wanted
        pick = (self._rng.random(len(node)) * self._count[key]).astype(np.int64)
        channel = self._order[np.minimum(self._first[key] + pick, len(self._order) - 1)]
        exists = (node >= 0) & (self._count[key] > 0)
        return np.where(exists, channel, -1), np.where(exists, self._end_sum[channel] - node, -1)


def _counting_order(key: Ints, n_keys: int) -> Indices:
    """Stable order of small whole numbers, by counting: what a conversion to compressed rows does."""
    position = np.arange(len(key), dtype=np.int32)
    cells = (np.ones(len(key), dtype=np.int8), (key.astype(np.int32), position))
    order: Indices = coo_array(cells, shape=(n_keys, len(key))).tocsr().indices
    return order


def close_triads(ends: Ends, label: Ints, rng: np.random.Generator) -> Ends:
    """One sweep that leads channels to partners of partners, so that there are more triangles.

    Channel (v, w) and a channel (x, y) become (v, x) and (w, y), where x is a partner of another
    partner of v. As x has the class of w, and y that of v (``label [N]``), the mixing of classes stays.
    """
    near, far = ends[0].copy(), ends[1].copy()
    if len(near) == 0:
        return near, far
    partners = _Partners(near, far, label, rng)
    chosen = rng.permutation(len(near))[: int(_SHARE_PER_SWEEP * len(near))]
    smaller_first = label[near[chosen]] <= label[far[chosen]]
    v = np.where(smaller_first, near[chosen], far[chosen])
    w = near[chosen] + far[chosen] - v
    via, h = partners.draw(v, rng.integers(N_CLASSES, size=len(v)))
    step, x = partners.draw(h, label[w])
    other, y = partners.draw(x, label[v])
    possible = (via >= 0) & (step >= 0) & (other >= 0) & (h != w) & (x != v) & (x != w) & (y != v) & (y != w)
    possible &= (other != via) & (other != step)
    apart = possible.nonzero()[0][_untangled(chosen[possible], other[possible])]
    near[chosen[apart]], far[chosen[apart]] = v[apart], x[apart]
    near[other[apart]], far[other[apart]] = w[apart], y[apart]
    return near, far


def _untangled(first: Ints, second: Ints) -> Ints:
    """Positions of the exchanges whose two channels take part in no other one."""
    _, index, count = np.unique(np.concatenate([first, second]), return_inverse=True, return_counts=True)
    return np.flatnonzero((count[index] == 1).reshape(2, -1).all(axis=0))


def join_components(ends: Ends, n_nodes: int, rng: np.random.Generator) -> Ends:
    """Make one component by exchanging ends; only where that cannot be, by adding a channel.

    A channel (a, b) of a small component and a channel (c, d) of the largest that lies on a cycle
    become (a, c) and (b, d): neither side falls apart.
    """
    near, far = ends[0].copy(), ends[1].copy()
    label, largest = _components(near, far, n_nodes)
    component, lone = np.unique(label[near], return_index=True)
    lone = lone[component != largest]
    spare = rng.permutation(_cycle_channels(near, far, label, largest))[: len(lone)]
    lone = lone[: len(spare)]
    far[lone], near[spare] = near[spare], far[lone]
    return _attach_the_rest(near, far, n_nodes, rng)


def _components(near: Ints, far: Ints, n_nodes: int) -> tuple[Ints, int]:
    """Component label ``[N]`` of each node and the label of the largest."""
    _, label = connected_components(_arcs(near, far, n_nodes), directed=False)
    return label.astype(np.int64), int(np.bincount(label).argmax())


def _arcs(near: Ints, far: Ints, n_nodes: int) -> csr_array:
    return csr_array((np.ones(len(near), dtype=np.int32), (near, far)), shape=(n_nodes, n_nodes))


def _cycle_channels(near: Ints, far: Ints, label: Ints, largest: int) -> Ints:
    """Channels of the largest component that a spanning tree of it does without."""
    root = int(np.flatnonzero(label == largest)[0])
    _, parent = breadth_first_order(_arcs(near, far, len(label)), root, directed=False)
    in_tree = (parent[near] == far) | (parent[far] == near)
    return np.flatnonzero((label[near] == largest) & ~in_tree)


def _attach_the_rest(near: Ints, far: Ints, n_nodes: int, rng: np.random.Generator) -> Ends:
    """Give each component still apart a channel to a node of the largest, drawn by its channels."""
    label, largest = _components(near, far, n_nodes)
    component, node = np.unique(label, return_index=True)
    node = node[component != largest].astype(np.int64)
    if len(node) == 0:
        return near, far
    inside = np.concatenate([near, far])
    inside = inside[label[inside] == largest]
    host = rng.choice(inside, size=len(node)) if len(inside) else np.full(len(node), np.argmax(label == largest))
    return np.concatenate([near, node]), np.concatenate([far, host])
