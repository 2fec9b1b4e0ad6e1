"""B3, exponential in the balance (CLBOSS' FeeModderByBalance, feeadjuster): ``f = f_med * 50^(0.5 - p)``.

f_med is the capacity-weighted median of what others charge into the same peer. p is our share of the
channel, read at the centre of a bin: a bin is about 200,000 sat, there are 4 to 50, and a share has to leave
its bin by a randomly drawn margin before the bin changes, so that fees neither flicker nor betray balances.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.units import MSAT_PER_SAT

MIN_BINS, MAX_BINS = 4, 50


def balance_factor(local_share: float, steepness: float = 50.0) -> float:
    """``50^(0.5 - p)``: 7.07 when all is theirs, 1 in the middle, 0.14 when all is ours."""
    return float(steepness ** (0.5 - local_share))


def n_bins(capacity_msat: int, bin_msat: int) -> int:
    """Bins of about ``bin_msat``, 4 to 50."""
    return int(np.clip(round(capacity_msat / bin_msat), MIN_BINS, MAX_BINS))


@dataclass
class BalanceBins:
    """Which bin each channel is in; changes late, by a random margin."""

    bin_msat: int
    """Width aimed at."""
    hysteresis: float
    """Largest margin, in bins."""

    def __post_init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget every channel."""
        self._rng = np.random.default_rng([seed, 3])
        self._bins: dict[int, int] = {}

    def centre(self, channel: int, capacity_msat: int, local_share: float) -> float:
        """The share that the channel is taken to have: the centre of its bin."""
        n = n_bins(capacity_msat, self.bin_msat)
        position = local_share * n
        known = self._bins.get(channel)
        margin = float(self._rng.uniform(0.0, self.hysteresis)) if self.hysteresis > 0 else 0.0
        if known is None or not known - margin <= position <= known + 1 + margin:
            known = min(int(position), n - 1)
        self._bins[channel] = known
        return (known + 0.5) / n


@dataclass
class ExpBalance:
    """Base fee and rate follow the market times the balance factor."""

    steepness: float = tunable(50.0, low=2.0, high=200.0, log=True)
    """Fee when empty over fee when full (feeadjuster: 10 soft, 50, 100 hard)."""
    bin_msat: int = 200_000 * MSAT_PER_SAT
    """Width of a bin."""
    hysteresis: float = tunable(0.25, low=0.0, high=1.0)
    """Margin by which a share must leave its bin, at most, in bins."""
    scale: float = tunable(1.0, low=0.1, high=5.0, log=True)
    """Market fee times this is the fee of a channel in balance."""
    name: str = "exp-balance"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self._bins = BalanceBins(self.bin_msat, self.hysteresis)

    def reset(self, seed: int) -> None:
        """Forget the bins."""
        self._bins.reset(seed)

    def act(self, decision: Decision) -> Plan:
        """Announce what changed."""
        view = decision.view
        return market_fees(view, [self.scale * self.factor(view, row) for row in range(len(view.channels))])

    def factor(self, view: NodeView, row: int) -> float:
        """The balance factor of the channel in ``row``, at the centre of its bin."""
        channel = view.channels[row]
        share = float(channel.local_msat) / float(channel.capacity_msat)
        centre = self._bins.centre(int(channel.channel), int(channel.capacity_msat), share)
        return balance_factor(centre, self.steepness)


def market_fees(view: NodeView, factors: list[float]) -> Plan:
    """Market base fee and rate times a factor each, where they change; nothing where there is no market."""
    changes = []
    for channel, factor in zip(view.channels, factors, strict=True):
        if channel.market_fee_ppm < 0:
            continue
        base, ppm = round(factor * int(channel.market_base_fee_msat)), round(factor * int(channel.market_fee_ppm))
        if (base, ppm) != (int(channel.base_fee_msat), int(channel.fee_ppm)):
            changes.append(Action(ActionKind.SET_FEE, channel=int(channel.channel), base_fee_msat=base, fee_ppm=ppm))
    return tuple(changes) or WAIT
