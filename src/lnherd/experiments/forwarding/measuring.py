"""What one episode of forwarding came to, the same for hop-by-hop policies and for source routing."""

from dataclasses import dataclass, field

import numpy as np

from lnherd.engine import Simulation
from lnherd.engine.codes import SUCCEEDED
from lnherd.network.measures.distributions import gini
from lnherd.network.records import Floats, Records, plain
from lnherd.units import MS_PER_SECOND, MSAT_PER_SAT, PPM

LOOK_INTERVAL_MS = 250
"""How often the load of channels is looked at."""
WINDOW_MS = 5 * MS_PER_SECOND
"""Length of the stretches of an episode that are told apart."""
TOP_SHARE = 0.05
"""The hubs: so many of the nodes."""


@dataclass(frozen=True)
class ForwardingRun:
    """One episode. Money in sat."""

    policy: str
    training: int
    seed: int
    n_payments: int
    n_succeeded: int
    offered_sat: float
    """All payments together."""
    delivered_sat: float
    """Those that succeeded."""
    earned_sat: float
    """Fees that the nodes on the way of settled HTLCs kept."""
    paid_sat: float
    """What payers of successful payments spent beyond the amount. Hop by hop this is all they offered."""
    forwarded_sat: float
    """Sum over all forwards of what was sent on."""
    latency_s: float
    """Mean time to success."""
    attempts: float
    """Mean attempts of a payment, parts counted one by one."""
    utilisation: float
    """Mean over HTLCs on their way of the share of their channel's side that was locked: the crowd they were put in."""
    hub_gini: float
    """Gini coefficient of the volume that nodes forwarded: 0 all alike, towards 1 one node forwards all."""
    hub_share: float
    """Share of it that the busiest twentieth of the nodes forwarded."""
    n_decisions: int
    """Choices of a next channel; 0 with source routing."""
    wall_s: float
    """Time it took."""
    offered_by_window_sat: tuple[float, ...]
    """By start of the payment, in stretches of ``WINDOW_MS``."""
    delivered_by_window_sat: tuple[float, ...]
    hub_earned_sat: float = 0.0
    """Of ``earned_sat``, what the node with most channels kept."""

    @property
    def success_rate(self) -> float:
        """Share of the payments."""
        return self.n_succeeded / max(self.n_payments, 1)

    @property
    def success_volume(self) -> float:
        """Share of their value."""
        return self.delivered_sat / max(self.offered_sat, 1e-9)

    @property
    def earned_ppm(self) -> float:
        """Fees kept by nodes, of what was delivered."""
        return PPM * self.earned_sat / max(self.delivered_sat, 1e-9)

    @property
    def paid_ppm(self) -> float:
        """Fees spent by payers, of what was delivered."""
        return PPM * self.paid_sat / max(self.delivered_sat, 1e-9)

    @property
    def hop_fee_ppm(self) -> float:
        """Mean fee of a forward: how cheap the chosen channels are, whatever the length of the way."""
        return PPM * self.earned_sat / max(self.forwarded_sat, 1e-9)


@dataclass(eq=False)
class LoadMeter:
    """Looks at channels now and then: how crowded are those on which HTLCs wait?"""

    n_htlcs: int = 0
    locked: float = field(default=0.0)

    def look(self, simulation: Simulation) -> None:
        """Note the load of this moment."""
        edges = plain(simulation.state.edges)
        used = np.flatnonzero(edges["n_htlcs"])
        count, in_flight = edges["n_htlcs"][used], edges["in_flight_msat"][used]
        self.n_htlcs += int(count.sum())
        self.locked += float((count * in_flight / np.maximum(in_flight + edges["balance_msat"][used], 1)).sum())

    @property
    def utilisation(self) -> float:
        """Mean over the HTLCs seen."""
        return self.locked / max(self.n_htlcs, 1)


def measured(
    simulation: Simulation, load: LoadMeter, duration_ms: int, *, policy: str, training: int, seed: int, wall_s: float
) -> ForwardingRun:
    """The figures of an episode that is over, in which payments started for ``duration_ms``."""
    payments, flows = plain(simulation.payments), plain(simulation.state.flows)
    done = payments["status"] == SUCCEEDED
    amount_sat = payments["amount_msat"] / MSAT_PER_SAT
    volume, hub = node_volume_sat(simulation), int(np.argmax(simulation.network.degree))
    hubs = np.sort(volume)[::-1][: max(1, round(TOP_SHARE * len(volume)))]
    latency_ms = (payments["end_ms"] - payments["start_ms"])[done]
    return ForwardingRun(
        policy=policy,
        training=training,
        seed=seed,
        n_payments=len(payments),
        n_succeeded=int(done.sum()),
        offered_sat=float(amount_sat.sum()),
        delivered_sat=float(amount_sat[done].sum()),
        earned_sat=float(flows["fees_msat"].sum()) / MSAT_PER_SAT,
        paid_sat=float(payments["fee_msat"][done].sum()) / MSAT_PER_SAT,
        forwarded_sat=float(volume.sum()),
        latency_s=float(latency_ms.mean()) / MS_PER_SECOND if len(latency_ms) else 0.0,
        attempts=float(payments["attempts"].mean()) if len(payments) else 0.0,
        utilisation=load.utilisation,
        hub_gini=gini(np.rint(volume).astype(np.int64)) if volume.any() else 0.0,
        hub_share=float(hubs.sum()) / max(float(volume.sum()), 1e-9),
        n_decisions=int(simulation.state.clock[0].decisions_total),
        wall_s=wall_s,
        offered_by_window_sat=_by_window(payments, amount_sat, duration_ms),
        delivered_by_window_sat=_by_window(payments, amount_sat * done, duration_ms),
        hub_earned_sat=float(flows["fees_msat"][simulation.network.out_edges(hub)].sum()) / MSAT_PER_SAT,
    )


def node_volume_sat(simulation: Simulation) -> Floats:
    """``[N]`` what each node forwarded for others."""
    forwarded = plain(simulation.state.flows)["forwarded_msat"] / MSAT_PER_SAT
    source = simulation.network.edge_source
    volume: Floats = np.bincount(source, weights=forwarded, minlength=simulation.network.n_nodes).astype(np.float64)
    return volume


def _by_window(payments: Records, value: Floats, duration_ms: int) -> tuple[float, ...]:
    n_windows = -(-duration_ms // WINDOW_MS)
    window = np.minimum(payments["start_ms"] // WINDOW_MS, n_windows - 1)
    return tuple(np.bincount(window, weights=value, minlength=n_windows).tolist())
