"""Files and networks: one reader per format, detected by content."""

from lnherd.network.snapshots.lnd import write_describegraph
from lnherd.network.snapshots.plain_csv import write_csv
from lnherd.network.snapshots.reading import read_network

__all__ = ["read_network", "write_csv", "write_describegraph"]
