"""Demand: who pays whom, when and how much, as a mixture of components.

A :class:`Component` is one kind of traffic (L402 calls, retail, large transfers); a :class:`Demand` is
several at once. Sampling is a pure function of (demand, network, generator): each component draws from
a generator of its own, so adding one does not change the others.
"""

from dataclasses import dataclass, replace

import numpy as np

from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Floats, Indices, Ints, Records, zero_records
from lnherd.traffic.amounts import Amounts, LogNormal
from lnherd.traffic.arrivals import Arrivals, Poisson, ToolLoops
from lnherd.traffic.endpoints import CapacityWeighted, Endpoints, Uniform, ZipfSinks
from lnherd.units import MS_PER_SECOND

PAYMENT_DTYPE = np.dtype(
    [("start_ms", "i8"), ("amount_msat", "i8"), ("sender", "i4"), ("receiver", "i4"), ("kind", "u1")]
)
"""One payment that somebody will try, ``kind`` an index into PAYMENT_KINDS. Arrays are sorted by ``start_ms``."""

L402, RETAIL, LARGE, OTHER = 0, 1, 2, 3
PAYMENT_KINDS = ("l402", "retail", "large", "other")

L402_AMOUNTS = LogNormal(median_sat=10, sigma=2.0, min_sat=1, max_sat=1_000)
"""Prices of API calls: median 10 sat, limits 1-1000 sat (an assumption: no L402 trace is public; Aperture's client
pays at most 1,000 sat)."""
RETAIL_AMOUNTS = LogNormal(median_sat=12_000, sigma=1.2, min_sat=1_000, max_sat=100_000)
"""Payments by people."""
LARGE_AMOUNTS = LogNormal(median_sat=600_000, sigma=1.0, min_sat=100_000, max_sat=10_000_000)
"""Exchange traffic."""
INDEPENDENT = Poisson()
ANYBODY = Uniform()
HOT_SERVERS = ZipfSinks()

MAX_REDRAWS = 100
"""Rounds in which payments to oneself are redrawn before giving up."""


@dataclass(frozen=True)
class Component:
    """One kind of traffic."""

    rate_per_s: float
    """Payments per second, over the whole network."""
    amounts: Amounts = L402_AMOUNTS
    """How much."""
    arrivals: Arrivals = INDEPENDENT
    """When. Payments of one session share sender, receiver and price."""
    senders: Endpoints = ANYBODY
    """Who pays."""
    receivers: Endpoints = HOT_SERVERS
    """Who is paid."""
    kind: int = L402
    """Index into PAYMENT_KINDS, carried along for statistics."""

    def __post_init__(self) -> None:
        if not self.rate_per_s > 0:
            raise InputError(f"demand: rate_per_s is {self.rate_per_s}; it must be positive")

    def sample(self, network: Network, duration_ms: int, rng: np.random.Generator) -> Records:
        """Payments that start within ``[0, duration_ms)``, unsorted."""
        start_ms, session = self.arrivals.sample(self.rate_per_s, duration_ms, rng)
        n_sessions = int(session.max()) + 1 if len(session) else 0
        sender, receiver = draw_pairs(self.senders.weights(network), self.receivers.weights(network), n_sessions, rng)
        payments = zero_records(len(start_ms), PAYMENT_DTYPE)
        payments.start_ms = start_ms
        payments.amount_msat = self.amounts.sample(n_sessions, rng)[session]
        payments.sender = sender[session]
        payments.receiver = receiver[session]
        payments.kind = self.kind
        return payments


