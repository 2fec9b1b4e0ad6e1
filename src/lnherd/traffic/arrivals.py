"""When payments start: point processes that return start times and sessions.

A *session* is a run of payments by one payer to one receiver (an agent's tool loop against one API);
processes without sessions put every payment into one of its own. All processes have the mean rate they
are asked for, so that mixtures keep their proportions.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.errors import InputError
from lnherd.network.records import Ints
from lnherd.units import MS_PER_HOUR, MS_PER_SECOND

HOURS = 24
"""Of a day."""
Starts = tuple[Ints, Ints]
"""``(start_ms [n], session [n])``, unsorted; sessions are numbered from 0 without gaps."""


@dataclass(frozen=True)
class Poisson:
    """Independent payments at a constant rate."""

    def sample(self, rate_per_s: float, duration_ms: int, rng: np.random.Generator) -> Starts:
        """Start times within ``[0, duration_ms)``."""
        times = _uniform_times(rng.poisson(rate_per_s * duration_ms / MS_PER_SECOND), duration_ms, rng)
        return times, np.arange(len(times))


@dataclass(frozen=True)
class Mmpp:
    """Markov-modulated Poisson process with a calm and a busy state, shared by everybody.

    Payments arrive ``burst_factor`` times as fast while busy. Starts in the stationary state.
    """

    burst_factor: float = 10.0
    """Rate while busy over rate while calm."""
    mean_calm_s: float = 1_200.0
    """Mean length of a calm spell."""
    mean_busy_s: float = 120.0
    """Mean length of a burst."""

    def __post_init__(self) -> None:
        if min(self.burst_factor, self.mean_calm_s, self.mean_busy_s) <= 0:
            raise InputError("arrivals: burst_factor, mean_calm_s and mean_busy_s must be positive")

    @property
    def busy_share(self) -> float:
        """Stationary share of time that is busy."""
        return self.mean_busy_s / (self.mean_busy_s + self.mean_calm_s)

    def sample(self, rate_per_s: float, duration_ms: int, rng: np.random.Generator) -> Starts:
        """Start times within ``[0, duration_ms)``; the long-run mean rate is ``rate_per_s``."""
        calm_rate = rate_per_s / (1.0 + self.busy_share * (self.burst_factor - 1.0))
        busy = bool(rng.random() < self.busy_share)
        start, pieces = 0.0, [np.empty(0, dtype=np.int64)]
        while start < duration_ms:
            length = rng.exponential(self.mean_busy_s if busy else self.mean_calm_s) * MS_PER_SECOND
            spell = min(length, duration_ms - start)
            rate = calm_rate * (self.burst_factor if busy else 1.0)
            n = rng.poisson(rate * spell / MS_PER_SECOND)
            pieces.append((start + rng.random(n) * spell).astype(np.int64))
            start, busy = start + length, not busy
        times = np.concatenate(pieces)
        return times, np.arange(len(times))


@dataclass(frozen=True)
class ToolLoops:
    """Sessions start as a Poisson process; each is a loop of calls (a Bartlett-Lewis cluster process).

    The superposition of many on-off sources, the machine-economy form of an MMPP: the number of calls
    is geometric, the gaps between them exponential.
    """

    mean_calls: float = 30.0
    """Mean number of payments in a loop."""
    mean_gap_s: float = 4.0
    """Mean time between two payments of a loop."""

    def __post_init__(self) -> None:
        if self.mean_calls < 1 or self.mean_gap_s <= 0:
            raise InputError("arrivals: mean_calls must be at least 1 and mean_gap_s positive")

    def sample(self, rate_per_s: float, duration_ms: int, rng: np.random.Generator) -> Starts:
        """Start times within ``[0, duration_ms)``; loops already running at 0 are included."""
        warm_up_ms = int(10 * self.mean_calls * self.mean_gap_s * MS_PER_SECOND)
        span_ms = warm_up_ms + duration_ms
        n_loops = rng.poisson(rate_per_s / self.mean_calls * span_ms / MS_PER_SECOND)
        n_calls = rng.geometric(1.0 / self.mean_calls, n_loops)
        first = rng.random(n_loops) * span_ms - warm_up_ms
        gaps = rng.exponential(self.mean_gap_s * MS_PER_SECOND, int(n_calls.sum()))
        starts_loop = np.cumsum(n_calls) - n_calls
        gaps[starts_loop] = 0.0
        elapsed = np.cumsum(gaps)
        elapsed -= np.repeat(elapsed[starts_loop], n_calls)
        times = np.floor(np.repeat(first, n_calls) + elapsed).astype(np.int64)
        inside = (times >= 0) & (times < duration_ms)
        return times[inside], renumbered(np.repeat(np.arange(n_loops), n_calls)[inside])


@dataclass(frozen=True)
class Hourly:
    """Independent payments whose rate depends on the hour of the day."""

    weights: tuple[float, ...]
    """Relative rate in each of the 24 hours; the mean rate over a day is the one asked for."""
    start_hour: float = 0.0
    """Hour of the day at time 0."""

    def __post_init__(self) -> None:
        if len(self.weights) != HOURS or min(self.weights) < 0 or sum(self.weights) <= 0:
            raise InputError("arrivals: hourly weights must be 24 numbers, none negative and not all zero")

    def sample(self, rate_per_s: float, duration_ms: int, rng: np.random.Generator) -> Starts:
        """Start times within ``[0, duration_ms)``."""
        start_ms = round(self.start_hour * MS_PER_HOUR)
        hours = np.arange(start_ms // MS_PER_HOUR, -(-(start_ms + duration_ms) // MS_PER_HOUR) + 1)
        edges = np.clip(hours * MS_PER_HOUR - start_ms, 0, duration_ms)
        shares = np.array(self.weights)[hours[:-1] % HOURS] * HOURS / sum(self.weights)
        lengths = np.diff(edges)
        counts = rng.poisson(rate_per_s * shares * lengths / MS_PER_SECOND)
        within = rng.random(int(counts.sum()))
        times = (np.repeat(edges[:-1], counts) + within * np.repeat(lengths, counts)).astype(np.int64)
        return times, np.arange(len(times))


Arrivals = Poisson | Mmpp | ToolLoops | Hourly


def _uniform_times(n: int, duration_ms: int, rng: np.random.Generator) -> Ints:
    return rng.integers(0, duration_ms, n) if duration_ms > 0 else np.empty(0, dtype=np.int64)


def renumbered(sessions: Ints) -> Ints:
    """The same sessions, numbered 0, 1, 2, ... without gaps."""
    numbers: Ints = np.unique(sessions, return_inverse=True)[1].astype(np.int64)
    return numbers
