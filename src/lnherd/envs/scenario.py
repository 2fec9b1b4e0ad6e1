"""The scenario of one herder: its network, its node, its traffic and the money it starts with.

What stays the same from episode to episode (network, node, who trades with whom) follows from the
configuration; what differs (balances, arrivals, amounts, blocks) follows from the episode's seed.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from lnherd.anomaly.watch import WatchConfig
from lnherd.control.action import ActionKind
from lnherd.control.menu import ALL_KINDS, MenuConfig
from lnherd.control.view import Role
from lnherd.engine import SimulationConfig
from lnherd.envs.corridors import transit_pairs
from lnherd.envs.reward import RewardConfig
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, draw_balances, generate
from lnherd.network.graph import Network
from lnherd.network.records import Bools, Floats, Ints, Records
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
NOT_ROUTING = tuple(kind for kind in ALL_KINDS if kind not in (ActionKind.FEE_UP, ActionKind.FEE_DOWN))
"""What a node that does not live from forwarding is offered."""
MAX_ROUTERS = 40
"""How many mid-size nodes are looked at for the one that most trades would pass."""
LND_POLICY = {"base_fee_msat": 1_000, "fee_ppm": 1, "htlc_min_msat": 1_000, "cltv_delta": 80}
"""What LND announces for a channel whose owner sets nothing."""


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
    """Hours of demand that the liquidity at the start covers, on average: traffic that flows more one way than the
    other has drained the node's channels, as it always does in the end."""
    default_policy: bool = True
    """Whether the herder's channels start with LND's default policy (rule B0); else they keep the network's."""
    balance_prior: str = "bimodal"
    """How the balances of channels without such traffic are drawn (``network.generate.draw_balances``)."""
    reward: RewardConfig = field(default_factory=RewardConfig)
    """What counts."""
    offers: MenuConfig | None = None
    """What is offered; None offers what makes sense for the role (:attr:`menu`)."""
    watch: WatchConfig | None = None
    """An anomaly watch that looks at the node every minute and goes on from what it knew before; None has none."""
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
    def menu(self) -> MenuConfig:
        """The menu: fee steps only for a router, because nobody else lives from forwarding."""
        if self.offers is not None:
            return self.offers
        return MenuConfig() if self.role == Role.ROUTER else MenuConfig(kinds=NOT_ROUTING)

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
    corridors: tuple[tuple[int, int], ...]

    def payments(self, seed: int) -> Records:
        """The traffic of one episode: a function of the seed alone, whatever the herder does."""
        rng = np.random.default_rng([seed, 0])
        return self.demand.sample(self.network, duration_ms=self.config.duration_ms, rng=rng)

    def trades(self, payments: Records) -> Bools:
        """``[n]`` which payments the node lives from: those it sends, those it receives, or those that may pass it."""
        if self.config.role == Role.ROUTER:
            pairs = np.array(self.corridors, dtype=np.int64)
            passing = np.concatenate([pairs, pairs[:, ::-1]]) @ [self.network.n_nodes, 1]
            pair = payments.sender.astype(np.int64) * self.network.n_nodes + payments.receiver
            return np.isin(pair, passing)
        mine: Bools = (payments.sender if self.config.role == Role.CONSUMER else payments.receiver) == self.node
        return mine

    def balances_msat(self, seed: int) -> Ints:
        """``[E]`` balances at the start of one episode."""
        rng = np.random.default_rng([seed, 1])
        balances: Ints = draw_balances(self.network, self.config.balance_prior, rng).copy()
        self.drain(balances, rng)
        return balances

    def drain(self, balances: Ints, rng: np.random.Generator) -> None:
        """Leave in the node's channels, in place, what its own traffic would have left there."""
        own = self.network.out_edges(self.node).astype(np.int64)
        capacity = self.network.channels.capacity_msat[own >> 1]
        net_msat_per_h = self.net_demand_msat_per_h()
        scarce = np.where(net_msat_per_h > 0, own, own ^ 1)
        reserve = capacity * self.config.simulation.reserve_ppm // PPM
        hours = self.config.start_hours * rng.uniform(1.0 - START_SPREAD, 1.0 + START_SPREAD)
        liquidity = np.minimum(reserve + (hours * np.abs(net_msat_per_h)).astype(np.int64), capacity)
        drained = net_msat_per_h != 0
        balances[scarce[drained]] = liquidity[drained]
        balances[scarce[drained] ^ 1] = (capacity - liquidity)[drained]

    def net_demand_msat_per_h(self) -> Floats:
        """``[n]`` expected flow out of each own channel less the flow in, of the traffic the role lives from.

        What is paid to or by the node itself is spread over its channels by capacity; what passes by uses
        the channels with its sender and receiver.
        """
        own, config = self.network.out_edges(self.node), self.config
        per_hour = config.own_rate_per_s * SECONDS_PER_HOUR * mean_msat(config.own_amounts)
        capacity = self.network.channels.capacity_msat[own >> 1]
        if config.role != Role.ROUTER:
            spread: Floats = capacity / capacity.sum() * per_hour
            return spread if config.role == Role.CONSUMER else -spread
        net = np.zeros(self.network.n_nodes)
        excess = (2.0 * config.asymmetry - 1.0) * per_hour / len(self.corridors)
        for sender, receiver in self.corridors:
            net[sender] -= excess
            net[receiver] += excess
        peers = self.network.edge_target[own]
        per_peer: Floats = net[peers] / np.bincount(peers, minlength=len(net))[peers]
        return per_peer


