"""Who can be compared: policies compiled into the loop, payers that find whole routes, policies asked from outside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lnherd.agents.backpressure import Backpressure
from lnherd.agents.forwarding_learners import BEGINNINGS
from lnherd.agents.hop_policy import HopPolicy
from lnherd.agents.hop_scorer import HopScorerPolicy, load_hop_policy, rule_scorer
from lnherd.agents.learners import require_torch
from lnherd.agents.q_routing import QRouting, QRoutingConfig
from lnherd.agents.waterfilling import Waterfilling
from lnherd.engine import Simulation
from lnherd.engine.hop_state import MAX_CANDIDATES
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.forwarding_source import SourceModePolicy
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Ints, plain

NAIVE = ("random", "shortest", "cheapest", "balance")
"""Compiled rules that look at nothing but the node's own channels."""
CAREFUL = "careful"
"""Shortest path, where a channel over which this payment has failed counts as three hops farther: no learning, but a
memory."""
PATIENT = "patient"
"""The nearest over which as much of this payment has not failed yet; splits once it has over all of the payer's."""
REMEMBERING = (CAREFUL, PATIENT)
SOURCE = ("lnd", "mincostflow")
"""Payers that find whole routes and learn from failures."""
INFORMED = ("waterfilling", "backpressure")
"""Rules that are told more than a node can know; see their modules."""
WARM, FROZEN = "q-routing+warm", "q-routing+frozen"
LEARNING = ("q-routing", WARM, FROZEN)
"""Learn while they play. The last two have learned in the same place before, on other traffic; the last one stops when
the world changes (at once, where it does not)."""
SOURCE_MODE = "-source"
"""End of the name of a learned policy that senders roll out into whole routes."""
ONLINE = "-online"
"""End of the name of a policy of PPO that goes on learning in each episode."""
NAMES = (*NAIVE, *REMEMBERING, *SOURCE, *INFORMED, *LEARNING)
WARM_UP_EPISODES = 5


@dataclass(frozen=True)
class Contender:
    """A policy by name, or one that was trained and saved at ``path``."""

    name: str
    training: int = 0
    """Which of several trainings under one name."""
    path: Path | None = None

    def settings(self, config: ForwardingConfig) -> ForwardingConfig:
        """The world ``config`` as this contender needs it: who decides, and what is described."""
        if self.path is None and self.name in SOURCE:
            if config.learner != "all":
                raise InputError(f"--policies: {self.name} finds whole routes, so no single node can follow it")
            return replace(config, learner="nobody", source_routing=self.name)
        if self.path is None and self.name == "waterfilling":  # its paths need not be among the nearest few
            return replace(config, simulation=replace(config.simulation, max_candidates=MAX_CANDIDATES))
        return config

    def policy(
        self, config: ForwardingConfig, network: Network, world: Callable[[], Simulation]
    ) -> HopPolicy | str | None:
        """A fresh policy for nodes of ``network``, which may look into the ``world`` where its rule says so; the name
        of a compiled one; None where payers decide."""
        if self.path is not None:
            return self._learned(self.path, world)
        if self.name in NAIVE:
            return self.name
        if self.name in SOURCE:
            return None
        if self.name in REMEMBERING:
            return HopScorerPolicy(rule_scorer(dict(BEGINNINGS[self.name])), self.name)
        if self.name == "waterfilling":
            return Waterfilling(network, lambda: spendable_msat(world()))
        if self.name == "backpressure":
            return Backpressure(network)
        return QRouting(network, QRoutingConfig())

    def _learned(self, path: Path, world: Callable[[], Simulation]) -> HopPolicy:
        if self.name.endswith(ONLINE):
            require_torch()
            from lnherd.agents.hop_online import online_policy

            return online_policy(path)
        learned = load_hop_policy(path)
        if not self.name.endswith(SOURCE_MODE):
            return learned
        if not isinstance(learned, HopScorerPolicy):
            raise InputError(f"{path}: holds a table, which source mode cannot run; give a policy of ppo or dqn")
        return SourceModePolicy(learned.scorer, world)

    def freeze(self, policy: HopPolicy | str | None, config: ForwardingConfig) -> None:
        """End the learning of ``policy`` when the world changes, if this contender is one that does."""
        if isinstance(policy, QRouting) and self.name == FROZEN:
            policy.freeze_after(config.changes_ms or 0)

    def warm_up(self, training_seeds: Sequence[int]) -> Sequence[int]:
        """Episodes that it learns from before it is measured."""
        return training_seeds[:WARM_UP_EPISODES] if self.name in (WARM, FROZEN) else ()

    def keep(self, policy: HopPolicy | str | None) -> None:
        """Begin later episodes with what ``policy`` knows now."""
        if isinstance(policy, QRouting):
            policy.keep()


def contenders(names: str | None) -> tuple[Contender, ...]:
    """Contenders of a comma-separated list; all that have a name without one.

    ``NAME=PATH`` is a policy that ``lnherd train forwarding`` saved; of several under one name each is a training.

    Raises:
        InputError: for a name that is not known, or a path without a policy.
    """
    asked = NAMES if names is None else tuple(dict.fromkeys(name.strip() for name in names.split(",")))
    found: list[Contender] = []
    for each in asked:
        name, _, path = each.partition("=")
        if path:
            load_hop_policy(path)
            found.append(Contender(name, sum(other.name == name for other in found), Path(path)))
        elif name in NAMES:
            found.append(Contender(name))
        else:
            known = ", ".join(NAMES)
            raise InputError(f"--policies: {name!r} is not known; choose from {known}, or give NAME=PATH")
    return tuple(found)


def spendable_msat(simulation: Simulation) -> Ints:
    """``[E]`` the largest HTLC each edge could take now; 0 where it is closed or disabled."""
    edges = plain(simulation.state.edges)
    room: Ints = np.minimum(
        edges["balance_msat"] - edges["reserve_msat"], edges["max_in_flight_msat"] - edges["in_flight_msat"]
    )
    room = np.minimum(np.maximum(room, 0), edges["htlc_max_msat"])
    return np.where(edges["enabled"] & edges["is_open"], room, 0)
