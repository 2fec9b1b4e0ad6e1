"""Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) over packed candidates.

    r_t = pi(a_t | s_t) / pi_old(a_t | s_t)
    L = -E[min(r_t A_t, clip(r_t, 1 - eps, 1 + eps) A_t)] + c_v E[(V(s_t) - G_t)^2] / 2 - c_e E[H(pi)]

Advantages by generalised advantage estimation (Schulman et al. 2016); impossible candidates are not in the batch at
all, so the softmax runs over the possible ones. Value clipping, normalised advantages and early stopping by KL are
options, as in OpenAI's baselines and "The 37 implementation details of PPO" (Huang et al. 2022).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from lnherd.agents.configs import PPOConfig
from lnherd.agents.deep import DRAWS_UPDATES, DeepLearner
from lnherd.agents.networks import Batch
from lnherd.agents.packing import Packed, joined
from lnherd.agents.rollout import Played, SoftmaxBehaviour
from lnherd.network.records import Floats, Ints

FIGURES = ("policy_loss", "value_loss", "entropy", "kl", "clipped")
"""What is reported of each gradient step."""


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
        figures: list[list[float]] = []
        n_decisions = len(experience.chosen)
        bounds = np.linspace(0, n_decisions, max(1, round(n_decisions / config.minibatch)) + 1).astype(int).tolist()
        for _ in range(config.epochs):
            shuffled = Minibatches(experience.select(rng.permutation(n_decisions)), self.device)
            for start, stop in pairwise(bounds):
                figures.append(self.descend(shuffled, start, stop, entropy_weight))
            if config.target_kl is not None and figures[-1][FIGURES.index("kl")] > 1.5 * config.target_kl:
                break
        means = dict(zip(FIGURES, np.mean(figures, axis=0).tolist(), strict=True))
        return {**means, "explained_variance": explained_variance(experience.values, experience.returns)}

    def experience(self, played: Sequence[Played]) -> Experience:
        """Values and advantages of what was played."""
        config, scale = self.config, self.reward_scale.scale
        lengths = np.array([len(each.decisions.counts) for each in played])
        everything = joined([each.decisions for each in played])
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

    def descend(self, shuffled: "Minibatches", start: int, stop: int, entropy_weight: float) -> list[float]:
        """One gradient step on the decisions from ``start`` up to ``stop``; returns FIGURES."""
        batch, network, n = shuffled.batch.part(start, stop), self.network, stop - start
        here = slice(start, stop)
        chosen, cells = shuffled.chosen[here, None], batch.cells()
        scores, trace = network.traced_scores(batch.context, batch.features, batch.owners)
        logs = batch.table(scores, cells)
        odds = logs.exp()
        entropy = -(odds * logs).sum(1, keepdim=True)
        change = logs.gather(1, chosen) - shuffled.log_probabilities[here, None]
        ratio = change.exp()
        slope, policy_loss = self._surrogate(ratio, shuffled.advantages[here, None])
        # by each score: slope * ratio * ([chosen] - p) for the surrogate, p (log p + H) for the entropy
        slope = slope * ratio / n
        slopes = odds * ((entropy_weight / n) * (logs + entropy) - slope)
        slopes.scatter_add_(1, chosen, slope)
        network.learn_scores(slopes.view(-1)[cells], trace, batch.context, batch.features, batch.owners)
        seen = network.seen(batch)
        values, value_trace = network.traced_values(seen)
        errors, losses = self._value_errors(values, shuffled.values[here], shuffled.returns[here])
        network.learn_values(errors * (self.config.value_weight / n), value_trace, seen)
        self.step()
        outside = (ratio - 1.0).abs() > self.config.clip
        figures = [
            policy_loss,
            0.5 * losses.mean(),
            entropy.mean(),
            (ratio - 1.0 - change).mean(),
            outside.float().mean(),
        ]
        return [float(value) for value in torch.stack(figures).tolist()]

    def _surrogate(self, ratio: Tensor, advantages: Tensor) -> tuple[Tensor, Tensor]:
        """The slope of each decision's loss by its ratio, and the mean loss: nothing is gained beyond the clip."""
        config = self.config
        if config.normalise_advantages and len(advantages) > 1:
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        plain, clipped = ratio * advantages, ratio.clamp(1.0 - config.clip, 1.0 + config.clip) * advantages
        return -advantages * (plain <= clipped), -torch.minimum(plain, clipped).mean()

    def _value_errors(self, values: Tensor, before: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The slope of each decision's loss by its value, and twice the losses."""
        errors, clip = values - targets, self.config.value_clip
        if clip is None:
            return errors, errors**2
        moved = values - before
        near = before + moved.clamp(-clip, clip) - targets
        worse = near**2 > errors**2
        return torch.where(worse, near * (moved.abs() <= clip), errors), torch.where(worse, near**2, errors**2)


class Minibatches:
    """Shuffled experience as tensors, to be taken in slices."""

    def __init__(self, experience: Experience, device: str) -> None:
        self.batch = Batch(experience.decisions, device)
        self.chosen = torch.from_numpy(experience.chosen).to(device)
        numbers = (experience.log_probabilities, experience.values, experience.advantages, experience.returns)
        self.log_probabilities, self.values, self.advantages, self.returns = (
            torch.from_numpy(each.astype(np.float32)).to(device) for each in numbers
        )


def explained_variance(predicted: Floats, actual: Floats) -> float:
    """1 where the critic is right, 0 where it is no better than a constant."""
    variance = float(np.var(actual))
    return 1.0 - float(np.var(actual - predicted)) / variance if variance > 0 else 0.0
