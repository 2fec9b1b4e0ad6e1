"""The twin itself: a world, its clock, and what a node may do between two events."""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lnherd.engine import operations, sizes
from lnherd.engine.codes import (
    BLOCK_FOUND,
    CLOSE_CHANNEL,
    DECISION_DUE,
    FAILURE_ARRIVES,
    HTLC_ARRIVES,
    NODE_SWITCHES,
    OP_CONFIRMING,
    OP_OFF_CHAIN,
    OPEN_CHANNEL,
    PAYMENT_EXPIRES,
    PAYMENT_STARTS,
    POLICY_HEARD,
    PREIMAGE_ARRIVES,
    PRESENCE_HEARD,
    SPLICE_IN,
    SPLICE_OUT,
    SWAP_IN,
    SWAP_OUT,
)
from lnherd.engine.config import SimulationConfig
from lnherd.engine.state import NONE
from lnherd.network.graph import Network
from lnherd.network.records import Ints, Records
from lnherd.reference.chain import find_block, is_waiting
from lnherd.reference.channels import Direction, Flow, Policy, direction_of
from lnherd.reference.force_close import force_close, is_awaited
from lnherd.reference.forwarding import failure_arrives, htlc_arrives, parts_expire, preimage_arrives
from lnherd.reference.gossip import announce, announce_closure, announcement_of, hear_policy
from lnherd.reference.hops import carry_out, decision_due
from lnherd.reference.liquidity import Memory
from lnherd.reference.presence import begin_churn, hear_presence, must_wait, switch, switch_by_itself
from lnherd.reference.sender import start_payment
from lnherd.reference.splicing import splice_of
from lnherd.reference.world import Conduct, Operation, Part, Payment, World

UNLIMITED_MSAT = 1 << 60


@dataclass(frozen=True)
class Happening:
    """One line of the trace: when, what kind of event (``engine.codes``), and about what.

    ``subject`` is (payment, attempt, hop) for the three kinds of news about HTLCs, (edge,) for a policy,
    (node,) for its presence, (height,) for a block and (payment,) for the rest; all as they were just before the event.
    """

    time_ms: int
    kind: int
    subject: tuple[int, ...]


