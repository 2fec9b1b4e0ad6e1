"""Many herders in one living network: each manages its own channels, all at once, tick by tick.

    decisions [M] -> plans [M] -> carried out in turn -> one tick of the shared world -> rewards [M] -> decisions [M]

The native form of many herders, of which :mod:`lnherd.envs.herding_parallel` is a view; a flock of one herder is
exactly :class:`~lnherd.envs.herding.HerdingTask`. The same seed brings the same traffic, balances, blocks and fee
rates, whatever the herders do. Whoever does not learn follows a rule.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lnherd.agents.policy import Policy
from lnherd.agents.rules import DoNothing
from lnherd.control.decision import Decision, Plan, as_actions, decide
from lnherd.control.view import Role
from lnherd.engine import Simulation
from lnherd.envs.acting import Actor, advance_together
from lnherd.envs.corridors import transit_pairs
from lnherd.envs.gossip import Gossip
from lnherd.envs.observing import Observer
from lnherd.envs.reward import Ledger, wanted_sat
from lnherd.envs.scenario import DEGREES, HerdingConfig, Scenario, build_scenario, typical_msat
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, draw_balances, generate
from lnherd.network.graph import Network
from lnherd.network.records import Floats, Ints
from lnherd.traffic.demand import Demand


@dataclass(frozen=True)
class FlockConfig:
    """Who herds, and for what. Defaults: an agent's node and an API's node in turn, four in all, all learning."""

    herding: HerdingConfig = field(default_factory=HerdingConfig)
    """What holds for each of them; ``role`` and ``node`` are set by the flock."""
    roles: tuple[Role, ...] = (Role.CONSUMER, Role.PROVIDER)
    """Given to the herders in turn."""
    n_herders: int = 4
    """How many there are, where ``nodes`` does not name them."""
    nodes: tuple[int, ...] | None = None
    """The herders; None spreads them over the mid-size nodes, by capacity."""
    learners: tuple[int, ...] | None = None
    """Which of them are asked, by their place in the flock; None asks all."""
    others: Callable[[], Policy] = DoNothing
    """The policy of those that are not asked."""
    cooperation: float = 0.0
    """0 rewards each herder for itself, 1 each with the mean of all, between them a mixture."""

    def __post_init__(self) -> None:
        if self.n_herders < 1 or not self.roles:
            raise InputError("flock: n_herders must be at least 1 and roles must name one")
        if not 0 <= self.cooperation <= 1:
            raise InputError(f"flock: cooperation is {self.cooperation}; it must lie between 0 and 1")
        if self.nodes is not None and len(set(self.nodes)) != len(self.nodes):
            raise InputError("flock: a node is named twice among nodes; name each once")
        n_herders = self.n_herders if self.nodes is None else len(self.nodes)
        if self.learners is not None and not set(self.learners) <= set(range(n_herders)):
            raise InputError(f"flock: learners are places in the flock, 0 to {n_herders - 1}; got {self.learners}")


@dataclass(frozen=True, eq=False)
class FlockStep:
    """What one tick brought to the ``M`` herders that are asked."""

    decisions: tuple[Decision, ...]
    """The next choices."""
    rewards: Floats
    """``[M]`` in sat, cooperation counted in."""
    wanted: Floats
    """``[M]`` of it, what no action changes (``StepResult.wanted``)."""
    terms: tuple[dict[str, float], ...]
    """What each herder's own R is made of."""
    truncated: bool
    """Whether the time limit was reached."""
    refused: tuple[tuple[str, ...], ...]
    """Actions that could not be carried out, and why."""


@dataclass(eq=False)
class _Herder:
    """One of the flock in a running episode."""

    actor: Actor
    observer: Observer
    policy: Policy | None
    """None where it is asked."""
    decision: Decision | None = None
    ledger: Ledger | None = None


