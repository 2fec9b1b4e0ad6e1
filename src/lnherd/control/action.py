"""What a herder can do: one frozen record for every kind of channel management."""

from dataclasses import dataclass
from enum import IntEnum


class ActionKind(IntEnum):
    """The verbs of channel management."""

    WAIT = 0
    REBALANCE = 1
    SWAP_OUT = 2
    SWAP_IN = 3
    OPEN = 4
    CLOSE = 5
    FEE_UP = 6
    FEE_DOWN = 7
    SET_FEE = 8


@dataclass(frozen=True)
class Action:
    """One act of channel management. Fields that a kind does not use keep their defaults.

    ``channel`` is the id of an own channel as in the view. A REBALANCE leaves through ``channel`` and
    comes back through ``to_channel``: afterwards ``channel`` holds less and ``to_channel`` more of our
    money. SWAP_OUT turns local balance of ``channel`` into coins in the wallet (and so into inbound
    liquidity), SWAP_IN the reverse.
    """

    kind: ActionKind
    channel: int = -1
    """Own channel that is acted on (REBALANCE: the one money leaves through; SET_FEE: -1 is every open channel)."""
    to_channel: int = -1
    """REBALANCE: the channel money comes back through."""
    peer: int = -1
    """OPEN: the node to open a channel with."""
    amount_msat: int = 0
    """REBALANCE, SWAP_*: amount to move. OPEN: capacity of the new channel."""
    fee_limit_msat: int | None = None
    """REBALANCE, SWAP_OUT: the most that may be paid in routing fees; None leaves it to the sender's default."""
    halvings: int = 0
    """REBALANCE: how often a failed try is repeated at once with half the amount (and half the limit)."""
    base_fee_msat: int | None = None
    """SET_FEE: the new base fee; None keeps it."""
    fee_ppm: int | None = None
    """SET_FEE: the new proportional fee; None keeps it."""
    inbound_fee_ppm: int | None = None
    """SET_FEE: the new proportional inbound fee (negative is a discount); None keeps it."""

    def halved(self) -> "Action":
        """The retry of a failed rebalance: half the amount, half the fee limit, one halving less."""
        limit = None if self.fee_limit_msat is None else self.fee_limit_msat // 2
        return Action(
            kind=self.kind,
            channel=self.channel,
            to_channel=self.to_channel,
            amount_msat=self.amount_msat // 2,
            fee_limit_msat=limit,
            halvings=self.halvings - 1,
        )


WAIT = Action(ActionKind.WAIT)
"""Doing nothing until the next tick: always possible, candidate 0 of every menu."""