class ReferenceSimulation:
    """The same inputs as ``engine.Simulation``, the same outcome, event for event, much more slowly.

    ``trace`` lists every event handled. After each one the laws of conservation are asserted.
    """

    def __init__(
        self,
        network: Network,
        payments: Records,
        *,
        config: SimulationConfig | None = None,
        seed: int = 0,
        balance_msat: Ints | None = None,
    ) -> None:
        """See ``engine.Simulation``; input is taken to be valid."""
        config = config or SimulationConfig()
        balances = network.balance_msat if balance_msat is None else balance_msat
        assert balances is not None, "balances must be known"
        directions = [direction_of(network, edge, balances[edge], config) for edge in range(network.n_edges)]
        self.world = World(
            config=config,
            seed=seed,
            directions=directions,
            flows=[Flow() for _ in directions],
            announcements=[announcement_of(d, directions[d.edge ^ 1], is_open=True) for d in directions],
            payments=[_payment(index, record, config) for index, record in enumerate(payments)],
            wallets=[0] * network.n_nodes,
            online=[True] * network.n_nodes,
            conducts=[Conduct() for _ in range(network.n_nodes)],
            swap_node=_largest_node(network),
            memory=Memory(config),
            next_block_ms=int(config.block_interval_ms),
            feerate_msat_per_vb=int(config.feerate_median_msat_per_vb),
            hop_policies=[config.hop_policy] * network.n_nodes,
            enabled_at_start=[(d.source, d.target) for d in directions if d.policy.enabled],
        )
        if config.mean_availability < 1.0:
            begin_churn(self.world)
        self.given = list(self.world.payments)
        """Payments known in advance that have not started, by start."""
        self.trace: list[Happening] = []

    def run(self, until_ms: int | None = None) -> None:
        """Handle every event up to ``until_ms`` (inclusive) or, without it, until nothing is left to happen."""
        while self.step(until_ms) is not None:
            pass

    def step(self, until_ms: int | None = None) -> Happening | None:
        """Handle the next event up to ``until_ms``; None if there is none (the clock then moves there).

        On a tie the agenda goes before payments known in advance, and these before blocks.
        """
        world = self.world
        times = [
            (world.agenda[0].time_ms, 0) if world.agenda else None,
            (self.given[0].start_ms, 1) if self.given else None,
        ]
        known = [time for time in times if time is not None]
        if until_ms is None and self._is_idle():
            return None
        time_ms, source = min([*known, (world.next_block_ms, 2)])
        if until_ms is not None and time_ms > until_ms:
            world.now_ms = until_ms
            return None
        assert time_ms >= world.now_ms, "time runs forwards"
        assert not world.pending or time_ms == world.now_ms, "what waits is decided first"
        world.now_ms = time_ms
        happening = (self._handle_agenda, self._start_given, self._find_block)[source]()
        self.trace.append(happening)
        self._verify()
        return happening

    def _is_idle(self) -> bool:
        """Nothing is left but nodes that come and go, and nothing waits for them."""
        world = self.world
        if self.given or len(world.agenda) > world.n_background:
            return False
        if is_awaited(world):
            return False
        return not is_waiting(world)

    def _handle_agenda(self) -> Happening:
        event = heapq.heappop(self.world.agenda)
        subject = event.subject
        if isinstance(subject, Part):
            happening = Happening(event.time_ms, event.kind, subject.htlc(subject.hop))
            if event.kind == DECISION_DUE or not must_wait(self.world, subject):
                _NEWS[event.kind](self.world, subject)
            return happening
        if event.kind in _TIDINGS:
            _TIDINGS[event.kind](self.world, subject)
        else:
            _TURNS[event.kind](self.world, self.world.payments[subject])
        return Happening(event.time_ms, event.kind, (subject,))

    def _start_given(self) -> Happening:
        payment = self.given.pop(0)
        start_payment(self.world, payment)
        return Happening(payment.start_ms, PAYMENT_STARTS, (payment.index,))

    def _find_block(self) -> Happening:
        find_block(self.world)
        return Happening(self.world.now_ms, BLOCK_FOUND, (self.world.height,))

    def _verify(self) -> None:
        """Conservation in every channel; every HTLC belongs to a part that is on its way; limits hold."""
        world = self.world
        there: dict[tuple[int, int, int], tuple[int, int]] = {}
        for direction in world.directions:
            assert direction.balance_msat >= 0, "no debts"
            assert len(direction.htlcs) <= direction.max_htlcs, "slots are limited"
            assert direction.in_flight_msat <= direction.max_in_flight_msat, "value in flight is limited"
            counter = world.directions[direction.edge ^ 1]
            total = sum(side.balance_msat + side.in_flight_msat for side in (direction, counter))
            splice = splice_of(world, direction.edge)
            total += splice.amount_msat if splice and splice.kind == SPLICE_OUT else 0
            is_paid_out = not direction.is_open and total == 0
            is_resolved = direction.is_on_chain and total <= direction.capacity_msat
            assert total == direction.capacity_msat or is_paid_out or is_resolved, "a channel holds its capacity"
            there |= {htlc: (direction.edge, amount) for htlc, amount in direction.htlcs.items()}
        due = {
            part.htlc(hop): (part.edges[hop], part.amounts[hop])
            for payment in world.payments
            for part in payment.parts
            for hop in range(part.hop + 1)
        }
        assert there == due, "HTLCs and parts agree"

    def send(
        self,
        sender: int,
        receiver: int,
        amount_msat: int,
        *,
        first_edge: int = NONE,
        last_edge: int = NONE,
        fee_limit: int | None = None,
    ) -> int:
        """Start a payment now; see ``engine.Simulation.send``."""
        payment = self._add_payment(sender, receiver, amount_msat, first_edge, last_edge)
        if fee_limit is not None:
            payment.fee_limit_msat = fee_limit
        self.world.schedule(self.world.now_ms, PAYMENT_STARTS, payment.index)
        return payment.index

    def _add_payment(
        self, sender: int, receiver: int, amount_msat: int, first_edge: int = NONE, last_edge: int = NONE
    ) -> Payment:
        payment = Payment(
            index=len(self.world.payments),
            start_ms=self.world.now_ms,
            sender=sender,
            receiver=receiver,
            amount_msat=amount_msat,
            fee_limit_msat=fee_limit_msat(amount_msat, self.world.config),
            first_edge=first_edge,
            last_edge=last_edge,
        )
        self.world.payments.append(payment)
        return payment

    def decide(self, choices: list[int]) -> None:
        """Carry out one choice for each part that waits; see ``engine.Simulation.decide``."""
        waiting, self.world.pending = self.world.pending, []
        for part, choice in zip(waiting, choices, strict=True):
            carry_out(self.world, part, choice)
        self._verify()

    def set_hop_policy(self, node: int, name: str) -> None:
        """How ``node`` chooses from now on; see ``engine.Simulation.set_hop_policy``."""
        self.world.hop_policies[node] = name

    def set_policy(self, edge: int, **changes: Any) -> None:
        """In force at once, heard of later; see ``engine.Simulation.set_policy``."""
        direction = self.world.directions[edge]
        direction.policy = replace(direction.policy, **changes)
        announce(self.world, edge)

    def set_online(self, node: int, online: bool) -> None:
        """Take a node offline or bring it back, for good; see ``engine.levers.set_online``."""
        self.world.conducts[node].availability = 1.0
        switch(self.world, node, online)

    def set_conduct(
        self,
        node: int,
        *,
        hold_probability: float = 0.0,
        hold_median_ms: float = 0.0,
        hold_sigma: float = 0.0,
        refuse_probability: float = 0.0,
    ) -> None:
        """What a node does with HTLCs sent to it from now on; see ``engine.levers.set_conduct``."""
        conduct = self.world.conducts[node]
        conduct.hold_probability, conduct.refuse_probability = hold_probability, refuse_probability
        conduct.hold_median_ms, conduct.hold_sigma = hold_median_ms, hold_sigma

    def set_feerate(self, feerate_msat_per_vb: int) -> None:
        """Move the on-chain fee rate; see ``engine.levers.set_feerate``."""
        median = max(1.0, self.world.config.feerate_median_msat_per_vb)
        self.world.feerate_msat_per_vb = feerate_msat_per_vb
        self.world.feerate_log = math.log(feerate_msat_per_vb / median)

    def shift_liquidity(self, edge: int, amount_msat: int) -> None:
        """Move an amount to the far side of a channel; see ``engine.levers.shift_liquidity``."""
        near, far = self.world.directions[edge], self.world.directions[edge ^ 1]
        assert 0 <= amount_msat <= near.balance_msat
        near.balance_msat -= amount_msat
        far.balance_msat += amount_msat

    def fund(self, node: int, amount_msat: int) -> None:
        """Give ``node`` money on the chain."""
        self.world.wallets[node] += amount_msat

    def open_channel(self, node: int, peer: int, capacity_msat: int) -> int:
        """Pay for a channel that is usable once confirmed; see ``engine.operations.open_channel``."""
        world, config = self.world, self.world.config
        fee_msat = sizes.OPEN_VBYTES * world.feerate_msat_per_vb
        self._spend(node, capacity_msat + fee_msat)
        edge = len(world.directions)
        default = operations.DEFAULT_POLICY
        policy = Policy(
            base_fee_msat=default["base_fee_msat"],
            fee_ppm=default["fee_ppm"],
            inbound_base_fee_msat=0,
            inbound_fee_ppm=0,
            htlc_min_msat=default["htlc_min_msat"],
            htlc_max_msat=capacity_msat,
            cltv_delta=default["cltv_delta"],
            enabled=True,
        )
        for offset, (source, target) in enumerate([(node, peer), (peer, node)]):
            direction = Direction(
                edge=edge + offset,
                source=source,
                target=target,
                capacity_msat=capacity_msat,
                balance_msat=capacity_msat if source == node else 0,
                initial_balance_msat=capacity_msat if source == node else 0,
                policy=policy,
                reserve_msat=capacity_msat * config.reserve_ppm // 1_000_000,
                max_in_flight_msat=capacity_msat * config.max_in_flight_ppm // 1_000_000,
                max_htlcs=config.max_htlcs,
                is_open=False,
            )
            world.directions.append(direction)
            world.flows.append(Flow())
        for direction in world.directions[edge:]:
            world.announcements.append(announcement_of(direction, world.directions[direction.edge ^ 1], is_open=False))
        height = world.height + config.open_confirmations
        return self._start(Operation(OPEN_CHANNEL, OP_CONFIRMING, node, edge, capacity_msat, fee_msat, NONE, height))

    def close_channel(self, edge: int) -> int:
        """Take no more HTLCs, wait for the pending ones, then for the chain; see ``engine.operations``."""
        near, far = self.world.directions[edge], self.world.directions[edge ^ 1]
        assert near.is_open
        near.is_open = far.is_open = False
        announce_closure(self.world, edge)
        fee_msat = min(sizes.CLOSE_VBYTES * self.world.feerate_msat_per_vb, near.balance_msat)
        return self._start(Operation(CLOSE_CHANNEL, OP_OFF_CHAIN, near.source, edge, near.balance_msat, fee_msat))

    def force_close(self, edge: int) -> int:
        """Publish the commitment; see ``engine.operations.force_close_channel``."""
        assert self.world.directions[edge].is_open
        return force_close(self.world, edge)

    def splice_in(self, edge: int, amount_msat: int) -> int:
        """Pay from the wallet into a channel in use; see ``engine.operations.splice_in``."""
        assert self.world.directions[edge].is_open and splice_of(self.world, edge) is None
        node = self.world.directions[edge].source
        fee_msat = sizes.SPLICE_IN_VBYTES * self.world.feerate_msat_per_vb
        self._spend(node, amount_msat + fee_msat)
        return self._start_splice(SPLICE_IN, edge, amount_msat, fee_msat)

    def splice_out(self, edge: int, amount_msat: int) -> int:
        """Pay from a channel in use into the wallet; see ``engine.operations.splice_out``."""
        near = self.world.directions[edge]
        assert near.is_open and splice_of(self.world, edge) is None
        assert near.balance_msat - amount_msat >= near.reserve_msat and amount_msat < near.capacity_msat
        near.balance_msat -= amount_msat
        fee_msat = sizes.SPLICE_OUT_VBYTES * self.world.feerate_msat_per_vb
        return self._start_splice(SPLICE_OUT, edge, amount_msat, fee_msat)

    def _start_splice(self, kind: int, edge: int, amount_msat: int, fee_msat: int) -> int:
        node, height = self.world.directions[edge].source, self.world.height + self.world.config.splice_confirmations
        return self._start(Operation(kind, OP_CONFIRMING, node, edge, amount_msat, fee_msat, NONE, height))

    def swap_out(self, edge: int, amount_msat: int) -> int:
        """Pay the swap service through ``edge``, be paid on the chain; see ``engine.operations``."""
        node = self.world.directions[edge].source
        fee_msat = self._swap_fee_msat(amount_msat, sizes.SWAP_OUT_VBYTES)
        payment = self.send(node, self.world.swap_node, amount_msat, first_edge=edge)
        return self._start(Operation(SWAP_OUT, OP_OFF_CHAIN, node, edge, amount_msat, fee_msat, payment))

    def swap_in(self, edge: int, amount_msat: int) -> int:
        """Pay the swap service on the chain, be paid through ``edge``'s channel; see ``engine.operations``."""
        world = self.world
        node = world.directions[edge].source
        fee_msat = self._swap_fee_msat(amount_msat, sizes.SWAP_IN_VBYTES)
        self._spend(node, amount_msat + fee_msat)
        payment = self._add_payment(world.swap_node, node, amount_msat, NONE, edge ^ 1)
        height = world.height + world.config.swap_confirmations
        return self._start(Operation(SWAP_IN, OP_CONFIRMING, node, edge, amount_msat, fee_msat, payment.index, height))

    def _swap_fee_msat(self, amount_msat: int, vbytes: int) -> int:
        return vbytes * self.world.feerate_msat_per_vb + amount_msat * self.world.config.swap_fee_ppm // 1_000_000

    def _spend(self, node: int, amount_msat: int) -> None:
        assert self.world.wallets[node] >= amount_msat
        self.world.wallets[node] -= amount_msat

    def _start(self, operation: Operation) -> int:
        self.world.operations.append(operation)
        return len(self.world.operations) - 1


