"""What a herder is: something that turns a decision into actions. Rules and learners alike."""

from collections.abc import Sequence
from dataclasses import dataclass
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


class Policy(Protocol):
    """Anything that can herd channels."""

    @property
    def name(self) -> str:
        """Short name for tables."""
        ...

    def reset(self, seed: int) -> None:
        """Forget the last episode; ``seed`` feeds whatever is random."""
        ...

    def act(self, decision: Decision) -> Plan:
        """What to do until the next tick."""
        ...


def decide(view: NodeView, menu: MenuConfig) -> Decision:
    """Offer the menu's candidates for ``view`` and encode them."""
    candidates = candidate_actions(view, menu)
    encoding = encode(view, candidates, menu.max_candidates)
    return Decision(view, candidates, encoding.context, encoding.candidates, encoding.mask)
