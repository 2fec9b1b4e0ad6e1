"""Plain Gymnasium environments in candidate form: every action is a candidate that is told apart by its number.

For checking learners on known problems (CartPole). The context is the observation, divided by given scales; the
features of a candidate are its one-hot number, and the number travels in the action's ``channel``.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from lnherd.control.action import Action, ActionKind
from lnherd.control.decision import Decision, Plan, StepResult, as_actions
from lnherd.control.view import NodeView, Role, own_channels
from lnherd.errors import InputError

_NOWHERE = NodeView(Role.CONSUMER, own_channels(capacity_msat=[], local_msat=[]))


class PlainTask:
    """A Gymnasium environment with a flat Box observation and Discrete actions as a task."""

    def __init__(self, env: gymnasium.Env[Any, Any], scales: tuple[float, ...] | None = None) -> None:
        """Wrap ``env``; ``scales`` divide the observation.

        Raises:
            InputError: for other spaces.
        """
        box, actions = env.observation_space, env.action_space
        if not isinstance(box, spaces.Box) or len(box.shape) != 1 or not isinstance(actions, spaces.Discrete):
            raise InputError(f"{env}: needs a flat Box observation and Discrete actions, has {box} and {actions}")
        self._env, self._scales = env, np.asarray(scales or (1.0,) * box.shape[0])
        self._features = np.eye(int(actions.n), dtype=np.float32)
        self._candidates = tuple(Action(ActionKind.WAIT, channel=number) for number in range(int(actions.n)))

    def reset(self, seed: int) -> Decision:
        """Start an episode."""
        return self._decision(self._env.reset(seed=seed)[0])

    def step(self, plan: Plan) -> StepResult:
        """Take the action whose number is the plan's ``channel``."""
        observation, reward, terminated, truncated, _ = self._env.step(as_actions(plan)[0].channel)
        return StepResult(self._decision(observation), float(reward), {}, bool(terminated), bool(truncated))

    def _decision(self, observation: Any) -> Decision:
        context = (np.asarray(observation) / self._scales).astype(np.float32)
        mask = np.ones(len(self._features), dtype=np.bool_)
        return Decision(_NOWHERE, self._candidates, context, self._features, mask)
