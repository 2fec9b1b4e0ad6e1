"""Rules that a candidate-scoring network can be: a few of its units carry the rule, as a start for learning.

A rule says what features of a candidate are worth. One unit adds all features up; a pair of features, ``a * b``, has a
unit of its own, which for features within [0, 1] is ``max(0, a + b - 1)``: their product where one of them is 0 or 1.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
PAIR = " * "
SIGNED = ("step",)
"""Features that may be below 0."""


def units_of(prior: Mapping[str, float], names: Sequence[str]) -> tuple[Numbers, Numbers, Numbers]:
    """``(weights [F, U], biases [U], worth [U])`` of the units of ``prior`` over features called ``names [F]``.

    The first unit is the sum. Its bias, the same for all candidates, keeps it above 0.
    """
    single = np.array([prior.get(name, 0.0) for name in names])
    pairs = [name.split(PAIR) for name in prior if PAIR in name]
    size = float(np.abs(single).max()) or 1.0
    weights, biases = np.zeros((len(names), 1 + len(pairs))), np.full(1 + len(pairs), -1.0)
    least = np.where([name in SIGNED for name in names], -np.abs(single), np.minimum(single, 0.0))
    weights[:, 0], biases[0] = single / size, -least.sum() / size
    for unit, pair in enumerate(pairs, start=1):
        weights[[names.index(name) for name in pair], unit] = 1.0
    return weights, biases, np.array([size, *(prior[PAIR.join(pair)] for pair in pairs)])
