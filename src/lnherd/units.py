"""Units of the Lightning world. Money is integer millisatoshi; the unit is part of every name."""

from typing import NewType

Msat = NewType("Msat", int)
"""Millisatoshi, the unit of every balance, fee and price."""
Sat = NewType("Sat", int)
"""Satoshi, the unit of the chain."""
Ppm = NewType("Ppm", int)
"""Parts per million of an amount."""
Milliseconds = NewType("Milliseconds", int)
"""Simulated time since the start of a run."""
Blocks = NewType("Blocks", int)
"""Block heights and time locks."""

MSAT_PER_SAT = 1_000
SAT_PER_BTC = 100_000_000
MSAT_PER_BTC = MSAT_PER_SAT * SAT_PER_BTC
PPM = 1_000_000
MS_PER_SECOND = 1_000
MS_PER_MINUTE = 60 * MS_PER_SECOND
MS_PER_HOUR = 60 * MS_PER_MINUTE
MS_PER_DAY = 24 * MS_PER_HOUR


def msat_from_sat(sat: int) -> Msat:
    """Convert whole satoshi to millisatoshi."""
    return Msat(sat * MSAT_PER_SAT)


def sat_from_msat(msat: int) -> float:
    """Convert millisatoshi to satoshi for display and rewards (a float: never a balance)."""
    return msat / MSAT_PER_SAT
