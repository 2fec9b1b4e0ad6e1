"""What forwarding is learned on: topologies, loads and traffic mixes drawn anew for every episode."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network
from lnherd.traffic.demand import Demand

TRAINING_NETWORKS = 1_000_000
"""Seeds of training topologies start here; those below are for measuring."""


@dataclass(frozen=True)
class Curriculum:
    """Domain randomisation around one problem. What an episode is follows from its seed alone."""

    base: ForwardingConfig = field(default_factory=ForwardingConfig)
    """The problem. Its own topology is not among those that are learned on."""
    others: tuple[ForwardingConfig, ...] = ()
    """Further problems, as often each: other traffic on networks of the same size."""
    n_networks: int = 32
    """Different topologies; 0 stays on that of the problem."""
    load: tuple[float, float] = (0.5, 2.0)
    """Least and most payments a second, as shares of the problem's, drawn evenly by logarithm."""
    emphasis: tuple[float, float] = (1.0, 1.0)
    """Least and most weight of every component of the traffic but the first, drawn likewise: few payments are large,
    and they decide what volume gets through."""
    flip_share: float = 0.0
    """Share of episodes in which the traffic turns round half way."""
    churn_share: float = 0.0
    """Share of episodes in which channels go offline and come back, one every 2 s."""

    def __post_init__(self) -> None:
        for name, (least, most) in (("load", self.load), ("emphasis", self.emphasis)):
            if not 0 < least <= most:
                raise InputError(f"curriculum: {name} is {least} to {most}; give two positive numbers in order")
        if self.n_networks < 0:
            raise InputError(f"curriculum: n_networks is {self.n_networks}; give 0 or more")

    def draw(self, seed: int) -> tuple[ForwardingConfig, Network]:
        """Problem and topology of the episode ``seed``."""
        rng = np.random.default_rng([seed, 3])
        load, emphasis = (float(np.exp(rng.uniform(*np.log(each)))) for each in (self.load, self.emphasis))
        is_flipped, has_churn = rng.random(2) < (self.flip_share, self.churn_share)
        problem = (self.base, *self.others)[int(rng.integers(1 + len(self.others)))]
        config = replace(problem, demand=_emphasised(problem.demand, emphasis).scaled(load))
        if is_flipped:
            config = replace(config, flip_after_ms=problem.duration_ms // 2)
        if has_churn:
            config = replace(config, churn_interval_ms=2_000)
        if self.n_networks == 0:
            return config, _network(self.base.n_nodes, self.base.network_seed)
        network_seed = TRAINING_NETWORKS + int(rng.integers(self.n_networks))
        return replace(config, network_seed=network_seed), _network(self.base.n_nodes, network_seed)


def _emphasised(demand: Demand, factor: float) -> Demand:
    first, *others = demand.components
    return Demand((first, *(replace(each, rate_per_s=each.rate_per_s * factor) for each in others)))


@lru_cache(maxsize=256)
def _network(n_nodes: int, seed: int) -> Network:
    return generate(GeneratorConfig(n_nodes=n_nodes), seed)