def mean_msat(amounts: Amounts) -> float:
    """Mean of a distribution of amounts, estimated once on a fixed sample."""
    return float(amounts.sample(20_001, np.random.default_rng(0)).mean())


def typical_msat(amounts: Amounts) -> int:
    """Median of a distribution of amounts, estimated once on a fixed sample."""
    return int(np.median(amounts.sample(20_001, np.random.default_rng(0))))


def build_scenario(config: HerdingConfig, network: Network | None = None) -> Scenario:
    """Lay out the problem on ``network``, or on a synthetic one.

    Raises:
        InputError: when the network has no node that could be the herder.
    """
    if network is None:
        network = generate(GeneratorConfig(n_nodes=config.n_nodes), config.network_seed)
    node = choose_node(config, network) if config.node is None else _checked(network, config.node)
    network = _laid_out(config, network, node)
    corridors = _corridors(config, network, node) if config.role == Role.ROUTER else ()
    own = own_demand(config, node, corridors)
    return Scenario(config, network, node, Demand((*config.background.components, *own)), corridors)


def _laid_out(config: HerdingConfig, network: Network, node: int) -> Network:
    return _with_default_policy(network, node) if config.default_policy else network


def choose_node(config: HerdingConfig, network: Network) -> int:
    """A mid-size node: a router the one that most trades would pass, others the one of median capacity.

    Never the node with the largest capacity, which sells swaps.

    Raises:
        InputError: when no node has two live channels.
    """
    live = network.live_channels
    ends = np.concatenate([network.channels.node1[live], network.channels.node2[live]])
    capacity = np.zeros(network.n_nodes, dtype=np.int64)
    np.add.at(capacity, ends, np.tile(network.channels.capacity_msat[live], 2))
    degree = np.bincount(ends, minlength=network.n_nodes)
    degree[np.argmax(capacity)] = 0
    for low, high in (DEGREES, (2, network.n_channels)):
        candidates = np.flatnonzero((degree >= low) & (degree <= high))
        if len(candidates):
            order = candidates[np.argsort(capacity[candidates], kind="stable")]
            return _best_router(config, network, order) if config.role == Role.ROUTER else int(order[len(order) // 2])
    raise InputError(f"{network.name}: no node has two live channels to herd; give a larger network")


def _best_router(config: HerdingConfig, network: Network, candidates: Ints) -> int:
    """Of the largest candidates the one that most pairs of its peers would route through."""
    largest = candidates[-MAX_ROUTERS:]
    amount = typical_msat(config.own_amounts)
    pairs = [len(transit_pairs(_laid_out(config, network, int(node)), int(node), amount)[0]) for node in largest]
    return int(largest[int(np.argmax(pairs))])


def _checked(network: Network, node: int) -> int:
    """``node``, if it exists and has a live channel."""
    if not 0 <= node < network.n_nodes:
        raise InputError(f"{network.name}: no node {node}; give an index below {network.n_nodes}")
    if not network.live_channels[network.out_edges(node) >> 1].any():
        raise InputError(f"{network.name}: node {node} has no live channel to herd; choose another")
    return node


def _with_default_policy(network: Network, node: int) -> Network:
    edges = network.edges.copy()
    own = network.out_edges(node)
    for name, value in LND_POLICY.items():
        edges[name][own] = value
    return replace(network, edges=edges)


def own_demand(config: HerdingConfig, node: int, corridors: tuple[tuple[int, int], ...]) -> tuple[Component, ...]:
    """The traffic that the role lives from; a router's trades have a prevailing direction."""
    rate, amounts, arrivals = config.own_rate_per_s, config.own_amounts, config.own_arrivals
    herder = FixedNodes((node,))
    if config.role == Role.CONSUMER:
        return (Component(rate, amounts, arrivals, herder, ZipfSinks(seed=config.network_seed)),)
    if config.role == Role.PROVIDER:
        return (Component(rate, amounts, arrivals, Uniform(), herder),)
    components = []
    for first, second in corridors:
        there, back = FixedNodes((first,)), FixedNodes((second,))
        for share, source, sink in ((config.asymmetry, there, back), (1.0 - config.asymmetry, back, there)):
            if share > 0:
                components.append(Component(rate * share / len(corridors), amounts, arrivals, source, sink))
    return tuple(components)


def _corridors(config: HerdingConfig, network: Network, node: int) -> tuple[tuple[int, int], ...]:
    """Pairs of peers that would route through the herder: some peers mostly send, the others mostly receive.

    Raises:
        InputError: when there are none.
    """
    senders, receivers = transit_pairs(network, node, typical_msat(config.own_amounts))
    rng = np.random.default_rng([config.network_seed, node])
    ends = rng.permutation(np.unique(np.concatenate([senders, receivers])))
    sends = np.isin(senders, ends[: (len(ends) + 1) // 2]) & ~np.isin(receivers, ends[: (len(ends) + 1) // 2])
    pairs = np.flatnonzero(sends)
    if len(pairs) == 0:
        raise InputError(f"{network.name}: nobody would route through node {node}; choose another router")
    chosen = np.sort(rng.permutation(pairs)[: config.n_corridors])
    return tuple((int(senders[pair]), int(receivers[pair])) for pair in chosen)
