"""B0', market fees, frozen: at the first look every channel gets what others charge into the same peer, for good."""

from dataclasses import dataclass

from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan


@dataclass
class Market:
    """Capacity-weighted medians as CLBOSS takes them; channels whose peer has no other keep their fees."""

    name: str = "market"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self._done = False

    def reset(self, seed: int) -> None:
        """Set the fees again."""
        self._done = False

    def act(self, decision: Decision) -> Plan:
        """Set all fees once."""
        if self._done:
            return WAIT
        self._done = True
        channels = decision.view.channels
        return (
            tuple(
                Action(
                    ActionKind.SET_FEE,
                    channel=int(channel.channel),
                    base_fee_msat=int(channel.market_base_fee_msat),
                    fee_ppm=int(channel.market_fee_ppm),
                )
                for channel in channels[channels.market_fee_ppm >= 0]
            )
            or WAIT
        )