@dataclass(frozen=True)
class Demand:
    """A mixture of components."""

    components: tuple[Component, ...]
    """At least one."""

    def __post_init__(self) -> None:
        if not self.components:
            raise InputError("demand: there is no component; give at least one")

    @property
    def rate_per_s(self) -> float:
        """Payments per second of all components together."""
        return sum(component.rate_per_s for component in self.components)

    def scaled(self, factor: float) -> "Demand":
        """The same mixture at ``factor`` times the rate."""
        return Demand(tuple(replace(each, rate_per_s=each.rate_per_s * factor) for each in self.components))

    def sample(
        self,
        network: Network,
        *,
        n_payments: int | None = None,
        duration_ms: int | None = None,
        rng: np.random.Generator,
    ) -> Records:
        """Draw PAYMENT_DTYPE records, sorted by start: those of a time span, or the first ``n_payments``.

        Raises:
            InputError: unless exactly one of ``n_payments`` and ``duration_ms`` is given and not negative.
        """
        if (n_payments is None) == (duration_ms is None):
            raise InputError("demand: give either the number of payments or the duration")
        wanted = n_payments if n_payments is not None else duration_ms
        if wanted is None or wanted < 0:
            raise InputError(f"demand: {wanted} payments or milliseconds are not possible; give 0 or more")
        if duration_ms is not None:
            return self._within(network, duration_ms, rng)
        return self._first(network, wanted, rng)

    def _within(self, network: Network, duration_ms: int, rng: np.random.Generator) -> Records:
        streams = rng.spawn(len(self.components))
        parts = [
            component.sample(network, duration_ms, stream)
            for component, stream in zip(self.components, streams, strict=True)
        ]
        return merged(parts)

    def _first(self, network: Network, n_payments: int, rng: np.random.Generator) -> Records:
        """Sample spans of growing length until one holds enough payments."""
        duration_ms = int(1.2 * MS_PER_SECOND * n_payments / self.rate_per_s) + 10 * MS_PER_SECOND
        payments = self._within(network, duration_ms, rng)
        while len(payments) < n_payments:
            duration_ms *= 2
            payments = self._within(network, duration_ms, rng)
        return payments[:n_payments]


def merged(parts: list[Records]) -> Records:
    """Several payment arrays as one, sorted by start (ties in the order of the parts)."""
    together = np.concatenate(parts)
    order = np.argsort(together["start_ms"], kind="stable")
    return together[order].view(np.recarray)


def draw_pairs(
    sender_weights: Floats,
    receiver_weights: Floats,
    n: int,
    rng: np.random.Generator,
) -> tuple[Indices, Indices]:
    """Draw ``[n]`` senders and receivers that differ: pairs of one node are drawn again.

    Raises:
        InputError: when the only possible sender is the only possible receiver.
    """
    sender = _draw(sender_weights, n, rng)
    receiver = _draw(receiver_weights, n, rng)
    same = np.flatnonzero(sender == receiver)
    for _ in range(MAX_REDRAWS):
        if len(same) == 0:
            return sender.astype(np.int32), receiver.astype(np.int32)
        sender[same] = _draw(sender_weights, len(same), rng)
        receiver[same] = _draw(receiver_weights, len(same), rng)
        same = same[sender[same] == receiver[same]]
    raise InputError("demand: senders and receivers are the same node; give more than one of either")


def _draw(weights: Floats, n: int, rng: np.random.Generator) -> Ints:
    """``[n]`` nodes in proportion to ``weights``; rounding never yields a node of weight zero."""
    total = np.cumsum(weights)
    last = np.flatnonzero(weights)[-1]
    nodes: Ints = np.minimum(np.searchsorted(total, rng.random(n) * total[-1], side="right"), last)
    return nodes


def l402(rate_per_s: float = 1.0) -> Demand:
    """The L402 machine economy: tool loops of micro-payments to a few hot API servers."""
    return Demand((Component(rate_per_s, arrivals=ToolLoops()),))


def retail(rate_per_s: float = 1.0) -> Demand:
    """People: independent payments of 1k to 100k sat to nodes in proportion to their capacity."""
    return Demand((Component(rate_per_s, RETAIL_AMOUNTS, receivers=CapacityWeighted(), kind=RETAIL),))


def mixed(rate_per_s: float = 1.0) -> Demand:
    """Machines, people and exchanges at once: 90 % L402, 9 % retail, 1 % large, by count (an assumption)."""
    large = Component(
        0.01 * rate_per_s, LARGE_AMOUNTS, senders=CapacityWeighted(), receivers=CapacityWeighted(), kind=LARGE
    )
    return Demand((*l402(0.9 * rate_per_s).components, *retail(0.09 * rate_per_s).components, large))


PRESETS = {"l402": l402, "retail": retail, "mixed": mixed}


def preset(name: str, rate_per_s: float) -> Demand:
    """A demand by name; raises InputError for an unknown one."""
    if name not in PRESETS:
        raise InputError(f"traffic {name!r} is unknown; choose one of {', '.join(PRESETS)}")
    return PRESETS[name](rate_per_s)
