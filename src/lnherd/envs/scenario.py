"""The scenario of one herder: its network, its node, its traffic and the money it starts with.

What stays the same from episode to episode (network, node, who trades with whom) follows from the
configuration; what differs (balances, arrivals, amounts, blocks) follows from the episode's seed.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from lnherd.control.menu import MenuConfig
from lnherd.control.view import Role
from lnherd.engine import SimulationConfig
from lnherd.envs.corridors import transit_pairs
from lnherd.envs.reward import RewardConfig
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, draw_balances, generate
from lnherd.network.graph import Network
from lnherd.network.records import Bools, Ints, Records
from lnherd.traffic.amounts import Amounts, LogNormal
from lnherd.traffic.arrivals import Arrivals, ToolLoops
from lnherd.traffic.demand import Component, Demand, mixed
from lnherd.traffic.endpoints import FixedNodes, Uniform, ZipfSinks
from lnherd.units import MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND, MSAT_PER_SAT, PPM

PREPAID = LogNormal(median_sat=150, sigma=1.5, min_sat=1, max_sat=20_000)
"""Own payments of the default scenario: L402 tokens bought in advance for some twenty calls (an assumption)."""
START_SPREAD = 0.5
"""The liquidity at the start differs from episode to episode by up to this share, either way."""
SECONDS_PER_HOUR = MS_PER_HOUR // MS_PER_SECOND
DEGREES = (5, 15)
"""A herder that nobody named has as many live channels: a mid-size node."""


@dataclass(frozen=True)
class HerdingConfig:
    """One herding problem. Defaults: an AI agent's node on a 200-node network, one day in ticks of half an hour."""

    role: Role = Role.CONSUMER
    """What the node is for."""
    n_nodes: int = 200
    """Size of the synthetic network, where no other is given."""
    network_seed: int = 0
    """Seed of the synthetic network."""
    node: int | None = None
    """The herder; None chooses a mid-size node."""
    tick_ms: int = 30 * MS_PER_MINUTE
    """Time between two decisions."""
    horizon: int = 48
    """Decisions in an episode."""
    warm_up_ticks: int = 2
    """Ticks before the first decision, not rewarded, so that the first view holds traffic."""
    background: Demand = field(default_factory=lambda: mixed(0.02))
    """Payments of everybody else."""
    own_rate_per_s: float = 0.03
    """Payments per second of the role: sent, received, or passing by."""
    own_amounts: Amounts = PREPAID
    """How large those are."""
    own_arrivals: Arrivals = field(default_factory=lambda: ToolLoops(mean_calls=10, mean_gap_s=10))
    """When those start."""
    n_corridors: int = 12
    """ROUTER: how many pairs of nodes trade through the herder."""
    asymmetry: float = 0.75
    """ROUTER: share of the traffic that flows in the prevailing direction."""
    wallet_msat: int = 5_000_000 * MSAT_PER_SAT
    """On-chain money of the herder at the start."""
    start_hours: float = 8.0
    """CONSUMER, PROVIDER: hours of their own demand that the liquidity at the start covers, on average: one-way
    traffic has drained the node, as it always does in the end. A router starts from ``balance_prior`` instead."""
    initial_fee: tuple[int, int] | None = (1_000, 1)
    """Base fee (msat) and ppm of the herder's channels at the start (LND's default); None keeps the network's."""
    balance_prior: str = "bimodal"
    """How balances at the start are drawn (``network.generate.draw_balances``)."""
    reward: RewardConfig = field(default_factory=RewardConfig)
    """What counts."""
    menu: MenuConfig = field(default_factory=MenuConfig)
    """What is offered."""
    simulation: SimulationConfig = field(default_factory=SimulationConfig)
    """How the world behaves."""

    def __post_init__(self) -> None:
        if self.tick_ms < 1 or self.horizon < 1 or self.warm_up_ticks < 0:
            raise InputError("herding: tick_ms and horizon must be positive, warm_up_ticks not negative")
        if not 0 <= self.asymmetry <= 1:
            raise InputError(f"herding: asymmetry is {self.asymmetry}; it must lie between 0 and 1")
        if self.start_hours < 0:
            raise InputError(f"herding: start_hours is {self.start_hours}; it must not be negative")

    @property
    def duration_ms(self) -> int:
        """Length of an episode, warm-up included."""
        return (self.warm_up_ticks + self.horizon) * self.tick_ms


