"""B1, static fees: one base fee and one rate on every channel, set once. The best of a sweep is the static oracle."""

from dataclasses import dataclass

from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan


@dataclass
class Static:
    """Sets its fees where they differ (at the start, and on channels opened later)."""

    base_fee_msat: int = tunable(1_000, low=0, high=10_000)
    """Base fee of every channel."""
    fee_ppm: int = tunable(200, low=1, high=5_000, log=True)
    """Proportional fee of every channel (the reference's sweep: 1, 50, 200, 500, 1000)."""
    name: str = "static"
    """Short name for tables."""

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def act(self, decision: Decision) -> Plan:
        """Set what is not yet as it should be."""
        channels = decision.view.channels
        wrong = (channels.base_fee_msat != self.base_fee_msat) | (channels.fee_ppm != self.fee_ppm)
        changes = [
            Action(ActionKind.SET_FEE, channel=channel, base_fee_msat=self.base_fee_msat, fee_ppm=self.fee_ppm)
            for channel in channels.channel[wrong].tolist()
        ]
        return tuple(changes) or WAIT
