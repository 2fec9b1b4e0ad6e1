"""Configurations of trainings and comparisons: frozen, complete, the same in JSON."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

from lnherd.agents.configs import DEVICES, WIDE_SPACES, DQNConfig, PPOConfig, Spaces
from lnherd.agents.learners import LearnerConfig, gentle, on_device
from lnherd.agents.qlearning import QConfig
from lnherd.anomaly.signals import ALARM_FEATURES
from lnherd.control.encode import CONTEXT_FEATURES
from lnherd.control.view import Role
from lnherd.errors import InputError
from lnherd.experiments.json_config import from_json, to_json
from lnherd.experiments.results import BASELINE

ALGORITHMS = ("qlearning", "dqn", "ppo")
"""Learners that can be trained, by their name on the command line."""
LEARNED_NAMES = {"qlearning": "q-learning", "dqn": "dqn", "ppo": "ppo"}
"""And in tables."""
TABULAR = ("qlearning",)
"""Learners that need no PyTorch."""
MOST = 1_000_000
"""Largest count of anything."""
DAYS = 8
"""Different days that a training in many worlds has in each of them."""
WIDE_WAIT_LOGIT = 5.0
"""At the start nine in ten decisions are to wait: random management of channels drowns what it could teach."""
_TRAINING = 1 << 31
"""The bit that tells training seeds from evaluation seeds."""


class TrainingConfig(Protocol):
    """What every training says of itself, whatever is learned in it."""

    kind: ClassVar[str]
    """What marks its directory."""
    terms: ClassVar[tuple[str, ...]]
    """Columns of its curve beside those of every training."""

    @property
    def algorithm(self) -> str:
        """Which learner."""
        ...

    @property
    def episodes(self) -> int:
        """How many episodes to play."""
        ...

    @property
    def seed(self) -> int:
        """Of the learner and of its episodes."""
        ...

    def seeds(self) -> list[int]:
        """Seed of each episode."""
        ...

    def learner(self) -> LearnerConfig:
        """Hyper-parameters."""
        ...


T = TypeVar("T", bound=TrainingConfig)


@dataclass(frozen=True)
class ScenarioConfig:
    """Which herder is meant: its role, its network, its place."""

    role: Role = Role.CONSUMER
    """What the node is for."""
    network: str | None = None
    """Path of a snapshot; None is a synthetic network."""
    nodes: int = 200
    """Size of the synthetic network, or of the neighbourhood that is cut out of the snapshot."""
    node: str | None = None
    """Public key, alias or index of the herder; None picks a mid-size node (5-15 live channels)."""
    network_seed: int = 0
    """Seed of the synthetic network and of who trades with whom."""
    watch: str | None = None
    """Path of a calibrated anomaly watch over the herder, which ``lnherd detect`` wrote; None has none."""
    worlds: int = 1
    """Worlds to train in: more than one are other networks, nodes, traffic and states of the channels in turn."""

    def __post_init__(self) -> None:
        _check("--nodes", self.nodes, 10)
        _check("--network-seed", self.network_seed, 0, 2**63 - 1)
        _check("--worlds", self.worlds, 1, 1_000)


@dataclass(frozen=True)
class TrainConfig:
    """One training."""

    kind: ClassVar[str] = "train"
    """What marks its directory."""
    terms: ClassVar[tuple[str, ...]] = ("S", "F", "C", "successes", "failures")
    """Columns of its curve beside those of every training."""

    scenario: ScenarioConfig = field(default_factory=ScenarioConfig)
    """Where."""
    algorithm: str = "qlearning"
    """Which learner."""
    episodes: int = 100
    """How many episodes to play."""
    seed: int = 0
    """Of the learner and of its training traffic."""
    device: str = "cpu"
    """Where networks are trained: cpu or cuda."""
    start: str | None = None
    """A saved policy to start from; None starts from nothing."""
    is_wide: bool = False
    """Whether the learner has the wide look (``control.wide``)."""

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise InputError(f"--algo {self.algorithm!r} is not known; choose from {', '.join(ALGORITHMS)}")
        if self.device not in DEVICES:
            raise InputError(f"--device {self.device!r} is not known; choose from {', '.join(DEVICES)}")
        _check("--episodes", self.episodes, 1)
        _check("--seed", self.seed, 0, 2**63 - 1)

    def seeds(self) -> list[int]:
        """Seed of the traffic of each episode; none is ever an evaluation seed.

        Among many worlds the k-th is in world ``k % worlds``, and each world has DAYS days, lived again and again.
        """
        worlds = self.scenario.worlds
        if worlds == 1 or not self.is_wide:
            return training_seeds(self.seed, self.episodes)
        days = training_seeds(self.seed, DAYS)
        seeds = [days[k // worlds % DAYS] for k in range(self.episodes)]
        return [day // worlds * worlds + k % worlds for k, day in enumerate(seeds)]

    def learner(self) -> LearnerConfig:
        """Hyper-parameters; networks see the levels of a watch."""
        config = on_device(hyper_parameters(self.algorithm), self.device)
        if self.is_wide and not isinstance(config, QConfig):
            config = widely(config, self.scenario.worlds)
        if self.start is not None:
            config = gentle(config)
        if self.scenario.watch is None or isinstance(config, QConfig):
            return config
        return replace(config, spaces=Spaces(context=(*CONTEXT_FEATURES, *ALARM_FEATURES)))


@dataclass(frozen=True)
class CompareConfig:
    """One comparison: rules and learners on the same held-out traffic."""

    scenario: ScenarioConfig = field(default_factory=ScenarioConfig)
    """Where."""
    rules: tuple[str, ...] = (BASELINE,)
    """Rules to compare; doing nothing is always among them."""
    algorithms: tuple[str, ...] = TABULAR
    """Learners to train and compare; may be empty."""
    trainings: int = 4
    """Independent trainings of each learner."""
    train_episodes: int = 100
    """Episodes of each training."""
    checkpoints: int = 5
    """Points of the learning curve, the end of training included."""
    evaluations: int = 20
    """Held-out seeds."""
    seed: int = 0
    """Of trainings, held-out traffic and bootstrap."""
    tuned: bool = False
    """Whether each rule also runs tuned, with as many training episodes as a learner."""

    def __post_init__(self) -> None:
        _check("--trainings", self.trainings, 1)
        _check("--train-episodes", self.train_episodes, 1)
        _check("--checkpoints", self.checkpoints, 1)
        _check("--seeds", self.evaluations, 1)
        _check("--seed", self.seed, 0, 2**63 - 1)
        if BASELINE not in self.rules:
            raise InputError(f"--policies must include {BASELINE}: everything is measured against it")

    def seeds(self) -> list[int]:
        """Held-out seeds, all different; none is ever a training seed."""
        return distinct_seeds(self.seed, self.evaluations)

    def tuning_seeds(self) -> tuple[int, ...]:
        """Training seeds that rules are tuned on: those of the first training."""
        return tuple(self.training(ALGORITHMS[0], 0).seeds())

    def learners(self) -> list[tuple[str, int]]:
        """Algorithm and number of each training."""
        return [(algorithm, number) for algorithm in self.algorithms for number in range(self.trainings)]

    def training(self, algorithm: str, number: int) -> TrainConfig:
        """The configuration of one of the trainings."""
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        return TrainConfig(self.scenario, algorithm, self.train_episodes, seed)

    def stops(self) -> list[int]:
        """Episodes after which the learning curve is measured: the end, half of it, a quarter, ... in whole batches."""
        batch = max((hyper_parameters(name).batch_episodes for name in self.algorithms), default=1)
        points = self.train_episodes * 0.5 ** np.arange(1, self.checkpoints)
        whole = {batch * max(1, round(float(point) / batch)) for point in points}
        return sorted({stop for stop in whole if stop < self.train_episodes} | {self.train_episodes})


def hyper_parameters(algorithm: str) -> LearnerConfig:
    """The standard ones of a learner."""
    configs: dict[str, LearnerConfig] = {"qlearning": QConfig(), "dqn": DQNConfig(), "ppo": PPOConfig()}
    return configs[algorithm]


def widely(config: LearnerConfig, worlds: int) -> LearnerConfig:
    """Hyper-parameters for the wide look: begin close to doing nothing, with every world in a batch."""
    if isinstance(config, QConfig):
        return config
    config = replace(config, spaces=WIDE_SPACES)
    if worlds > 1:
        config = replace(config, batch_episodes=worlds, lanes=-(-worlds // 2))
    if isinstance(config, DQNConfig):
        network = replace(config.network, wait_logit=0.5)  # in scaled reward
        return replace(config, network=network, epsilon_start=0.1, epsilon_end=0.02)
    return replace(config, network=replace(config.network, wait_logit=WIDE_WAIT_LOGIT))


def _check(flag: str, value: int, least: int, most: int = MOST) -> None:
    if not least <= value <= most:
        raise InputError(f"{flag} is {value}; give {least} to {most}")


def distinct_seeds(seed: int, n: int) -> list[int]:
    """``n`` different numbers below 2^31, the first k the same for every n."""
    state = np.random.SeedSequence([seed]).generate_state(n + n // 4 + 16)
    return list(dict.fromkeys(int(value) & (_TRAINING - 1) for value in state))[:n]


def training_seeds(seed: int, n: int) -> list[int]:
    """``n`` different seeds to learn on; none is ever an evaluation seed."""
    return [value | _TRAINING for value in distinct_seeds(seed, n)]


def describe(kind: str, config: Any, environment: Any) -> dict[str, Any]:
    """What ``config.json`` of a run holds: ``environment`` is recorded so that a change of it is noticed."""
    return {"kind": kind, "config": to_json(config), "environment": to_json(environment)}


def read_train_config(kind: type[T], content: dict[str, Any], where: str) -> T:
    """The training that a ``config.json`` describes, of one ``kind``.

    Raises:
        InputError: when it describes something else.
    """
    if content.get("kind") != kind.kind or "config" not in content:
        raise InputError(f"{where}: is not a training; give a directory that lnherd train wrote")
    return from_json(kind, content["config"], where)