_NEWS: dict[int, Callable[[World, Part], None]] = {
    HTLC_ARRIVES: htlc_arrives,
    DECISION_DUE: decision_due,
    PREIMAGE_ARRIVES: preimage_arrives,
    FAILURE_ARRIVES: failure_arrives,
}
_TIDINGS: dict[int, Callable[[World, int], None]] = {
    POLICY_HEARD: hear_policy,
    NODE_SWITCHES: switch_by_itself,
    PRESENCE_HEARD: hear_presence,
}
_TURNS: dict[int, Callable[[World, Payment], None]] = {
    PAYMENT_STARTS: start_payment,
    PAYMENT_EXPIRES: parts_expire,
}


def fee_limit_msat(amount_msat: int, config: SimulationConfig) -> int:
    """What a payer spends on fees at most: the amount itself up to 1,000 sat, 5 % of it above (LND)."""
    if config.fee_limit == "none":
        return UNLIMITED_MSAT
    return amount_msat if amount_msat <= 1_000_000 else amount_msat // 20


def _payment(index: int, record: Records, config: SimulationConfig) -> Payment:
    amount_msat = int(record.amount_msat)
    return Payment(
        index=index,
        start_ms=int(record.start_ms),
        sender=int(record.sender),
        receiver=int(record.receiver),
        amount_msat=amount_msat,
        fee_limit_msat=fee_limit_msat(amount_msat, config),
    )


def _largest_node(network: Network) -> int:
    """Where swaps are offered: the node with most capacity in channels with an enabled direction."""
    capacity = [0] * network.n_nodes
    for channel in np.flatnonzero(network.live_channels):
        for node in (network.channels.node1[channel], network.channels.node2[channel]):
            capacity[node] += int(network.channels.capacity_msat[channel])
    return capacity.index(max(capacity))
