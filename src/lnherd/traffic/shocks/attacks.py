"""Adversaries: a stranger with channels of his own around the node, who jams, probes, or lures and holds.

The stranger is the node of least capacity that is neither watched nor a peer of the watched one. He pays himself in
circles, into the watched node over one of his channels and back to him over another, and asks so much for forwarding
that nobody else goes through him (the sink, who wants them to, asks nothing).
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lnherd.traffic.endpoints import per_node
from lnherd.traffic.shocks.shock import Act, Scene, Shock
from lnherd.units import MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND, MSAT_PER_SAT

if TYPE_CHECKING:
    from lnherd.engine import Simulation

PROHIBITIVE_MSAT = 100_000_000 * MSAT_PER_SAT
"""A base fee that nobody pays."""
DUSTLESS_MSAT = 354 * MSAT_PER_SAT
"""The smallest HTLC that has an output of its own and so takes a slot without counting as dust (BOLT 2)."""
LINGER_MS = 10 * MS_PER_MINUTE
DEEP_MSAT = 100_000_000 * MSAT_PER_SAT
"""Own side of a channel of the stranger: money is no object to him."""


def stranger(scene: Scene) -> int:
    """The node that attacks."""
    network = scene.network
    capacity = per_node(network, np.where(network.live_channels, network.channels.capacity_msat, 0).astype(np.float64))
    capacity[[scene.node, *scene.peers.tolist()]] = np.inf
    capacity[capacity == 0] = np.inf
    return int(np.argmin(capacity))


@dataclass(frozen=True, eq=False)
class Circle:
    """A way from the stranger through one channel of the watched node back to him."""

    way_in: int
    """His edge to the watched node."""
    target: int
    """The channel of the watched node that is attacked, as the edge that leaves it."""
    way_out: int
    """The peer's edge to him."""


class Ring:
    """The stranger's channels, one way in and one way out for each channel he attacks; made at the onset."""

    def __init__(self, scene: Scene, n_targets: int) -> None:
        self._scene, self._n_targets = scene, n_targets
        self.circles: list[Circle] = []
        self.node = stranger(scene)

    def enter(self, simulation: "Simulation") -> None:
        """Make the channels: money on his side of the ways in, on the peers' side of the ways out."""
        for target in self._scene.open_edges(simulation)[: self._n_targets].tolist():
            peer = int(simulation.state.edges.target[target])
            way_in = simulation.establish_channel(self.node, self._scene.node, DEEP_MSAT, 0)
            way_out = simulation.establish_channel(self.node, peer, 0, DEEP_MSAT) ^ 1
            for edge in (way_in, way_out ^ 1):
                simulation.set_policy(edge, base_fee_msat=PROHIBITIVE_MSAT)
            self.circles.append(Circle(way_in, target, way_out))

    def send(self, simulation: "Simulation", circle: Circle, amount_msat: int) -> None:
        """Send one HTLC round, if it is worth one."""
        if amount_msat > 0:
            simulation.send(
                self.node, self.node, amount_msat, first_edge=circle.way_in, last_edge=circle.way_out,
                fee_limit=PROHIBITIVE_MSAT, kind=ATTACK,
            )  # fmt: skip

    def leaving(self, time_ms: int) -> Act:
        """He behaves again, a while after ``time_ms``: what is on its way by then must still fail."""
        return Act(time_ms + LINGER_MS, lambda simulation: simulation.set_conduct(self.node))


ATTACK = 3
"""The kind of payments of an attacker: ``other``."""


