"""Forwarding as a Gymnasium environment, ``lnherd/Forwarding-v0``: one decision at a time."""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from lnherd.control.hop_decision import DecisionBatch
from lnherd.engine.hop_features import FIRST_CHANNEL, N_CONTEXT, N_FEATURES
from lnherd.envs.choice_spaces import Observation, choice_spaces
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.network.graph import Network


class ForwardingEnv(gymnasium.Env[Observation, np.int64]):
    """All deciding nodes as one agent. The action is the number of a choice; 0 is *give up*, 1 *split*.

    Observation: ``context`` float32 [C] and ``candidates`` float32 [K, F] in [-1, 1], ``action_mask`` int8 [K]. A
    masked action gives up and is reported as ``info["masked"]``. Decisions of one moment are asked one after
    another, all as the world was before the first of them; after the last they are carried out, and the reward is that
    of all decisions whose outcome became known by the next moment. ``info`` names the decision that waits
    (``decision``, ``node``, ``payment``) and, after a moment, holds ``outcomes`` and their ``rewards``, for those
    who want to credit each decision with its own. An episode terminates when all payments are over.
    """

    def __init__(self, config: ForwardingConfig | None = None, network: Network | None = None) -> None:
        self.task = ForwardingTask(config, network)
        self.observation_space, self.action_space = choice_spaces(N_CONTEXT, n_choices_of(self.task.config), N_FEATURES)
        self._batch: DecisionBatch | None = None
        self._choices: list[int] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; its seed is drawn from ``np_random``, so episodes after one another differ."""
        super().reset(seed=seed)
        episode_seed = int(self.np_random.integers(2**31))
        self._batch, self._choices = self.task.reset(episode_seed), []
        return self._observation(), {"episode_seed": episode_seed, **self._names()}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Answer the decision that waits."""
        if self._batch is None or self._batch.is_over:
            raise gymnasium.error.ResetNeeded("call reset before step")
        info: dict[str, Any] = {"masked": not self.action_masks()[int(action)]}
        self._choices.append(int(action))
        reward = 0.0
        if len(self._choices) == len(self._batch.number):
            self._batch, self._choices = self.task.step(np.array(self._choices)), []
            reward = float(self._batch.rewards.sum())
            info |= {"outcomes": self._batch.outcomes, "rewards": self._batch.rewards}
        return self._observation(), reward, self._batch.is_over, False, info | self._names()

    def action_masks(self) -> NDArray[np.bool_]:
        """``[K]`` which choices are possible now; giving up always is."""
        if self._batch is None:
            raise gymnasium.error.ResetNeeded("call reset before action_masks")
        mask: NDArray[np.bool_] = self._observation()["action_mask"].astype(np.bool_)
        return mask

    def _names(self) -> dict[str, Any]:
        batch, row = self._batch, len(self._choices)
        if batch is None or batch.is_over:
            return {}
        return {name: int(getattr(batch, source)[row]) for name, source in _NAMES.items()}

    def _observation(self) -> Observation:
        batch, row = self._batch, len(self._choices)
        if batch is None or batch.is_over:
            return no_decision(n_choices_of(self.task.config), N_FEATURES)
        return observation(batch, row)


def n_choices_of(config: ForwardingConfig) -> int:
    """K: give up, split, and the candidates."""
    return FIRST_CHANNEL + config.simulation.max_candidates


def observation(batch: DecisionBatch, row: int) -> Observation:
    """What the node sees that has to make the decision in ``row``."""
    return {
        "context": batch.context[row].copy(),
        "candidates": batch.candidates[row].copy(),
        "action_mask": batch.mask[row].astype(np.int8),
    }


def no_decision(n_choices: int, n_features: int) -> Observation:
    """Where there is nothing to decide: all zero, and nothing to do but to give up."""
    mask = np.zeros(n_choices, dtype=np.int8)
    mask[0] = 1
    candidates = np.zeros((n_choices, n_features), dtype=np.float32)
    return {"context": np.zeros(N_CONTEXT, dtype=np.float32), "candidates": candidates, "action_mask": mask}


_NAMES = {"decision": "number", "node": "node", "payment": "payment"}
"""Entry of ``info`` -> field of the batch."""
