"""Rules for a relay with two channels that swaps: Autoloop and Loopmax as Papadis & Tassiulas define them, and the
general threshold rule that tuning and policy search work on. Channel 0 leads to L, channel 1 to R."""

from collections.abc import Iterator
from dataclasses import dataclass

from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.units import MS_PER_HOUR, MS_PER_MINUTE, MSAT_PER_SAT

SERVER_FEE = 0.005
MINER_FEE_MSAT = 2 * MSAT_PER_SAT
"""What a swap costs in that scenario."""


def swap_to(channel: int, local_msat: int, target_msat: int) -> Action:
    """The swap that brings the local balance of ``channel`` to ``target_msat``."""
    kind = ActionKind.SWAP_IN if target_msat > local_msat else ActionKind.SWAP_OUT
    return Action(kind, channel=channel, amount_msat=abs(target_msat - local_msat))


@dataclass(frozen=True)
class Autoloop:
    """Below the lower or above the upper threshold: back to the midpoint."""

    lower: float = 0.3
    """Local share below which coins are swapped in."""
    upper: float = 0.7
    """Local share above which they are swapped out."""
    name: str = "autoloop"
    """Short name for tables."""

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def act(self, decision: Decision) -> Plan:
        """Swap in each channel that is beyond a threshold."""
        view, swaps = decision.view, []
        for channel in view.channels[~view.busy]:
            capacity, local = int(channel.capacity_msat), int(channel.local_msat)
            if local < self.lower * capacity or local > self.upper * capacity:
                target = int(capacity * (self.lower + self.upper) / 2)
                swaps.append(swap_to(int(channel.channel), local, target))
        return tuple(swaps) or WAIT


@dataclass(frozen=True)
class Loopmax:
    """As much as possible, as late as possible: when a channel would run dry, or full, before a swap got through."""

    confirmation_minutes: float = 9.99
    """How long a swap takes."""
    margin_minutes: float = 2.0
    """So many minutes of net demand are left out of every swap."""
    name: str = "loopmax"
    """Short name for tables."""

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def act(self, decision: Decision) -> Plan:
        """Swap in each channel that runs out of time."""
        view = decision.view
        swaps = (self._swap(view, row) for row in range(2) if not view.busy[row])
        return tuple(swap for swap in swaps if swap is not None) or WAIT

    def _swap(self, view: NodeView, row: int) -> Action | None:
        """r is the net rate at which the local balance would change, per minute."""
        per_minute = view.channels.in_msat_per_h * (MS_PER_MINUTE / MS_PER_HOUR)
        rate = float(per_minute[row] - 0.99 * per_minute[1 - row])
        local, remote = int(view.channels.local_msat[row]), int(view.channels.remote_msat[row])
        patience = self.confirmation_minutes + view.tick_ms / MS_PER_MINUTE
        if rate < 0 and local / -rate < patience:
            affordable = (view.wallet_msat - MINER_FEE_MSAT) / (1.0 + SERVER_FEE)
            amount, kind = min(affordable, remote) + self.margin_minutes * rate, ActionKind.SWAP_IN
        elif rate > 0 and remote / rate < patience:
            amount, kind = local - self.margin_minutes * rate, ActionKind.SWAP_OUT
        else:
            return None
        return Action(kind, channel=int(view.channels.channel[row]), amount_msat=int(amount)) if amount >= 1 else None


@dataclass(frozen=True)
class RelayThresholds:
    """Thresholds and targets for each channel, and how much of both must be ours before anything is swapped out."""

    low_l: float = tunable(0.3, low=0.0, high=0.5)
    """Channel L is filled below this local share."""
    high_l: float = tunable(0.7, low=0.3, high=1.0)
    """It is emptied above this one."""
    target_l: float = tunable(0.5, low=0.0, high=1.0)
    """To this one."""
    low_r: float = tunable(0.3, low=0.0, high=0.5)
    """Channel R is filled below this local share."""
    high_r: float = tunable(0.7, low=0.3, high=1.0)
    """It is emptied above this one."""
    target_r: float = tunable(0.5, low=0.0, high=1.0)
    """To this one."""
    ours_min: float = tunable(0.0, low=0.0, high=1.0)
    """Share of both channels that must be ours before a swap out; 0 is the rule on single channels."""
    name: str = "thresholds"
    """Short name for tables."""

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def act(self, decision: Decision) -> Plan:
        """Swap in each channel that is beyond a threshold."""
        return tuple(self._swaps(decision.view)) or WAIT

    def _swaps(self, view: NodeView) -> Iterator[Action]:
        limits = ((self.low_l, self.high_l, self.target_l), (self.low_r, self.high_r, self.target_r))
        shares = view.local_share.tolist()
        for row, (low, high, target) in enumerate(limits):
            due_in = shares[row] < low and target > shares[row]
            due_out = shares[row] > high and target < shares[row] and sum(shares) / 2 > self.ours_min
            if (due_in or due_out) and not view.busy[row]:
                wanted = int(target * int(view.channels.capacity_msat[row]))
                yield swap_to(row, int(view.channels.local_msat[row]), wanted)
