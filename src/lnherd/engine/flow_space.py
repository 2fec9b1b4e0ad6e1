"""Memory of the min-cost-flow solver, allocated once for a topology where senders use it."""

from lnherd.engine.config import SimulationConfig
from lnherd.engine.state import FLOW_ARC_DTYPE, FLOW_NODE_DTYPE, FLOW_PROBLEM_DTYPE, FRONTIER_DTYPE
from lnherd.network.graph import Network
from lnherd.network.records import Records, zero_records


def allocate_flow(network: Network, config: SimulationConfig) -> dict[str, Records]:
    """State fields of the solver, by name. The heap takes an entry for each edge and each arc of one search."""
    n_nodes, n_edges = (network.n_nodes, network.n_edges) if config.sender == "mincostflow" else (0, 0)
    return {
        "mcf": zero_records(1, FLOW_PROBLEM_DTYPE),
        "mcf_nodes": zero_records(n_nodes, FLOW_NODE_DTYPE),
        "mcf_arcs": zero_records(n_edges, FLOW_ARC_DTYPE),
        "mcf_heap": zero_records(2 * n_edges + 1, FRONTIER_DTYPE),
    }
