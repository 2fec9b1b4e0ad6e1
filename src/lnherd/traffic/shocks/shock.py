"""What a shock is: acts at given times on a running simulation, seen from one node.

Everybody's payments keep their place in the list and hence their luck (latencies are drawn by payment), so a run with a
shock and one without differ by the shock alone. What an attacker sends is added while running, behind all of those.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lnherd.network.graph import Network
from lnherd.network.measures.centrality import betweenness
from lnherd.network.records import Bools, Ints, Records

if TYPE_CHECKING:
    from lnherd.engine import Simulation

Do: TypeAlias = Callable[["Simulation"], object]
"""Something done to a running simulation."""


N_SOURCES = 64
"""Shortest paths are followed from so many nodes."""


@dataclass(frozen=True)
class Act:
    """Something done at a moment."""

    time_ms: int
    do: Do


@dataclass(frozen=True, eq=False)
class Scene:
    """Where and when a shock strikes."""

    network: Network
    """As it was announced at the start."""
    node: int
    """The node that is watched."""
    onset_ms: int
    """When the shock sets in."""
    end_ms: int
    """When what can be over is over."""
    seed: int
    """Of the episode."""
    trades: Callable[[Records], Bools]
    """Which payments the node lives from."""

    @cached_property
    def own_edges(self) -> Ints:
        """Edges that leave the node, of its live channels, the largest channel in front."""
        edges = self.network.out_edges(self.node).astype(np.int64)
        edges = edges[self.network.live_channels[edges >> 1]]
        by_capacity = np.argsort(-self.network.channels.capacity_msat[edges >> 1], kind="stable")
        ordered: Ints = edges[by_capacity]
        return ordered

    @cached_property
    def peers(self) -> Ints:
        """Nodes at the other end of them, in the same order, each once."""
        return np.array(list(dict.fromkeys(self.network.edge_target[self.own_edges].tolist())), dtype=np.int64)

    @cached_property
    def hubs(self) -> Ints:
        """The peers, that with the most live channels in front."""
        live = self.network.channels[self.network.live_channels]
        degree = np.bincount(np.concatenate([live.node1, live.node2]), minlength=self.network.n_nodes)
        by_degree: Ints = self.peers[np.argsort(-degree[self.peers], kind="stable")]
        return by_degree

    def most_central(self, n: int) -> Ints:
        """``[n]`` other nodes that most shortest paths lead through."""
        through = betweenness(self.network, N_SOURCES, seed=0)
        through[self.node] = -1.0
        nodes: Ints = np.argsort(-through, kind="stable")[:n]
        return nodes

    def open_edges(self, simulation: "Simulation") -> Ints:
        """Those of :attr:`own_edges` that are still open."""
        is_open: Bools = simulation.state.edges.is_open[self.own_edges]
        return self.own_edges[is_open]


@dataclass(frozen=True)
class Shock:
    """Base of all cases; by itself nothing happens."""

    def payments(self, payments: Records, scene: Scene) -> Records:
        """The traffic with the shock: as many payments in the same order."""
        return payments

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """What is done, in any order."""
        return ()

    def companions(self, scene: Scene) -> tuple[int, ...]:
        """Nodes that act like the watched one, from the onset on."""
        return ()


@dataclass(frozen=True)
class Placebo(Shock):
    """The control: the loop stops at the same moments, and nothing is done."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """Two empty acts."""
        return Act(scene.onset_ms, lambda _: None), Act(scene.end_ms, lambda _: None)


class Timeline:
    """A simulation with acts ahead of it."""

    def __init__(self, simulation: "Simulation", acts: tuple[Act, ...]) -> None:
        self._simulation = simulation
        self._ahead = sorted(acts, key=lambda act: act.time_ms)

    def run(self, until_ms: int) -> None:
        """Run the simulation to ``until_ms`` (inclusive), doing on the way what is due before then."""
        while self._ahead and self._ahead[0].time_ms < until_ms:
            act = self._ahead.pop(0)
            self._simulation.run(max(act.time_ms, self._simulation.now_ms))
            act.do(self._simulation)
        self._simulation.run(until_ms)
