"""The laws of the engine, checked from outside the compiled code. An empty answer means all hold."""

import numpy as np

from lnherd.engine.codes import (
    ACTIVE,
    CLOSE_CHANNEL,
    FAILED,
    FORCE_CLOSE,
    FREE,
    HELD,
    HTLC_CLAIM,
    OP_CONFIRMING,
    OP_DONE,
    OP_FAILED,
    OP_MATURING,
    SPLICE_IN,
    SPLICE_OUT,
    SUCCEEDED,
    SWAP_IN,
    SWAP_OUT,
)
from lnherd.engine.state import State
from lnherd.network.records import Ints


def audit(state: State, capacity_msat: Ints, endowed_msat: int) -> list[str]:
    """Violated laws of ``state`` in words.

    ``capacity_msat [C]`` is what each channel was funded with, ``endowed_msat`` all the money there has ever been.
    """
    return [
        *_conservation(state, capacity_msat),
        *_books(state, endowed_msat),
        *_htlcs(state),
        *_payments(state),
        *_agenda(state),
    ]


def _listed(law: str, offending: np.ndarray) -> list[str]:
    where = np.flatnonzero(offending)
    return [f"{law}: {where[:5].tolist()}"] if len(where) else []


def _conservation(state: State, capacity_msat: Ints) -> list[str]:
    edges = state.edges
    announced_msat = state.gossip.capacity_msat[state.gossip_position[::2]]
    funded_msat = capacity_msat + _spliced(state, OP_DONE)
    capacity_msat = funded_msat + np.minimum(_spliced(state, OP_CONFIRMING), 0)
    total = (edges.balance_msat + edges.in_flight_msat).reshape(-1, 2).sum(axis=1)
    is_resolved = edges.is_on_chain[::2] & (total <= capacity_msat)
    is_paid_out = ~edges.is_open.reshape(-1, 2).any(axis=1) & (total == 0)
    return [
        *_listed("channels not worth their capacity", (total != capacity_msat) & ~is_paid_out & ~is_resolved),
        *_listed("channels whose capacity is not what they were funded with", announced_msat != funded_msat),
        *_listed("edges with a negative balance", edges.balance_msat < 0),
        *_listed("edges with negative value in flight", edges.in_flight_msat < 0),
        *_listed("edges with more HTLCs than allowed", edges.n_htlcs > edges.max_htlcs),
        *_listed("edges with more value in flight than allowed", edges.in_flight_msat > edges.max_in_flight_msat),
    ]


def _spliced(state: State, status: int) -> Ints:
    """``[C]`` what splices of this status put into each channel, less what they took out of it."""
    operations = state.operations[: state.clock[0].n_operations]
    spliced_msat = np.zeros(len(state.edges) // 2, dtype=np.int64)
    for kind, sign in ((SPLICE_IN, 1), (SPLICE_OUT, -1)):
        chosen = operations[(operations.kind == kind) & (operations.status == status)]
        np.add.at(spliced_msat, chosen.edge >> 1, sign * chosen.amount_msat)
    return spliced_msat


def _books(state: State, endowed_msat: int) -> list[str]:
    """Wallets, channels and what is between them hold all there ever was but for fees and the swap service's."""
    operations = state.operations[: state.clock[0].n_operations]
    amount, fee, kind, status = (operations[name] for name in ("amount_msat", "fee_msat", "kind", "status"))
    pays_in_the_end = np.isin(kind, (CLOSE_CHANNEL, FORCE_CLOSE, SPLICE_OUT, SWAP_OUT)) & (status != OP_DONE)
    is_unclaimed = (kind == HTLC_CLAIM) & (status < OP_MATURING)
    fees_msat = fee[~pays_in_the_end & ~is_unclaimed].sum()
    splicing = np.isin(kind, (SPLICE_IN, SPLICE_OUT)) & (status == OP_CONFIRMING)
    maturing = (kind == HTLC_CLAIM) & (status == OP_MATURING)
    taken = (kind == SWAP_IN) & (status != OP_FAILED)
    given = (kind == SWAP_OUT) & (status == OP_DONE)
    edges = state.edges
    there_msat = edges.balance_msat.sum() + edges.in_flight_msat.sum() + state.nodes.wallet_msat.sum()
    there_msat += (amount[maturing] - fee[maturing]).sum() + amount[splicing].sum()
    there_msat += amount[taken].sum() - amount[given].sum()
    lost_msat = endowed_msat - int(there_msat) - int(fees_msat)
    return [f"money made or lost: {-lost_msat} msat"] if lost_msat else []


def _htlcs(state: State) -> list[str]:
    """``in_flight`` and ``n_htlcs`` of every edge are what the live attempts hold there."""
    amount = np.zeros(len(state.edges), dtype=np.int64)
    count = np.zeros(len(state.edges), dtype=np.int64)
    live = state.attempts[: state.clock[0].n_attempts]
    for attempt in live[live.status != FREE]:
        for hop in range(attempt.hop + 1):
            amount[attempt.edges[hop]] += attempt.amounts[hop]
            count[attempt.edges[hop]] += 1
    return [
        *_listed("edges whose value in flight is not that of their HTLCs", amount != state.edges.in_flight_msat),
        *_listed("edges whose number of HTLCs is wrong", count != state.edges.n_htlcs),
    ]


def _payments(state: State) -> list[str]:
    payments = state.payments[: state.clock[0].n_payments]
    live = state.attempts[: state.clock[0].n_attempts]
    live = live[live.status != FREE]
    dispatched, held = np.zeros(len(payments), np.int64), np.zeros(len(payments), np.int64)
    np.add.at(dispatched, live.payment, live.amount_msat)
    waiting = live[live.status == HELD]
    np.add.at(held, waiting.payment, waiting.amount_msat)
    done = (payments.status == SUCCEEDED) | (payments.status == FAILED)
    is_atomic = not state.settings[0].parts_settle_alone
    paid_in_part = (payments.status == FAILED) & (payments.settled_msat > 0)
    return [
        *_listed(
            "payments whose dispatched amount is not that of their attempts", dispatched != payments.dispatched_msat
        ),
        *_listed("payments whose held amount is not that of their parts", held != payments.held_msat),
        *_listed(
            "succeeded payments not paid in full",
            (payments.status == SUCCEEDED) & (payments.settled_msat != payments.amount_msat),
        ),
        *_listed("failed payments that moved money", paid_in_part & is_atomic),
        *_listed("finished payments with parts still out", done & (payments.live_parts > 0)),
        *_listed("active payments with nothing going on", (payments.status == ACTIVE) & (payments.live_parts == 0)),
        *_listed("payments that paid more fees than their limit", payments.fee_msat > payments.fee_limit_msat),
    ]


def _agenda(state: State) -> list[str]:
    events = state.events[: state.clock[0].n_events]
    child = np.arange(1, len(events))
    parent = (child - 1) // 2
    late = (events.time_ms[parent] > events.time_ms[child]) | (
        (events.time_ms[parent] == events.time_ms[child]) & (events.order[parent] > events.order[child])
    )
    past = events.time_ms < state.clock[0].now_ms
    return [*_listed("events out of heap order", late), *_listed("events in the past", past)]
