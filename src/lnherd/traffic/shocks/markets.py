"""The market turns: a whale, a reversal of flows, a rival, a crowd of the like-minded."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lnherd.network.records import Records
from lnherd.traffic.shocks.shock import Act, Scene, Shock
from lnherd.units import MSAT_PER_SAT

if TYPE_CHECKING:
    from lnherd.engine import Simulation

MID_SIZE = (5, 15)
"""Live channels of a node that might run the same agent."""


@dataclass(frozen=True)
class WhaleDrain(Shock):
    """One large payment passes through the node and takes along what the emptiest half of its channels had left."""

    share: float = 0.8
    """How much of it; the same comes in through the fuller half, as far as there is room."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """At the onset, at once."""
        return (Act(scene.onset_ms, partial(_drain, scene, self.share)),)


def _drain(scene: Scene, share: float, simulation: "Simulation") -> None:
    """Exits are the half of the channels that hold least, entries the others."""
    balance = simulation.state.edges.balance_msat
    edges = scene.open_edges(simulation)
    edges = edges[np.argsort(balance[edges], kind="stable")]
    exits, entries = edges[: (len(edges) + 1) // 2], edges[(len(edges) + 1) // 2 :] ^ 1
    ours, theirs = balance[exits].astype(float), balance[entries].astype(float)
    amount = min(share * ours.sum(), theirs.sum())
    for side, total in ((exits, ours.sum()), (entries, theirs.sum())):
        for edge in side.tolist():
            part = int(balance[edge] * (amount / total)) if total > 0 else 0
            simulation.shift_liquidity(edge, min(part, int(balance[edge])))


@dataclass(frozen=True)
class FlowFlip(Shock):
    """The trade that the node lives from turns round: who was paid, pays (an exchange turns from source to sink)."""

    def payments(self, payments: Records, scene: Scene) -> Records:
        """Sender and receiver change places in every trade from the onset on."""
        flipped = payments.copy()
        turned = scene.trades(payments) & (payments.start_ms >= scene.onset_ms)
        flipped.sender[turned], flipped.receiver[turned] = payments.receiver[turned], payments.sender[turned]
        return flipped


@dataclass(frozen=True)
class FeeWar(Shock):
    """A central node opens cheap channels to the node's best peers (Tochner et al. 2019: 65-75 % of routes)."""

    n_links: int = 5
    """How many channels."""
    fee_ppm: int = 1
    """What it and its new peers ask, without a base fee."""
    capacity_msat: int = 10_000_000 * MSAT_PER_SAT
    """Of each channel, half on either side."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """At the onset; the channels stay."""
        return (Act(scene.onset_ms, partial(self._undercut, scene)),)

    def _undercut(self, scene: Scene, simulation: "Simulation") -> None:
        rival = int(scene.most_central(1)[0])
        half = self.capacity_msat // 2
        for peer in [peer for peer in scene.peers.tolist() if peer != rival][: self.n_links]:
            edge = simulation.establish_channel(rival, peer, half, half)
            for direction in (edge, edge ^ 1):
                simulation.set_policy(direction, base_fee_msat=0, fee_ppm=self.fee_ppm)


@dataclass(frozen=True)
class CorrelatedAgents(Shock):
    """Other nodes begin to run the same policy, so what is good for one is done by all (lnd#1653)."""

    n_agents: int = 20
    """How many."""

    def companions(self, scene: Scene) -> tuple[int, ...]:
        """Mid-size nodes, the same in every episode."""
        network = scene.network
        live = network.channels[network.live_channels]
        degree = np.bincount(np.concatenate([live.node1, live.node2]), minlength=network.n_nodes)
        suitable = np.flatnonzero((degree >= MID_SIZE[0]) & (degree <= MID_SIZE[1]))
        order = np.random.default_rng(scene.node).permutation(suitable[suitable != scene.node])
        return tuple(order[: self.n_agents].tolist())
