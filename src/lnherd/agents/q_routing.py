"""Q-routing (Boyan and Littman, "Packet routing in dynamically changing networks", NIPS 1993), for payments.

``Q_x(d, y)`` is what node x thinks it takes until a part for d arrives that goes on over channel y. When the next node
has to choose, it tells what it thinks it still takes from there, and x learns from that:

    Q_x(d, y) <- Q_x(d, y) + rate * (1 + min_z Q_y(d, z) - Q_x(d, y))

Time is counted in hops, since in Lightning the delay of a hop hardly depends on the load. What does is whether the
part gets through at all, so a node without a possible channel tells ``failure_cost``. Estimates begin with the hops
that gossip knows of, the least it can take, so what has not been tried is tried. Each node keeps estimates for every
destination it meets and hears one number from its peer for each hop.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.agents.destination_rows import DestinationRows, Numbers
from lnherd.control.hop_decision import CHOOSE_GIVE_UP, CHOOSE_SPLIT, DecisionBatch
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.measures.paths import hops_to
from lnherd.network.records import Ints
from lnherd.units import MSAT_PER_SAT


@dataclass(frozen=True)
class QRoutingConfig:
    """How nodes learn."""

    learning_rate: float = 0.5
    """Share of the error that one report corrects (the paper's is 0.5)."""
    failure_cost: float = 20.0
    """What a failure counts for, in hops."""
    bands_sat: tuple[int, ...] = ()
    """Bounds between amounts that are told apart, ascending: what a small payment passes stops a large one."""

    def __post_init__(self) -> None:
        if not 0 <= self.learning_rate <= 1:
            raise InputError(f"Q-routing: learning_rate is {self.learning_rate}; give 0 to 1")
        if self.failure_cost <= 0:
            raise InputError(f"Q-routing: failure_cost is {self.failure_cost}; it must be positive")


class QRouting:
    """All nodes of one network, each with its own estimates."""

    def __init__(self, network: Network, config: QRoutingConfig | None = None) -> None:
        self.config = config or QRoutingConfig()
        self._network = network
        self._bounds_msat = MSAT_PER_SAT * np.array(self.config.bands_sat, dtype=np.int64)
        self._frozen_after_ms: int | None = None
        n_keys = network.n_nodes * (len(self._bounds_msat) + 1)
        self._rows = DestinationRows(n_keys, self._first_estimates)
        self._kept = self._rows.copy()

    def _first_estimates(self, key: int) -> Numbers:
        hops = 1.0 + hops_to(self._network, key % self._network.n_nodes)[self._network.edge_target]
        return np.minimum(hops, self.config.failure_cost).astype(np.float32)

    def begin(self, seed: int) -> None:
        """A new episode, from what was known at the last :meth:`keep`, or nothing. Nothing is drawn."""
        self._rows = self._kept.copy()

    def keep(self) -> None:
        """Let later episodes begin with what is known now."""
        self._kept = self._rows.copy()

    def freeze_after(self, time_ms: int) -> None:
        """Learn nothing from this time of an episode on."""
        self._frozen_after_ms = time_ms

    def choose(self, batch: DecisionBatch) -> Ints:
        """The channel with the least estimate; without one, split at the source or give up."""
        if len(batch.number) == 0:
            return np.zeros(0, dtype=np.int64)
        band = np.searchsorted(self._bounds_msat, batch.amount_msat, side="right")
        rows = self._rows.of(batch.receiver + self._network.n_nodes * band)
        is_channel = batch.mask & (batch.edges >= 0)
        cost = np.where(is_channel, self._rows.table[rows[:, None], batch.edges], np.inf)
        least = cost.min(axis=1)
        if self._frozen_after_ms is None or batch.now_ms < self._frozen_after_ms:
            self._learn(batch, rows, np.minimum(1.0 + least, self.config.failure_cost))
        without = np.where(batch.mask[:, CHOOSE_SPLIT], CHOOSE_SPLIT, CHOOSE_GIVE_UP)
        choices: Ints = np.where(np.isfinite(least), cost.argmin(axis=1), without)
        return choices

    def _learn(self, batch: DecisionBatch, rows: Ints, told: Numbers) -> None:
        """Whoever sent a part here hears ``told [B]``; of two reports about one channel the later counts."""
        came = batch.incoming >= 0
        at = rows[came], batch.incoming[came]
        table = self._rows.table
        table[at] += self.config.learning_rate * (told[came] - table[at])
