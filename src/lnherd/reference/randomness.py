"""Counter-based randomness in plain integers: SplitMix64's finaliser over (seed, stream, two counters)."""

import math
from enum import IntEnum

from lnherd.engine.config import SimulationConfig

WORD = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio, the increment of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014)."""
COUNTERS_PER_ATTEMPT = 1 << 12
"""Attempts of one payment that have latencies of their own."""
LONGEST_ROUTE = 27


class Stream(IntEnum):
    """What a number is drawn for; no two uses share a number."""

    LATENCY = 1
    STUCK = 2
    BLOCK = 3
    FEERATE = 4
    CHURN = 5
    PRESENCE = 6
    HOLD = 7
    REFUSE = 8
    GOSSIP = 9
    JUMP = 10
    CHOICE = 16


def mix(word: int) -> int:
    """Scramble 64 bits."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & WORD
    return word ^ (word >> 31)


def uniform(seed: int, stream: Stream, first: int, second: int) -> float:
    """A number in [0, 1) that depends on nothing but the arguments."""
    word = mix((seed + GOLDEN) & WORD)
    for counter in (stream, first, second):
        word = mix(((word ^ counter) + GOLDEN) & WORD)
    return (word >> 11) / (1 << 53)


def standard_normal(seed: int, stream: Stream, first: int, second: int) -> float:
    """A standard normal number from two uniform ones (Box & Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(seed, stream, first, 2 * second)))
    return radius * math.cos(2.0 * math.pi * uniform(seed, stream, first, 2 * second + 1))


def exponential(seed: int, stream: Stream, first: int, second: int) -> float:
    """An exponential number with mean 1."""
    return -math.log(1.0 - uniform(seed, stream, first, second))


def hop_latency_ms(config: SimulationConfig, seed: int, attempt: tuple[int, int], hop: int, *, forth: bool) -> int:
    """Milliseconds a message takes over one hop.

    ``attempt`` is (payment, number of the attempt within it); ``forth`` is towards the receiver, the only
    way on which a hop can get stuck.
    """
    payment, number = attempt
    first, second = payment * COUNTERS_PER_ATTEMPT + number, 2 * hop + (0 if forth else 1)
    normal = standard_normal(seed, Stream.LATENCY, first, second)
    if config.latency == "cloth":
        return max(1, int(config.latency_median_ms + config.latency_sigma * normal))
    delay = config.latency_median_ms * math.exp(config.latency_sigma * normal)
    if forth and config.stuck_probability > 0:
        gets_stuck = uniform(seed, Stream.STUCK, first, second + 4 * LONGEST_ROUTE) < config.stuck_probability
        if gets_stuck:
            delay += config.stuck_median_ms * math.exp(standard_normal(seed, Stream.STUCK, first, second))
    return max(1, int(delay))
