"""Deep Q-networks (Mnih et al. 2015) over packed candidates, with parts of Rainbow (Hessel et al. 2018).

    y = r_t + ... + gamma^{n-1} r_{t+n-1} + gamma^n Q_target(s_{t+n}, argmax_a Q(s_{t+n}, a))

Double Q-learning (van Hasselt et al. 2016), dueling heads (Wang et al. 2016), n-step returns and prioritised replay
(Schaul et al. 2016) are options. The target network follows slowly (Lillicrap et al. 2016); it also is what the
saved policy runs, being an average over the last gradient steps.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lnherd.agents.configs import DQNConfig
from lnherd.agents.deep import DRAWS_UPDATES, DeepLearner
from lnherd.agents.networks import Batch, CandidateNetwork
from lnherd.agents.replay import Replay, Sample
from lnherd.agents.rollout import GreedyBehaviour, Played
from lnherd.agents.scorer import Scorer
from lnherd.network.records import Floats


class DQNLearner(DeepLearner):
    """Learns action values by playing tasks and replaying what happened."""

    algorithm = "dqn"

    def __init__(self, config: DQNConfig | None = None, seed: int = 0) -> None:
        self.config = config = config or DQNConfig()
        super().__init__(config, seed)
        self.target = CandidateNetwork(config.spaces, config.network, self.rng(0, 0)).to(self.device)
        power = config.priority_power if config.prioritised else 0.0
        self.replay = Replay(
            config.capacity,
            n_steps=config.n_steps,
            discount=config.discount,
            priority_power=power,
            credit=config.credit,
        )

    def start_from(self, path: Path | str) -> None:
        """The target network starts there too."""
        super().start_from(path)
        self.target.load(self.network.arrays())

    def behaviour(self, progress: float) -> GreedyBehaviour:
        """Epsilon-greedy, epsilon falling with the progress."""
        return GreedyBehaviour(self.network.scorer(), self.config.epsilon(progress), self.config.explore_kinds)

    def exploration(self, played: Sequence[Played], progress: float) -> float:
        """Epsilon."""
        return self.config.epsilon(progress)

    def deployed(self) -> Scorer:
        """The slow network's scorer; values of a decision do not change the order of its candidates."""
        return self.target.scorer()

    def learn(self, played: Sequence[Played], progress: float) -> dict[str, float]:
        """Remember the batch, then take as many gradient steps as it is worth."""
        config = self.config
        for each in played:
            self.replay.add(each)
        if len(self.replay) < config.warm_up:
            return {}
        figures: list[tuple[float, float]] = []
        correction = config.correction_start + progress * (1.0 - config.correction_start)
        for _ in range(round(config.updates_per_decision * sum(len(each) for each in played))):
            rng = self.rng(DRAWS_UPDATES, self.n_updates)
            self.n_updates += 1
            sample = self.replay.sample(config.minibatch, rng, correction if config.prioritised else 0.0)
            figures.append(self._update(sample))
        if not figures:
            return {}
        loss, value = np.mean(figures, axis=0).tolist()
        return {"loss": loss, "value": value}

    def _update(self, sample: Sample) -> tuple[float, float]:
        batch = Batch(sample.decisions, self.device)
        values = self.network.action_values(batch, dueling=self.config.dueling)
        chosen = values[batch.starts + torch.from_numpy(sample.chosen).to(self.device)]
        errors = chosen - self._tensor(self.targets(sample))
        losses = torch.nn.functional.smooth_l1_loss(errors, torch.zeros_like(errors), reduction="none")
        loss = (losses * self._tensor(sample.corrections)).mean()
        self.step(loss)
        self._follow()
        if self.config.prioritised:
            self.replay.surprise(sample.slots, errors.detach().cpu().numpy().astype(np.float64))
        return float(loss.detach()), float(chosen.detach().mean())

    def targets(self, sample: Sample) -> Floats:
        """``[B]`` what the chosen actions' values should be, in scaled reward."""
        config, batch = self.config, Batch(sample.following, self.device)
        with torch.no_grad():
            judged = self.target.action_values(batch, dueling=config.dueling)
            chooser = self.network.scores(batch) if config.double else judged
            best = _first_of_highest(chooser, batch)
            following = judged[best].cpu().numpy().astype(np.float64)
        targets: Floats = sample.returns / self.reward_scale.scale + sample.weights * following
        return targets

    def _follow(self) -> None:
        """Let the target network follow."""
        with torch.no_grad():
            slow: list[Tensor] = list(self.target.parameters())
            fast: list[Tensor] = list(self.network.parameters())
            torch._foreach_lerp_(slow, fast, self.config.target_rate)

    def _tensor(self, array: Floats) -> Tensor:
        return torch.as_tensor(array, dtype=torch.float32, device=self.device)

    def extra(self) -> dict[str, NDArray[Any]]:
        """The target network and the replay memory."""
        return {f"target_{name}": array for name, array in self.target.arrays().items()} | self.replay.arrays()

    def restore_extra(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take them back."""
        self.target.load({name: arrays[f"target_{name}"] for name, _ in self.target.named_parameters()})
        self.replay.restore(arrays)


def _first_of_highest(scores: Tensor, batch: Batch) -> Tensor:
    """``[B]`` row of each decision's highest score, the first of equals."""
    n_decisions, n_rows = len(batch.counts), len(scores)
    highest = torch.full((n_decisions,), -torch.inf, device=scores.device)
    highest = highest.scatter_reduce(0, batch.owners, scores, "amax")
    rows = torch.arange(n_rows, device=scores.device)
    rows = torch.where(scores == highest[batch.owners], rows, n_rows)
    return torch.full((n_decisions,), n_rows, device=scores.device).scatter_reduce(0, batch.owners, rows, "amin")
