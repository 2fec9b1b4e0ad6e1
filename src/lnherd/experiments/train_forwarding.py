"""Trainings of forwarding policies: their configuration and the worlds they are played in."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from lnherd.agents.forwarding_learners import BEGINNINGS, hop_learner_config
from lnherd.agents.learners import LearnerConfig, on_device
from lnherd.envs.forwarding_curriculum import Curriculum
from lnherd.envs.forwarding_play import ForwardingPlayer
from lnherd.envs.forwarding_reward import ForwardingReward
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.errors import InputError
from lnherd.experiments.config import ALGORITHMS, training_seeds
from lnherd.experiments.forwarding.worlds import FAMILIES, MOST_ATTEMPTS, scenario
from lnherd.traffic.demand import PRESETS, preset
from lnherd.units import MS_PER_SECOND

REWARD = ForwardingReward(fee_weight=0.0)
"""What is learned for: that payments arrive, and soon. Fees differ by the amount far more than by what is chosen, and
would drown the rest."""


@dataclass(frozen=True)
class ForwardingScenario:
    """What is learned, in the words of the command line."""

    nodes: int = 100
    """Size of the synthetic networks."""
    networks: int = 32
    """Different topologies that are learned on; 0 stays on one."""
    traffic: str = "mixed"
    """Preset of the traffic."""
    families: tuple[str, ...] = ()
    """Families of the standard suite to learn on instead, by turns."""
    rate_per_s: float = 20.0
    """Payments a second, over the whole network, before the curriculum varies it."""
    seconds: int = 30
    """Length of an episode."""
    learner: str = "all"
    """Who learns: all nodes, or hub."""
    others: str = "shortest"
    """Policy of the others, where one node learns."""
    flip_share: float = 0.0
    """Share of episodes in which the traffic turns round."""
    churn_share: float = 0.0
    """Share of episodes with channels that come and go."""
    attempts: int = 16
    """Most that a payment may make, its parts counted one by one."""
    locked_sat_per_s: float = 0.1
    """What a second costs in which money is locked, where a part that arrives is worth 1."""

    def __post_init__(self) -> None:
        if not 10 <= self.nodes <= 20_000:
            raise InputError(f"--nodes is {self.nodes}; give 10 to 20000")
        if not 1 <= self.seconds <= 86_400:
            raise InputError(f"--seconds is {self.seconds}; give 1 to 86400")
        if not 1 <= self.attempts <= MOST_ATTEMPTS:
            raise InputError(f"--attempts is {self.attempts}; give 1 to {MOST_ATTEMPTS}")
        if self.locked_sat_per_s < 0:
            raise InputError(f"--locked-cost is {self.locked_sat_per_s}; give 0 or more")
        if self.rate_per_s <= 0:
            raise InputError(f"--rate is {self.rate_per_s}; it must be positive")
        if self.traffic not in PRESETS:
            raise InputError(f"--traffic {self.traffic!r} is unknown; choose one of {', '.join(PRESETS)}")
        for family in self.families:
            if family not in FAMILIES:
                raise InputError(f"--families: {family!r} is unknown; choose from {', '.join(FAMILIES)}")

    def curriculum(self) -> Curriculum:
        """Where episodes are drawn from."""
        plain = ForwardingConfig(
            n_nodes=self.nodes,
            demand=preset(self.traffic, self.rate_per_s),
            duration_ms=self.seconds * MS_PER_SECOND,
        )
        problems = [self._of_family(family) for family in self.families] or [self._tried(plain)]
        reward = replace(REWARD, latency_sat_per_s=self.locked_sat_per_s)
        base, *others = (replace(each, learner=self.learner, others=self.others, reward=reward) for each in problems)
        return Curriculum(base, tuple(others), self.networks, flip_share=self.flip_share, churn_share=self.churn_share)

    def _of_family(self, family: str) -> ForwardingConfig:
        return scenario(family, self.nodes, self.seconds, self.rate_per_s, self.attempts)

    def _tried(self, config: ForwardingConfig) -> ForwardingConfig:
        return replace(config, simulation=replace(config.simulation, policy_attempts=self.attempts))


@dataclass(frozen=True)
class ForwardingTrainConfig:
    """One training of a forwarding policy."""

    kind: ClassVar[str] = "train-forwarding"
    terms: ClassVar[tuple[str, ...]] = (
        "payments",
        "successes",
        "volume",
        "delivered",
        "fees",
        "latency_s",
        "success_volume",
    )
    """Columns of its curve; volumes and fees in sat."""

    scenario: ForwardingScenario = field(default_factory=ForwardingScenario)
    """Where."""
    algorithm: str = "ppo"
    """Which learner."""
    episodes: int = 400
    """How many episodes to play."""
    seed: int = 0
    """Of the learner and of its episodes."""
    device: str = "cpu"
    """Where networks are trained: cpu or cuda."""
    credit: str | None = None
    """own, path or stream; None is the learner's standard."""
    begin_as: str = "nothing"
    """The rule that an untrained network is: nothing, shortest, careful or patient (``agents.forwarding_learners``)."""
    blind: bool = False
    """Whether the policy sees nothing by which balances could be told, as where a sender rolls it out over gossip."""

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise InputError(f"--algo {self.algorithm!r} is not known; choose from {', '.join(ALGORITHMS)}")
        if self.begin_as not in BEGINNINGS:
            raise InputError(f"--begin-as {self.begin_as!r} is not known; choose from {', '.join(BEGINNINGS)}")
        if not 1 <= self.episodes <= 1_000_000:
            raise InputError(f"--episodes is {self.episodes}; give 1 to 1000000")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"--seed is {self.seed}; give 0 to 2**63 - 1")

    def seeds(self) -> list[int]:
        """Seed of each episode; none is ever one for measuring."""
        return training_seeds(self.seed, self.episodes)

    def learner(self) -> LearnerConfig:
        """Hyper-parameters."""
        config = on_device(hop_learner_config(self.algorithm, self.begin_as, blind=self.blind), self.device)
        return config if self.credit is None else replace(config, credit=self.credit)

    def player(self, n_threads: int = 1) -> ForwardingPlayer:
        """What plays the episodes."""
        return ForwardingPlayer(self.scenario.curriculum().draw, n_threads)
