"""Looking: what one node of a simulation can know, as a :class:`~lnherd.control.view.NodeView`."""

import numpy as np

from lnherd.control.view import (
    OWN_CHANNEL_DTYPE,
    PEER_DTYPE,
    NodeView,
    PaymentCounts,
    Role,
    no_records,
)
from lnherd.engine import Simulation
from lnherd.engine.codes import FAILED, SUCCEEDED
from lnherd.engine.state import FLOW_DTYPE
from lnherd.envs.gossip import Gossip
from lnherd.network.records import Bools, Floats, Indices, Ints, Records, plain
from lnherd.units import MS_PER_HOUR

DEMAND_HALF_LIFE_MS = 6 * MS_PER_HOUR
"""How fast the smoothed demand forgets."""
N_PEERS = 4
"""How many nodes are proposed for new channels."""
WELL_CONNECTED = 0.3
"""A peer of whose channel we hold more than this share needs no other channel."""


NEAR_COLUMNS = {
    "local_msat": "balance_msat",
    "in_flight_out_msat": "in_flight_msat",
    "base_fee_msat": "base_fee_msat",
    "fee_ppm": "fee_ppm",
    "inbound_fee_ppm": "inbound_fee_ppm",
}
FAR_COLUMNS = {
    "remote_msat": "balance_msat",
    "in_flight_in_msat": "in_flight_msat",
    "peer_base_fee_msat": "base_fee_msat",
    "peer_fee_ppm": "fee_ppm",
}
OUT_COLUMNS = {
    "n_sent": "n_settled",
    "sent_msat": "settled_msat",
    "n_forwarded": "n_forwards",
    "forwarded_msat": "forwarded_msat",
    "fees_msat": "fees_msat",
    "n_refused": "n_refused",
    "refused_msat": "refused_msat",
}
INTO_COLUMNS = {"n_received": "n_settled", "received_msat": "settled_msat", "assisted_msat": "assisted_msat"}
"""Fields of an own channel that are fields of an edge, its counter edge, or their flows."""


def own_edges(simulation: Simulation, node: int) -> Ints:
    """Edges that leave ``node``, ever opened, in order of channel."""
    return np.flatnonzero(plain(simulation.state.edges)["source"] == node)