@dataclass(frozen=True, eq=False)
class Scenario:
    """What is the same in every episode."""

    config: HerdingConfig
    network: Network
    node: int
    demand: Demand

    def payments(self, seed: int) -> Records:
        """The traffic of one episode: a function of the seed alone, whatever the herder does."""
        rng = np.random.default_rng([seed, 0])
        return self.demand.sample(self.network, duration_ms=self.config.duration_ms, rng=rng)

    def balances_msat(self, seed: int) -> Ints:
        """``[E]`` balances at the start of one episode."""
        rng = np.random.default_rng([seed, 1])
        balances: Ints = draw_balances(self.network, self.config.balance_prior, rng).copy()
        if self.config.role == Role.ROUTER:
            return balances
        own = self.network.out_edges(self.node)
        side, other = (own, own ^ 1) if self.config.role == Role.CONSUMER else (own ^ 1, own)
        capacity = self.network.channels.capacity_msat[own >> 1]
        balances[side] = self._start_liquidity_msat(capacity, rng)
        balances[other] = capacity - balances[side]
        return balances

    def _start_liquidity_msat(self, capacity: Ints, rng: np.random.Generator) -> Ints:
        """``[n]`` what the scarce side of each own channel holds: the reserve and its part of the hours covered."""
        config = self.config
        per_hour = config.own_rate_per_s * SECONDS_PER_HOUR * mean_msat(config.own_amounts)
        total = config.start_hours * per_hour * rng.uniform(1.0 - START_SPREAD, 1.0 + START_SPREAD)
        weights = rng.gamma(2.0, size=len(capacity)) * capacity
        reserve = capacity * config.simulation.reserve_ppm // PPM
        liquidity: Ints = np.minimum(reserve + (total * weights / weights.sum()).astype(np.int64), capacity)
        return liquidity


def mean_msat(amounts: Amounts) -> float:
    """Mean of a distribution of amounts, estimated once on a fixed sample."""
    return float(amounts.sample(20_001, np.random.default_rng(0)).mean())


def build_scenario(config: HerdingConfig, network: Network | None = None) -> Scenario:
    """Lay out the problem on ``network``, or on a synthetic one.

    Raises:
        InputError: when the network has no node that could be the herder.
    """
    if network is None:
        network = generate(GeneratorConfig(n_nodes=config.n_nodes), config.network_seed)
    node = choose_node(network) if config.node is None else _checked(network, config.node)
    network = _with_initial_fee(network, node, config.initial_fee)
    return Scenario(config, network, node, Demand((*config.background.components, *own_demand(config, network, node))))


def choose_node(network: Network) -> int:
    """The mid-size node whose capacity is the median of its kind; never the largest node (it sells swaps).

    Raises:
        InputError: when no node has two live channels.
    """
    live = network.live_channels
    ends = np.concatenate([network.channels.node1[live], network.channels.node2[live]])
    capacity = np.zeros(network.n_nodes, dtype=np.int64)
    np.add.at(capacity, ends, np.tile(network.channels.capacity_msat[live], 2))
    degree = np.bincount(ends, minlength=network.n_nodes)
    not_largest: Bools = np.arange(network.n_nodes) != int(np.argmax(capacity))
    for low, high in (DEGREES, (2, network.n_channels)):
        candidates = np.flatnonzero((degree >= low) & (degree <= high) & not_largest)
        if len(candidates):
            order = candidates[np.argsort(capacity[candidates], kind="stable")]
            return int(order[len(order) // 2])
    raise InputError(f"{network.name}: no node has two live channels to herd; give a larger network")


def _checked(network: Network, node: int) -> int:
    """``node``, if it exists and has a live channel."""
    if not 0 <= node < network.n_nodes:
        raise InputError(f"{network.name}: no node {node}; give an index below {network.n_nodes}")
    if not network.live_channels[network.out_edges(node) >> 1].any():
        raise InputError(f"{network.name}: node {node} has no live channel to herd; choose another")
    return node


def _with_initial_fee(network: Network, node: int, fee: tuple[int, int] | None) -> Network:
    if fee is None:
        return network
    edges = network.edges.copy()
    own = network.out_edges(node)
    edges.base_fee_msat[own], edges.fee_ppm[own] = fee
    return replace(network, edges=edges)


def own_demand(config: HerdingConfig, network: Network, node: int) -> tuple[Component, ...]:
    """The traffic that the role lives from."""
    rate, amounts, arrivals = config.own_rate_per_s, config.own_amounts, config.own_arrivals
    if config.role == Role.CONSUMER:
        return (Component(rate, amounts, arrivals, FixedNodes((node,)), ZipfSinks(seed=config.network_seed)),)
    if config.role == Role.PROVIDER:
        return (Component(rate, amounts, arrivals, Uniform(), FixedNodes((node,))),)
    return _passing_by(config, network, node)


def _passing_by(config: HerdingConfig, network: Network, node: int) -> tuple[Component, ...]:
    """Trade over some corridors through the herder, each with a prevailing direction.

    Raises:
        InputError: when no pair of nodes would route through the node.
    """
    typical = int(np.median(config.own_amounts.sample(1_001, np.random.default_rng(0))))
    senders, receivers = transit_pairs(network, node, typical)
    if len(senders) == 0:
        raise InputError(f"{network.name}: nobody would route through node {node}; choose another router")
    rng = np.random.default_rng([config.network_seed, node])
    chosen = rng.permutation(len(senders))[: config.n_corridors]
    rate = config.own_rate_per_s / len(chosen)
    components = []
    for pair in np.sort(chosen):
        ends = FixedNodes((int(senders[pair]),)), FixedNodes((int(receivers[pair]),))
        for share, (source, sink) in ((config.asymmetry, ends), (1.0 - config.asymmetry, ends[::-1])):
            if share > 0:
                components.append(Component(rate * share, config.own_amounts, config.own_arrivals, source, sink))
    return tuple(components)
