"""Memory of the hop-by-hop mode, allocated with the state; next to nothing for senders that search routes."""

import numpy as np

from lnherd.engine.config import SimulationConfig
from lnherd.engine.distances import distance_tables, no_tables
from lnherd.engine.hop_state import (
    CHOICE_DTYPE,
    CHOICE_ROW_DTYPE,
    CROWD_DTYPE,
    HOPS_DTYPE,
    N_REGIONS,
    OUTCOME_DTYPE,
    TRACK_DTYPE,
)
from lnherd.network.graph import Network
from lnherd.network.records import Ints, Records, zero_records

DECISION_BATCH = 4096
"""Most choices that wait for an answer from outside at a time."""
INITIAL_OUTCOMES = 256


def allocate_hops(network: Network, receivers: Ints, config: SimulationConfig) -> dict[str, Records]:
    """State fields of the hop-by-hop mode, by name."""
    is_used = config.sender == "policy"
    tables = distance_tables(network, receivers) if is_used else no_tables()
    return {
        "hops": zero_records(1, HOPS_DTYPE),
        "pending": np.zeros(DECISION_BATCH if is_used else 1, dtype=np.int32),
        "outcomes": zero_records(INITIAL_OUTCOMES, OUTCOME_DTYPE),
        "tracks": zero_records(network.n_edges * N_REGIONS if is_used else 1, TRACK_DTYPE),
        "crowd": zero_records(network.n_nodes if is_used else 1, CROWD_DTYPE),
        "scorer": np.zeros(1, dtype=np.float32),
        "log": zero_records(1, CHOICE_DTYPE),
        "log_rows": zero_records(1, CHOICE_ROW_DTYPE),
        **tables,
    }
