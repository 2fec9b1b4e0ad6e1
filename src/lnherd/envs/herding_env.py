"""Herding as a Gymnasium environment, ``lnherd/Herding-v0``."""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from lnherd.anomaly.signals import N_SIGNALS
from lnherd.control.action import WAIT
from lnherd.control.decision import Decision
from lnherd.control.encode import CANDIDATE_FEATURES, CONTEXT_FEATURES
from lnherd.envs.choice_spaces import Observation, choice_spaces
from lnherd.envs.herding import HerdingTask
from lnherd.envs.scenario import HerdingConfig
from lnherd.network.graph import Network


class HerdingEnv(gymnasium.Env[Observation, np.int64]):
    """One herder. The action is the index of a candidate; 0 is *wait*.

    Observation: ``context`` float32 [C] and ``candidates`` float32 [K, F] in [-1, 1], ``action_mask`` int8
    [K]. A masked action is carried out as *wait* and reported as ``info["masked"]``. ``info`` also holds the
    reward terms in sat and the actions that could not be carried out. Episodes only end by truncation.
    """

    def __init__(self, config: HerdingConfig | None = None, network: Network | None = None) -> None:
        self.task = HerdingTask(config, network)
        k = self.task.config.menu.max_candidates
        n_context = len(CONTEXT_FEATURES) + (N_SIGNALS if self.task.config.watch else 0)
        self.observation_space, self.action_space = choice_spaces(n_context, k, len(CANDIDATE_FEATURES))
        self._decision: Decision | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; its seed is drawn from ``np_random``, so episodes after one another differ."""
        super().reset(seed=seed)
        episode_seed = int(self.np_random.integers(2**31))
        self._decision = self.task.reset(episode_seed)
        return observation(self._decision), {"episode_seed": episode_seed}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Carry out the candidate ``action`` and live through one tick."""
        if self._decision is None:
            raise gymnasium.error.ResetNeeded("call reset before step")
        valid = bool(self._decision.mask[int(action)])
        result = self.task.step(self._decision.candidates[int(action)] if valid else WAIT)
        self._decision = result.decision
        info = {"terms": result.terms, "refused": result.refused, "masked": not valid}
        return observation(result.decision), float(result.reward), result.terminated, result.truncated, info

    def action_masks(self) -> NDArray[np.bool_]:
        """``[K]`` which candidates are possible now; *wait* always is."""
        if self._decision is None:
            raise gymnasium.error.ResetNeeded("call reset before action_masks")
        return self._decision.mask.copy()


def observation(decision: Decision) -> Observation:
    """The arrays of a decision as Gymnasium sees them."""
    return {
        "context": decision.context,
        "candidates": decision.features,
        "action_mask": decision.mask.astype(np.int8),
    }
