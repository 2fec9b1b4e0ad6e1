"""Limits on what strangers may take: free requests, and invoices that nobody pays.

Token buckets, one for each client, in bounded memory. A client is its network, not what it says of
itself: ``X-Forwarded-For`` can be written by anyone, so it is never read here.
"""

import ipaddress
from collections import OrderedDict
from functools import lru_cache
from typing import Final

from lnherd.errors import InputError

MAX_CLIENTS: Final = 65_536
CACHED_ADDRESSES: Final = 4096
_IPV4_PREFIX: Final = 24
_IPV6_PREFIX: Final = 56


class Buckets:
    """For each key ``burst`` units at once, refilled at ``per_s`` a second. Not for use by several threads at once."""

    def __init__(self, per_s: float, burst: int, max_keys: int = MAX_CLIENTS) -> None:
        if per_s <= 0 or burst < 1 or max_keys < 1:
            raise InputError(f"a limit of {per_s}/s with a burst of {burst} lets nobody through; give positive numbers")
        self.per_s = per_s
        self.burst = burst
        self.max_keys = max_keys
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now_s: float) -> float:
        """Take one unit; 0.0 when there was one, otherwise the seconds until there will be."""
        level, then_s = self._levels.pop(key, (float(self.burst), now_s))
        level = min(self.burst, level + max(0.0, now_s - then_s) * self.per_s)
        wait_s = 0.0 if level >= 1 else (1 - level) / self.per_s
        self._levels[key] = (level - 1 if wait_s == 0.0 else level, now_s)
        if len(self._levels) > self.max_keys:
            self._levels.popitem(last=False)
        return wait_s


@lru_cache(CACHED_ADDRESSES)
def client_network(address: str | None) -> str:
    """The network a peer address belongs to (/24, /56); strangers without one share a key."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    prefix = _IPV4_PREFIX if parsed.version == 4 else _IPV6_PREFIX
    return str(ipaddress.ip_network((parsed, prefix), strict=False))
