"""A buyer in the market of routing information and priority: pays for an answer what it is worth to know it.

Value of information (Howard 1966) for the best candidate not yet asked, with alternative ``A``, the next best:

    voi = q max(U(s), A) + (1 - q) max(U(n), A) - max(U(p), A)          U(x) = x V - (1 - x) L

p: chance of success unasked, s: after a yes, n: after a no, q: chance of a yes. V and L are what success and failure
are worth. All four are learned for each seller (:class:`~lnherd.agents.neighbours.SuccessModel`). A seller that always
says yes has q = 1 and, in time, s = p: its answers are worth nothing and are no longer bought. Nobody has to tell who
lies.

Priority is bought where that is better than any other way to send, and never for more than the success it brings is
expected to be worth, p (V + L): else it is cheaper to give up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lnherd.agents.neighbours import NeighbourConfig, SuccessModel
from lnherd.control.hop_decision import DecisionBatch
from lnherd.network.records import Bools, Floats, Ints
from lnherd.units import MSAT_PER_SAT, PPM

FIRST = 2
"""Choices before the first channel: to give up and to split."""
PRICE_DIGITS = 6.0
COLUMNS = ("distance", "is_priority", "is_ask", "price", "answer")
"""Features that the buyer reads, by name."""
SPLITS, GIVES_UP, TOO_DEAR = -1e6, -2e6, -3e6
"""Worth of last resorts, where nothing can be sent, and of what costs more than it is worth."""
UNASKED, AFTER_YES, AFTER_NO, WITH_PRIORITY = range(4)
"""Ways to send, whose success is learned apart."""
N_WAYS = 4
MOST_HOPS = 10.0
"""What is farther counts as so far."""


@dataclass(frozen=True)
class BuyerConfig:
    """What things are worth, in sat."""

    success_sat: float = 1.0
    """A delivered payment."""
    value_ppm: int = 10_000
    """And its amount, on top."""
    failure_sat: float = 1.0
    """A failure costs so much."""
    hop_cost_sat: float = 0.3
    """Each hop that is left counts against a channel: time, and chances to fail."""
    learns_sellers: bool = True
    """Whether answers are judged by what came of them; else a yes is taken at its word."""
    neighbours: NeighbourConfig = field(default_factory=NeighbourConfig)
    """How beliefs are formed."""


class MarketBuyer:
    """One policy for all nodes; beliefs belong to channels, so each node has its own."""

    def __init__(self, features: Sequence[str], n_edges: int, config: BuyerConfig | None = None) -> None:
        """``features`` names the columns of the candidates, ``n_edges`` counts directed channels."""
        self.config = config or BuyerConfig()
        self._n_edges = n_edges
        self._column = {name: tuple(features).index(name) for name in COLUMNS}
        self.begin(0)

    def begin(self, seed: int) -> None:
        """Forget everything; nothing is drawn."""
        beliefs = self.config.neighbours
        self._success = SuccessModel(N_WAYS, self._n_edges, beliefs)
        self._yes = SuccessModel(1, self._n_edges, beliefs)
        self._sent: dict[int, int] = {}
        self._asked: dict[tuple[int, int], int] = {}

    def choose(self, batch: DecisionBatch) -> Ints:
        """Ask where an answer is worth more than its price, else send the best way."""
        self._hear(batch)
        if len(batch.number) == 0:
            return np.zeros(0, dtype=np.int64)
        worth = self._worth_of_sending(batch)
        best = worth.argmax(axis=1)
        gain = self._gain_of_asking(batch, worth)
        asks = gain.max(axis=1) > 0.0
        choices: Ints = np.where(asks, gain.argmax(axis=1), best)
        self._remember(batch, choices, asks)
        return choices

    def _of(self, batch: DecisionBatch, name: str) -> Floats:
        column: Floats = batch.candidates[..., self._column[name]].astype(np.float64)
        return column

    def _value(self, batch: DecisionBatch) -> Floats:
        """``[B, 1]`` of success."""
        config = self.config
        value: Floats = config.success_sat + batch.amount_msat[:, None] / MSAT_PER_SAT * config.value_ppm / PPM
        return value

    def _price_sat(self, batch: DecisionBatch) -> Floats:
        price: Floats = (10.0 ** (PRICE_DIGITS * self._of(batch, "price")) - 1.0) / MSAT_PER_SAT
        return price

    def _way(self, batch: DecisionBatch) -> Ints:
        """``[B, K]`` which of the ways each choice sends."""
        answer = self._of(batch, "answer")
        way = np.where(answer > 0, AFTER_YES, np.where(answer < 0, AFTER_NO, UNASKED))
        return np.where(self._of(batch, "is_priority") > 0, WITH_PRIORITY, way)

    def _chance(self, batch: DecisionBatch, way: Ints) -> Floats:
        """``[B, K]`` of success when sending that way."""
        edges = np.maximum(batch.edges, 0).astype(np.int64)
        chance, _ = self._success.posterior(way * self._n_edges + edges, batch.now_ms)
        if not self.config.learns_sellers:
            chance = np.where(way == AFTER_YES, 1.0, np.where(way == AFTER_NO, 0.0, chance))
        return chance

    def _utility(self, batch: DecisionBatch, chance: Floats) -> Floats:
        config, hops = self.config, 10.0 * self._of(batch, "distance")
        worth: Floats = chance * self._value(batch) - (1.0 - chance) * config.failure_sat
        return worth - config.hop_cost_sat * hops

    def _worth_of_sending(self, batch: DecisionBatch) -> Floats:
        """``[B, K]``; asking is worth nothing in itself, the last resorts are for want of anything better."""
        chance, price_sat = self._chance(batch, self._way(batch)), self._price_sat(batch)
        is_priority = self._of(batch, "is_priority") > 0
        worth = self._utility(batch, chance) - price_sat * is_priority
        gain = chance * (self._value(batch) + self.config.failure_sat)
        worth[is_priority & (price_sat > gain)] = TOO_DEAR
        worth[:, 0], worth[:, 1] = GIVES_UP, SPLITS
        worth[(self._of(batch, "is_ask") > 0) | ~batch.mask] = -np.inf
        return worth

    def _gain_of_asking(self, batch: DecisionBatch, worth: Floats) -> Floats:
        """``[B, K]`` value of the answer less its price; -inf where nothing can be asked."""
        can_ask: Bools = (self._of(batch, "is_ask") > 0) & batch.mask
        gain = np.full(worth.shape, -np.inf)
        if not can_ask.any():
            return gain
        m = (worth.shape[1] - FIRST) // 3
        sending, asking = slice(FIRST, FIRST + m), slice(FIRST + 2 * m, None)
        ways = np.stack([worth[:, sending], worth[:, FIRST + m : FIRST + 2 * m]])
        own = ways.max(axis=0)  # by channel, the better way
        others = np.where(np.eye(m, dtype=np.bool_), -np.inf, own[:, None, :]).max(axis=2)
        others = np.maximum(others, -2.0 * self.config.failure_sat - self.config.hop_cost_sat * MOST_HOPS)
        edges = np.maximum(batch.edges[:, asking], 0).astype(np.int64)
        says_yes, _ = self._yes.posterior(edges, batch.now_ms)
        after_yes, after_no = (
            np.maximum(self._utility(batch, self._chance(batch, np.full(batch.edges.shape, way)))[:, sending], others)
            for way in (AFTER_YES, AFTER_NO)
        )
        known = says_yes * after_yes + (1.0 - says_yes) * after_no
        unknown = np.maximum(own, others)
        worth_asking = known - unknown - self._price_sat(batch)[:, asking]
        gain[:, asking] = np.where(can_ask[:, asking], worth_asking, -np.inf)
        return gain

    def _remember(self, batch: DecisionBatch, choices: Ints, asks: Bools) -> None:
        rows = np.arange(len(choices))
        edges, way = batch.edges[rows, choices].astype(np.int64), self._way(batch)[rows, choices]
        for row in range(len(rows)):
            if edges[row] >= 0 and not asks[row]:
                self._sent[int(batch.number[row])] = int(way[row]) * self._n_edges + int(edges[row])
            elif asks[row]:
                self._asked[int(batch.payment[row]), int(batch.node[row])] = int(edges[row])

    def _hear(self, batch: DecisionBatch) -> None:
        """Learn from outcomes, and from answers to what was asked."""
        known = [self._sent.pop(number, -1) for number in batch.outcomes.decision.tolist()]
        keys = np.array(known, dtype=np.int64)
        sent = keys >= 0
        if sent.any():
            self._success.add(keys[sent], batch.outcomes.succeeded[sent].astype(np.int64), batch.now_ms)
        if self._asked:
            self._hear_answers(batch)

    def _hear_answers(self, batch: DecisionBatch) -> None:
        answers, asked, said = self._of(batch, "answer"), [], []
        for row, about in enumerate(zip(batch.payment.tolist(), batch.node.tolist(), strict=True)):
            edge = self._asked.get(about, -1)
            heard = answers[row, (batch.edges[row] == edge) & (answers[row] != 0)]
            if edge >= 0 and len(heard):
                del self._asked[about]
                asked.append(edge)
                said.append(int(heard[0] > 0))
        if asked:
            self._yes.add(np.array(asked), np.array(said), batch.now_ms)
