"""Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) over packed candidates.

    r_t = pi(a_t | s_t) / pi_old(a_t | s_t)
    L = -E[min(r_t A_t, clip(r_t, 1 - eps, 1 + eps) A_t)] + c_v E[(V(s_t) - G_t)^2] / 2 - c_e E[H(pi)]

Advantages by generalised advantage estimation (Schulman et al. 2016); impossible candidates are not in the batch at
all, so the softmax runs over the possible ones. Value clipping, normalised advantages and early stopping by KL are
options, as in OpenAI's baselines and "The 37 implementation details of PPO" (Huang et al. 2022).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lnherd.agents.configs import PPOConfig
from lnherd.agents.deep import DRAWS_UPDATES, DeepLearner
from lnherd.agents.networks import Batch
from lnherd.agents.packing import Packed, joined
from lnherd.agents.rollout import Played, SoftmaxBehaviour
from lnherd.network.records import Floats, Ints


@dataclass(frozen=True, eq=False)
class Experience:
    """One batch of ``B`` decisions that were taken, ready for gradient steps."""

    decisions: Packed
    chosen: Ints
    """``[B]`` position of what was chosen among the decision's candidates."""
    log_probabilities: Floats
    """``[B]`` by the policy that chose."""
    values: Floats
    """``[B]`` by the critic before the update."""
    advantages: Floats
    """``[B]``"""

    @property
    def returns(self) -> Floats:
        """``[B]`` what the critic should say."""
        returns: Floats = self.advantages + self.values
        return returns

    def select(self, index: Ints) -> "Experience":
        """The decisions at ``index``."""
        return Experience(
            self.decisions.select(index),
            self.chosen[index],
            self.log_probabilities[index],
            self.values[index],
            self.advantages[index],
        )


class PPOLearner(DeepLearner):
    """Learns a policy and a critic by playing tasks."""

    algorithm = "ppo"

    def __init__(self, config: PPOConfig | None = None, seed: int = 0) -> None:
        self.config = config or PPOConfig()
        super().__init__(self.config, seed)

    @property
    def greedy(self) -> bool:
        """Whether the saved policy takes the most probable candidate."""
        return self.config.greedy

    def behaviour(self, progress: float) -> SoftmaxBehaviour:
        """Draw from the policy, whatever the progress."""
        return SoftmaxBehaviour(self.network.scorer())

    def exploration(self, played: Sequence[Played], progress: float) -> float:
        """Entropy, estimated by the mean of -log pi(a)."""
        return -float(np.mean(np.concatenate([each.log_probabilities for each in played])))

    def learn(self, played: Sequence[Played], progress: float) -> dict[str, float]:
        """Several passes over the batch in shuffled minibatches."""
        config, experience = self.config, self.experience(played)
        rng = self.rng(DRAWS_UPDATES, self.n_updates)
        self.n_updates += 1
        entropy_weight = config.entropy + progress * (config.entropy_end - config.entropy)
        figures: list[dict[str, float]] = []
        for _ in range(config.epochs):
            order = rng.permutation(len(experience.chosen))
            n_parts = max(1, round(len(order) / config.minibatch))
            for part in np.array_split(order, n_parts):
                loss, terms = self.loss(experience.select(part), entropy_weight)
                self.step(loss)
                figures.append(terms)
            if config.target_kl is not None and figures[-1]["kl"] > 1.5 * config.target_kl:
                break
        means = {name: float(np.mean([each[name] for each in figures])) for name in figures[0]}
        return {**means, "explained_variance": explained_variance(experience.values, experience.returns)}

    def experience(self, played: Sequence[Played]) -> Experience:
        """Values and advantages of what was played."""
        config, scale = self.config, self.reward_scale.scale
        lengths = np.array([len(each.decisions.counts) for each in played])
        everything = joined([each.decisions for each in played])
        with torch.no_grad():
            values = self.network.values(Batch(everything, self.device)).cpu().numpy().astype(np.float64)
        by_episode = np.split(values, np.cumsum(lengths)[:-1])
        advantages = [
            each.advantages(v, scale, discount=config.discount, trace=config.trace, credit=config.credit)
            for each, v in zip(played, by_episode, strict=True)
        ]
        taken = np.concatenate([each.taken for each in played])
        return Experience(
            everything.select(np.flatnonzero(taken)),
            np.concatenate([each.chosen for each in played]),
            np.concatenate([each.log_probabilities for each in played]),
            values[taken],
            np.concatenate(advantages),
        )

    def loss(self, part: Experience, entropy_weight: float) -> tuple[Tensor, dict[str, float]]:
        """The loss of one minibatch, and what it is made of."""
        config, batch = self.config, Batch(part.decisions, self.device)
        logs = batch.log_softmax(self.network.scores(batch))
        chosen = logs[batch.starts + self._tensor(part.chosen)]
        entropy = -batch.sums(logs.exp() * logs).mean()
        change = chosen - self._tensor(part.log_probabilities)
        ratio = change.exp()
        policy_loss = self._surrogate(ratio, self._tensor(part.advantages))
        value_loss = self._value_loss(self.network.values(batch), part)
        loss = policy_loss + config.value_weight * value_loss - entropy_weight * entropy
        with torch.no_grad():
            terms = {
                "policy_loss": float(policy_loss),
                "value_loss": float(value_loss),
                "entropy": float(entropy),
                "kl": float((ratio - 1.0 - change).mean()),
                "clipped": float(((ratio - 1.0).abs() > config.clip).float().mean()),
            }
        return loss, terms

    def _surrogate(self, ratio: Tensor, advantages: Tensor) -> Tensor:
        config = self.config
        if config.normalise_advantages and len(advantages) > 1:
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        clipped = ratio.clamp(1.0 - config.clip, 1.0 + config.clip)
        return -torch.minimum(ratio * advantages, clipped * advantages).mean()

    def _value_loss(self, values: Tensor, part: Experience) -> Tensor:
        targets = self._tensor(part.returns)
        errors = (values - targets) ** 2
        if self.config.value_clip is not None:
            before = self._tensor(part.values)
            near = before + (values - before).clamp(-self.config.value_clip, self.config.value_clip)
            errors = torch.maximum(errors, (near - targets) ** 2)
        return 0.5 * errors.mean()

    def _tensor(self, array: Floats | Ints) -> Tensor:
        dtype = torch.int64 if array.dtype.kind == "i" else torch.float32
        return torch.as_tensor(array, dtype=dtype, device=self.device)


def explained_variance(predicted: Floats, actual: Floats) -> float:
    """1 where the critic is right, 0 where it is no better than a constant."""
    variance = float(np.var(actual))
    return 1.0 - float(np.var(actual - predicted)) / variance if variance > 0 else 0.0
