"""The true balances and what is in flight, for critics outside the package; no node sees them."""

import numpy as np
from numpy.typing import NDArray

from lnherd.engine import Simulation
from lnherd.network.records import plain


def channel_state(simulation: Simulation) -> NDArray[np.float32]:
    """``[2E]`` share of its channel that each edge's near end owns, then share that is in flight over each edge."""
    edges = plain(simulation.state.edges)[: simulation.network.n_edges]
    capacity = np.maximum(simulation.network.channels.capacity_msat.repeat(2), 1)
    shares = np.concatenate([edges["balance_msat"] / capacity, edges["in_flight_msat"] / capacity])
    state: NDArray[np.float32] = np.clip(shares, 0.0, 1.0).astype(np.float32)
    return state
