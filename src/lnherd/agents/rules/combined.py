"""Several rules at once, as operators run them side by side (charge-lnd and regolancer: B6 after B2)."""

from dataclasses import dataclass

from lnherd.agents.policy import Policy
from lnherd.control.action import WAIT, ActionKind
from lnherd.control.decision import Decision, Plan, as_actions


@dataclass
class Combined:
    """Carries out what each of its rules asks for, in their order."""

    rules: tuple[Policy, ...]
    """The rules; each sees the same view."""
    name: str
    """Short name for tables."""

    def reset(self, seed: int) -> None:
        """Reset every rule."""
        for rule in self.rules:
            rule.reset(seed)

    def act(self, decision: Decision) -> Plan:
        """The rules' actions one after the other; waiting only if all wait."""
        actions = [action for rule in self.rules for action in as_actions(rule.act(decision))]
        return tuple(action for action in actions if action.kind != ActionKind.WAIT) or WAIT