@dataclass(frozen=True)
class SlowJamming(Shock):
    """Every slot of the largest channels is taken by an HTLC that is held (Mizrahi & Zohar 2020)."""

    n_targets: int = 4
    """How many channels."""
    every_ms: int = MS_PER_MINUTE
    """How often slots that others have left are taken, too."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """HTLCs are held until the end and fail then, at no cost."""
        ring = Ring(scene, self.n_targets)
        fill = _SlotFiller(ring, scene.end_ms).fill
        return (
            Act(scene.onset_ms - 2 * MS_PER_MINUTE, ring.enter),  # gossip has to carry his channels
            *(Act(time_ms, fill) for time_ms in range(scene.onset_ms, scene.end_ms, self.every_ms)),
            ring.leaving(scene.end_ms),
        )


class _SlotFiller:
    """Takes every free slot; where the last round took none, one HTLC tries whether that has changed."""

    def __init__(self, ring: Ring, until_ms: int) -> None:
        self._ring, self._until_ms = ring, until_ms
        self._free: dict[int, int] = {}

    def fill(self, simulation: "Simulation") -> None:
        """One round."""
        ring, hold_ms = self._ring, self._until_ms - simulation.now_ms
        amount_msat = DUSTLESS_MSAT + hold_ms // MS_PER_SECOND  # less each time: his failures only bar what is as large
        simulation.set_conduct(ring.node, hold_probability=1.0, hold_median_ms=hold_ms, refuse_probability=1.0)
        for circle in ring.circles:
            edge = simulation.state.edges[circle.target]
            free = int(edge.max_htlcs - edge.n_htlcs) if edge.is_open else 0
            before = self._free.get(circle.target, 0)
            self._free[circle.target] = free
            for _ in range(1 if 0 < before <= free else free):
                ring.send(simulation, circle, amount_msat)


@dataclass(frozen=True)
class FastJamming(Shock):
    """HTLCs that take all there is to send fail after 7 s and come again at once (Shikhelman & Tikhomirov 2022)."""

    n_targets: int = 4
    """How many channels."""
    hold_ms: int = 7 * MS_PER_SECOND
    """How long each is held."""
    n_htlcs: int = 2
    """In how many HTLCs a channel's liquidity is taken."""
    every_ms: int = MS_PER_SECOND
    """How often he looks for what has become free again."""
    worth: float = 0.01
    """Share of a channel's capacity below which what is free is not worth an HTLC."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """From the onset to the end, without a pause."""
        ring = Ring(scene, self.n_targets)
        tried: dict[int, tuple[int, int]] = {}
        fill = partial(self._fill, ring, tried)
        rounds = [Act(time_ms, fill) for time_ms in range(scene.onset_ms, scene.end_ms, self.every_ms)]
        return (
            Act(scene.onset_ms - 2 * MS_PER_MINUTE, ring.enter),
            Act(scene.onset_ms, partial(self._hold, ring)),
            *rounds,
            ring.leaving(scene.end_ms),
        )

    def _hold(self, ring: Ring, simulation: "Simulation") -> None:
        simulation.set_conduct(ring.node, hold_probability=1.0, hold_median_ms=self.hold_ms, refuse_probability=1.0)

    def _fill(self, ring: Ring, tried: dict[int, tuple[int, int]], simulation: "Simulation") -> None:
        """One round; what he tried for and did not get (time, msat) is left alone for as long as an HTLC is held."""
        now_ms = simulation.now_ms
        for circle in ring.circles:
            edge = simulation.state.edges[circle.target]
            free_msat = int(edge.balance_msat - edge.reserve_msat)
            tried_ms, wanted_msat = tried.get(circle.target, (-self.hold_ms, 0))
            in_vain = free_msat >= wanted_msat and now_ms < tried_ms + self.hold_ms
            if in_vain or free_msat < self.worth * int(simulation.capacity_msat[circle.target >> 1]):
                continue
            tried[circle.target] = now_ms, free_msat
            for _ in range(self.n_htlcs):
                ring.send(simulation, circle, min(free_msat // self.n_htlcs, int(edge.htlc_max_msat)))


@dataclass(frozen=True)
class SinkAttack(Shock):
    """Cheap channels earn the stranger a name; then he holds all that honest senders route through him (jam-ln)."""

    n_links: int = 10
    """Channels to the node and to its largest peers."""
    hold_ms: int = 2 * MS_PER_HOUR
    """How long he holds each HTLC once he has turned."""
    lure_ms: int = 3 * MS_PER_HOUR
    """How long before the onset he comes."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """Honest from ``lure_ms`` before the onset, holding from the onset to the end."""
        node = stranger(scene)
        return (
            Act(max(0, scene.onset_ms - self.lure_ms), partial(self._lure, scene, node)),
            Act(scene.onset_ms, partial(self._turn, node)),
            Act(scene.end_ms, lambda simulation: simulation.set_conduct(node)),
        )

    def _lure(self, scene: Scene, node: int, simulation: "Simulation") -> None:
        for neighbour in (scene.node, *scene.peers[: self.n_links - 1].tolist()):
            edge = simulation.establish_channel(node, neighbour, DEEP_MSAT, DEEP_MSAT)
            simulation.set_policy(edge, base_fee_msat=0, fee_ppm=0)

    def _turn(self, node: int, simulation: "Simulation") -> None:
        simulation.set_conduct(node, hold_probability=1.0, hold_median_ms=self.hold_ms)


@dataclass(frozen=True)
class Probing(Shock):
    """Payments that must fail find out the balance of each channel by bisection, over and over (Tikhomirov 2020)."""

    n_targets: int = 2
    """How many channels."""
    every_ms: int = 30 * MS_PER_SECOND
    """Time between two probes of a channel."""
    n_steps: int = 12
    """Probes of one bisection."""

    def acts(self, scene: Scene) -> tuple[Act, ...]:
        """From the onset to the end."""
        ring = Ring(scene, self.n_targets)
        search = _Bisection(ring, self.n_steps)
        probes = [Act(time_ms, search.probe) for time_ms in range(scene.onset_ms, scene.end_ms, self.every_ms)]
        refuse = partial(_refuse_all, ring)
        return (
            Act(scene.onset_ms - 2 * MS_PER_MINUTE, ring.enter),
            Act(scene.onset_ms, refuse),
            *probes,
            ring.leaving(scene.end_ms),
        )


def _refuse_all(ring: Ring, simulation: "Simulation") -> None:
    simulation.set_conduct(ring.node, refuse_probability=1.0)


class _Bisection:
    """What the stranger knows of every channel: its balance lies between two amounts."""

    def __init__(self, ring: Ring, n_steps: int) -> None:
        self._ring, self._n_steps = ring, n_steps
        self._between: dict[int, tuple[int, int]] = {}
        self._probes = 0

    def probe(self, simulation: "Simulation") -> None:
        """Send one probe through every channel and halve what is possible; start again after ``n_steps``."""
        if self._probes % self._n_steps == 0:
            self._between = {circle.target: (0, _capacity(simulation, circle)) for circle in self._ring.circles}
        self._probes += 1
        for circle in self._ring.circles:
            low, high = self._between[circle.target]
            middle = (low + high) // 2
            self._ring.send(simulation, circle, middle)
            edge = simulation.state.edges[circle.target]
            passes = middle <= edge.balance_msat - edge.reserve_msat  # as the failure will tell him
            self._between[circle.target] = (middle, high) if passes else (low, middle)


def _capacity(simulation: "Simulation", circle: Circle) -> int:
    return int(simulation.capacity_msat[circle.target >> 1])
