"""What an economy is made of: groups of services and agents, and what they have in common.

No L402 payment trace is public, so sizes are assumptions, each said where it stands. What is known: Aperture asks
1 sat a call by default and its client pays at most 1,000 sat and 10 sat of routing fees; prices seen in directories
are 1 to 100 sat; invoices expire after 60 s; the public directory of April 2026 lists 75 providers; the nearest
measured relative, x402, has a median payment of about 10 sat and a mean of 30 to 60.
"""

from dataclasses import dataclass
from math import log

from lnherd.errors import InputError
from lnherd.traffic.demand import Demand
from lnherd.traffic.endpoints import CapacityWeighted, Endpoints, Uniform
from lnherd.units import MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND

KINDS = ("inference", "search", "data", "tool")
"""What services sell; an agent's call needs one of these."""
N_KINDS = len(KINDS)
PRICING = ("fixed", "cost-plus", "surge", "set")
"""How a service finds its price. ``set`` leaves it to whoever runs the economy."""
HOSTED = CapacityWeighted()
ANYWHERE = Uniform()


@dataclass(frozen=True)
class ServiceGroup:
    """Services of one kind that differ in node and price."""

    kind: str = "inference"
    """One of KINDS."""
    count: int = 20
    """How many."""
    price_sat: float = 10.0
    """Median first price of one payment (assumption: 10 sat, as seen in directories)."""
    price_sigma: float = 0.5
    """Spread of the logarithm of the first price between services."""
    calls_per_payment: int = 1
    """Calls that one payment buys."""
    valid_ms: int = 1 * MS_PER_HOUR
    """How long what was bought can be used."""
    cost_share: float = 0.4
    """Marginal cost of a call, share of the first price per call (assumption)."""
    slots: int = 64
    """Calls served at a time; further requests are turned away (HTTP 503)."""
    service_ms: float = 1_000.0
    """Median time to answer a paid call."""
    mean_up_ms: float = 24.0 * MS_PER_HOUR
    """Mean time between outages; 0 means there are none."""
    mean_down_ms: float = 10.0 * MS_PER_MINUTE
    """Mean length of an outage."""
    pricing: str = "fixed"
    """One of PRICING."""
    nodes: Endpoints = HOSTED
    """Where services are: nodes drawn by weight, one service a node while nodes last."""
    popularity: float = 1.0
    """Exponent of Zipf's law by which agents know services: 0 is uniform."""

    def __post_init__(self) -> None:
        _one_of(self.kind, KINDS, "services: kind")
        _one_of(self.pricing, PRICING, "services: pricing")
        _positive(self, "services", "count", "price_sat", "calls_per_payment", "valid_ms", "slots", "service_ms")
        _not_negative(self, "services", "price_sigma", "cost_share", "mean_up_ms", "mean_down_ms", "popularity")


@dataclass(frozen=True)
class AgentGroup:
    """Agents that behave alike. A task is a chain of calls, one after the other (a tool loop)."""

    count: int = 100
    """How many."""
    nodes: Endpoints = ANYWHERE
    """Where their wallets are; several agents may share a node (a hosted wallet)."""
    tasks_per_hour: float = 2.0
    """Mean rate of tasks of one agent over a day."""
    min_calls: int = 1
    """Fewest calls of a task."""
    max_calls: int = 30
    """Most calls of a task; the number is log-uniform between the two (assumption: loops of 10 to 1,000)."""
    kind_shares: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)
    """How often a call needs each of KINDS."""
    utility_sat: tuple[float, ...] = (40.0, 20.0, 10.0, 20.0)
    """Median worth of one answer of each of KINDS; agents differ by ``utility_sigma`` (assumption)."""
    utility_sigma: float = 0.5
    """Spread of the logarithm of what answers are worth to different agents."""
    knows: int = 5
    """Services of each kind that an agent knows."""
    budget_sat_per_hour: float = 2_000.0
    """Allowance that trickles in; at most an hour's worth is kept."""
    max_price_sat: int = 1_000
    """Dearer payments are refused (Aperture's client: 1,000 sat)."""
    max_fee_sat: int = 10
    """Most routing fees of a payment (Aperture's client: 10 sat); LND's limit holds besides."""
    patience_ms: int = 2 * MS_PER_MINUTE
    """An answer that comes later is worthless, and no further try starts."""
    max_retries: int = 3
    """Further tries of a call after something failed."""
    backoff_ms: float = 1_000.0
    """Mean pause before the first retry; doubles with each."""
    think_ms: float = 3_000.0
    """Mean pause between an answer and the next call of the loop."""
    delay_sat_per_s: float = 0.2
    """What a second of waiting is worth (assumption)."""
    temperature: float = 0.1
    """Noise of choices, share of what the answer is worth: the scale of a logit choice (McFadden 1974)."""
    learning_rate: float = 0.2
    """Weight of the newest experience with a service."""
    forget_ms: float = 1.0 * MS_PER_HOUR
    """Half-life of a bad opinion: agents that left come back to look."""
    branching: float = 0.0
    """Mean tasks that each task triggers: a Hawkes process, at the same agent, below 1."""
    trigger_ms: float = 30.0 * MS_PER_SECOND
    """Mean time after which triggered tasks come."""
    diurnal: float = 0.0
    """Amplitude of the daily cycle, 0 to 1."""
    peak_hour: float = 15.0
    """Hour of the day at which tasks are most frequent."""
    moody: bool = False
    """Whether the rate follows the bursts that all moody agents share (MMPP)."""
    backlog: int = 20
    """Tasks that wait while one is being worked on; more are lost."""

    def __post_init__(self) -> None:
        names = ("count", "tasks_per_hour", "min_calls", "knows", "budget_sat_per_hour", "patience_ms")
        _positive(self, "agents", *names, "think_ms", "backoff_ms", "temperature", "forget_ms", "trigger_ms")
        _not_negative(self, "agents", "utility_sigma", "max_retries", "delay_sat_per_s", "backlog", "max_fee_sat")
        if self.max_calls < self.min_calls:
            raise InputError(f"agents: max_calls is {self.max_calls}, below min_calls {self.min_calls}; swap them")
        if len(self.kind_shares) != N_KINDS or len(self.utility_sat) != N_KINDS or sum(self.kind_shares) <= 0:
            raise InputError(f"agents: kind_shares and utility_sat need one value for each of {', '.join(KINDS)}")
        for name, most in (("branching", 0.95), ("diurnal", 1.0), ("learning_rate", 1.0)):
            if not 0 <= getattr(self, name) <= most:
                raise InputError(f"agents: {name} is {getattr(self, name)}; give a number from 0 to {most}")


