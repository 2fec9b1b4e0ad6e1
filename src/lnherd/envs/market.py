"""The market: forwarding in which neighbours sell routing information and priority to each other.

    batch = task.reset(seed)
    while not batch.is_over:
        if task.prices_due: task.set_prices(...)
        batch = task.step(choose(batch))

The same form as :class:`~lnherd.envs.forwarding.ForwardingTask`, with more choices. With M candidate channels, choices
2 to 1 + M send over a channel, the next M send with priority, the last M ask the channel's far end whether it can
forward this payment now. The decision comes back with the answer and a number of its own, at once or, where answers
take time (``answer_ms``), that much later, the payment being held meanwhile. When nobody asks any more the moment's
other decisions are carried out, priority first, the highest price first.

A price is paid at once and whatever comes of it, in the balance of the channel between buyer and seller.
"""

from dataclasses import replace

import numpy as np

from lnherd.control.hop_decision import DecisionBatch
from lnherd.engine import Simulation
from lnherd.engine.hop_features import FIRST_CHANNEL
from lnherd.engine.hop_state import OUTCOME_DTYPE
from lnherd.envs.feasibility import can_forward
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.market_ledger import MarketLedger
from lnherd.envs.market_scenario import INFORMATION, MARKET_FEATURES, PRIORITY, MarketConfig
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Bools, Floats, Indices, Ints, Records, plain, zero_records
from lnherd.units import MSAT_PER_SAT, PPM

YES, NO = 1, -1
OPEN, AWAITS = -1, -2
"""What a row has decided: nothing yet, or to wait for an answer."""
PRICE_DIGITS = 6.0


