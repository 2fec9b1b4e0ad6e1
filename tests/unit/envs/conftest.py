import numpy as np
import pytest

from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import zero_records

SAT = 1_000


def joined(pairs, n_nodes, capacity_sat=1_000_000):
    """A network of the given channels, all alike, open in both directions for 1 sat + 100 ppm."""
    channels = zero_records(len(pairs), CHANNEL_DTYPE)
    channels.node1, channels.node2 = np.array(pairs).T
    channels.capacity_msat = np.asarray(capacity_sat) * SAT
    channels.scid = -1
    edges = empty_edges(len(pairs))
    edges.enabled = True
    edges.base_fee_msat, edges.fee_ppm = 1_000, 100
    edges.htlc_min_msat, edges.htlc_max_msat = 1, np.repeat(channels.capacity_msat, 2)
    edges.cltv_delta = 40
    return Network(np.array([f"n{i:02}" for i in range(n_nodes)]), channels, edges, name="test network")


@pytest.fixture(scope="session")
def small_network():
    """24 nodes in a ring with chords; node 0 is the largest and sells swaps."""
    rng = np.random.default_rng(0)
    pairs = {(i, (i + 1) % 24) for i in range(24)} | {(0, i) for i in range(2, 22, 3)}
    while len(pairs) < 56:
        a, b = sorted(rng.choice(24, 2, replace=False).tolist())
        pairs |= {(a, b)}
    ordered = sorted(pairs)
    return joined(ordered, 24, [4_000_000 if a == 0 else 1_000_000 for a, _ in ordered])
