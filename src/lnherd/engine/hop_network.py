"""A network that scores choices, run inside the compiled loop: two layers of ReLU over one choice at a time.

``score = w3 . relu(W2 relu(W1 [context, choice] + b1) + b2)``; the highest score wins. Only the choices that are
possible are computed, and the context's part of the first layer once for all of them. The weights lie in
``state.scorer`` as W1 [context + choice, H1], b1, W2 [H1, H2], b2, w3, followed by room for the activations.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lnherd.engine.hop_features import (
    FIRST_CHANNEL,
    N_CONTEXT,
    N_FEATURES,
    Numbers,
    choice_of,
    describe_choice,
    describe_context,
    is_possible,
)
from lnherd.engine.jit import jit
from lnherd.engine.state import State
from lnherd.errors import InputError

N_INPUTS = N_CONTEXT + N_FEATURES


@dataclass(frozen=True, eq=False)
class ScoringNetwork:
    """Weights, float32: ``w1 [N_INPUTS, H1]``, ``b1 [H1]``, ``w2 [H1, H2]``, ``b2 [H2]``, ``w3 [H2]``.

    Raises:
        InputError: when the shapes do not fit together.
    """

    w1: NDArray[np.float32]
    b1: NDArray[np.float32]
    w2: NDArray[np.float32]
    b2: NDArray[np.float32]
    w3: NDArray[np.float32]

    def __post_init__(self) -> None:
        hidden1, hidden2 = len(self.b1), len(self.b2)
        expected = ((N_INPUTS, hidden1), (hidden1,), (hidden1, hidden2), (hidden2,), (hidden2,))
        found = tuple(array.shape for array in (self.w1, self.b1, self.w2, self.b2, self.w3))
        if found != expected:
            raise InputError(f"a scoring network needs weights of shapes {expected}, got {found}")

    @classmethod
    def random(cls, hidden: int, rng: np.random.Generator) -> "ScoringNetwork":
        """Two layers of ``hidden`` units with He's initial weights."""

        def drawn(rows: int, columns: int) -> NDArray[np.float32]:
            return rng.normal(0.0, np.sqrt(2.0 / rows), (rows, columns)).astype(np.float32)

        zeros = np.zeros(hidden, dtype=np.float32)
        return cls(drawn(N_INPUTS, hidden), zeros, drawn(hidden, hidden), zeros.copy(), drawn(hidden, 1)[:, 0])

    @property
    def n_weights(self) -> int:
        """How many numbers it consists of."""
        return sum(array.size for array in (self.w1, self.b1, self.w2, self.b2, self.w3))

    def flat(self) -> NDArray[np.float32]:
        """All weights one after another, then room for inputs and activations."""
        weights = [np.ravel(array) for array in (self.w1, self.b1, self.w2, self.b2, self.w3)]
        room = np.zeros(N_INPUTS + 2 * len(self.b1) + len(self.b2), dtype=np.float32)
        return np.concatenate([*weights, room]).astype(np.float32)


@jit
def best_scored(state: State, attempt_id: int) -> int:
    """The possible choice with the highest score, the first of equals. Needs the shortlist."""
    inputs = state.hops[0].scratch
    describe_context(state, attempt_id, state.scorer, inputs)
    _add_context(state)
    best, best_score = 0, -np.inf
    for index in range(FIRST_CHANNEL + state.hops[0].n_candidates):
        if is_possible(state, attempt_id, index):
            describe_choice(state, attempt_id, index, state.scorer, inputs + N_CONTEXT)
            score = _score(state)
            if score > best_score:
                best, best_score = index, score
    return choice_of(state, best)


@jit
def _add_context(state: State) -> None:
    """First layer, as far as all choices have it in common."""
    hops, scorer = state.hops[0], state.scorer
    width, inputs = np.uint64(hops.hidden1), np.uint64(hops.scratch)
    _copy(scorer, np.uint64(N_INPUTS) * width, inputs + np.uint64(N_INPUTS), width)
    for feature in range(np.uint64(N_CONTEXT)):
        _add_scaled(scorer, feature * width, inputs + np.uint64(N_INPUTS), width, scorer[inputs + feature])


@jit
def _score(state: State) -> float:
    hops, scorer = state.hops[0], state.scorer
    width1, width2, inputs = np.uint64(hops.hidden1), np.uint64(hops.hidden2), np.uint64(hops.scratch)
    shared = inputs + np.uint64(N_INPUTS)
    first, second = shared + width1, shared + width1 + width1
    weights2 = np.uint64(N_INPUTS + 1) * width1
    bias2 = weights2 + width1 * width2
    _copy(scorer, shared, first, width1)
    for feature in range(np.uint64(N_CONTEXT), np.uint64(N_INPUTS)):
        _add_scaled(scorer, feature * width1, first, width1, scorer[inputs + feature])
    _copy(scorer, bias2, second, width2)
    for unit in range(width1):
        if scorer[first + unit] > np.float32(0.0):
            _add_scaled(scorer, weights2 + unit * width2, second, width2, scorer[first + unit])
    score = 0.0
    for unit in range(width2):
        score += max(scorer[second + unit], np.float32(0.0)) * scorer[bias2 + width2 + unit]
    return float(score)


@jit
def _copy(numbers: Numbers, source: np.uint64, target: np.uint64, width: np.uint64) -> None:
    for unit in range(width):
        numbers[target + unit] = numbers[source + unit]


@jit
def _add_scaled(numbers: Numbers, source: np.uint64, target: np.uint64, width: np.uint64, scale: np.float32) -> None:
    """``target += scale * source``. Unsigned indices spare the test for negative ones, so that it is vectorised."""
    if scale != np.float32(0.0):
        for unit in range(width):
            numbers[target + unit] += scale * numbers[source + unit]
