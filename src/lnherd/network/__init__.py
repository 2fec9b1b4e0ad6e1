"""Who exists: networks, their policies, where they are read from and how they are generated."""

from lnherd.network.graph import CHANNEL_DTYPE, EDGE_DTYPE, Network

__all__ = ["CHANNEL_DTYPE", "EDGE_DTYPE", "Network"]
