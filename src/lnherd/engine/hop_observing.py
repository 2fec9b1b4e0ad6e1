"""Choices from outside: what waits, described for many holders at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lnherd.engine.codes import GIVE_UP
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
    shortlist,
)
from lnherd.engine.hop_state import N_GLOBAL, N_MEAN_ACTIONS
from lnherd.engine.hops import holder, is_over, mark_path
from lnherd.engine.jit import jit
from lnherd.engine.state import NONE, State
from lnherd.network.records import Bools, Indices, Ints, Records, zero_records

PENDING_DTYPE = np.dtype(
    [
        ("amount_msat", "i8"),
        ("node", "i4"),
        ("receiver", "i4"),
        ("payment", "i4"),
        ("incoming", "i4"),
        ("n_described", "i4"),
    ]
)
"""Who has to choose, about what: the part's amount, its payment, whom it is to reach, the edge over which it came, NONE
at the source. ``n_described`` counts the choices of the row that are not blank."""


@dataclass(frozen=True, eq=False)
class PendingChoices:
    """Room for ``B`` decisions of ``K`` choices each; the first ``n`` are those that wait, in order.

    ``context [B, C]``, ``candidates [B, K, F]`` (see :mod:`lnherd.engine.hop_features`), ``mask [B, K]``, never all
    false in a row that is used, ``choices [B, K]``: what to answer (an edge, ``SPLIT`` or ``GIVE_UP``), and ``about
    [B]`` (``PENDING_DTYPE``).
    """

    context: NDArray[np.float32]
    candidates: NDArray[np.float32]
    mask: Bools
    choices: Indices
    about: Records

    @classmethod
    def room_for(cls, n_decisions: int, max_candidates: int) -> "PendingChoices":
        """Allocate for as many."""
        n_choices = FIRST_CHANNEL + max_candidates
        return cls(
            context=np.zeros((n_decisions, N_CONTEXT), dtype=np.float32),
            candidates=np.zeros((n_decisions, n_choices, N_FEATURES), dtype=np.float32),
            mask=np.zeros((n_decisions, n_choices), dtype=np.bool_),
            choices=np.full((n_decisions, n_choices), GIVE_UP, dtype=np.int32),
            about=zero_records(n_decisions, PENDING_DTYPE),
        )

    def observe(self, state: State) -> int:
        """Describe what waits in ``state``, whose ``max_candidates`` must be the same; returns ``n``."""
        flat = (self.context.reshape(-1), self.candidates.reshape(-1), self.mask.reshape(-1), self.choices.reshape(-1))
        return observe_pending(state, *flat, self.about)


@jit
def observe_pending(
    state: State, context: Numbers, candidates: Numbers, mask: Bools, choices: Indices, about: Records
) -> int:
    """Fill the flattened arrays of :class:`PendingChoices`; returns how many decisions wait."""
    n_choices = FIRST_CHANNEL + state.settings[0].max_candidates
    n_pending = min(state.clock[0].n_pending, len(mask) // n_choices)
    for row in range(n_pending):
        attempt_id = state.pending[row]
        _describe_pending(state, attempt_id, about[row])
        mark_path(state, attempt_id)
        shortlist(state, attempt_id)
        describe_context(state, attempt_id, context, row * N_CONTEXT)
        n_used = FIRST_CHANNEL + state.hops[0].n_candidates
        for index in range(n_used):
            at = row * n_choices + index
            mask[at] = is_possible(state, attempt_id, index)
            choices[at] = choice_of(state, index)
            describe_choice(state, attempt_id, index, candidates, at * N_FEATURES)
        for index in range(n_used, about[row].n_described):  # the rest of the row is blank as it is
            at = row * n_choices + index
            mask[at], choices[at] = False, GIVE_UP
            for feature in range(at * N_FEATURES, (at + 1) * N_FEATURES):
                candidates[feature] = 0.0
        about[row].n_described = n_used
    return int(n_pending)


@jit
def _describe_pending(state: State, attempt_id: int, about: Records) -> None:
    """All of ``PENDING_DTYPE`` but ``n_described``."""
    attempt = state.attempts[attempt_id]
    about.amount_msat, about.payment = attempt.amount_msat, attempt.payment
    about.node, about.receiver = holder(state, attempt_id), state.payments[attempt.payment].receiver
    about.incoming = attempt.edges[attempt.hop] if attempt.hop >= 0 else NONE


@jit
def foreign_choice(state: State, choices: Ints) -> int:
    """The first edge among ``choices`` for what waits that does not leave its holder, or NONE."""
    for row in range(len(choices)):
        if choices[row] >= 0 and state.edges[choices[row]].source != holder(state, state.pending[row]):
            return int(choices[row])
    return NONE


@jit
def observe_beyond(state: State, neighbours: Numbers, beyond: Numbers) -> None:
    """What goes beyond their nodes' own view of the decisions that wait, where it is looked at: ``MEAN_ACTIONS`` and
    ``GLOBAL_FEATURES`` one decision after another."""
    hops = state.hops[0]
    for row in range(state.clock[0].n_pending):
        attempt_id = state.pending[row]
        if hops.hears_neighbours:
            describe_neighbours(state, holder(state, attempt_id), neighbours, row * N_MEAN_ACTIONS)
        if hops.sees_all and not is_over(state, attempt_id):
            mark_path(state, attempt_id)
            shortlist(state, attempt_id)
            see_beyond(state, attempt_id)
            for feature in range(N_GLOBAL):
                beyond[row * N_GLOBAL + feature] = hops.beyond[feature]
