"""The encoding: one view and its candidates as arrays for learners.

``context [C]`` describes the node, ``candidates [K, F]`` one act a row, ``mask [K]`` which rows are
real. All values lie in [-1, 1] and none depends on the size of the network, so one learned policy
serves any node. Feature names are listed in the order of the columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
from numpy.typing import NDArray

from lnherd.control.action import Action, ActionKind
from lnherd.control.costs import estimated_cost_msat
from lnherd.control.view import NodeView, Role, share
from lnherd.network.records import Bools

RUNWAY_SCALE_H = 8.0
"""Hours of liquidity at which the runway feature is one half."""
ALARM_SCALE = 2.0
"""Level of an anomaly watch at which its feature is 1."""

CONTEXT_FEATURES = (
    "is_consumer",
    "is_provider",
    "is_router",
    "need",  # 1 - runway in the direction the role lives from: 1 is dry
    "shortfall",  # share of the role's payments that failed since the last look
    "outbound_share",
    "inbound_share",
    "runway_out",
    "runway_in",
    "activity",
    "wallet_share",
    "feerate",
    "pending",
    "drained_share",
    "imbalance",
    "n_channels",
    "operation_failed",
    "payment_size",  # mean size of the payments the role lives from, log scale: 1 sat is 0, 1 million sat 1
)
"""Columns of ``context``."""

CANDIDATE_FEATURES = (
    *(f"is_{kind.name.lower()}" for kind in ActionKind),
    "amount",  # log scale: 1 sat is 0, 100 million sat 1
    "amount_share",  # of the capacity of all own channels
    "source_before",  # local share of the channel money leaves
    "source_after",
    "target_before",  # local share of the channel money reaches
    "target_after",
    "runway_before",  # of the direction the act serves
    "runway_after",
    "cost",  # estimated, log scale: 1 sat is 0, 1 million sat 1
    "cost_share",  # estimated cost over amount; 1 % is 1
    "cost_per_payment",  # estimated cost of the liquidity that one payment of mean size uses; 10 sat is 1/2
    "fee",  # own fee of the channel acted on, log scale
    "wanted_share",  # OPEN: share of all payments that went to that peer
    "refused",  # share of what wanted to leave by the target that was refused
)
"""Columns of ``candidates``."""

MEAN_KINDS = tuple(f"others_{kind.name.lower()}" for kind in ActionKind)
"""Columns that follow the context where a herder hears what the others of its flock lately did (mean field): shares."""

_ONE_HOT = {kind: [float(kind == other) for other in ActionKind] for kind in ActionKind}


PAYMENT_COST_SCALE_MSAT = 10_000
"""Cost of the liquidity of one payment at which the feature ``cost_per_payment`` is one half."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """``context [C]`` and ``candidates [K, F]`` float32 in [-1, 1], ``mask [K]`` bool."""

    context: NDArray[np.float32]
    candidates: NDArray[np.float32]
    mask: Bools


def encode(view: NodeView, candidates: Sequence[Action], max_candidates: int) -> Encoding:
    """Encode at most ``max_candidates`` actions; rows beyond them are zero and masked.

    Where an anomaly watch looks at the node, its levels follow the columns of the context, twice an alarm being 1.
    """
    rows = np.zeros((max_candidates, len(CANDIDATE_FEATURES)), dtype=np.float32)
    mask = np.zeros(max_candidates, dtype=np.bool_)
    totals = _Totals.of(view)
    for index, action in enumerate(candidates[:max_candidates]):
        rows[index] = _candidate(view, totals, action)
        mask[index] = True
    np.clip(rows, -1.0, 1.0, out=rows)
    columns = _context(view, totals) + (view.alarm_levels / ALARM_SCALE).tolist()
    context = np.clip(np.array(columns, dtype=np.float32), -1.0, 1.0)
    return Encoding(context, rows, mask)


@dataclass(frozen=True, eq=False)
class _Totals:
    """What every candidate needs, taken out of the view once, as plain numbers."""

    row_of: dict[int, int]
    peer_of: list[int]
    share: list[float]
    capacity_of: list[float]
    spendable_of: list[float]
    demand_of: list[float]
    fee_of: list[float]
    refused_of: list[float]
    capacity: float
    spendable: float
    receivable: float
    payment_msat: float

    @classmethod
    def of(cls, view: NodeView) -> "_Totals":
        """Sum the view up."""
        channels = view.channels.view(np.ndarray)
        wanted = channels["refused_msat"] + channels["sent_msat"]
        spendable = view.spendable_msat
        return cls(
            row_of={channel: row for row, channel in enumerate(channels["channel"].tolist())},
            peer_of=channels["peer"].tolist(),
            share=view.local_share.tolist(),
            capacity_of=channels["capacity_msat"].tolist(),
            spendable_of=spendable.tolist(),
            demand_of=channels["out_msat_per_h"].tolist(),
            fee_of=channels["fee_ppm"].tolist(),
            refused_of=share(channels["refused_msat"], wanted).tolist(),
            capacity=float(channels["capacity_msat"].sum()),
            spendable=float(spendable.sum()),
            receivable=float(view.receivable_msat.sum()),
            payment_msat=mean_payment_msat(view),
        )


def runway(available_msat: float, demand_msat_per_h: float) -> float:
    """How long ``available_msat`` lasts at this demand, squashed: 0 is dry, 1/2 eight hours, 1 for ever."""
    if available_msat <= 0:
        return 0.0
    hours = available_msat / max(demand_msat_per_h, 1.0)
    return hours / (hours + RUNWAY_SCALE_H)


def role_runway(view: NodeView, totals: _Totals) -> float:
    """Runway in the direction the role lives from; a router needs both."""
    out = runway(totals.spendable, view.out_demand_msat_per_h)
    into = runway(totals.receivable, view.in_demand_msat_per_h)
    if view.role == Role.CONSUMER:
        return out
    return into if view.role == Role.PROVIDER else _router_runway(totals)


def _router_runway(totals: _Totals) -> float:
    """Mean runway of the own channels' outbound sides, weighted by their demand."""
    demand = sum(totals.demand_of)
    if demand <= 0:
        return 1.0
    pairs = zip(totals.spendable_of, totals.demand_of, strict=True)
    return sum(runway(available, wanted) * wanted for available, wanted in pairs) / demand


