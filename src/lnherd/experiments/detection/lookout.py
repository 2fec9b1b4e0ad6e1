"""A second pair of eyes on the herder: a look every minute, while its policy goes on acting every tick."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lnherd.anomaly.signals import N_SIGNALS
from lnherd.anomaly.watch import Scorer, WatchConfig
from lnherd.control.view import PENDING_DTYPE, REBALANCED_DTYPE, Role, no_records
from lnherd.engine import Simulation
from lnherd.envs.gossip import Gossip
from lnherd.envs.observing import Observer
from lnherd.network.graph import Network
from lnherd.network.records import Floats, Records
from lnherd.traffic.shocks import Act, Scene, Shock
from lnherd.units import MS_PER_MINUTE


class Lookout:
    """Collects the standard scores of an episode."""

    def __init__(self, network: Network, node: int, role: Role, config: WatchConfig) -> None:
        self._gossip, self._node, self._role, self._config = Gossip(network), node, role, config
        self._observer: Observer | None = None
        self._scorer = Scorer(config)
        self._scores: list[Floats] = []
        self._times_ms: list[int] = []

    def __call__(self, simulation: Simulation) -> None:
        """Look now."""
        if self._observer is None:
            self._observer = Observer(simulation, self._node, self._role, MS_PER_MINUTE, self._gossip)
        view = self._observer.look(no_records(PENDING_DTYPE), 0, no_records(REBALANCED_DTYPE))
        scores = self._scorer.look(view)
        if scores is not None:
            self._scores.append(scores)
            self._times_ms.append(view.now_ms)

    def scores(self) -> Floats:
        """``[T, N_SIGNALS]`` standard scores, warm-up left out."""
        return np.array(self._scores, dtype=np.float64).reshape(-1, N_SIGNALS)

    def looks_before(self, time_ms: int) -> int:
        """How many of them are older than ``time_ms``."""
        return int(np.searchsorted(self._times_ms, time_ms))


@dataclass(frozen=True)
class Watched(Shock):
    """A shock with a lookout: the same run, looked at every minute."""

    shock: Shock = field(default_factory=Shock)
    """What happens."""
    look: Callable[[Simulation], None] = lambda _: None
    """What is done each minute."""
    until_ms: int = 0
    """Up to when."""

    def payments(self, payments: Records, scene: Scene) -> Records:
        """As the shock has it."""
        return self.shock.payments(payments, scene)

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """Those of the shock and the looks."""
        looks = (Act(time_ms, self.look) for time_ms in range(0, self.until_ms, MS_PER_MINUTE))
        return (*self.shock.acts(scene), *looks)

    def companions(self, scene: Scene) -> tuple[int, ...]:
        """As the shock has it."""
        return self.shock.companions(scene)
