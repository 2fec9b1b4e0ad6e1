"""Pairing stubs (half channels) at random, with mainnet's preferences between small and large nodes."""

import numpy as np
from scipy.special import ndtr

from lnherd.network.records import Floats, Ints
from lnherd.network.synthetic.mainnet2026 import CLASS_EDGES, MIXING

N_CLASSES = len(MIXING)

Ends = tuple[Ints, Ints]
"""The two ends ``[C]`` of channels."""


def stub_places(stubs: Ints) -> Floats:
    """Where each node stands among all stubs in order of size, 0 to 1; ``stubs [N]`` are those of each node.

    A place, unlike a degree, means the same in a network of any size.
    """
    order = np.argsort(stubs, kind="stable")
    through = np.cumsum(stubs[order])
    place = np.empty(len(stubs))
    place[order] = (through - stubs[order] / 2) / max(int(through[-1]), 1)
    return place


def stub_classes(stubs: Ints) -> Ints:
    """Class ``[N]`` of each node: the interval of :data:`CLASS_EDGES` that its place falls in."""
    return np.searchsorted(CLASS_EDGES, stub_places(stubs)).astype(np.int64)


def match_stubs(stubs_of_node: Ints, role_share: float, rng: np.random.Generator) -> Ends:
    """Pair all stubs, class with class as often as on mainnet; loops and parallel channels may occur.

    Which stubs of a class meet which other class is a matter of chance and, for ``role_share`` of its
    variance, of the node's own role: of two hubs of one size, one serves small nodes and the other
    routes between hubs.
    """
    stubs = np.repeat(np.arange(len(stubs_of_node)), stubs_of_node)
    label = stub_classes(stubs_of_node)[stubs]
    key = role_share**0.5 * rng.standard_normal(len(stubs_of_node))[stubs]
    key += (1 - role_share) ** 0.5 * rng.standard_normal(len(stubs))
    stubs = stubs[np.argsort(label + ndtr(key))]
    count = np.bincount(label, minlength=N_CLASSES)
    end = np.cumsum(count)
    free = end - count
    pairs: list[Ends] = []
    for a, b, n_channels in _plan(count, rng):
        near = stubs[free[a] : free[a] + n_channels]
        free[a] += n_channels
        far = stubs[free[b] : free[b] + n_channels]
        free[b] += n_channels
        pairs.append((rng.permutation(near), far))
    left = rng.permutation(np.concatenate([stubs[free[a] : end[a]] for a in range(N_CLASSES)]))
    half = len(left) // 2
    pairs.append((left[:half], left[half : 2 * half]))
    return np.concatenate([near for near, _ in pairs]), np.concatenate([far for _, far in pairs])


def _plan(count: Ints, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Channels to make between each two classes with ``count`` stubs; what rounding leaves over is not planned."""
    expected = _expected_stubs(count)
    free = count.copy()
    cells = [(a, b) for a in range(N_CLASSES) for b in range(a, N_CLASSES)]
    plan = []
    for cell in rng.permutation(len(cells)):
        a, b = cells[cell]
        wanted = int(expected[a, b] / (2 if a == b else 1) + rng.random())
        n_channels = min(wanted, int(free[a]) // 2 if a == b else min(int(free[a]), int(free[b])))
        free[a] -= n_channels
        free[b] -= n_channels
        plan.append((a, b, n_channels))
    return sorted(plan)


def _expected_stubs(count: Ints) -> Floats:
    """``[K, K]`` stubs of each class to meet each class: the preferences, fitted to ``count`` row by row."""
    expected: Floats = np.asarray(MIXING) * np.outer(count, count) / max(int(count.sum()), 1)
    for _ in range(100):
        scale = np.divide(count, expected.sum(axis=1), out=np.zeros(N_CLASSES), where=count > 0)
        expected = expected * np.sqrt(np.outer(scale, scale))
    return expected
