"""Networks that score choices, run inside the compiled loop: two layers of ReLU over one choice at a time.

``score = w3 . relu(W2 relu(W1 [context, choice] + b1) + b2)``; the highest score wins or, while exploring, a choice is
drawn by the softmax of the scores, or a share of the choices among all that are possible alike. Only the choices that
are possible are computed, and the context's part of the first layer once for all of them. The weights lie in
``state.scorer`` as W1 [context + choice, H1], b1, W2 [H1, H2], b2, w3, network after network, followed by room for the
activations. Which network a node runs is in ``state.crowd``. A context may end in what the neighbours do.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lnherd.engine.hop_beyond import see_beyond
from lnherd.engine.hop_crowd import describe_neighbours
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
from lnherd.engine.hop_recording import note_choice, note_decision
from lnherd.engine.hop_state import N_MEAN_ACTIONS
from lnherd.engine.hops import holder
from lnherd.engine.jit import jit
from lnherd.engine.rng import STREAM_EXPLORATION, uniform
from lnherd.engine.state import State
from lnherd.errors import InputError
from lnherd.network.records import Ints, Records

N_INPUTS = N_CONTEXT + N_FEATURES
DRAW_NONE, DRAW_SOFTMAX, DRAW_UNIFORM = range(3)


@dataclass(frozen=True)
class Exploration:
    """How choices are drawn."""

    seed: int
    """Of the draws."""
    epsilon: float | None = None
    """Share of choices drawn among all that are possible; None draws every choice by the softmax of the scores."""
    record: bool = True
    """Whether choices are recorded (``Simulation.fetch_choices``) and outcomes told."""
    sees_all: bool = False
    """Whether what no node sees is recorded too, for a central critic."""


@dataclass(frozen=True, eq=False)
class ScoringNetwork:
    """Weights, float32: ``w1 [N, H1]``, ``b1 [H1]``, ``w2 [H1, H2]``, ``b2 [H2]``, ``w3 [H2]``.

    ``N`` is ``N_INPUTS`` or, for a network that hears its neighbours, ``N_MEAN_ACTIONS`` more.

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
        n_inputs = N_INPUTS + N_MEAN_ACTIONS if self.hears_neighbours else N_INPUTS
        expected = ((n_inputs, hidden1), (hidden1,), (hidden1, hidden2), (hidden2,), (hidden2,))
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
    def hears_neighbours(self) -> bool:
        """Whether what the neighbours do is part of the context."""
        return len(self.w1) == N_INPUTS + N_MEAN_ACTIONS

    @property
    def n_weights(self) -> int:
        """How many numbers it consists of."""
        return sum(array.size for array in (self.w1, self.b1, self.w2, self.b2, self.w3))

    def flat(self) -> NDArray[np.float32]:
        """All weights one after another."""
        weights = [np.ravel(array) for array in (self.w1, self.b1, self.w2, self.b2, self.w3)]
        return np.concatenate(weights).astype(np.float32)

    @property
    def room(self) -> int:
        """Numbers of inputs and activations."""
        return len(self.w1) + 2 * len(self.b1) + len(self.b2)


def lay_out(networks: Sequence[ScoringNetwork], number_of: Ints, hops: Records, crowd: Records) -> NDArray[np.float32]:
    """Set up ``state.hops[0]`` and ``state.crowd``; returns ``state.scorer``.

    Raises:
        InputError: unless all networks are of one size and node v's, ``number_of[v]``, is one of them.
    """
    first = networks[0]
    if any(each.w1.shape != first.w1.shape or each.w2.shape != first.w2.shape for each in networks):
        raise InputError("scoring networks of one world need the same inputs and layers")
    if len(number_of) != len(crowd) or number_of.min() < 0 or number_of.max() >= len(networks):
        raise InputError(f"name one of the {len(networks)} scoring networks for each of the {len(crowd)} nodes")
    crowd.network = number_of
    hops.n_shared, hops.n_weights = len(first.w1) - N_FEATURES, first.n_weights
    hops.hidden1, hops.hidden2 = len(first.b1), len(first.b2)
    hops.scratch = len(networks) * first.n_weights
    return np.concatenate([*(each.flat() for each in networks), np.zeros(first.room, dtype=np.float32)])


