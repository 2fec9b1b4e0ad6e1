"""A decision: what a herder is asked, and the world that asks, as learners see it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lnherd.control.action import Action
from lnherd.control.encode import encode
from lnherd.control.menu import MenuConfig, candidate_actions
from lnherd.control.view import NodeView
from lnherd.network.records import Bools

Plan: TypeAlias = Action | Sequence[Action]
"""What a policy answers: one action, or several for the same tick. Learners answer with one of the candidates; a
rule that operators run as a sweep over all channels (fees every hour) may answer with the sweep."""


@dataclass(frozen=True, eq=False)
class Decision:
    """One moment of choice: the view for rules, the arrays for learners.

    ``context [C]``, ``features [K, F]`` (float32, within [-1, 1]), ``mask [K]``; rows beyond the
    candidates are zero and masked. ``candidates[0]`` is *wait* and never masked.
    """

    view: NodeView
    candidates: tuple[Action, ...]
    context: NDArray[np.float32]
    features: NDArray[np.float32]
    mask: Bools


def decide(view: NodeView, menu: MenuConfig) -> Decision:
    """Offer the menu's candidates for ``view`` and encode them."""
    candidates = candidate_actions(view, menu)
    encoding = encode(view, candidates, menu.max_candidates)
    return Decision(view, candidates, encoding.context, encoding.candidates, encoding.mask)


def as_actions(plan: Plan) -> tuple[Action, ...]:
    """A plan as a tuple of actions."""
    return (plan,) if isinstance(plan, Action) else tuple(plan)


@dataclass(frozen=True, eq=False)
class StepResult:
    """What one tick brought."""

    decision: Decision
    """The next choice (after the last tick: what would have been asked, for bootstrapping)."""
    reward: float
    """R of the tick, in sat."""
    terms: dict[str, float]
    """What the reward is made of, by name, in sat, and counts."""
    terminated: bool = False
    """The world ended: nothing follows."""
    truncated: bool = False
    """The time limit was reached: learners bootstrap from ``decision``."""
    refused: tuple[str, ...] = field(default=())
    """Actions that could not be carried out, and why."""
    wanted: float = 0.0
    """What the tick would have been worth had everything gone well that was wanted from outside, in sat: no action
    changes it, so learners may subtract it from the reward to see what they are responsible for."""


class Task(Protocol):
    """A world to act in. The same seed gives the same outside events, whatever is done."""

    def reset(self, seed: int) -> Decision:
        """Start an episode."""
        ...

    def step(self, plan: Plan) -> StepResult:
        """Carry out ``plan`` and advance one tick."""
        ...
