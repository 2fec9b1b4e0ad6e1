"""What the formats agree on about the policy of a direction."""

import numpy as np

from lnherd.network.graph import EDGE_DTYPE
from lnherd.network.records import Bools, Ints, Records

INBOUND_LIMITS = {"low": -(2**31), "high": 2**31 - 1}
"""bLIP 18 gives inbound fees 32 bits and a sign."""


def announced(edges: Records) -> Bools:
    """``[E]`` whether a direction says anything at all: enabled, or disabled with a policy still known."""
    known: Bools = np.zeros(len(edges), dtype=np.bool_)
    for name in EDGE_DTYPE.names or ():
        known |= edges[name] != 0
    return known


def capped(htlc_max_msat: Ints, capacity_msat: Ints) -> Ints:
    """HTLC limits as far as they mean anything: at most the capacity, which also stands in where none (0) is known.

    BOLT 7 forbids more than the capacity; nodes that mean "no limit" announce it all the same.
    """
    return np.where(htlc_max_msat == 0, capacity_msat, np.minimum(htlc_max_msat, capacity_msat))
