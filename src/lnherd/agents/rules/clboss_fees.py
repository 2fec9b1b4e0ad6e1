"""B5, fees as CLBOSS sets them: the market's, times what balance, size and price theory say.

*Size* compares our capacity with that of the peer's other neighbours: with pos = worse / (worse + better),
x = sqrt(1/2) + 2 pos (1 - sqrt(1/2)) below the median, 1 + (2 pos - 1)(sqrt(L) - 1) above it,
L = max(2, 16 - ln(worse + better)); the factor is x squared, 1/2 to about 11. Small nodes sell cheaper.
"""

import math
from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.exp_balance import ExpBalance, market_fees
from lnherd.agents.rules.price_theory import Deck, price_factor
from lnherd.agents.rules.tunable import tunable
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.units import MS_PER_DAY, MS_PER_MINUTE


def size_factor(n_smaller: int, n_larger: int) -> float:
    """The factor for a node larger than ``n_smaller`` and smaller than ``n_larger`` of the peer's neighbours."""
    total = n_smaller + n_larger
    if total == 0:
        return 1.0
    position = n_smaller / total
    if position < 0.5:
        x = math.sqrt(0.5) + 2.0 * position * (1.0 - math.sqrt(0.5))
    else:
        x = 1.0 + (2.0 * position - 1.0) * (math.sqrt(max(2.0, 16.0 - math.log(total))) - 1.0)
    return x * x


@dataclass
class ClbossFees:
    """Exponential in the balance, by size, with a deck for each peer."""

    card_ms: int = tunable(2 * MS_PER_DAY, low=30 * MS_PER_MINUTE, high=2 * MS_PER_DAY, log=True)
    """How long a price is tried."""
    steepness: float = tunable(50.0, low=2.0, high=200.0, log=True)
    """As in exp-balance."""
    scale: float = tunable(1.0, low=0.1, high=5.0, log=True)
    """Factor on everything."""
    name: str = "clboss-fees"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """New decks and bins."""
        self._balance = ExpBalance(steepness=self.steepness)
        self._balance.reset(seed)
        self._rng = np.random.default_rng([seed, 5])
        self._decks: dict[int, Deck] = {}

    def act(self, decision: Decision) -> Plan:
        """Book what the cards earned, then price by those on the table."""
        view = decision.view
        self._play(view)
        return market_fees(view, [self.scale * self._factor(view, row) for row in range(len(view.channels))])

    def _play(self, view: NodeView) -> None:
        for peer in np.unique(view.channels.peer).tolist():
            own = view.channels[view.channels.peer == peer]
            connected = bool(np.any(own.usable & own.peer_usable))
            if peer in self._decks:
                self._decks[peer].play(int(own.fees_msat.sum()), view.tick_ms if connected else 0)
            else:
                self._decks[peer] = Deck(self._rng, self.card_ms)

    def _factor(self, view: NodeView, row: int) -> float:
        channel = view.channels[row]
        size = size_factor(int(channel.n_smaller_rivals), int(channel.n_larger_rivals))
        return self._balance.factor(view, row) * size * price_factor(self._decks[int(channel.peer)].level)