def shortfall(view: NodeView) -> float:
    """Share of the role's payments (router: forwards) that failed since the last look; 0 if there were none."""
    if view.role == Role.ROUTER:
        failed, ended = view.n_refused, view.n_forwarded + view.n_refused
    else:
        counts = view.sent if view.role == Role.CONSUMER else view.received
        failed, ended = counts.n_failed, counts.n_ended
    return failed / ended if ended else 0.0


def mean_payment_msat(view: NodeView) -> float:
    """Mean amount of the role's payments (router: forwards) since the last look, failed ones too; 0 without any."""
    if view.role == Role.ROUTER:
        amounts = view.channels.forwarded_msat.sum() + view.channels.refused_msat.sum()
        ended = view.n_forwarded + view.n_refused
    else:
        counts = view.sent if view.role == Role.CONSUMER else view.received
        amounts, ended = counts.succeeded_msat + counts.failed_msat, counts.n_ended
    return float(amounts) / ended if ended else 0.0


def _context(view: NodeView, totals: _Totals) -> list[float]:
    shares, capacity = np.array(totals.share), max(totals.capacity, 1.0)
    n_channels = len(shares)
    ended = view.sent.n_ended + view.received.n_ended + view.n_forwarded
    return [
        float(view.role == Role.CONSUMER),
        float(view.role == Role.PROVIDER),
        float(view.role == Role.ROUTER),
        1.0 - role_runway(view, totals),
        shortfall(view),
        totals.spendable / capacity,
        totals.receivable / capacity,
        runway(totals.spendable, view.out_demand_msat_per_h),
        runway(totals.receivable, view.in_demand_msat_per_h),
        log_scale(ended, 4.0),
        view.wallet_msat / (view.wallet_msat + capacity),
        log_scale(view.feerate_msat_per_vb / 1_000, 3.0),
        len(view.pending) / (1.0 + len(view.pending)),
        float(np.mean((shares < 0.1) | (shares > 0.9))) if n_channels else 0.0,
        float(2.0 * np.std(shares)) if n_channels else 0.0,
        log_scale(n_channels, 2.0),
        float(view.operations_failed > 0),
        log_scale(totals.payment_msat / 1_000, 6.0),
    ]