class Observer:
    """Looks at one node, remembering totals so that each look holds what is new since the last."""

    def __init__(
        self, simulation: Simulation, node: int, role: Role, tick_ms: int, gossip: Gossip | None = None
    ) -> None:
        """Without ``gossip``, views name no rivals and no nodes worth a channel."""
        self._simulation, self._node, self._role, self._tick_ms = simulation, node, role, tick_ms
        self._decay: float = 0.5 ** (tick_ms / DEMAND_HALF_LIFE_MS)
        payments, n_scheduled = simulation.payments, int(simulation.state.clock[0].n_scheduled)
        self._sent = _OwnPayments(payments.sender[:n_scheduled] == node, payments.receiver)
        self._received = _OwnPayments(payments.receiver[:n_scheduled] == node, payments.sender)
        self._out, self._into = _Totals(), _Totals()
        self._out_demand = self._in_demand = 0.0
        self._looks = 0
        self._gossip = gossip
        self._wanted = np.zeros(simulation.network.n_nodes)

    def look(self, pending: Records, operations_failed: int, rebalanced: Records) -> NodeView:
        """The node's view of itself now; what its own operations did comes from the actor."""
        simulation = self._simulation
        state, edges = simulation.state, own_edges(simulation, self._node)
        flows = plain(state.flows)
        out, into = self._out.update(flows[edges]), self._into.update(flows[edges ^ 1])
        self._looks += 1
        sent, received = self._sent.ended(simulation.payments), self._received.ended(simulation.payments)
        channels = self._channels(edges, out, into)[plain(state.edges)["is_open"][edges]]
        self._count_wanted(channels)
        self._smooth_node(sent, received, out)
        return NodeView(
            role=self._role,
            channels=channels,
            now_ms=simulation.now_ms,
            tick_ms=self._tick_ms,
            wallet_msat=simulation.wallet_msat(self._node),
            feerate_msat_per_vb=simulation.feerate_msat_per_vb,
            swap_fee_ppm=simulation.config.swap_fee_ppm,
            pending=pending,
            rebalanced=rebalanced,
            peers=self._peers(channels),
            sent=sent,
            received=received,
            n_forwarded=int(out["n_forwards"].sum()),
            n_refused=int(out["n_refused"].sum()),
            operations_failed=operations_failed,
            out_demand_msat_per_h=self._out_demand,
            in_demand_msat_per_h=self._in_demand,
        )

    def _channels(self, edges: Ints, out: Records, into: Records) -> Records:
        """OWN_CHANNEL_DTYPE records of ``edges``; ``out`` and ``into`` are flows since the last look."""
        state = self._simulation.state
        near, far = plain(state.edges)[edges], plain(state.edges)[edges ^ 1]
        online = plain(state.nodes)["online"][near["target"]]
        columns = {
            "channel": edges >> 1,
            "peer": near["target"],
            "capacity_msat": self._simulation.capacity_msat[edges >> 1],
            "usable": near["enabled"] & online,
            "peer_usable": far["enabled"] & online,
            "n_htlcs": near["n_htlcs"] + far["n_htlcs"],
            "max_htlcs": near["max_htlcs"],
            "reserve_msat": near["reserve_msat"],
            "out_msat_per_h": self._out.smooth(out["settled_msat"] + out["refused_msat"], self._weight, self._tick_ms),
            "hold_ms": out["hold_ms"] + into["hold_ms"],
            "in_msat_per_h": self._into.smooth(into["settled_msat"], self._weight, self._tick_ms),
        }
        if self._gossip is not None:
            columns |= self._gossip.rivals(plain(state.edges), near["target"], self._node)
        columns |= {ours: near[theirs] for ours, theirs in NEAR_COLUMNS.items()}
        columns |= {ours: far[theirs] for ours, theirs in FAR_COLUMNS.items()}
        columns |= {ours: out[theirs] for ours, theirs in OUT_COLUMNS.items()}
        columns |= {ours: into[theirs] for ours, theirs in INTO_COLUMNS.items()}
        records = np.zeros(len(edges), OWN_CHANNEL_DTYPE)
        for name, values in columns.items():
            records[name] = values
        return records.view(np.recarray)

    @property
    def _weight(self) -> float:
        """Weight of the newest tick: the first looks average, later ones forget exponentially."""
        return max(1.0 - self._decay, 1.0 / max(self._looks, 1))

    def _smooth_node(self, sent: PaymentCounts, received: PaymentCounts, out: Records) -> None:
        forwarded, refused = float(out["forwarded_msat"].sum()), float(out["refused_msat"].sum())
        wanted_out = sent.succeeded_msat + sent.failed_msat + forwarded + refused
        wanted_in = received.succeeded_msat + received.failed_msat + forwarded
        hours = self._tick_ms / MS_PER_HOUR
        self._out_demand += self._weight * (wanted_out / hours - self._out_demand)
        self._in_demand += self._weight * (wanted_in / hours - self._in_demand)

    def _count_wanted(self, channels: Records) -> None:
        """Count whom payments went to, by receiver of the own ones and by next peer of forwarded ones."""
        for own in (self._sent, self._received):
            self._wanted += np.bincount(own.newest_counterparties, minlength=len(self._wanted))
        np.add.at(self._wanted, channels["peer"], channels["n_forwarded"] + channels["n_refused"])

    def _peers(self, channels: Records) -> Records:
        """Nodes worth a channel: the most wanted first, then the largest; none that we can still pay well."""
        if self._gossip is None:
            return no_records(PEER_DTYPE)
        well_connected = channels["local_msat"] > WELL_CONNECTED * channels["capacity_msat"]
        excluded = {*channels["peer"][well_connected].tolist(), self._node}
        most_wanted = np.argsort(-self._wanted, kind="stable")[: N_PEERS + len(excluded)]
        frequent = [node for node in most_wanted.tolist() if self._wanted[node] > 0 and node not in excluded]
        ranked = dict.fromkeys([*frequent[: N_PEERS // 2], *self._gossip.hubs.tolist()])
        nodes = [node for node in ranked if node not in excluded][:N_PEERS]
        peers = np.zeros(len(nodes), PEER_DTYPE)
        peers["node"] = nodes
        peers["n_channels"] = self._gossip.network.degree[nodes]
        peers["capacity_msat"] = self._gossip.capacity_msat[nodes]
        peers["centrality"] = self._gossip.centrality[nodes]
        peers["wanted_share"] = self._wanted[nodes] / max(self._wanted.sum(), 1.0)
        return peers.view(np.recarray)


class _OwnPayments:
    """Payments of one node in one direction; each is reported once, when it has ended."""

    def __init__(self, mine: Bools, counterparty: Indices) -> None:
        self._index = np.flatnonzero(mine)
        self._counterparty = counterparty[self._index].copy()
        self._reported = np.zeros(len(self._index), dtype=np.bool_)
        self.newest_counterparties: Indices = self._counterparty[:0]

    def ended(self, payments: Records) -> PaymentCounts:
        """Counts of those that ended since the last call."""
        columns = plain(payments)
        status = columns["status"][self._index]
        good, bad = ((status == outcome) & ~self._reported for outcome in (SUCCEEDED, FAILED))
        self._reported |= good | bad
        self.newest_counterparties = self._counterparty[good | bad]
        return PaymentCounts(
            n_succeeded=int(good.sum()),
            n_failed=int(bad.sum()),
            succeeded_msat=int(columns["amount_msat"][self._index[good]].sum()),
            failed_msat=int(columns["amount_msat"][self._index[bad]].sum()),
            fees_msat=int(columns["fee_msat"][self._index[good]].sum()),
        )


class _Totals:
    """Flow totals of own edges at the last look, and their smoothed rates; grows when channels are opened."""

    def __init__(self) -> None:
        self._last: Records = np.zeros(0, FLOW_DTYPE)
        self._per_h: Floats = np.zeros(0)

    def update(self, flows: Records) -> Records:
        """What was added since the last call, field by field; FLOW_DTYPE holds nothing but 64-bit counters."""
        new = flows.copy()
        counters = new.view(np.int64).reshape(len(flows), -1)
        counters[: len(self._last)] -= self._last.view(np.int64).reshape(len(self._last), counters.shape[1])
        self._last = flows
        return new

    def smooth(self, amounts: Ints, weight: float, tick_ms: int) -> Floats:
        """Exponential average of the hourly rate."""
        rates = np.zeros(len(amounts))
        rates[: len(self._per_h)] = self._per_h
        self._per_h = rates + weight * (amounts * (MS_PER_HOUR / tick_ms) - rates)
        return self._per_h
