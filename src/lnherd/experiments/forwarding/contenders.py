"""Who can be compared: policies compiled into the loop, payers that find whole routes, policies asked from outside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lnherd.agents.backpressure import Backpressure
from lnherd.agents.hop_policy import HopPolicy
from lnherd.agents.q_routing import QRouting, QRoutingConfig
from lnherd.agents.waterfilling import Waterfilling
from lnherd.engine.hop_state import MAX_CANDIDATES
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Ints

NAIVE = ("random", "shortest", "cheapest", "balance")
"""Compiled rules that look at nothing but the node's own channels."""
SOURCE = ("lnd", "mincostflow")
"""Payers that find whole routes and learn from failures."""
INFORMED = ("waterfilling", "backpressure")
"""Rules that are told more than a node can know; see their modules."""
WARM, FROZEN = "q-routing+warm", "q-routing+frozen"
LEARNING = ("q-routing", WARM, FROZEN)
"""Learn while they play. The last two have learned in the same place before, on other traffic; the last one stops when
the world changes (at once, where it does not)."""
NAMES = (*NAIVE, *SOURCE, *INFORMED, *LEARNING)
WARM_UP_EPISODES = 10

Spendable = Callable[[], Ints]


@dataclass(frozen=True)
class Contender:
    """A policy by name, or one that was trained and saved at ``path``."""

    name: str
    training: int = 0
    """Which of several trainings under one name."""
    path: Path | None = None

    def settings(self, config: ForwardingConfig) -> ForwardingConfig:
        """The world ``config`` as this contender needs it: who decides, and what is described."""
        if self.path is None and self.name in NAIVE:
            return replace(config, learner="nobody", others=self.name)
        if self.path is None and self.name in SOURCE:
            return replace(config, learner="nobody", source_routing=self.name)
        if self.path is None and self.name == "waterfilling":  # its paths need not be among the nearest few
            return replace(config, simulation=replace(config.simulation, max_candidates=MAX_CANDIDATES))
        return config

    def policy(self, config: ForwardingConfig, network: Network, spendable: Spendable) -> HopPolicy | None:
        """A fresh policy for nodes of ``network``; None for those that nobody has to ask."""
        if self.name in (*NAIVE, *SOURCE):
            return None
        if self.name == "waterfilling":
            return Waterfilling(network, spendable)
        if self.name == "backpressure":
            return Backpressure(network)
        return QRouting(network, QRoutingConfig())

    def freeze(self, policy: HopPolicy | None, config: ForwardingConfig) -> None:
        """End the learning of ``policy`` when the world changes, if this contender is one that does."""
        if isinstance(policy, QRouting) and self.name == FROZEN:
            policy.freeze_after(config.changes_ms or 0)

    def warm_up(self, training_seeds: Sequence[int]) -> Sequence[int]:
        """Episodes that it learns from before it is measured."""
        return training_seeds[:WARM_UP_EPISODES] if self.name in (WARM, FROZEN) else ()

    def keep(self, policy: HopPolicy | None) -> None:
        """Begin later episodes with what ``policy`` knows now."""
        if isinstance(policy, QRouting):
            policy.keep()


def contenders(names: str | None) -> tuple[Contender, ...]:
    """Contenders of a comma-separated list; all that have a name without one.

    Raises:
        InputError: for a name that is not known.
    """
    asked = NAMES if names is None else tuple(dict.fromkeys(name.strip() for name in names.split(",")))
    for name in asked:
        if name not in NAMES:
            raise InputError(f"--policies: {name!r} is not known; choose from {', '.join(NAMES)}")
    return tuple(Contender(name) for name in asked)
