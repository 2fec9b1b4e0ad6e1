"""What each channel has earned less what was spent on filling or emptying it, since the start.

As CLBOSS books it: a forward credits the channel it left by (out) and the one it came by (in) with its whole fee;
a rebalance debits the channel it filled (out) and the one it came from (in) with its whole cost.
"""

from collections import Counter
from dataclasses import dataclass, field

from lnherd.control.view import NodeView


@dataclass
class Earnings:
    """Running totals by channel, in msat."""

    out_earned: Counter[int] = field(default_factory=Counter)
    """Fees of forwards that left by the channel."""
    in_earned: Counter[int] = field(default_factory=Counter)
    """Fees of forwards that came by it."""
    out_spent: Counter[int] = field(default_factory=Counter)
    """Fees paid for filling it."""
    in_spent: Counter[int] = field(default_factory=Counter)
    """Fees paid for emptying it."""

    def add(self, view: NodeView) -> None:
        """Book what happened since the last look."""
        for channel in view.channels:
            self.out_earned[int(channel.channel)] += int(channel.fees_msat)
            self.in_earned[int(channel.channel)] += int(channel.assisted_msat)
        for trip in view.rebalanced[view.rebalanced.succeeded]:
            self.out_spent[int(trip.to_channel)] += int(trip.fee_msat)
            self.in_spent[int(trip.channel)] += int(trip.fee_msat)

    def net_out(self, channel: int) -> int:
        """Net earnings on the way out."""
        return self.out_earned[channel] - self.out_spent[channel]

    def net_in(self, channel: int) -> int:
        """Net earnings on the way in."""
        return self.in_earned[channel] - self.in_spent[channel]
