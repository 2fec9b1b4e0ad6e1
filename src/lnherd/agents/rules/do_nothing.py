"""B0, do nothing: keep the fees, move nothing. What every other policy has to beat."""

from dataclasses import dataclass

from lnherd.control.action import WAIT
from lnherd.control.decision import Decision, Plan


@dataclass(frozen=True)
class DoNothing:
    """Waits, always."""

    name: str = "do-nothing"
    """Short name for tables."""

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def act(self, decision: Decision) -> Plan:
        """Wait."""
        return WAIT
