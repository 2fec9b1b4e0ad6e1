"""What a herder is: something that turns a decision into actions. Rules and learners alike."""

from typing import Protocol

from lnherd.control.decision import Decision, Plan

__all__ = ["Decision", "Plan", "Policy"]


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
