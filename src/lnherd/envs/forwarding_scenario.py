"""The scenario of forwarding: a network, its traffic, who decides, and what changes on the way.

The network follows from the configuration; balances, traffic, latencies and churn follow from the episode's seed and
are the same whatever is decided.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.config import HOP_POLICIES, SENDERS
from lnherd.envs.forwarding_reward import ForwardingReward
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, draw_balances, generate
from lnherd.network.graph import Network
from lnherd.network.records import Ints, Records
from lnherd.traffic.demand import Demand, mixed
from lnherd.units import MS_PER_MINUTE

LEARNERS = ("all", "hub", "nobody")
SOURCE_ROUTING = tuple(name for name in SENDERS if name != "policy")


@dataclass(frozen=True)
class ForwardingConfig:
    """One forwarding problem. Defaults: every node of a 100-node network decides, for a minute of mixed traffic."""

    n_nodes: int = 100
    """Size of the synthetic network, where no other is given."""
    network_seed: int = 0
    """Seed of the synthetic network."""
    demand: Demand = field(default_factory=lambda: mixed(20.0))
    """Payments of everybody."""
    duration_ms: int = MS_PER_MINUTE
    """Time within which payments start; the episode ends when the last of them is over."""
    balance_prior: str = "bimodal"
    """How balances are drawn (``network.generate.draw_balances``)."""
    learner: str = "all"
    """Who decides: all nodes; hub, the node with most channels, among others that follow ``others``; or nobody."""
    learning_share: float = 1.0
    """all: the share of nodes that decide, at least one. Their order is drawn from ``network_seed``, so the nodes of a
    small share are among those of a larger one."""
    others: str = "shortest"
    """Hop policy of the nodes that do not decide."""
    source_routing: str | None = None
    """Payers find whole routes instead, by this sender (lnd, mincostflow, ...); only where nobody decides."""
    simulation: SimulationConfig = field(
        default_factory=lambda: SimulationConfig(sender="policy", decision_interval_ms=50, max_candidates=8)
    )
    """Behaviour of payments and channels; sender and hop policy are set by the environment."""
    reward: ForwardingReward = field(default_factory=ForwardingReward)
    """What a decision is worth."""
    flip_after_ms: int | None = None
    """From then on senders and receivers change places: the traffic flows the other way."""
    churn_interval_ms: int | None = None
    """Each time this has passed one channel goes offline, and one that did comes back once ``n_offline`` are."""
    churn_after_ms: int = 0
    """Time at which churn begins."""
    n_offline: int = 5
    """Channels that are offline at a time, with churn."""

    def __post_init__(self) -> None:
        _require(self.learner in LEARNERS, "learner", f"one of {', '.join(LEARNERS)}")
        _require(self.others in HOP_POLICIES, "others", f"one of {', '.join(HOP_POLICIES)}")
        is_routed = self.source_routing is not None
        _require(not is_routed or self.learner == "nobody", "learner", "nobody with source routing")
        senders = ", ".join(SOURCE_ROUTING)
        _require(not is_routed or self.source_routing in SOURCE_ROUTING, "source_routing", f"one of {senders}, or None")
        _require(0 < self.learning_share <= 1, "learning_share", "above 0 and at most 1")
        _require(self.duration_ms > 0, "duration_ms", "positive")
        _require(self.churn_interval_ms is None or self.churn_interval_ms > 0, "churn_interval_ms", "positive or None")
        _require(self.churn_after_ms >= 0, "churn_after_ms", "0 or more")
        _require(self.n_offline > 0, "n_offline", "positive")

    @property
    def changes_ms(self) -> int | None:
        """When the world begins to change; None where it does not."""
        return self.churn_after_ms if self.churn_interval_ms is not None else self.flip_after_ms

    def network(self) -> Network:
        """The synthetic network."""
        return generate(GeneratorConfig(n_nodes=self.n_nodes), self.network_seed)

    def deciders(self, network: Network) -> Ints:
        """The nodes of ``network`` that decide, in ascending order."""
        if self.learner == "nobody":
            return np.zeros(0, dtype=np.int64)
        if self.learner == "hub":
            return np.array([np.argmax(network.degree)])
        n_deciders = max(1, round(self.learning_share * network.n_nodes))
        order = np.random.default_rng([self.network_seed, 3]).permutation(network.n_nodes)
        return np.sort(order[:n_deciders])


def _require(condition: bool, name: str, rule: str) -> None:
    if not condition:
        raise InputError(f"forwarding setting {name!r} must be {rule}")


def build_simulation(config: ForwardingConfig, network: Network, seed: int, hop_policy: str = "external") -> Simulation:
    """The world of one episode at time 0, in which the deciding nodes follow ``hop_policy``."""
    balances_rng, traffic_rng = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    balance_msat = draw_balances(network, config.balance_prior, balances_rng)
    payments = config.demand.sample(network, duration_ms=config.duration_ms, rng=traffic_rng)
    if config.flip_after_ms is not None:
        _flip(payments, config.flip_after_ms)
    settings = replace(config.simulation, sender=config.source_routing or "policy", hop_policy=config.others)
    simulation = Simulation(network, payments, config=settings, seed=seed, balance_msat=balance_msat)
    for node in config.deciders(network).tolist():
        simulation.set_hop_policy(node, hop_policy)
    return simulation


def _flip(payments: Records, after_ms: int) -> None:
    late = payments.start_ms >= after_ms
    senders = payments.sender[late].copy()
    payments.sender[late] = payments.receiver[late]
    payments.receiver[late] = senders
