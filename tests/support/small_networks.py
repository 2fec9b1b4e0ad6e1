"""Networks and payments written by hand: a line of text for each thing a test is about."""

import numpy as np

from lnherd.network.graph import CHANNEL_DTYPE, EDGE_DTYPE, Network
from lnherd.network.records import zero_records
from lnherd.traffic.demand import PAYMENT_DTYPE

SAT = 1_000
DEFAULT_POLICY = {"base_fee_msat": 1_000, "fee_ppm": 100, "cltv_delta": 40, "htlc_min_msat": 1, "enabled": True}


def network_of(channels, *, policies=None, n_nodes=None, name="small", **default_policy):
    """A network of ``channels`` [(node1, node2, near_sat, far_sat)], all of one policy but for ``policies``.

    ``policies`` maps an edge to the fields in which it differs; ``default_policy`` changes all edges.
    """
    records = zero_records(len(channels), CHANNEL_DTYPE)
    balance_msat = np.zeros(2 * len(channels), dtype=np.int64)
    for index, (node1, node2, near_sat, far_sat) in enumerate(channels):
        records[index] = (node1, node2, (near_sat + far_sat) * SAT, -1)
        balance_msat[2 * index : 2 * index + 2] = near_sat * SAT, far_sat * SAT
    edges = zero_records(2 * len(channels), EDGE_DTYPE)
    for field, value in (DEFAULT_POLICY | default_policy).items():
        edges[field] = value
    for edge, changes in (policies or {}).items():
        for field, value in changes.items():
            edges[field][edge] = value
    size = n_nodes or int(max(max(channel[:2]) for channel in channels)) + 1
    node_ids = np.array([f"node{index}" for index in range(size)])
    return Network(node_ids, records, edges, balance_msat=balance_msat, name=name)


def line_of(n_nodes, near_sat=500_000, far_sat=500_000, *, policies=None, **policy):
    """Nodes in a row: edge 2i leads from node i to node i + 1."""
    channels = [(node, node + 1, near_sat, far_sat) for node in range(n_nodes - 1)]
    return network_of(channels, policies=policies, **policy)


def payments_of(*payments):
    """Payment records from (start_ms, sender, receiver, amount_msat)."""
    records = zero_records(len(payments), PAYMENT_DTYPE)
    for index, (start_ms, sender, receiver, amount_msat) in enumerate(payments):
        records[index] = (start_ms, amount_msat, sender, receiver, 0)
    return records