class MarketTask:
    """One world with a market. ``prices_msat [N, 2]`` hold until they are set anew; without a call they are lowest."""

    def __init__(self, config: MarketConfig | None = None, network: Network | None = None) -> None:
        """Lay out a market on ``network`` or, without one, on the configuration's synthetic network."""
        self.config = config or MarketConfig()
        self.task = ForwardingTask(self.config.forwarding, network)
        self.network = self.task.network
        self._m = self.config.forwarding.simulation.max_candidates
        self._lies = self.config.who_lies(self.network.n_nodes)
        self.prices_msat: Ints
        self.ledger: MarketLedger
        self._batch: DecisionBatch
        self._answers: Ints
        self._decided: Ints
        self._numbers: Ints

    @property
    def simulation(self) -> Simulation:
        """The world of the running episode."""
        return self.task.simulation

    @property
    def n_choices(self) -> int:
        """K."""
        return FIRST_CHANNEL + 3 * self._m

    def reset(self, seed: int) -> DecisionBatch:
        """Start an episode and run to its first decisions."""
        batch = self.task.reset(seed)
        self.ledger = MarketLedger(self.simulation)
        self.prices_msat = np.full((self.network.n_nodes, 2), self.config.prices_msat[0], dtype=np.int64)
        self._next_number = 0
        self._number_of: dict[int, tuple[int, int]] = {}
        self._prices_due_ms = 0
        self._amount_of: dict[int, int] = {}
        self._under_way: dict[int, dict[int, int]] = {}
        return self._open(batch)

    @property
    def prices_due(self) -> bool:
        """Whether the interval has passed for which prices hold."""
        return self.simulation.now_ms >= self._prices_due_ms

    def set_prices(self, levels: Ints) -> None:
        """Let every node ask for ``prices_msat[levels]`` of the configuration, ``levels [N, 2]``, for an interval.

        Raises:
            InputError: for levels that do not exist.
        """
        grid = np.array(self.config.prices_msat)
        if levels.shape != self.prices_msat.shape or levels.min() < 0 or levels.max() >= len(grid):
            raise InputError(f"prices: levels must be {self.prices_msat.shape} numbers from 0 to {len(grid) - 1}")
        self.prices_msat = grid[levels]
        self._prices_due_ms = self.simulation.now_ms + self.config.price_interval_ms

    def step(self, choices: Ints) -> DecisionBatch:
        """Answer every decision of the last batch by the number of a choice; a masked one gives up."""
        shown = self._shown
        valid = np.where(shown.mask[np.arange(len(choices)), choices], choices, 0)
        rows, first_ask = self._open_rows, FIRST_CHANNEL + 2 * self._m
        asks = valid >= first_ask
        self._decided[rows[~asks]] = valid[~asks]
        asked = self._sell_information(rows[asks], valid[asks] - first_ask)
        if self.config.answer_ms > 0:
            self._decided[rows[asks]] = AWAITS
        if (self._decided == OPEN).any():
            return self._show(asked)
        return self._open(self._carry_out(), asked)

    def _open(self, batch: DecisionBatch, before: Records | None = None) -> DecisionBatch:
        """Begin a moment."""
        self._batch, n = batch, len(batch.number)
        self._numbers = np.zeros(n, dtype=np.int64)
        self._answers = self._answers_come(batch)
        self._decided = np.full(n, OPEN, dtype=np.int64)
        if self.config.information == "free" and n:
            rows, columns = np.nonzero(batch.mask[:, FIRST_CHANNEL:])
            self._answers[rows, columns] = self._answer(rows, columns)
        outcomes = self._translated(batch.outcomes)
        return self._show(outcomes if before is None else np.concatenate([before, outcomes]).view(np.recarray))

    def _answers_come(self, batch: DecisionBatch) -> Ints:
        """``[B, M]`` what was asked about these parts in an earlier moment."""
        answers = np.zeros((len(batch.number), self._m), dtype=np.int64)
        for row, part in enumerate(self.simulation.pending.tolist() if self._under_way else ()):
            for edge, answer in self._under_way.pop(part, {}).items():
                answers[row, batch.edges[row, FIRST_CHANNEL:] == edge] = answer
        return answers

    def _await_answers(self) -> Ints:
        """Rows that are put off until their answers come, which are kept by part and channel."""
        rows, parts = np.flatnonzero(self._decided == AWAITS), self.simulation.pending
        for row in rows.tolist():
            known = np.flatnonzero(self._answers[row])
            edges = self._batch.edges[row, FIRST_CHANNEL + known]
            self._under_way[int(parts[row])] = dict(
                zip(edges.tolist(), self._answers[row, known].tolist(), strict=True)
            )
        return rows

    @property
    def _open_rows(self) -> Ints:
        return np.flatnonzero(self._decided == OPEN)

    def _show(self, outcomes: Records) -> DecisionBatch:
        """The decisions that are still open, numbered anew."""
        batch, rows = self._batch, self._open_rows
        self._numbers[rows] = self._next_number + np.arange(len(rows))
        self._next_number += len(rows)
        self._amount_of.update(zip(self._numbers[rows].tolist(), batch.amount_msat[rows].tolist(), strict=True))
        edges = self._edges(rows)
        self._shown = replace(
            batch,
            context=batch.context[rows],
            candidates=self._candidates(rows, edges),
            mask=self._mask(rows, edges),
            edges=edges,
            number=self._numbers[rows].copy(),
            node=batch.node[rows],
            receiver=batch.receiver[rows],
            payment=batch.payment[rows],
            incoming=batch.incoming[rows],
            amount_msat=batch.amount_msat[rows],
            outcomes=outcomes,
            rewards=self._rewards(outcomes),
        )
        return self._shown

    def _edges(self, rows: Ints) -> Indices:
        """``[B, K]``: the channels three times over."""
        base = self._batch.edges[rows]
        edges: Indices = np.concatenate([base, base[:, FIRST_CHANNEL:], base[:, FIRST_CHANNEL:]], axis=1)
        return edges

    def _prices(self, edges: Indices) -> tuple[Ints, Ints]:
        """``(of priority, of information)`` at the far ends of ``edges [...]``."""
        sellers = self.network.edge_target[np.maximum(edges, 0)]
        return self.prices_msat[sellers, PRIORITY], self.prices_msat[sellers, INFORMATION]

    def _candidates(self, rows: Ints, edges: Indices) -> np.ndarray:
        base, m = self._batch.candidates[rows], self._m
        channels = base[:, FIRST_CHANNEL:]
        more = np.zeros((len(rows), self.n_choices, len(MARKET_FEATURES)), dtype=np.float32)
        plain_, priority, ask = (slice(FIRST_CHANNEL + i * m, FIRST_CHANNEL + (i + 1) * m) for i in range(3))
        price_priority, price_ask = self._prices(edges[:, plain_])
        more[:, priority, 0], more[:, ask, 1] = 1.0, 1.0
        more[:, priority, 2] = np.log10(1.0 + price_priority) / PRICE_DIGITS
        more[:, ask, 2] = np.log10(1.0 + price_ask) / PRICE_DIGITS
        more[:, FIRST_CHANNEL:, 3] = np.tile(self._answers[rows], 3)
        more[:, FIRST_CHANNEL:, 4] = np.tile(self._general_use(edges[:, plain_]), 3)
        return np.concatenate([np.concatenate([base, channels, channels], axis=1), more], axis=2)

    def _general_slots(self, edges: Indices) -> Ints:
        """Slots that are for everybody."""
        slots: Ints = plain(self.simulation.state.edges)["max_htlcs"][np.maximum(edges, 0)].astype(np.int64)
        if self.config.priority == "none":
            return slots
        general: Ints = slots - np.maximum(1, np.rint(self.config.reserved_share * slots)).astype(np.int64)
        return np.maximum(general, 1)

    def _general_use(self, edges: Indices) -> Floats:
        used = plain(self.simulation.state.edges)["n_htlcs"][np.maximum(edges, 0)]
        share: Floats = np.minimum(1.0, used / np.maximum(self._general_slots(edges), 1))
        return share

    def _mask(self, rows: Ints, edges: Indices) -> Bools:
        """Possible: what forwarding allows, has a free slot of its kind, and what the buyer can pay for."""
        base, m = self._batch.mask[rows], self._m
        possible, channels = base[:, FIRST_CHANNEL:], edges[:, FIRST_CHANNEL : FIRST_CHANNEL + m]
        own = plain(self.simulation.state.edges)[np.maximum(channels, 0)]
        left_msat = own["balance_msat"] - own["reserve_msat"]
        price_priority, price_ask = self._prices(channels)
        amount_msat = self._batch.amount_msat[rows][:, None]
        send = possible & (own["n_htlcs"] < self._general_slots(channels))
        first = possible & (left_msat >= amount_msat + price_priority) & (self.config.priority == "sold")
        ask = possible & (left_msat >= price_ask) & (self._answers[rows] == 0) & (self.config.information == "sold")
        mask: Bools = np.concatenate([base[:, :FIRST_CHANNEL], send, first, ask], axis=1)
        return mask

    def _sell_information(self, rows: Ints, columns: Ints) -> Records:
        """Answer the questions of ``rows``; what became of these decisions is known at once."""
        edges = self._batch.edges[rows, FIRST_CHANNEL + columns]
        _, prices = self._prices(edges)
        outcomes = zero_records(len(rows), OUTCOME_DTYPE)
        outcomes.decision, outcomes.node = self._numbers[rows], self._batch.node[rows]
        for index, (edge, price_msat) in enumerate(zip(edges.tolist(), prices.tolist(), strict=True)):
            outcomes.succeeded[index] = self.ledger.pay(edge, price_msat, INFORMATION)
        outcomes.fee_msat = np.where(outcomes.succeeded, -prices, 0)
        told = outcomes.succeeded.astype(np.bool_)
        if told.any():
            self._answers[rows[told], columns[told]] = self._answer(rows[told], columns[told])
        return outcomes

    def _answer(self, rows: Ints, columns: Ints) -> Ints:
        """What the candidates' far ends say; liars always say yes."""
        batch = self._batch
        nodes = self.network.edge_target[batch.edges[rows, FIRST_CHANNEL + columns]].astype(np.int64)
        receivers = batch.receiver[rows].astype(np.int64)
        hops = self.config.information_hops
        truth = can_forward(self.simulation, nodes, receivers, batch.amount_msat[rows], hops)
        return np.where(truth | self._lies[nodes], YES, NO)

    def _carry_out(self) -> DecisionBatch:
        """All have decided, or wait for answers: take the money for priority, and let the engine go on."""
        waiting, m = self._await_answers(), self._m
        rows = np.flatnonzero(self._decided >= 0)
        decided = self._decided[rows]
        is_first = decided >= FIRST_CHANNEL + m
        base = np.where(is_first, decided - m, decided)
        edges = self._batch.edges[rows, base]
        prices = np.where(is_first, self._prices(edges)[0], 0)
        order = np.lexsort((np.arange(len(base)), -prices))
        paid = self._pay_for_priority(edges, prices, order)
        base = np.where(self._crowded_out(edges, paid > 0, order), 0, base)
        first = int(self.simulation.state.clock[0].decisions_total)
        for position, row in enumerate(order.tolist()):
            self._number_of[first + position] = (int(self._numbers[rows[row]]), int(paid[row]))
        return self.task.step(base, order, waiting, self.config.answer_ms)

    def _pay_for_priority(self, edges: Indices, prices: Ints, order: Ints) -> Ints:
        """``[B]`` what was paid; who cannot pay any more is treated like everybody."""
        paid = np.zeros(len(edges), dtype=np.int64)
        for row in order.tolist():
            if prices[row] > 0 and self.ledger.pay(int(edges[row]), int(prices[row]), PRIORITY):
                paid[row] = prices[row]
        return paid

    def _crowded_out(self, edges: Indices, has_priority: Bools, order: Ints) -> Bools:
        """``[B]`` who finds that the slots for everybody have gone to those before it in this moment."""
        crowded = np.zeros(len(edges), dtype=np.bool_)
        if self.config.priority == "none":
            return crowded
        used = plain(self.simulation.state.edges)["n_htlcs"][np.maximum(edges, 0)].astype(np.int64)
        general, added = self._general_slots(edges), dict[int, int]()
        for row in order.tolist():
            edge = int(edges[row])
            if edge < 0:
                continue
            crowded[row] = not has_priority[row] and used[row] + added.get(edge, 0) >= general[row]
            added[edge] = added.get(edge, 0) + (not crowded[row])
        return crowded

    def _translated(self, outcomes: Records) -> Records:
        """Outcomes by the numbers of this task, what was paid for priority taken out of the fee."""
        translated = outcomes.copy()
        for record in translated:
            number, paid_msat = self._number_of.pop(int(record.decision))
            record.decision = number
            record.fee_msat -= paid_msat
        return translated

    def _rewards(self, outcomes: Records) -> Floats:
        """``[R]`` in sat: the reward of forwarding less what was paid, and the value of the payment if it arrived."""
        reward = self.config.forwarding.reward
        amounts = np.array([self._amount_of.pop(number) for number in outcomes.decision.tolist()], dtype=np.float64)
        has_arrived = outcomes.succeeded & (outcomes.latency_ms > 0)
        value_sat = amounts * self.config.value_ppm / PPM / MSAT_PER_SAT
        rewards: Floats = reward.of(outcomes) + reward.cooperation * value_sat * has_arrived
        return rewards
