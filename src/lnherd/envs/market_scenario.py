"""The scenario of the market: what is sold, at which prices, and who lies."""

from dataclasses import dataclass, field

import numpy as np

from lnherd.engine.hop_features import CANDIDATE_FEATURES
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.errors import InputError
from lnherd.network.records import Bools

INFORMATION_TERMS = ("none", "free", "sold")
PRIORITY_TERMS = ("none", "sold")
INFORMATION, PRIORITY = 0, 1
"""Columns of prices and sales."""
PRODUCTS = ("information", "priority")
MARKET_FEATURES = ("is_priority", "is_ask", "price", "answer", "general_slots")
"""Of one choice, beside those of forwarding: what it buys; log10 of 1 + its price in msat, over 6; what its node has
answered (1 yes, -1 no, 0 not asked); share of the slots that are for everybody in use."""
SOLD_FEATURES = CANDIDATE_FEATURES + MARKET_FEATURES
"""Columns of the candidates of the market."""


@dataclass(frozen=True)
class MarketConfig:
    """One market. Defaults: both products are sold by honest nodes."""

    forwarding: ForwardingConfig = field(default_factory=ForwardingConfig)
    """Network, traffic, and what a decision is worth besides what it costs here."""
    information: str = "sold"
    """none: nobody answers; free: everybody knows every neighbour's answer; sold: one answer, one price."""
    priority: str = "sold"
    """none: slots go to whoever comes first; sold: a share of them, and the first place, to those who pay."""
    prices_msat: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
    """What sellers may ask, ascending."""
    price_interval_ms: int = 1_000
    """How long a price holds."""
    reserved_share: float = 0.5
    """Share of each channel's slots that only priority may use, where it is sold."""
    value_ppm: int = 10_000
    """What a delivered payment is worth to those on its way, as a share of its amount, times ``reward.cooperation`` and
    on top of ``reward.success_sat``: 1 % (an assumption)."""
    information_hops: int = 1
    """How far an answer reaches: 1 is the seller's own channels, 2 those of its peers too."""
    answer_ms: int = 0
    """How long an answer takes, a message there and one back; the payment waits where it is."""
    liars: float = 0.0
    """Share of the sellers that always answer yes, to draw traffic and sell on."""
    liars_seed: int = 0
    """Which they are."""

    def __post_init__(self) -> None:
        _require(self.information in INFORMATION_TERMS, "information", f"one of {', '.join(INFORMATION_TERMS)}")
        _require(self.priority in PRIORITY_TERMS, "priority", f"one of {', '.join(PRIORITY_TERMS)}")
        is_ascending = list(self.prices_msat) == sorted(set(self.prices_msat)) and min(self.prices_msat, default=0) > 0
        _require(is_ascending, "prices_msat", "positive and ascending")
        _require(self.price_interval_ms > 0, "price_interval_ms", "positive")
        _require(0 < self.reserved_share < 1, "reserved_share", "between 0 and 1")
        _require(self.value_ppm >= 0, "value_ppm", "not negative")
        _require(self.information_hops in (1, 2), "information_hops", "1 or 2")
        _require(self.answer_ms >= 0, "answer_ms", "not negative")
        _require(0 <= self.liars <= 1, "liars", "from 0 to 1")

    def who_lies(self, n_nodes: int) -> Bools:
        """``[N]``; those of a small share are among those of a larger one."""
        order = np.random.default_rng([self.liars_seed, 5]).permutation(n_nodes)
        lies: Bools = order < round(self.liars * n_nodes)
        return lies


def _require(condition: bool, name: str, rule: str) -> None:
    if not condition:
        raise InputError(f"market setting {name!r} must be {rule}")
