"""Where the money probably lies: channel balances over many simulated worlds with the same gossip.

Gossip tells capacities, not balances. Each world draws balances from a prior and lets traffic run over them, so
that channels towards sinks dry up as they do in reality; what an edge could forward at the end is one sample.
Samples of one world belong together: a route's chance counts the worlds in which *all* its hops could forward.

The estimates are as good as the prior and the traffic. They are not measurements of anybody's channels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lnherd.engine import Simulation, SimulationConfig
from lnherd.errors import InputError
from lnherd.network.balances import draw_balances
from lnherd.network.graph import Network
from lnherd.network.records import Ints
from lnherd.traffic.demand import preset

MAX_WORLDS = 1_000


@dataclass(frozen=True)
class EstimateConfig:
    """How the worlds are made."""

    n_worlds: int = 16
    """Samples of each balance."""
    n_payments: int = 1_000
    """Payments in each world."""
    prior: str = "bimodal"
    """What balances are drawn from before traffic runs (network.balances)."""
    traffic: str = "mixed"
    """Who pays whom (traffic.demand.preset)."""
    rate_per_s: float = 10.0
    """Payments per second."""

    def __post_init__(self) -> None:
        if not 1 <= self.n_worlds <= MAX_WORLDS or self.n_payments < 0 or not self.rate_per_s > 0:
            raise InputError(f"estimates need 1 to {MAX_WORLDS} worlds, no negative number of payments, a rate above 0")


@dataclass(frozen=True, eq=False)
class LiquidityEstimates:
    """``forwardable_msat [W, E]``: what each edge of ``network`` could forward in each world."""

    network: Network
    forwardable_msat: Ints

    @property
    def n_worlds(self) -> int:
        """Number of samples."""
        return len(self.forwardable_msat)

    def chance(self, edges: Ints, amounts_msat: Ints) -> float:
        """Chance ``(k + 1) / (W + 2)`` that all ``edges [H]`` forward their ``amounts_msat [H]``; 1 for none."""
        if len(edges) == 0:
            return 1.0
        able = (self.forwardable_msat[:, edges] >= amounts_msat).all(axis=1)
        return (int(able.sum()) + 1) / (self.n_worlds + 2)

    def bounds_msat(self, edge: int, confidence: float = 0.9) -> tuple[int, int]:
        """Between what ``edge`` can forward in the middle ``confidence`` of the worlds."""
        samples = self.forwardable_msat[:, edge]
        tail = (1.0 - confidence) / 2
        low, high = np.quantile(samples, [tail, 1.0 - tail], method="nearest")
        return int(low), int(high)


def estimate(
    network: Network, config: EstimateConfig, seed: int, tell: Callable[[int], None] = lambda done: None
) -> LiquidityEstimates:
    """Simulate the worlds, one after the other; ``tell`` hears how many are done.

    Raises:
        InputError: for an unknown prior or traffic, or a network nobody can pay in.
    """
    samples = []
    for number, world_seed in enumerate(np.random.SeedSequence(seed).spawn(config.n_worlds)):
        samples.append(_world(network, config, world_seed))
        tell(number + 1)
    return LiquidityEstimates(network, np.stack(samples))


def _world(network: Network, config: EstimateConfig, seed: np.random.SeedSequence) -> Ints:
    balance_seed, traffic_seed, engine_seed = seed.spawn(3)
    balances = draw_balances(network, config.prior, np.random.default_rng(balance_seed))
    payments = preset(config.traffic, config.rate_per_s).sample(
        network, n_payments=config.n_payments, rng=np.random.default_rng(traffic_seed)
    )
    key = int(engine_seed.generate_state(1, np.uint64)[0])
    simulation = Simulation(network, payments, config=SimulationConfig(), seed=key, balance_msat=balances)
    simulation.run()
    return forwardable_msat(simulation)


def forwardable_msat(simulation: Simulation) -> Ints:
    """``[E]`` the largest HTLC each edge would forward now: balance above the reserve, within its policy."""
    edges = simulation.state.edges
    most: Ints = np.minimum(edges.balance_msat - edges.reserve_msat, edges.htlc_max_msat)
    return np.where(edges.enabled & edges.is_open, np.maximum(most, 0), 0)
