"""A second pair of eyes on the herder: a look every minute, while its policy acts once a tick."""

from collections.abc import Callable

import numpy as np

from lnherd.anomaly.signals import N_SIGNALS
from lnherd.anomaly.watch import Watch, WatchConfig
from lnherd.control.view import PENDING_DTYPE, REBALANCED_DTYPE, NodeView, Role, no_records
from lnherd.engine import Simulation
from lnherd.envs.observing import Observer
from lnherd.network.records import Floats
from lnherd.traffic.shocks import Act
from lnherd.units import MS_PER_MINUTE

See = Callable[[NodeView], object]
"""What is done with a look."""


class Lookout:
    """Shows one node of a simulation to somebody every minute; what gossip says of others is left out."""

    def __init__(self, node: int, role: Role, see: See) -> None:
        self._node, self._role, self._see = node, role, see
        self._observer: Observer | None = None

    def acts(self, start_ms: int, end_ms: int) -> tuple[Act, ...]:
        """The looks from ``start_ms`` on, before ``end_ms``."""
        return tuple(Act(time_ms, self._look) for time_ms in range(start_ms, end_ms, MS_PER_MINUTE))

    def _look(self, simulation: Simulation) -> None:
        if self._observer is None:
            self._observer = Observer(simulation, self._node, self._role, MS_PER_MINUTE)
        self._see(self._observer.look(no_records(PENDING_DTYPE), 0, no_records(REBALANCED_DTYPE)))


class Sentinel:
    """A watch that remembers between decisions how far each signal has strayed at most."""

    def __init__(self, config: WatchConfig) -> None:
        self._watch = Watch(config)
        self._highest: Floats = np.zeros(N_SIGNALS)

    def see(self, view: NodeView) -> None:
        """Take in one look."""
        self._watch.look(view)
        self._highest = np.maximum(self._highest, self._watch.levels)

    def take(self) -> Floats:
        """``[N_SIGNALS]`` highest levels since the last call."""
        highest, self._highest = self._highest, self._watch.levels
        return highest
