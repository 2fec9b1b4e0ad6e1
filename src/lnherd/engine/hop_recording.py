"""Recording what scoring networks choose: every decision with more than one possibility, as the network saw it.

Learners read it (``Simulation.fetch_choices``) instead of being asked: all stays in compiled code while a world runs.
"""

from lnherd.control.hop_encode import FIRST_CHANNEL, N_CONTEXT, N_FEATURES
from lnherd.engine.hop_state import MAX_CANDIDATES, N_GLOBAL, N_MEAN_ACTIONS
from lnherd.engine.hops import holder
from lnherd.engine.jit import jit
from lnherd.engine.state import State

MAX_CHOICES = FIRST_CHANNEL + MAX_CANDIDATES


@jit
def lacks_log_space(state: State) -> bool:
    """Whether one more decision might find no room."""
    hops = state.hops[0]
    is_full = hops.n_logged >= len(state.log) or hops.n_rows + MAX_CHOICES > len(state.log_rows)
    return bool(hops.is_recording and is_full)


@jit
def note_choice(state: State, position: int) -> None:
    """The network's present input is the possibility at ``position`` of the running decision."""
    hops = state.hops[0]
    if hops.is_recording:
        row, first = state.log_rows[hops.n_rows + position], hops.scratch + hops.n_shared
        for feature in range(N_FEATURES):
            row.features[feature] = state.scorer[first + feature]


@jit
def note_decision(state: State, attempt_id: int, n_possible: int, chosen: int, log_probability: float) -> None:
    """Of ``n_possible`` possibilities the one at ``chosen`` was taken. Where there was no choice nothing is noted."""
    hops = state.hops[0]
    if not hops.is_recording or n_possible < 2:
        return
    entry, attempt = state.log[hops.n_logged], state.attempts[attempt_id]
    entry.decision, entry.node = state.clock[0].decisions_total, holder(state, attempt_id)
    entry.payment, entry.attempt = attempt.payment, attempt.number
    entry.n_choices, entry.chosen, entry.log_probability = n_possible, chosen, log_probability
    for feature in range(N_CONTEXT):
        entry.context[feature] = state.scorer[hops.scratch + feature]
    if hops.hears_neighbours:
        for feature in range(N_MEAN_ACTIONS):
            entry.neighbours[feature] = state.scorer[hops.scratch + N_CONTEXT + feature]
    if hops.sees_all:
        for feature in range(N_GLOBAL):
            entry.beyond[feature] = hops.beyond[feature]
    hops.n_logged += 1
    hops.n_rows += n_possible
