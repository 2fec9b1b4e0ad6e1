"""The infrastructure fails: hubs, mass closures, the chain, gossip, a broken peer."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lnherd.network.records import Ints
from lnherd.traffic.shocks.shock import Act, Scene, Shock
from lnherd.units import MS_PER_HOUR, MS_PER_MINUTE

if TYPE_CHECKING:
    from lnherd.engine import Simulation


@dataclass(frozen=True)
class HubOutage(Shock):
    """The nodes that most paths lead through are away (Rohrer et al. 2019; the LND outage of 2022-10-09)."""

    n_hubs: int = 5
    """How many."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """Offline at the onset, back at the end."""
        hubs = scene.most_central(self.n_hubs)
        return Act(scene.onset_ms, partial(_set_online, hubs, False)), Act(
            scene.end_ms, partial(_set_online, hubs, True)
        )


def _set_online(nodes: Ints, online: bool, simulation: "Simulation") -> None:
    for node in nodes.tolist():
        simulation.set_online(node, online)


@dataclass(frozen=True)
class MassClosure(Shock):
    """The best connected peers force-close every channel at once and the chain is congested (Harris & Zohar 2020)."""

    n_hubs: int = 2
    """How many peers."""
    feerate_factor: int = 30
    """On-chain fee rate over its median."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """All at the onset."""
        closing = partial(_close_all, scene.hubs[: self.n_hubs])
        return Act(scene.onset_ms, closing), Act(scene.onset_ms, partial(_congest, self.feerate_factor))


def _close_all(nodes: Ints, simulation: "Simulation") -> None:
    edges = simulation.state.edges
    for edge in np.flatnonzero(np.isin(edges.source, nodes) & edges.is_open).tolist():
        if simulation.state.edges.is_open[edge]:  # both ends may be among the nodes
            simulation.force_close(edge)


def _congest(factor: int, simulation: "Simulation") -> None:
    simulation.set_feerate(factor * int(simulation.config.feerate_median_msat_per_vb))


@dataclass(frozen=True)
class OnChainSpike(Shock):
    """The on-chain fee rate jumps and reverts within days (April 2024)."""

    feerate_factor: int = 100
    """On-chain fee rate over its median."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """At the onset; from then on the chain's own process brings it back."""
        return (Act(scene.onset_ms, partial(_congest, self.feerate_factor)),)


@dataclass(frozen=True)
class BlackHole(Shock):
    """The best connected peers ask for no fee and fail whatever reaches them (Tochner et al. 2019)."""

    n_peers: int = 2
    """How many."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """From the onset to the end; the fees stay."""
        peers = scene.hubs[: self.n_peers].tolist()
        swallowing = Act(scene.onset_ms, partial(_swallow, peers, 1.0))
        return swallowing, Act(scene.end_ms, partial(_swallow, peers, 0.0))


def _swallow(nodes: list[int], share: float, simulation: "Simulation") -> None:
    for node in nodes:
        simulation.set_conduct(node, refuse_probability=share)
        if share > 0:
            for edge in np.flatnonzero(simulation.state.edges.source == node).tolist():
                simulation.set_policy(edge, base_fee_msat=0, fee_ppm=0)


@dataclass(frozen=True)
class StaleGossip(Shock):
    """News of policies take hours, while the peers change theirs again and again (lnd#6394, CLN#5037)."""

    delay_ms: int = 6 * MS_PER_HOUR
    """How long."""
    every_ms: int = 10 * MS_PER_MINUTE
    """Time between two changes of policy."""
    step_ppm: int = 200
    """How much dearer each change makes a channel."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """Slow from the onset to the end, fees changing in between."""
        usual: list[int] = []
        changes = [
            Act(time_ms, partial(_dearer, scene.peers, self.step_ppm))
            for time_ms in range(scene.onset_ms, scene.end_ms, self.every_ms)
        ]
        slow = Act(scene.onset_ms, partial(_slow_down, usual, self.delay_ms))
        return slow, *changes, Act(scene.end_ms, partial(_speed_up, usual))


def _slow_down(usual: list[int], delay_ms: int, simulation: "Simulation") -> None:
    settings = simulation.state.settings[0]
    usual.append(int(settings.gossip_delay_ms))
    settings.gossip_delay_ms = delay_ms


def _speed_up(usual: list[int], simulation: "Simulation") -> None:
    simulation.state.settings[0].gossip_delay_ms = usual.pop()


def _dearer(nodes: Ints, step_ppm: int, simulation: "Simulation") -> None:
    edges = simulation.state.edges
    for edge in np.flatnonzero(np.isin(edges.source, nodes) & edges.is_open).tolist():
        simulation.set_policy(edge, fee_ppm=int(edges.fee_ppm[edge]) + step_ppm)
