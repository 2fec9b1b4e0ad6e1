"""What no herder of a flock can see, but a central critic or a mixer may: all their views and the true balances.

For every herder its context, how much its peers could send on and take in beside the channels with it, and four figures
of the network. The same for all herders of a moment.
"""

import numpy as np
from numpy.typing import NDArray

from lnherd.control.encode import CONTEXT_FEATURES
from lnherd.engine import Simulation
from lnherd.envs.flock import FlockTask
from lnherd.network.records import Floats, Ints, plain

OF_PEERS = ("peers_can_send", "peers_can_take")
OF_NETWORK = ("depleted", "one_sided", "in_flight", "slots_used")
"""Shares: of the live directions, those with next to nothing to send, and channels with nine tenths at one end; ten
times the value in flight; slots."""
DEPLETED, ONE_SIDED = 0.02, 0.9


def flock_state_names(n_herders: int) -> tuple[str, ...]:
    """Columns of :func:`flock_state`."""
    own = (*CONTEXT_FEATURES, *OF_PEERS)
    return (*(f"{name}_{herder}" for herder in range(n_herders) for name in own), *OF_NETWORK)


def flock_state(task: FlockTask, contexts: NDArray[np.float32]) -> NDArray[np.float32]:
    """``[S]`` of the moment at which the learners see ``contexts [M, C]``."""
    edges = plain(task.simulation.state.edges)[: task.simulation.network.n_edges]
    own = contexts[:, : len(CONTEXT_FEATURES)]
    peers = np.array([_peers(task, node, edges) for node in task.asked])
    network = _network(task.simulation, edges)
    state: NDArray[np.float32] = np.concatenate([np.concatenate([own, peers], axis=1).ravel(), network])
    return state.astype(np.float32)


def _peers(task: FlockTask, node: int, edges: NDArray[np.void]) -> tuple[float, float]:
    """What the peers of ``node`` could send on and take in over their other channels, as a share of these."""
    network = task.simulation.network
    live = edges["is_open"] & edges["enabled"]
    ours = network.out_edges(node).astype(np.int64)
    peers = np.unique(network.edge_target[ours[live[ours]]])
    others = np.isin(network.edge_source, peers) & (network.edge_target != node) & live
    capacity = max(float(network.channels.capacity_msat.repeat(2)[others].sum()), 1.0)
    near, far = (float(edges["balance_msat"][side].sum()) for side in _both_sides(others))
    return near / capacity, far / capacity


def _both_sides(edges: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """The directions, and the opposite ones."""
    forth = np.flatnonzero(edges)
    return forth, forth ^ 1


def _network(simulation: Simulation, edges: NDArray[np.void]) -> Floats:
    capacity = np.maximum(simulation.network.channels.capacity_msat.repeat(2), 1)
    shares = edges["balance_msat"] / capacity
    return np.array(
        [
            float((shares < DEPLETED).mean()),
            float((shares > ONE_SIDED).mean()),
            min(1.0, 10.0 * float(edges["in_flight_msat"].sum()) / float(capacity.sum())),
            float((edges["n_htlcs"] / np.maximum(edges["max_htlcs"], 1)).mean()),
        ]
    )
