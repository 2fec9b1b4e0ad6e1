"""What PPO and DQN share: weights, Adam, reward scale, the loop over batches of episodes, saving all of it.

All randomness is keyed by (seed, what for, number), so a learner that was saved and restored goes on bit by bit
as if nothing had happened.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lnherd.agents.adam import Adam
from lnherd.agents.configs import DQNConfig, PPOConfig
from lnherd.agents.learner import REWARD, Progress
from lnherd.agents.networks import SCORER_WEIGHTS, CandidateNetwork
from lnherd.agents.reward_scale import RewardScale
from lnherd.agents.rollout import Behaviour, Collector, EpisodeKey, GreedyBehaviour, Played, Player, SoftmaxBehaviour
from lnherd.agents.scorer import Scorer, ScorerPolicy, read_npz, save_scorer, write_npz
from lnherd.control.decision import Task
from lnherd.errors import InputError

FORMAT = "lnherd-learner-2"
DRAWS_WEIGHTS, DRAWS_EPISODES, DRAWS_UPDATES, DRAWS_MIXER = range(4)
"""What draws of a learner are for; part of their key."""


class DeepLearner(ABC):
    """A learner with networks. Subclasses say how to behave and what to do with what was played."""

    algorithm: str
    """Short name, as in tables."""

    def __init__(self, config: PPOConfig | DQNConfig, seed: int = 0) -> None:
        """Draw the first weights.

        Raises:
            InputError: when the device is not there.
        """
        if config.device == "cuda" and not torch.cuda.is_available():
            raise InputError("--device cuda: PyTorch finds no CUDA device; use --device cpu")
        self.seed, self.episodes_played, self.n_updates = seed, 0, 0
        self.device, self.batch_episodes = config.device, config.batch_episodes
        self._shared = config
        self.rate = config.learning_rate
        self.network = self.fresh_network()
        self.forget_moments()
        self.reward_scale = RewardScale(config.discount)

    def forget_moments(self) -> None:
        """A new optimiser."""
        self.optimiser = Adam(self.network.flat, self.network.gradient, self._shared.max_gradient)

    def fresh_network(self) -> CandidateNetwork:
        """The networks as they are first drawn."""
        config = self._shared
        return CandidateNetwork(config.spaces, config.network, self.rng(DRAWS_WEIGHTS, 0), config.device)

    def rng(self, purpose: int, number: int) -> np.random.Generator:
        """A generator for one purpose, the same whenever it is asked for."""
        return np.random.default_rng([self.seed, purpose, number])

    @abstractmethod
    def behaviour(self, progress: float) -> Behaviour:
        """How to act when ``progress`` (0 to 1) of the training is done."""

    @abstractmethod
    def learn(self, played: Sequence[Played], progress: float) -> dict[str, float]:
        """Learn from one batch; returns figures by name."""

    @abstractmethod
    def exploration(self, played: Sequence[Played], progress: float) -> float:
        """How much was explored, for the record."""

    def train(
        self,
        task_factory: Callable[[], Task] | Player,
        episodes: int,
        seeds: Sequence[int],
        on_progress: Callable[[Progress], None] | None = None,
        *,
        first: int = 0,
        last: int | None = None,
        pool: Executor | None = None,
    ) -> list[float]:
        """Play ``episodes`` episodes, the k-th on seed ``seeds[k % len(seeds)]``; returns their returns.

        To train in pieces, play the episodes from ``first`` up to ``last`` at a time: whole batches give what
        one call gives. ``pool`` (:func:`lnherd.agents.rollout.task_pool`) shares the playing out; a
        :class:`lnherd.agents.rollout.Player` in place of tasks plays by itself.

        Raises:
            InputError: without seeds.
        """
        if not seeds:
            raise InputError("training: there are no training seeds; give at least one")
        collector: Player = (
            task_factory if isinstance(task_factory, Player) else Collector(task_factory, self._shared.lanes, pool)
        )
        returns = list[float]()
        end = episodes if last is None else min(last, episodes)
        with one_thread(self.device):
            for start in range(first, end, self.batch_episodes):
                numbers = range(start, min(start + self.batch_episodes, end))
                progress = start / episodes
                keys = [EpisodeKey(seeds[k % len(seeds)], (self.seed, DRAWS_EPISODES, k)) for k in numbers]
                played = collector.collect(self.behaviour(progress), keys)
                self.episodes_played += len(played)
                losses = self.improve(played, progress)
                explored = self.exploration(played, progress)
                for number, each in zip(numbers, played, strict=True):
                    returns.append(each.totals[REWARD])
                    if on_progress:
                        on_progress(Progress(number + 1, episodes, returns[-1], explored, each.totals, losses))
        return returns

    def improve(self, played: Sequence[Played], progress: float) -> dict[str, float]:
        """Learn from one batch, with the rate and scale that are due; returns figures by name."""
        config = self._shared
        rate = config.learning_rate + progress * (config.learning_rate_end - config.learning_rate)
        self.rate = rate
        if config.scale_rewards:
            for each in played:
                each.watch(self.reward_scale)
        return {**self.learn(played, progress), "learning_rate": rate, "reward_scale": self.reward_scale.scale}

    def step(self) -> None:
        """One step of Adam down the networks' gradients."""
        self.optimiser.step(self.rate)

    @property
    def greedy(self) -> bool:
        """Whether the policy takes the best candidate."""
        return True

    def deployed(self) -> Scorer:
        """The scorer that the policy runs."""
        return self.network.scorer()

    def deployed_behaviour(self) -> Behaviour:
        """How that policy chooses."""
        scorer = self.deployed()
        return GreedyBehaviour(scorer, 0.0, 0) if self.greedy else SoftmaxBehaviour(scorer)

    def policy(self) -> ScorerPolicy:
        """What has been learned so far, frozen; runs on NumPy."""
        return ScorerPolicy(self.deployed(), self.algorithm, self.greedy)

    def about(self) -> dict[str, Any]:
        """What files say of the learner."""
        return {
            "algorithm": self.algorithm,
            "greedy": self.greedy,
            "episodes": self.episodes_played,
            "seed": self.seed,
            "context": list(self._shared.spaces.context),
            "candidate": list(self._shared.spaces.candidate),
            "config": asdict(self._shared),
        }

    def save_policy(self, path: Path | str) -> None:
        """Write the policy for NumPy alone (:func:`lnherd.agents.learners.load_policy`), the critic beside it."""
        scale = self.reward_scale
        about = {**self.about(), "reward_scale": [scale.count, scale.mean, scale.squares]}
        critic = {name: array for name, array in self.network.arrays().items() if name not in SCORER_WEIGHTS}
        save_scorer(path, self.deployed(), about, critic)

    def start_from(self, path: Path | str) -> None:
        """Take over the networks and the reward scale of the policy that was saved at ``path``, and nothing else.

        Raises:
            InputError: when it is missing or does not fit the inputs or the size of this learner's networks.
        """
        about, arrays = read_npz(path, "a saved policy")
        here = self.about()
        for name in ("context", "candidate"):
            if about.get(name) != here[name]:
                raise InputError(f"{path}: was trained on other features than this version has; train it anew")
        if about["config"]["network"]["hidden"] != list(self._shared.network.hidden):
            raise InputError(f"{path}: its networks have another size; start from a policy of the same size")
        self.network.load(arrays)
        scale = self.reward_scale
        scale.count, scale.mean, scale.squares = (float(value) for value in about["reward_scale"])

    def save(self, path: Path | str) -> None:
        """Write everything."""
        write_npz(path, {"format": FORMAT, "n_updates": self.n_updates, **self.about()}, self.arrays())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it consists of: weights, moments and reward scale."""
        adam, scale = self.optimiser, self.reward_scale
        return {
            **self.network.arrays(),
            "adam_mean": adam.mean.cpu().numpy(),
            "adam_square": adam.square.cpu().numpy(),
            "adam_steps": np.array(adam.steps),
            "reward_scale": np.array([scale.count, scale.mean, scale.squares]),
        }

    def restore(self, path: Path | str) -> None:
        """Become the learner that was saved at ``path``, which had this configuration.

        Raises:
            InputError: when it is missing or was another.
        """
        about, arrays = read_npz(path, "a saved learner")
        if about.get("format") != FORMAT or about.get("algorithm") != self.algorithm:
            raise InputError(f"{path}: holds no learner of {self.algorithm}; train anew in a new directory")
        self.take(arrays)
        self.seed, self.episodes_played = int(about["seed"]), int(about["episodes"])
        self.n_updates = int(about["n_updates"])

    def take(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become what :meth:`arrays` gave."""
        adam, scale = self.optimiser, self.reward_scale
        self.network.load(arrays)
        adam.mean.copy_(torch.from_numpy(arrays["adam_mean"]))
        adam.square.copy_(torch.from_numpy(arrays["adam_square"]))
        adam.steps = int(arrays["adam_steps"])
        scale.count, scale.mean, scale.squares = arrays["reward_scale"].tolist()


@contextmanager
def one_thread(device: str) -> Iterator[None]:
    """One CPU thread for PyTorch: at these sizes two are no faster, and results stay the same on any machine."""
    before = torch.get_num_threads()
    if device == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
