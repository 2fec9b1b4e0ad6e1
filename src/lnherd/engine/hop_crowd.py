"""Mean field: what the neighbours of a node have lately done, on average (Yang et al. 2018, arXiv 1802.05438).

    Q_i(s, a_i, a_-i) ~ Q_i(s, a_i, mean of a_j over the neighbours j)

An action's kind is what it means for a payment, the same for every node: it gives up, splits, or goes nearer to the
receiver, sideways or farther. The mean of each node's own actions fades; a node hears the mean over its channels, so a
neighbour counts once for each channel between the two.
"""

from lnherd.engine.codes import SPLIT
from lnherd.engine.distances import hops_between
from lnherd.engine.hop_features import Numbers
from lnherd.engine.hop_state import N_MEAN_ACTIONS
from lnherd.engine.jit import jit
from lnherd.engine.state import State
from lnherd.network.records import Records

GIVES_UP, SPLITS, NEARER, SIDEWAYS, FARTHER = range(N_MEAN_ACTIONS)
MEMORY = 32.0
"""Own actions after which an earlier one counts 1 / e."""


def hear_neighbours(hops: Records, crowd: Records) -> None:
    """Take down from now on what nodes do; until they act, they count as going nearer."""
    hops.hears_neighbours = True
    crowd.actions[:] = 0.0
    crowd.actions[:, NEARER] = 1.0


@jit
def note_action(state: State, node: int, receiver: int, choice: int) -> None:
    """``node`` takes ``choice``: an edge, ``SPLIT`` or ``GIVE_UP``."""
    if not state.hops[0].hears_neighbours:
        return
    mine = state.crowd[node]
    for kind in range(N_MEAN_ACTIONS):
        mine.actions[kind] *= 1.0 - 1.0 / MEMORY
    mine.actions[_kind(state, node, receiver, choice)] += 1.0 / MEMORY


@jit
def _kind(state: State, node: int, receiver: int, choice: int) -> int:
    if choice < 0:
        return SPLITS if choice == SPLIT else GIVES_UP
    here = hops_between(state, node, receiver)
    there = hops_between(state, state.edges[choice].target, receiver)
    if there == here:
        return SIDEWAYS
    return NEARER if there < here else FARTHER


@jit
def describe_neighbours(state: State, node: int, out: Numbers, at: int) -> None:
    """Write ``MEAN_ACTIONS`` of the neighbours of ``node`` to ``out[at:]``."""
    first, end = state.nodes[node].gossip_start, state.nodes[node].gossip_end
    for kind in range(N_MEAN_ACTIONS):
        total = 0.0
        for position in range(first, end):
            total += state.crowd[state.gossip[position].source].actions[kind]
        out[at + kind] = total / max(1, end - first)
