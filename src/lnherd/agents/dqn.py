"""Deep Q-networks (Mnih et al. 2015) over packed candidates, with parts of Rainbow (Hessel et al. 2018).

    y = r_t + ... + gamma^{n-1} r_{t+n-1} + gamma^n Q_target(s_{t+n}, argmax_a Q(s_{t+n}, a))

Double Q-learning (van Hasselt et al. 2016), dueling heads (Wang et al. 2016), n-step returns and prioritised replay
(Schaul et al. 2016) are options, and so is to learn one value of what several agents choose together: with VDN and QMIX
(``agents.mixing``) Q above is the mixture of the agents' values, r the mean of their rewards. The target network
follows slowly (Lillicrap et al. 2016); it also is what the saved policy runs, being an average over the last gradient
steps. Targets are worked out for several gradient steps at a time, each decision once (Mnih et al. copy the target
network as rarely).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lnherd.agents.configs import DQNConfig
from lnherd.agents.deep import DRAWS_MIXER, DRAWS_UPDATES, DRAWS_WEIGHTS, DeepLearner
from lnherd.agents.mixing import mixed, mixer_weights
from lnherd.agents.networks import Batch, CandidateNetwork
from lnherd.agents.packing import Numbers, Packed
from lnherd.agents.replay import Replay, Sample
from lnherd.agents.rollout import GreedyBehaviour, Played
from lnherd.agents.scorer import Scorer
from lnherd.network.records import Floats, Ints

STRETCH = 256
"""Decisions whose choices are judged together."""


class DQNLearner(DeepLearner):
    """Learns action values by playing tasks and replaying what happened."""

    algorithm = "dqn"

    def __init__(self, config: DQNConfig | None = None, seed: int = 0) -> None:
        self.config = config = config or DQNConfig()
        super().__init__(config, seed)
        self.target = self.fresh_network()
        power = config.priority_power if config.prioritised else 0.0
        self.replay = Replay(
            config.capacity,
            n_steps=config.n_steps,
            discount=config.discount,
            priority_power=power,
            credit=config.credit,
            agents=config.together,
        )

    def fresh_network(self) -> CandidateNetwork:
        """Values are the agents' own, whatever a mixer sees."""
        config, own = self.config, replace(self.config.spaces, hidden=())
        mixer = {}
        if config.mixer == "monotonic":
            sizes = config.agents, len(config.spaces.hidden), config.mixer_units
            mixer = mixer_weights(*sizes, self.rng(DRAWS_MIXER, 0))
        return CandidateNetwork(own, config.network, self.rng(DRAWS_WEIGHTS, 0), config.device, mixer)

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
        todo = round(config.updates_per_decision * sum(len(each) for each in played))
        correction = config.correction_start + progress * (1.0 - config.correction_start)
        figures: list[tuple[float, float]] = []
        while todo > 0:
            rng, n_parts = self.rng(DRAWS_UPDATES, self.n_updates), min(todo, config.shared_targets)
            weight = correction if config.prioritised else 0.0
            size = config.minibatch // config.together
            figures += self._descend(self.replay.sample(size, rng, weight, n_parts))
            self.n_updates += n_parts
            todo -= n_parts
        if not figures:
            return {}
        loss, value = np.mean(figures, axis=0).tolist()
        return {"loss": loss, "value": value}

    def _descend(self, sample: Sample) -> list[tuple[float, float]]:
        """A gradient step for each minibatch of ``sample``; returns loss and mean value of each."""
        targets = self.targets(sample.slots).astype(np.float32)
        corrections, errors, figures = sample.corrections.astype(np.float32), np.zeros(targets.shape), []
        for part, slots in enumerate(sample.slots):
            values, slopes = self._values(slots)
            error = values - torch.from_numpy(targets[part]).to(self.device)
            weight = torch.from_numpy(corrections[part]).to(self.device) / len(slots)
            slopes(error.clamp(-1.0, 1.0) * weight)  # Huber's loss
            self.step()
            self._follow()
            size = error.abs()
            loss = torch.where(size < 1.0, 0.5 * error**2, size - 0.5) @ weight
            figures.append((float(loss), float(values.mean())))
            errors[part] = error.cpu().numpy()
        if self.config.prioritised:
            self.replay.surprise(sample.slots.ravel(), errors.ravel())
        return figures

    def _values(self, slots: Ints) -> tuple[Tensor, Callable[[Tensor], None]]:
        """``[B]`` (mixed) values of what was chosen in ``slots``, and what sets the gradients."""
        everyone = self.replay.everyone(slots)
        own, learn = self._action_values(everyone.ravel())
        if self.config.mixer == "none":
            return own, learn
        each = own.view(everyone.shape).requires_grad_()
        weights = {name: weight.detach().requires_grad_() for name, weight in self.network.mixer.items()}
        together = mixed(each, self._states(slots), weights)

        def set_gradients(by: Tensor) -> None:
            slopes = torch.autograd.grad(together, [each, *weights.values()], by)
            learn(slopes[0].ravel())
            for name, slope in zip(weights, slopes[1:], strict=True):
                self.network.gradients[name].copy_(slope)

        return together.detach(), set_gradients

    def _states(self, slots: Ints) -> Tensor | None:
        states = self.replay.states(slots)
        return None if states is None else self._tensor(states)

    def _action_values(self, slots: Ints) -> tuple[Tensor, Callable[[Tensor], None]]:
        """``[B]`` values of what was chosen in ``slots``, and what sets the gradients, given the loss' slopes by them.

        Only the candidates that the value depends on are computed: the chosen one and, dueling, the first or all.
        """
        if self.config.heads == "mean":
            return self._over_the_mean(slots)
        network, taken, n = self.network, self.replay.taken(slots), len(slots)
        context, rows = self._tensor(taken.context), np.arange(n)
        parts = [taken.chosen, taken.first] if self.config.dueling else [taken.chosen]
        owners, features = torch.from_numpy(np.tile(rows, len(parts))), self._tensor(np.concatenate(parts))
        owners = owners.to(self.device)
        scores, trace = network.traced_scores(context, features, owners)
        if not self.config.dueling:
            return scores, lambda by: network.learn_scores(by, trace, context, features, owners)
        seen = torch.cat([context, self._tensor(taken.mean)], dim=1)
        values, value_trace = network.traced_values(seen)

        def set_gradients(by: Tensor) -> None:
            network.learn_scores(torch.cat([by, -by]), trace, context, features, owners)
            network.learn_values(by, value_trace, seen)

        return values + scores[:n] - scores[n:], set_gradients

    def _over_the_mean(self, slots: Ints) -> tuple[Tensor, Callable[[Tensor], None]]:
        """The same where advantages have mean 0."""
        network, batch = self.network, Batch(self.replay.packed(slots), self.device)
        chosen = batch.starts + torch.from_numpy(self.replay.chosen[slots]).to(self.device)
        scores, trace = network.traced_scores(batch.context, batch.features, batch.owners)
        seen = network.seen(batch)
        values, value_trace = network.traced_values(seen)

        def set_gradients(by: Tensor) -> None:
            slopes = -(by / batch.counts)[batch.owners]
            slopes[chosen] += by
            network.learn_scores(slopes, trace, batch.context, batch.features, batch.owners)
            network.learn_values(by, value_trace, seen)

        return values + scores[chosen] - batch.sums(scores) / batch.counts, set_gradients

    def targets(self, slots: Ints) -> Floats:
        """What the (mixed) values of the choices in ``slots`` should be, in scaled reward; same shape."""
        replay, everyone = self.replay, self.replay.everyone(slots)
        following, place = np.unique(replay.next[everyone], return_inverse=True)
        ahead = self._judged(replay.packed(following))[place.reshape(everyone.shape)]
        returns = replay.returns[everyone].mean(axis=-1) / self.reward_scale.scale
        targets: Floats = returns + replay.weights[slots] * self._together(ahead, replay.next[slots])
        return targets

    def _together(self, values: Floats, slots: Ints) -> Floats:
        """``[..., M] -> [...]``: what the target network makes of the agents' values at the moments in ``slots``."""
        if self.config.mixer == "none":
            return values[..., 0]
        each = self._tensor(values.reshape(slots.size, -1).astype(np.float32))
        together = mixed(each, self._states(slots.ravel()), self.target.mixer)
        worth: Floats = together.cpu().numpy().astype(np.float64).reshape(slots.shape)
        return worth

    def _judged(self, decisions: Packed) -> Floats:
        """``[B]`` the value of the best choice of each decision, a stretch at a time to stay in the cache."""
        everything, judged = Batch(decisions, self.device), list[Tensor]()
        for start in range(0, len(decisions.counts), STRETCH):
            batch = everything.part(start, min(start + STRETCH, len(decisions.counts)))
            chooser = self.network if self.config.double else self.target
            best = _first_of_highest(chooser.scores(batch), batch)
            judged.append(self.target.values_of(batch, best, heads=self.config.heads))
        return torch.cat(judged).cpu().numpy().astype(np.float64)

    def _follow(self) -> None:
        """Let the target network follow."""
        self.target.flat.lerp_(self.network.flat, self.config.target_rate)

    def _tensor(self, array: Numbers) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The target network and the replay memory besides."""
        target = {f"target_{name}": array for name, array in self.target.arrays().items()}
        return super().arrays() | target | self.replay.arrays()

    def take(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become what :meth:`arrays` gave."""
        super().take(arrays)
        self.target.load({name: arrays[f"target_{name}"] for name, _ in self.target.named_parameters()})
        self.replay.restore(arrays)


def _first_of_highest(scores: Tensor, batch: Batch) -> Tensor:
    """``[B]`` row of each decision's highest score, the first of equals."""
    return batch.starts + batch.table(scores, batch.cells()).argmax(dim=1)
