"""Counter-based randomness: a hash of (seed, stream, two counters), so nothing depends on the order of draws.

What happens to one payment is thus the same whatever happens to the others, which lets policies be compared
on common random numbers. The mixer is the finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
"""

import math

import numpy as np

from lnherd.engine.jit import jit

# One stream for each use, so that no two uses ever share a number.
STREAM_LATENCY = 1
STREAM_STUCK = 2
STREAM_BLOCK = 3
STREAM_FEERATE = 4
STREAM_CHURN = 5
STREAM_PRESENCE = 6
STREAM_HOLD = 7
STREAM_REFUSE = 8
STREAM_GOSSIP = 9
STREAM_JUMP = 10
STREAM_CHOICE = 16
STREAM_EXPLORATION = 17

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLY_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLY_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31, _SHIFT_11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 1.0 / 9007199254740992.0  # 2**-53: a double holds 53 random bits


@jit
def _mix(bits: np.uint64) -> np.uint64:
    bits = (bits ^ (bits >> _SHIFT_30)) * _MULTIPLY_1
    bits = (bits ^ (bits >> _SHIFT_27)) * _MULTIPLY_2
    return bits ^ (bits >> _SHIFT_31)


@jit
def uniform(seed: int, stream: int, first: int, second: int) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    bits = _mix(np.uint64(seed) + _GOLDEN)
    bits = _mix((bits ^ np.uint64(stream)) + _GOLDEN)
    bits = _mix((bits ^ np.uint64(first)) + _GOLDEN)
    bits = _mix((bits ^ np.uint64(second)) + _GOLDEN)
    return float(bits >> _SHIFT_11) * _TO_UNIT


@jit
def standard_normal(seed: int, stream: int, first: int, second: int) -> float:
    """A standard normal number (Box & Muller 1958) from the counters ``2 * second`` and ``2 * second + 1``."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(seed, stream, first, 2 * second)))
    return radius * math.cos(2.0 * math.pi * uniform(seed, stream, first, 2 * second + 1))


@jit
def exponential(seed: int, stream: int, first: int, second: int) -> float:
    """An exponential number with mean 1."""
    return -math.log(1.0 - uniform(seed, stream, first, second))