def explore(hops: Records, exploration: Exploration | None) -> None:
    """Set up ``state.hops[0]``."""
    hops.draws, hops.is_recording, hops.sees_all, hops.next_look_ms = DRAW_NONE, False, False, 0
    if exploration is not None:
        hops.draws = DRAW_SOFTMAX if exploration.epsilon is None else DRAW_UNIFORM
        hops.epsilon, hops.draw_seed = exploration.epsilon or 0.0, exploration.seed
        hops.is_recording, hops.sees_all = exploration.record, exploration.sees_all


@jit
def draw_scored(state: State, attempt_id: int) -> int:
    """A possible choice by its score. Needs the shortlist."""
    hops, inputs, node = state.hops[0], state.hops[0].scratch, holder(state, attempt_id)
    hops.weights = state.crowd[node].network * hops.n_weights
    describe_context(state, attempt_id, state.scorer, inputs)
    if hops.hears_neighbours:
        describe_neighbours(state, node, state.scorer, inputs + N_CONTEXT)
    if hops.sees_all:
        see_beyond(state, attempt_id)
    _add_context(state)
    n_choices = FIRST_CHANNEL + hops.n_candidates
    best, n_possible = 0, 0
    for index in range(n_choices):
        hops.score[index] = -np.inf
        if is_possible(state, attempt_id, index):
            describe_choice(state, attempt_id, index, state.scorer, inputs + hops.n_shared)
            hops.score[index] = _score(state)
            note_choice(state, n_possible)
            n_possible += 1
            best = index if hops.score[index] > hops.score[best] else best
    chosen, log_probability = best, 0.0
    if hops.draws == DRAW_SOFTMAX:
        chosen, log_probability = _draw_softmax(state, n_choices, hops.score[best])
    elif hops.draws == DRAW_UNIFORM and _uniform(state, 0) < hops.epsilon:
        chosen = _draw_possible(state, n_choices, n_possible)
    note_decision(state, attempt_id, n_possible, _position(state, chosen), log_probability)
    return choice_of(state, chosen)


@jit
def _uniform(state: State, draw: int) -> float:
    return uniform(state.hops[0].draw_seed, STREAM_EXPLORATION, state.clock[0].decisions_total, draw)


@jit
def _draw_softmax(state: State, n_choices: int, highest: float) -> tuple[int, float]:
    """``(choice, log-probability)``"""
    hops, total = state.hops[0], 0.0
    for index in range(n_choices):
        total += math.exp(hops.score[index] - highest)
    left, chosen = _uniform(state, 1) * total, 0
    for index in range(n_choices):
        weight = math.exp(hops.score[index] - highest)
        if weight > 0.0:
            chosen = index
            left -= weight
            if left < 0.0:
                break
    return chosen, hops.score[chosen] - highest - math.log(total)


@jit
def _draw_possible(state: State, n_choices: int, n_possible: int) -> int:
    """Any that is possible, all alike."""
    left = int(_uniform(state, 1) * n_possible)
    for index in range(n_choices):
        if state.hops[0].score[index] > -np.inf:
            if left == 0:
                return index
            left -= 1
    return 0


@jit
def _position(state: State, chosen: int) -> int:
    """Of a choice among those that are possible."""
    position = 0
    for index in range(chosen):
        position += 1 if state.hops[0].score[index] > -np.inf else 0
    return position


@jit
def _add_context(state: State) -> None:
    """First layer, as far as all choices have it in common."""
    hops, scorer = state.hops[0], state.scorer
    width, inputs, weights = np.uint64(hops.hidden1), np.uint64(hops.scratch), np.uint64(hops.weights)
    n_shared = np.uint64(hops.n_shared)
    n_inputs = n_shared + np.uint64(N_FEATURES)
    _copy(scorer, weights + n_inputs * width, inputs + n_inputs, width)
    for feature in range(n_shared):
        _add_scaled(scorer, weights + feature * width, inputs + n_inputs, width, scorer[inputs + feature])


@jit
def _score(state: State) -> float:
    hops, scorer = state.hops[0], state.scorer
    width1, width2, inputs = np.uint64(hops.hidden1), np.uint64(hops.hidden2), np.uint64(hops.scratch)
    weights1, n_shared = np.uint64(hops.weights), np.uint64(hops.n_shared)
    n_inputs = n_shared + np.uint64(N_FEATURES)
    shared = inputs + n_inputs
    first, second = shared + width1, shared + width1 + width1
    weights2 = weights1 + (n_inputs + np.uint64(1)) * width1
    bias2 = weights2 + width1 * width2
    _copy(scorer, shared, first, width1)
    for feature in range(n_shared, n_inputs):
        _add_scaled(scorer, weights1 + feature * width1, first, width1, scorer[inputs + feature])
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