class FlockTask:
    """The world of many herders: ``reset(seed) -> decisions``, ``step(plans) -> FlockStep``; both by learner."""

    def __init__(self, config: FlockConfig | None = None, network: Network | None = None) -> None:
        """Lay out the scenarios of all herders on ``network`` (a synthetic one if not given).

        Raises:
            InputError: when the network has too few nodes that could be herders.
        """
        self.config = config or FlockConfig()
        herding = self.config.herding
        network = network or generate(GeneratorConfig(n_nodes=herding.n_nodes), herding.network_seed)
        self.nodes = self.config.nodes or choose_nodes(self.config, network)
        self.scenarios: list[Scenario] = []
        for place, node in enumerate(self.nodes):
            role = self.config.roles[place % len(self.config.roles)]
            self.scenarios.append(build_scenario(replace(herding, role=role, node=node), network))
            network = self.scenarios[-1].network  # with this herder's default policy
        self.network = network
        learners = self.config.learners
        self.learners = tuple(range(len(self.nodes))) if learners is None else learners
        own = [part for scenario in self.scenarios for part in scenario.demand.components[self._n_background :]]
        self._demand = Demand((*herding.background.components, *own))
        self._gossip = Gossip(network)
        self.tick = herding.horizon
        self.simulation: Simulation
        self._herders: list[_Herder] = []

    @property
    def _n_background(self) -> int:
        return len(self.config.herding.background.components)

    def reset(self, seed: int) -> tuple[Decision, ...]:
        """Start an episode and live through its warm-up."""
        herding = self.config.herding
        payments = self._demand.sample(
            self.network, duration_ms=herding.duration_ms, rng=np.random.default_rng([seed, 0])
        )
        balances = self._balances_msat(seed)
        self.simulation = Simulation(
            self.network, payments, config=herding.simulation, seed=seed, balance_msat=balances
        )
        for node in self.nodes:
            self.simulation.fund(node, herding.wallet_msat)
        self._herders = [self._herder(place, seed) for place in range(len(self.nodes))]
        self.tick = 0
        self._look()
        for warm_up in range(herding.warm_up_ticks):
            self._advance((warm_up + 1) * herding.tick_ms)
            self._look()
        for herder, scenario in zip(self._herders, self.scenarios, strict=True):
            config = scenario.config
            herder.ledger = Ledger(self.simulation, scenario.node, config.role, config.reward, payments)
        return self._asked()

    def _balances_msat(self, seed: int) -> Ints:
        rng = np.random.default_rng([seed, 1])
        balances: Ints = draw_balances(self.network, self.config.herding.balance_prior, rng).copy()
        for scenario in self.scenarios:
            scenario.drain(balances, rng)
        return balances

    def _herder(self, place: int, seed: int) -> _Herder:
        scenario, simulation = self.scenarios[place], self.simulation
        config, policy = scenario.config, None
        if place not in self.learners:
            policy = self.config.others()
            policy.reset(seed + scenario.node)
        observer = Observer(simulation, scenario.node, config.role, config.tick_ms, self._gossip)
        return _Herder(Actor(simulation, scenario.node, config.menu), observer, policy)

    def step(self, plans: Sequence[Plan]) -> FlockStep:
        """Carry out one plan for each learner, those of the others, and live through one tick.

        Raises:
            InputError: when the episode is over or the number of plans is wrong.
        """
        herding = self.config.herding
        if self.tick >= herding.horizon:
            raise InputError("flock: the episode is over; call reset first")
        if len(plans) != len(self.learners):
            raise InputError(f"flock: {len(self.learners)} herders wait for a plan, got {len(plans)} plans")
        answers = dict(zip(self.learners, plans, strict=True))
        refused = [self._carry_out(place, herder, answers) for place, herder in enumerate(self._herders)]
        self.tick += 1
        self._advance((herding.warm_up_ticks + self.tick) * herding.tick_ms)
        books = [herder.ledger.close_tick(herding.tick_ms) for herder in self._herders if herder.ledger]
        self._look()
        own = np.array([reward for reward, _ in books])
        wanted = np.array(
            [
                wanted_sat(scenario.config.role, scenario.config.reward, terms)
                for scenario, (_, terms) in zip(self.scenarios, books, strict=True)
            ]
        )
        return FlockStep(
            decisions=self._asked(),
            rewards=self._shared(own),
            wanted=self._shared(wanted),
            terms=tuple(books[place][1] for place in self.learners),
            truncated=self.tick == herding.horizon,
            refused=tuple(refused[place] for place in self.learners),
        )

    def _shared(self, own: Floats) -> Floats:
        """``[M]`` what the learners get of what each herder has."""
        share = self.config.cooperation
        mixed: Floats = ((1.0 - share) * own + share * own.mean())[list(self.learners)]
        return mixed

    @property
    def roles(self) -> tuple[Role, ...]:
        """``[M]`` of the learners."""
        return tuple(self.scenarios[place].config.role for place in self.learners)

    @property
    def asked(self) -> tuple[int, ...]:
        """``[M]`` the learners' nodes."""
        return tuple(self.nodes[place] for place in self.learners)

    def _carry_out(self, place: int, herder: _Herder, answers: dict[int, Plan]) -> tuple[str, ...]:
        if herder.policy is None:
            plan = answers[place]
        else:
            assert herder.decision is not None
            plan = herder.policy.act(herder.decision)
        return tuple(herder.actor.carry_out(as_actions(plan)))

    def _advance(self, until_ms: int) -> None:
        advance_together([herder.actor for herder in self._herders], self.simulation, self.simulation.run, until_ms)

    def _look(self) -> None:
        for herder, scenario in zip(self._herders, self.scenarios, strict=True):
            actor = herder.actor
            view = herder.observer.look(actor.pending(), actor.take_failures(), actor.take_rebalanced())
            herder.decision = decide(view, scenario.config.menu)

    def _asked(self) -> tuple[Decision, ...]:
        decisions = [self._herders[place].decision for place in self.learners]
        return tuple(decision for decision in decisions if decision is not None)


def choose_nodes(config: FlockConfig, network: Network) -> tuple[int, ...]:
    """Mid-size nodes, evenly spread over the order of their capacity; a router is one that trades would pass.

    Never the node with the largest capacity, which sells swaps.

    Raises:
        InputError: when there are too few.
    """
    live = network.live_channels
    ends = np.concatenate([network.channels.node1[live], network.channels.node2[live]])
    capacity = np.zeros(network.n_nodes, dtype=np.int64)
    np.add.at(capacity, ends, np.tile(network.channels.capacity_msat[live], 2))
    degree = np.bincount(ends, minlength=network.n_nodes)
    degree[np.argmax(capacity)] = 0
    free = np.flatnonzero((degree >= DEGREES[0]) & (degree <= DEGREES[1]))
    free = free[np.argsort(capacity[free], kind="stable")]
    amount_msat = typical_msat(config.herding.own_amounts)
    chosen: list[int] = []
    for place in range(config.n_herders):
        wanted = (2 * place + 1) * len(free) // (2 * config.n_herders)
        ranked = free[np.argsort(np.abs(np.arange(len(free)) - wanted), kind="stable")]
        is_router = config.roles[place % len(config.roles)] == Role.ROUTER
        fitting = (
            int(node)
            for node in ranked
            if int(node) not in chosen and (not is_router or len(transit_pairs(network, int(node), amount_msat)[0]))
        )
        node = next(fitting, None)
        if node is None:
            raise InputError(f"{network.name}: too few mid-size nodes for {config.n_herders} herders; ask for fewer")
        chosen.append(node)
    return tuple(chosen)
