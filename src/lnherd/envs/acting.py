"""Acting: carries actions out in a simulation, retries rebalances within the tick, knows what is pending."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lnherd.control.action import Action, ActionKind
from lnherd.control.menu import MenuConfig, stepped_fee
from lnherd.control.view import PENDING_DTYPE, REBALANCED_DTYPE
from lnherd.engine import Simulation
from lnherd.engine.codes import (
    CLOSE_CHANNEL,
    FAILED,
    FORCE_CLOSE,
    OP_CONFIRMING,
    OP_FAILED,
    OPEN_CHANNEL,
    SUCCEEDED,
    SWAP_IN,
    SWAP_OUT,
)
from lnherd.errors import InputError
from lnherd.network.records import Records, zero_records
from lnherd.units import MS_PER_SECOND

RETRY_CHECK_MS = 10 * MS_PER_SECOND
"""How often a rebalance under way is looked at."""
KIND_OF_OPERATION = {
    OPEN_CHANNEL: ActionKind.OPEN,
    CLOSE_CHANNEL: ActionKind.CLOSE,
    FORCE_CLOSE: ActionKind.CLOSE,
    SWAP_OUT: ActionKind.SWAP_OUT,
    SWAP_IN: ActionKind.SWAP_IN,
}


@dataclass(frozen=True)
class _Rebalance:
    payment: int
    action: Action


class Actor:
    """The hands of one node."""

    def __init__(
        self, simulation: Simulation, node: int, menu: MenuConfig, run: Callable[[int], object] | None = None
    ) -> None:
        """``run`` takes the simulation to a time; its own method if not given."""
        self._simulation, self._node, self._menu = simulation, node, menu
        self._run = run or simulation.run
        self._rebalances: list[_Rebalance] = []
        self._rebalances_failed = 0
        self._ended: list[_Rebalance] = []
        self._operations_failed = 0

    def carry_out(self, actions: Sequence[Action]) -> list[str]:
        """Start each action; returns in words those that could not be started."""
        refused = []
        for action in actions:
            try:
                self._start(action)
            except InputError as error:
                refused.append(f"{action.kind.name.lower()}: {error}")
        self._rebalances_failed += len(refused)
        return refused

    def _start(self, action: Action) -> None:
        simulation = self._simulation
        if action.kind == ActionKind.WAIT:
            return
        if action.kind == ActionKind.OPEN:
            simulation.open_channel(self._node, action.peer, action.amount_msat)
            return
        if action.kind == ActionKind.SET_FEE and action.channel < 0:
            for each in self._open_edges():
                self._set_fee(each, action)
            return
        edge = self._own_edge(action.channel)
        if action.kind == ActionKind.REBALANCE:
            self._rebalance(action)
        elif action.kind == ActionKind.SWAP_OUT:
            simulation.swap_out(edge, action.amount_msat, action.fee_limit_msat)
        elif action.kind == ActionKind.SWAP_IN:
            simulation.swap_in(edge, action.amount_msat)
        elif action.kind == ActionKind.CLOSE:
            simulation.close_channel(edge)
        else:
            self._set_fee(edge, action)

    def _own_edge(self, channel: int) -> int:
        """The edge of ``channel`` that leaves the node.

        Raises:
            InputError: if it is no open channel of the node.
        """
        edges = self._simulation.state.edges
        for edge in (2 * channel, 2 * channel + 1):
            if 0 <= edge < len(edges) and edges.source[edge] == self._node and edges.is_open[edge]:
                return edge
        raise InputError(f"channel {channel} is no open channel of node {self._node}")

    def _open_edges(self) -> list[int]:
        """Edges of the node's open channels that leave it."""
        edges = self._simulation.state.edges
        own: list[int] = np.flatnonzero((edges.source == self._node) & edges.is_open).tolist()
        return own

    def _rebalance(self, action: Action) -> None:
        first, last = self._own_edge(action.channel), self._own_edge(action.to_channel) ^ 1
        payment = self._simulation.send(
            self._node,
            self._node,
            action.amount_msat,
            first_edge=first,
            last_edge=last,
            fee_limit=action.fee_limit_msat,
        )
        self._rebalances.append(_Rebalance(payment, action))

    def _set_fee(self, edge: int, action: Action) -> None:
        policy = self._simulation.state.edges[edge]
        base, ppm = int(policy.base_fee_msat), int(policy.fee_ppm)
        if action.kind == ActionKind.SET_FEE:
            base = base if action.base_fee_msat is None else action.base_fee_msat
            ppm = ppm if action.fee_ppm is None else action.fee_ppm
        else:
            base, ppm = stepped_fee(base, ppm, action.kind, self._menu)
        inbound = {} if action.inbound_fee_ppm is None else {"inbound_fee_ppm": action.inbound_fee_ppm}
        self._simulation.set_policy(edge, base_fee_msat=base, fee_ppm=ppm, **inbound)

    def advance(self, until_ms: int) -> None:
        """Run the simulation to ``until_ms``, retrying failed rebalances with half the amount on the way."""
        advance_together([self], self._simulation, self._run, until_ms)

    @property
    def is_rebalancing(self) -> bool:
        """Whether a rebalance is under way."""
        return bool(self._rebalances)

    def follow_up(self) -> None:
        """Drop rebalances that ended; start those that failed and may be halved again."""
        open_now, self._rebalances = self._rebalances, []
        for each in open_now:
            status = self._simulation.payments.status[each.payment]
            if status in (SUCCEEDED, FAILED):
                self._ended.append(each)
            if status == FAILED and each.action.halvings > 0:
                self.carry_out([each.action.halved()])
            elif status == FAILED:
                self._rebalances_failed += 1
            elif status != SUCCEEDED:
                self._rebalances.append(each)

    def take_failures(self) -> int:
        """Own operations that failed since the last call."""
        operations = self._own_operations()
        failed = int((operations.status == OP_FAILED).sum()) + self._rebalances_failed
        new, self._operations_failed = failed - self._operations_failed, failed
        return new

    def take_rebalanced(self) -> Records:
        """REBALANCED_DTYPE records of the circular payments that ended since the last call."""
        ended, self._ended = self._ended, []
        records = zero_records(len(ended), REBALANCED_DTYPE)
        for record, each in zip(records, ended, strict=True):
            payment, action = self._simulation.payments[each.payment], each.action
            record.channel, record.to_channel = action.channel, action.to_channel
            record.amount_msat, record.succeeded = action.amount_msat, payment.status == SUCCEEDED
            record.fee_msat = payment.fee_msat if payment.status == SUCCEEDED else 0
        return records

    def pending(self) -> Records:
        """PENDING_DTYPE records of what is under way; a rebalance occupies both of its channels."""
        operations = self._own_operations()
        waiting = operations[(operations.status <= OP_CONFIRMING) & np.isin(operations.kind, tuple(KIND_OF_OPERATION))]
        entries = [(KIND_OF_OPERATION[int(o.kind)], int(o.edge) >> 1, int(o.amount_msat)) for o in waiting]
        entries += [
            (ActionKind.REBALANCE, channel, each.action.amount_msat)
            for each in self._rebalances
            for channel in (each.action.channel, each.action.to_channel)
        ]
        records = zero_records(len(entries), PENDING_DTYPE)
        for position, entry in enumerate(entries):
            records[position] = entry
        return records

    def _own_operations(self) -> Records:
        operations = self._simulation.operations
        return operations[operations.node == self._node]


def advance_together(
    actors: Sequence[Actor], simulation: Simulation, run: Callable[[int], object], until_ms: int
) -> None:
    """Take ``simulation`` to ``until_ms`` by ``run`` while every actor looks after its rebalances."""
    while simulation.now_ms < until_ms and any(actor.is_rebalancing for actor in actors):
        run(min(until_ms, simulation.now_ms + RETRY_CHECK_MS))
        for actor in actors:
            actor.follow_up()
    run(until_ms)
    for actor in actors:
        actor.follow_up()