@dataclass(frozen=True)
class EconomyConfig:
    """A whole economy."""

    services: tuple[ServiceGroup, ...]
    """At least one group."""
    agents: tuple[AgentGroup, ...]
    """At least one group."""
    background: Demand | None = None
    """Other payments of the network, which react to nothing."""
    notice_ms: int = 100
    """How long after its end an agent hears of its payment's outcome: the wallet is another process
    (assumption). It is also the length of the slices in which economy and engine take turns, which is why their
    coupling is exact."""
    http_ms: float = 60.0
    """Median time of a message between agent and service, one way (assumption)."""
    http_sigma: float = 0.5
    """Spread of its logarithm."""
    invoice_expiry_ms: int = 60 * MS_PER_SECOND
    """Life of an invoice; no attempt starts later."""
    burst_factor: float = 8.0
    """Rate of moody agents' tasks during bursts over that between them."""
    mean_calm_ms: float = 20.0 * MS_PER_MINUTE
    """Mean time between bursts."""
    mean_burst_ms: float = 2.0 * MS_PER_MINUTE
    """Mean length of a burst."""
    reprice_ms: int = 15 * MS_PER_MINUTE
    """How often services look at their price."""
    margin: float = 1.0
    """Cost-plus: price over marginal cost, less one."""
    surge: float = 2.0
    """Surge: how much of the first price comes on top at full load; it starts at half load."""
    start_hour: float = 0.0
    """Hour of the day at time 0."""

    def __post_init__(self) -> None:
        if not self.services or not self.agents:
            raise InputError("economy: give at least one group of services and one of agents")
        _positive(self, "economy", "notice_ms", "http_ms", "invoice_expiry_ms", "burst_factor", "reprice_ms")
        _not_negative(self, "economy", "http_sigma", "mean_calm_ms", "mean_burst_ms", "margin", "surge")

    @property
    def calls_per_day(self) -> float:
        """Calls that the agents would make in a day if nothing kept them from it."""
        return sum(24 * group.count * group.tasks_per_hour * mean_calls(group) for group in self.agents)


def mean_calls(group: AgentGroup) -> float:
    """Mean calls of a task: log-uniform whole numbers from ``min_calls`` to ``max_calls``."""
    low, high = group.min_calls, group.max_calls + 1
    return sum(n * log((n + 1) / n) for n in range(low, high)) / log(high / low)


def _one_of(value: str, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        raise InputError(f"{what} {value!r} is unknown; choose one of {', '.join(known)}")


def _positive(config: object, what: str, *names: str) -> None:
    for name in names:
        if not getattr(config, name) > 0:
            raise InputError(f"{what}: {name} is {getattr(config, name)}; it must be positive")


def _not_negative(config: object, what: str, *names: str) -> None:
    for name in names:
        if not getattr(config, name) >= 0:
            raise InputError(f"{what}: {name} is {getattr(config, name)}; it must not be negative")
