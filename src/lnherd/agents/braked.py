"""A policy with a brake: while the anomaly watch sounds, it spends nothing.

What is wrong may be an attack, an outage or a congested chain: money moved then is moved on beliefs that no longer
hold. Fees are still changed, for that costs nothing and can be taken back.
"""

from dataclasses import dataclass

from lnherd.agents.policy import Policy
from lnherd.control.action import WAIT, ActionKind
from lnherd.control.decision import Decision, Plan, as_actions
from lnherd.control.view import NodeView

PREFIX = "braked:"
"""``braked:RULE`` is RULE with this brake."""
FREE = (ActionKind.FEE_UP, ActionKind.FEE_DOWN, ActionKind.SET_FEE)
"""Acts that cost nothing."""


@dataclass
class Braked:
    """``policy``, of whose acts only the free ones are carried out while a level of the watch is too high."""

    policy: Policy
    """Who decides; it is asked every time, so it goes on learning what it learns."""
    threshold: float = 1.0
    """Level (``NodeView.alarm_levels``) from which on the brake holds; 1 is the watch's own alarm."""

    @property
    def name(self) -> str:
        """That of the policy, marked."""
        return f"{PREFIX}{self.policy.name}"

    def reset(self, seed: int) -> None:
        """Reset the policy."""
        self.policy.reset(seed)

    def holds(self, view: NodeView) -> bool:
        """Whether something is wrong; never where nobody watches."""
        return bool(view.alarm_levels.max(initial=0.0) >= self.threshold)

    def act(self, decision: Decision) -> Plan:
        """What the policy wants, or what of it is free."""
        plan = self.policy.act(decision)
        if not self.holds(decision.view):
            return plan
        return tuple(action for action in as_actions(plan) if action.kind in FREE) or WAIT
