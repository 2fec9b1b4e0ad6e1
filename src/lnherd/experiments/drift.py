"""Drift: what traffic changes costs a policy that stays as it is, one that goes on learning, one that starts anew.

A life has phases; between two of them the traffic or the state of the channels changes for good. In each phase
everybody is measured on the same held-out days at the same moments:

* *frozen* learned in the first phase and never again;
* *continual* learned there too and goes on learning through every phase, without being told of the change;
* *retrained* starts from nothing at each change: at the end of a phase it is what *regret* is measured against;
* *shipped* comes with the package (trained in many other worlds), and never learns.

Regret is what a policy earns less, a day, than the retrained one does at the end of that phase, on the same days,
averaged over the moments of the phase.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from lnherd.agents.configs import DQNConfig, PPOConfig
from lnherd.agents.learner import Learner
from lnherd.agents.learners import LearnerConfig, gentle, load_policy, make_learner, start_from
from lnherd.agents.policy import Policy
from lnherd.agents.rules import DoNothing
from lnherd.agents.shipped import shipped_policy
from lnherd.control.view import Role
from lnherd.engine import SimulationConfig
from lnherd.envs.herding import HerdingTask
from lnherd.envs.scenario import HerdingConfig, choose_node
from lnherd.errors import InputError
from lnherd.experiments.config import TABULAR, hyper_parameters
from lnherd.experiments.episodes import REWARD, play
from lnherd.experiments.seeds import held_out_seeds, training_seeds
from lnherd.experiments.statistics import Band, Estimate, interquartile_mean_interval
from lnherd.experiments.suites import BACKGROUND_PER_S, TRAFFIC, SuiteConfig
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network
from lnherd.network.records import Floats
from lnherd.traffic.demand import preset

FROZEN, CONTINUAL, RETRAINED, SHIPPED, BASELINE = "frozen", "continual", "retrained", "shipped", "do-nothing"
DRAINED = "drained"
"""A phase of the first kind of traffic, with channels that have run dry."""
PHASES = (*TRAFFIC, DRAINED)
"""What a phase can be."""


@dataclass(frozen=True)
class DriftConfig:
    """Size of the experiment."""

    role: Role = Role.CONSUMER
    """What the node is for."""
    algorithm: str = "ppo"
    """Which learner."""
    phases: tuple[str, ...] = ("calls", "people", "drained")
    """The life: kinds of PHASES."""
    nodes: int = 100
    """Of the network."""
    horizon: int = 48
    """Decisions in an episode."""
    episodes: int = 64
    """Training episodes in each phase."""
    moments: int = 3
    """How often a phase is measured, the moment of the change included."""
    seeds: int = 5
    """Held-out days of each phase."""
    trainings: int = 3
    """Independent repetitions."""
    seed: int = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        if self.algorithm in TABULAR:
            raise InputError("--policies: the suite drift takes dqn or ppo; a table goes on learning only from itself")
        for phase in self.phases:
            if phase not in PHASES:
                raise InputError(f"--phases: {phase!r} is not known; choose from {', '.join(PHASES)}")

    @property
    def learner(self) -> LearnerConfig:
        """Hyper-parameters for learning from nothing."""
        return hyper_parameters(self.algorithm)

    @property
    def stops(self) -> list[int]:
        """Episodes of a phase after which everybody is measured: whole batches, none and all of them included."""
        batch = self.learner.batch_episodes
        points = np.linspace(0, self.episodes, self.moments)
        return sorted({min(batch * round(float(point) / batch), self.episodes) for point in points} | {self.episodes})


QUICK = DriftConfig(nodes=60, horizon=6, phases=("calls", "people"), episodes=16, moments=2, seeds=2, trainings=1)
"""Half a minute: shows that everything runs."""


def _surroundings(phase: str) -> dict[str, Any]:
    traffic = dict(TRAFFIC["calls" if phase == DRAINED else phase])
    traffic["background"] = preset(str(traffic["background"]), BACKGROUND_PER_S)
    if phase == DRAINED:
        traffic |= {"balance_prior": "drained", "start_hours": 1.0, "asymmetry": 1.0}
    return traffic


@dataclass(frozen=True)
class Measured:
    """One policy, one held-out day."""

    policy: str
    phase: int
    episodes: int
    """Training episodes since the phase began."""
    training: int
    seed: int
    reward: float
    """R of the day, in sat."""


def steady(config: LearnerConfig) -> LearnerConfig:
    """``config`` for learning without an end: steps and exploration stay as small as they are at the start."""
    config = gentle(config)
    if isinstance(config, PPOConfig):
        return replace(config, learning_rate_end=config.learning_rate, entropy_end=config.entropy)
    if isinstance(config, DQNConfig):
        return replace(config, learning_rate_end=config.learning_rate, epsilon_end=config.epsilon_start)
    return config


@dataclass(frozen=True, eq=False)
class Place:
    """The world of a phase."""

    config: HerdingConfig
    network: Network

    def task(self) -> HerdingTask:
        """A task of its own."""
        return HerdingTask(self.config, self.network)


def places(config: DriftConfig) -> list[Place]:
    """The worlds of all phases: the same node in the same network."""
    network = generate(GeneratorConfig(n_nodes=config.nodes), config.seed)
    base = HerdingConfig(role=config.role, n_nodes=config.nodes, network_seed=config.seed, horizon=config.horizon)
    node = choose_node(base, network)
    patience = SimulationConfig(payment_timeout_ms=SuiteConfig.patience_ms)
    base = replace(base, node=node, simulation=patience)
    return [Place(replace(base, **_surroundings(phase)), network) for phase in config.phases]


class Life:
    """One repetition: everybody through all phases."""

    def __init__(self, config: DriftConfig, training: int) -> None:
        self.config, self.training = config, training
        self.seed = 1_000 * config.seed + 100 * training

    def live(self) -> Iterator[Measured]:
        """Everything that is measured, phase by phase."""
        continual: Learner | None = None
        still: dict[str, Policy] = {BASELINE: DoNothing()}
        if shipped_policy(self.config.role).exists():
            still[SHIPPED] = load_policy(shipped_policy(self.config.role))[0]
        for phase, place in enumerate(places(self.config)):
            for name, policy in still.items():
                yield from self._measure(place, policy, name, phase, 0)
            fresh = make_learner(self.config.learner, self.seed + phase)
            yield from self._learn(place, fresh, RETRAINED, phase)
            if continual is None:
                continual, still[FROZEN] = self._going_on(fresh), fresh.policy()
            else:
                yield from self._learn(place, continual, CONTINUAL, phase)

    def _going_on(self, learner: Learner) -> Learner:
        """A learner that begins where ``learner`` is, and never stops."""
        again = make_learner(steady(self.config.learner), self.seed + 50)
        with TemporaryDirectory() as folder:
            learner.save_policy(Path(folder) / "policy.npz")
            start_from(again, Path(folder) / "policy.npz")
        return again

    def _learn(self, place: Place, learner: Learner, name: str, phase: int) -> Iterator[Measured]:
        seeds = training_seeds(self.seed + phase, self.config.episodes)
        stops = self.config.stops
        for begin, end in zip([0, *stops], stops, strict=False):
            learner.train(place.task, self.config.episodes, seeds, first=begin, last=end)
            yield from self._measure(place, learner.policy(), name, phase, end)

    def _measure(self, place: Place, policy: Policy, name: str, phase: int, episodes: int) -> Iterator[Measured]:
        task = place.task()
        for seed in held_out_seeds(self.config.seed + phase, self.config.seeds):
            reward = play(task, policy, seed).totals[REWARD]
            yield Measured(name, phase, episodes, self.training, seed, reward)


def run(config: DriftConfig, on_progress: Callable[[str], None]) -> list[Measured]:
    """All repetitions."""
    found: list[Measured] = []
    for training in range(config.trainings):
        on_progress(f"life {training + 1} of {config.trainings}")
        found += Life(config, training).live()
    return found


class Found:
    """What was measured, as arrays; policies that do not learn have the same value at every moment of a phase."""

    def __init__(self, config: DriftConfig, measured: Sequence[Measured]) -> None:
        self.config = config
        self.policies = [
            p for p in (BASELINE, FROZEN, CONTINUAL, RETRAINED, SHIPPED) if p in {m.policy for m in measured}
        ]
        self._at = {(m.policy, m.phase, m.episodes, m.training, m.seed): m.reward for m in measured}

    def rewards(self, policy: str, phase: int, episodes: int) -> Floats:
        """``[T, E]`` R a day: trainings, held-out days."""
        learns = policy == RETRAINED or (policy == CONTINUAL and phase > 0)
        name, at = (policy, episodes) if learns else (policy, 0)
        if phase == 0 and policy in (FROZEN, CONTINUAL):
            name, at = RETRAINED, episodes
        seeds = held_out_seeds(self.config.seed + phase, self.config.seeds)
        return np.array([[self._at[name, phase, at, t, s] for s in seeds] for t in range(self.config.trainings)])

    def regret(self, policy: str, phase: int) -> Estimate:
        """What ``policy`` earns less a day than the retrained one at the end of ``phase``, over the phase's moments."""
        stops = self.config.stops
        best = self.rewards(RETRAINED, phase, stops[-1])
        lost = np.mean([best - self.rewards(policy, phase, stop) for stop in stops], axis=0)
        return interquartile_mean_interval(lost, seed=self.config.seed)

    def band(self, policy: str) -> Band:
        """R a day through the whole life: interquartile mean with its interval at each moment."""
        points = [
            interquartile_mean_interval(self.rewards(policy, phase, stop), seed=self.config.seed, resamples=2_000)
            for phase in range(len(self.config.phases))
            for stop in self.config.stops
        ]
        return Band(*(np.array([getattr(point, name) for point in points]) for name in ("value", "low", "high")))
