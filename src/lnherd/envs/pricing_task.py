"""Pricing for learners that score candidates: the same world as ``lnherd/Pricing-v0``, seen as a ``Task``.

The candidates are the prices, each one-hot with its logarithm. An action is a SET_FEE whose ``base_fee_msat`` is the
price of a payment: what a service charges is the fee of its own business.
"""

from typing import Any, cast

import numpy as np

from lnherd.control.action import Action, ActionKind
from lnherd.control.decision import Decision, Plan, StepResult, as_actions
from lnherd.envs.pricing_env import LOG_SPAN, MULTIPLES, Observation, PricingConfig, PricingEnv
from lnherd.units import MSAT_PER_SAT

CANDIDATE = ("log_price", *(f"x{multiple:g}" for multiple in MULTIPLES))
"""Columns of a candidate; those of the context are ``pricing_env.FEATURES``."""


class PricingTask:
    """A :class:`lnherd.control.decision.Task`; decisions have no view, for no channel is managed."""

    def __init__(self, config: PricingConfig | None = None) -> None:
        self.env = PricingEnv(config)
        prices_sat = self.env.config.price_sat * np.array(MULTIPLES)
        self._actions = tuple(
            Action(ActionKind.SET_FEE, base_fee_msat=round(price_sat * MSAT_PER_SAT)) for price_sat in prices_sat
        )
        log_price = np.log(MULTIPLES)[:, None] / LOG_SPAN
        self._features = np.hstack([log_price, np.eye(len(MULTIPLES))]).astype(np.float32)

    def reset(self, seed: int) -> Decision:
        """Start an episode."""
        return self.decision(self.env.reset(options={"episode_seed": seed})[0])

    def step(self, plan: Plan) -> StepResult:
        """Set the price and live through one tick."""
        (action,) = as_actions(plan)
        index = np.int64(self._actions.index(action))
        observation, reward, terminated, truncated, info = self.env.step(index)
        terms = {name: float(value) for name, value in info.items()}
        return StepResult(self.decision(observation), reward, terms, terminated, truncated)

    def decision(self, observation: Observation) -> Decision:
        """The choice among all prices."""
        mask = np.ones(len(MULTIPLES), dtype=np.bool_)
        return Decision(cast(Any, None), self._actions, observation, self._features, mask)