def log_scale(value: float, decades: float) -> float:
    """0 at 0, 1 at ``10 ** decades``."""
    return log10(1.0 + max(value, 0.0)) / decades


def _candidate(view: NodeView, totals: _Totals, action: Action) -> list[float]:
    source, target = _source_and_target(totals, action)
    before, after = _runways(view, totals, action, target)
    cost = estimated_cost_msat(action, view.feerate_msat_per_vb, view.swap_fee_ppm)
    shown = target if target >= 0 else source
    return [
        *_ONE_HOT[action.kind],
        log_scale(action.amount_msat / 1_000, 8.0),
        action.amount_msat / max(totals.capacity, 1.0),
        *_shares(totals, action, source, leaves=True),
        *_shares(totals, action, target, leaves=False),
        before,
        after,
        log_scale(cost / 1_000, 6.0),
        100.0 * cost / action.amount_msat if action.amount_msat else 0.0,
        _cost_per_payment(cost, action.amount_msat, totals.payment_msat),
        log_scale(totals.fee_of[shown], 4.0) if shown >= 0 else 0.0,
        _wanted_share(view, action),
        totals.refused_of[shown] if shown >= 0 else 0.0,
    ]


def _cost_per_payment(cost_msat: int, amount_msat: int, payment_msat: float) -> float:
    """What the liquidity of one payment costs, squashed: 0 is nothing, 1/2 ten sat, 1 any price."""
    if amount_msat == 0:
        return 0.0
    each = cost_msat * payment_msat / amount_msat
    return each / (each + PAYMENT_COST_SCALE_MSAT)


def _source_and_target(totals: _Totals, action: Action) -> tuple[int, int]:
    """Rows of the channels that money leaves and reaches, -1 where there is none."""
    row = totals.row_of.get(action.channel, -1)
    if action.kind == ActionKind.REBALANCE:
        return row, totals.row_of[action.to_channel]
    return (-1, row) if action.kind == ActionKind.SWAP_IN else (row, -1)


def _shares(totals: _Totals, action: Action, row: int, *, leaves: bool) -> tuple[float, float]:
    """Local share of the channel in ``row`` before and after; an open creates a target that is all ours."""
    if row < 0:
        return (0.0, 1.0) if action.kind == ActionKind.OPEN and not leaves else (0.0, 0.0)
    before, moved = totals.share[row], action.amount_msat / totals.capacity_of[row]
    return before, before - moved if leaves else before + moved


def _runways(view: NodeView, totals: _Totals, action: Action, target: int) -> tuple[float, float]:
    """Runway before and after, in the direction that the act serves (waiting and fees: the role's)."""
    if action.kind == ActionKind.SWAP_OUT:
        available, demand = totals.receivable, view.in_demand_msat_per_h
    elif action.kind == ActionKind.OPEN:
        available, demand = _towards(view, totals, action.peer)
    elif action.kind == ActionKind.SWAP_IN:
        available, demand = totals.spendable, view.out_demand_msat_per_h
    elif action.kind == ActionKind.REBALANCE:
        available, demand = totals.spendable_of[target], totals.demand_of[target]
    else:
        now = role_runway(view, totals)
        return now, now
    return runway(available, demand), runway(available + action.amount_msat, demand)


def _towards(view: NodeView, totals: _Totals, peer: int) -> tuple[float, float]:
    """What can be sent and what is wanted: over the channels with ``peer``, of the whole node if there are none."""
    rows = [row for row, node in enumerate(totals.peer_of) if node == peer]
    if not rows or view.role != Role.ROUTER:
        return totals.spendable, view.out_demand_msat_per_h
    return sum(totals.spendable_of[row] for row in rows), sum(totals.demand_of[row] for row in rows)


def _wanted_share(view: NodeView, action: Action) -> float:
    if action.kind != ActionKind.OPEN:
        return 0.0
    known = np.flatnonzero(view.peers.node == action.peer)
    return float(view.peers.wanted_share[known[0]]) if len(known) else 0.0
