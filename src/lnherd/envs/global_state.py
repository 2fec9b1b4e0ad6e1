"""What nobody in the network can see, but a central critic may: the true balances and the traffic of all."""

import numpy as np
from numpy.typing import NDArray

from lnherd.control.hop_decision import DecisionBatch
from lnherd.engine import Simulation
from lnherd.engine.codes import FAILED, SUCCEEDED
from lnherd.network.records import Floats, Ints, plain

GLOBAL_FEATURES = (
    "receiver_room",
    "receiver_slots",
    "onward_room",
    "onward_share",
    "depleted",
    "in_flight",
    "slots_used",
    "success_lately",
)
"""Of one decision, from 0 to 1: the amount as a share of the most that any channel can bring the receiver now, and how
many of its channels could; the same of what the best candidates' far ends could send on, and of how many candidates
could; of the network: channels with next to nothing to send, value in flight and slots in use; success of late."""
DEPLETED = 0.02
"""Share of the capacity that counts as nothing."""
WINDOW = 200
"""Payments, of those that started last, whose success counts."""


def channel_state(simulation: Simulation) -> NDArray[np.float32]:
    """``[2E]`` share of its channel that each edge's near end owns, then share that is in flight over each edge."""
    edges = plain(simulation.state.edges)[: simulation.network.n_edges]
    capacity = np.maximum(simulation.network.channels.capacity_msat.repeat(2), 1)
    shares = np.concatenate([edges["balance_msat"] / capacity, edges["in_flight_msat"] / capacity])
    state: NDArray[np.float32] = np.clip(shares, 0.0, 1.0).astype(np.float32)
    return state


def global_features(simulation: Simulation, batch: DecisionBatch) -> NDArray[np.float32]:
    """``[B, len(GLOBAL_FEATURES)]`` of the decisions that wait."""
    edges = plain(simulation.state.edges)[: simulation.network.n_edges]
    is_free = edges["is_open"] & edges["enabled"] & (edges["n_htlcs"] < edges["max_htlcs"])
    spendable = np.where(is_free, np.maximum(edges["balance_msat"] - edges["reserve_msat"], 0), 0)
    amount = batch.amount_msat.astype(np.float64)
    features = np.zeros((len(amount), len(GLOBAL_FEATURES)))
    most_in, most_out = (_most(spendable, edges[end], simulation.network.n_nodes) for end in ("target", "source"))
    features[:, 0] = _fits(amount, most_in[batch.receiver])
    features[:, 1] = _share_into(simulation, spendable, batch)
    onward = most_out[edges["target"][np.maximum(batch.edges, 0)]] * (batch.mask & (batch.edges >= 0))
    features[:, 2] = _fits(amount, onward.max(axis=1, initial=0))
    features[:, 3] = (onward >= amount[:, None]).sum(axis=1) / np.maximum((onward > 0).sum(axis=1), 1)
    features[:, 4:] = _network(simulation, spendable, edges)
    return features.astype(np.float32)


def _most(spendable: Ints, ends: Ints, n_nodes: int) -> Floats:
    most = np.zeros(n_nodes)
    np.maximum.at(most, ends, spendable)
    return most


def _fits(amount: Floats, room: Floats) -> Floats:
    share: Floats = np.minimum(1.0, room / np.maximum(amount, 1.0))
    return share


def _share_into(simulation: Simulation, spendable: Ints, batch: DecisionBatch) -> Floats:
    """``[B]`` share of the receiver's channels that can bring the amount."""
    start, order = simulation.network.incoming
    shares = np.zeros(len(batch.receiver))
    for row, (receiver, amount) in enumerate(zip(batch.receiver.tolist(), batch.amount_msat.tolist(), strict=True)):
        into = order[start[receiver] : start[receiver + 1]]
        shares[row] = (spendable[into] >= amount).mean() if len(into) else 0.0
    return shares


def _network(simulation: Simulation, spendable: Ints, edges: NDArray[np.void]) -> Floats:
    """``[4]`` of the whole network."""
    capacity = np.maximum(simulation.network.channels.capacity_msat.repeat(2), 1)
    n_started = int(simulation.state.clock[0].next_payment)
    status = plain(simulation.payments)["status"][max(0, n_started - WINDOW) : n_started]
    n_ended = ((status == SUCCEEDED) | (status == FAILED)).sum()
    return np.array(
        [
            (spendable < DEPLETED * capacity).mean(),
            min(1.0, 10.0 * float(edges["in_flight_msat"].sum()) / float(capacity.sum())),
            float((edges["n_htlcs"] / np.maximum(edges["max_htlcs"], 1)).mean()),
            float((status == SUCCEEDED).sum()) / max(int(n_ended), 1),
        ]
    )
