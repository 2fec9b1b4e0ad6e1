"""CLBOSS' price theory: a deck of price levels is played card by card, the best paid becomes the new centre.

Per peer a level k: the fee is multiplied by 1.2^k (k >= 0) or 0.8^|k|. Cards k-2 .. k+2 are shuffled and
each is played for two days of being connected; then the card with the highest fee income becomes the centre,
which stays where it is if none earned anything.
"""

from dataclasses import dataclass, field

import numpy as np

from lnherd.units import MS_PER_DAY

UP, DOWN = 1.2, 0.8
SPREAD = 2
"""Cards on either side of the centre."""


def price_factor(level: int) -> float:
    """``1.2^k`` or ``0.8^|k|``."""
    return float(UP**level if level >= 0 else DOWN**-level)


@dataclass
class Deck:
    """The cards of one peer."""

    rng: np.random.Generator
    """Shuffles."""
    card_ms: int = 2 * MS_PER_DAY
    """How long a card is played, connected."""
    centre: int = 0
    """The level around which prices are tried."""
    _cards: list[int] = field(default_factory=list)
    _income_msat: dict[int, int] = field(default_factory=dict)
    _played_ms: int = 0

    def __post_init__(self) -> None:
        self._shuffle()

    @property
    def level(self) -> int:
        """The card on the table."""
        return self._cards[0]

    def play(self, income_msat: int, connected_ms: int) -> None:
        """Book what the card on the table earned while it lay there; turn the next one when its time is over."""
        self._income_msat[self.level] += income_msat
        self._played_ms += connected_ms
        if self._played_ms < self.card_ms:
            return
        self._played_ms = 0
        self._cards.pop(0)
        if not self._cards:
            self._finish()

    def _finish(self) -> None:
        best = max(self._income_msat, key=lambda level: self._income_msat[level])
        if self._income_msat[best] > 0:
            self.centre = best
        self._shuffle()

    def _shuffle(self) -> None:
        levels = range(self.centre - SPREAD, self.centre + SPREAD + 1)
        self._cards = [int(level) for level in self.rng.permutation(levels)]
        self._income_msat = dict.fromkeys(self._cards, 0)
