"""Forwarding: nodes choose, hop by hop, where payments go on. The native form: batches of decisions as arrays.

    batch = task.reset(seed)
    while not batch.is_over:
        batch = task.step(choose(batch.context, batch.candidates, batch.mask))

All decisions that are due at one moment are asked together. What came of a decision is told later, by its number.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from lnherd.control.hop_decision import DecisionBatch
from lnherd.engine import ExitReason, Simulation
from lnherd.engine.codes import GIVE_UP
from lnherd.engine.hop_observing import PendingChoices
from lnherd.engine.hop_space import DECISION_BATCH
from lnherd.envs.forwarding_scenario import ForwardingConfig, build_simulation
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Ints, plain


class ForwardingTask:
    """One world, in which the deciding nodes are asked and all else runs by itself."""

    def __init__(self, config: ForwardingConfig | None = None, network: Network | None = None) -> None:
        """Lay out a problem on ``network`` or, without one, on the configuration's synthetic network."""
        self.config = config or ForwardingConfig()
        self.network = network or self.config.network()
        self._room = PendingChoices.room_for(DECISION_BATCH, self.config.simulation.max_candidates)
        self._offline: deque[int] = deque()
        self._watch: Callable[[Simulation], None] | None = None
        self._watch_interval_ms = 0

    def watch(self, look: Callable[[Simulation], None], interval_ms: int) -> None:
        """Let ``look`` see the simulation at multiples of ``interval_ms`` while payments start; it must not touch it.

        Holds from the next :meth:`reset` on.
        """
        self._watch, self._watch_interval_ms = look, interval_ms

    def reset(self, seed: int) -> DecisionBatch:
        """Start an episode and run to its first decisions."""
        self.begin(seed)
        return self._run_to_decisions()

    def begin(self, seed: int, hop_policy: str = "external") -> None:
        """Lay an episode out, in which the deciding nodes follow ``hop_policy``."""
        self.simulation: Simulation = build_simulation(self.config, self.network, seed, hop_policy)
        self._churn_rng = np.random.default_rng([seed, 2])
        self._offline.clear()
        self._next_churn_ms = self._due(self.config.churn_interval_ms, self.config.churn_after_ms)
        self._next_watch_ms = self._due(self._watch_interval_ms or None, 0)

    def run_out(self) -> None:
        """Run an episode to its end in which nobody has to be asked."""
        if self._run_to_stop() == ExitReason.DECISION_NEEDED:
            raise InputError("an episode whose nodes are asked cannot run by itself; use reset and step")

    def step(
        self, choices: Ints, order: Ints | None = None, put_off: Ints | None = None, delay_ms: int = 0
    ) -> DecisionBatch:
        """Answer every decision of the last batch by the number of a choice; a masked one gives up.

        They are carried out in ``order`` (rows of the batch; as asked if not given), and numbered in it. The rows
        ``put_off`` are asked again after ``delay_ms``; they are not among the choices and the order, which count on.
        """
        rows = np.arange(len(self.simulation.pending))
        if put_off is not None and len(put_off):
            rows = np.delete(rows, put_off)
            self.simulation.put_off(put_off, delay_ms)
        edges = np.where(self._room.mask[rows, choices], self._room.choices[rows, choices], GIVE_UP)
        if order is not None:
            self.simulation.queue(order)
            edges = edges[order]
        self.simulation.decide(edges)
        return self._run_to_decisions()

    def _run_to_decisions(self) -> DecisionBatch:
        return self._batch(self._run_to_stop() == ExitReason.IDLE)

    def _run_to_stop(self) -> ExitReason:
        """Run until somebody is asked or all is over, with channels going and coming."""
        while True:
            stops = [stop_ms for stop_ms in (self._next_churn_ms, self._next_watch_ms) if stop_ms is not None]
            reason = self.simulation.run(min(stops, default=None))
            if reason != ExitReason.TIME_REACHED:
                return reason
            self._interrupt(self.simulation.now_ms)

    def _interrupt(self, now_ms: int) -> None:
        """What is due now besides payments."""
        if now_ms == self._next_watch_ms and self._watch is not None:
            self._watch(self.simulation)
            self._next_watch_ms = self._due(self._watch_interval_ms, now_ms)
        if now_ms == self._next_churn_ms:
            self._churn()
            self._next_churn_ms = self._due(self.config.churn_interval_ms, now_ms)

    def _due(self, interval_ms: int | None, now_ms: int) -> int | None:
        """When that comes next that comes at intervals as long as payments start."""
        if interval_ms is None or now_ms + interval_ms > self.config.duration_ms:
            return None
        return now_ms + interval_ms

    def _churn(self) -> None:
        """A random channel that is online goes off; the one that went off first comes back."""
        online = np.setdiff1d(np.flatnonzero(self.network.live_channels), np.array(self._offline, dtype=np.int64))
        if len(self._offline) == self.config.n_offline or len(online) == 0:
            self._switch(self._offline.popleft(), is_on=True)
        if len(online) > 0:
            self._offline.append(int(self._churn_rng.choice(online)))
            self._switch(self._offline[-1], is_on=False)

    def _switch(self, channel: int, *, is_on: bool) -> None:
        for edge in (2 * channel, 2 * channel + 1):
            self.simulation.set_policy(edge, enabled=is_on and bool(self.network.edges.enabled[edge]))

    def _batch(self, is_over: bool) -> DecisionBatch:
        simulation, room = self.simulation, self._room
        n = room.observe(simulation.state)
        about, first = plain(room.about)[:n], int(simulation.state.clock[0].decisions_total)
        outcomes = simulation.fetch_outcomes()
        return DecisionBatch(
            context=room.context[:n],
            candidates=room.candidates[:n],
            mask=room.mask[:n],
            edges=room.choices[:n],
            number=np.arange(first, first + n),
            node=about["node"].copy(),
            receiver=about["receiver"].copy(),
            payment=about["payment"].copy(),
            incoming=about["incoming"].copy(),
            amount_msat=about["amount_msat"].copy(),
            now_ms=simulation.now_ms,
            outcomes=outcomes,
            rewards=self.config.reward.of(outcomes),
            is_over=is_over,
        )
