"""The world of the twin: everything that exists while it runs, and its agenda."""

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeAlias

from lnherd.engine.codes import FORWARDING, HELD, NO_FAILURE, PENDING
from lnherd.engine.config import SimulationConfig
from lnherd.engine.state import NONE
from lnherd.reference.channels import Direction, Flow, HtlcId, refusal
from lnherd.reference.liquidity import Memory
from lnherd.reference.randomness import hop_latency_ms
from lnherd.reference.routing import Announcement


@dataclass(eq=False)
class Part:
    """One onion on its way: a chain of HTLCs over the first ``hop + 1`` hops of its route."""

    payment: int
    number: int
    amount_msat: int
    sent_ms: int
    edges: list[int]
    amounts: list[int]
    cltv: list[int]
    hop: int = 0
    status: int = FORWARDING
    failure: int = NO_FAILURE
    failed_hop: int = NONE

    @property
    def last_hop(self) -> int:
        """The hop that leads to the receiver."""
        return len(self.edges) - 1

    @property
    def fee_msat(self) -> int:
        """What all forwarders ask together."""
        return self.amounts[0] - self.amount_msat

    def htlc(self, hop: int) -> HtlcId:
        """The name of this part's HTLC on ``hop``."""
        return (self.payment, self.number, hop)


@dataclass(eq=False)
class Payment:
    """A wish to pay and what became of it. ``parts`` are those on their way or held, the newest first."""

    index: int
    start_ms: int
    sender: int
    receiver: int
    amount_msat: int
    fee_limit_msat: int
    first_edge: int = NONE
    last_edge: int = NONE
    parts: list[Part] = field(default_factory=list)
    status: int = PENDING
    failure: int = NO_FAILURE
    end_ms: int = 0
    attempts: int = 0
    most_parts: int = 0
    most_hops: int = 0
    settled_msat: int = 0
    settled_fee_msat: int = 0

    @property
    def unsent_msat(self) -> int:
        """What is neither on its way, nor held, nor settled."""
        return self.amount_msat - self.settled_msat - sum(part.amount_msat for part in self.parts)

    @property
    def held_msat(self) -> int:
        """What waits at the receiver for the rest."""
        return sum(part.amount_msat for part in self.parts if part.status == HELD)

    @property
    def fee_msat(self) -> int:
        """Fees paid and, for parts still out, offered."""
        return self.settled_fee_msat + sum(part.fee_msat for part in self.parts)


@dataclass(eq=False)
class Operation:
    """Something that waits for the chain."""

    kind: int
    status: int
    node: int
    edge: int
    amount_msat: int
    fee_msat: int
    payment: int = NONE
    confirm_height: int = 0


Subject: TypeAlias = Part | int
"""What an event is about: a part, or the index of a payment or an edge."""


@dataclass(order=True, frozen=True)
class Event:
    """An entry of the agenda; of those at one time the lower kind goes first, then the earlier scheduled."""

    time_ms: int
    kind: int
    sequence: int
    subject: Subject = field(compare=False)


@dataclass(eq=False)
class World:
    """Nodes, channels, payments and the chain at one moment. Lists are indexed by edge, node or payment.

    ``lessons`` are the policies a sender learned from errors, by sender and edge.
    """

    config: SimulationConfig
    seed: int
    directions: list[Direction]
    flows: list[Flow]
    announcements: list[Announcement]
    payments: list[Payment]
    wallets: list[int]
    online: list[bool]
    swap_node: int
    memory: Memory
    lessons: dict[int, dict[int, Announcement]] = field(default_factory=lambda: defaultdict(dict))
    operations: list[Operation] = field(default_factory=list)
    agenda: list[Event] = field(default_factory=list)
    n_scheduled: int = 0
    now_ms: int = 0
    height: int = 0
    next_block_ms: int = 0
    feerate_msat_per_vb: int = 0
    feerate_log: float = 0.0

    def schedule(self, time_ms: int, kind: int, subject: Subject) -> None:
        """Put an event on the agenda."""
        assert time_ms >= self.now_ms, "nothing happens in the past"
        heapq.heappush(self.agenda, Event(time_ms, kind, self.n_scheduled, subject))
        self.n_scheduled += 1

    def send_message(self, part: Part, kind: int, *, forth: bool) -> None:
        """Let news of ``part`` travel over its present hop, towards the receiver or back."""
        attempt = (part.payment, part.number)
        delay_ms = hop_latency_ms(self.config, self.seed, attempt, part.hop, forth=forth)
        self.schedule(self.now_ms + delay_ms, kind, part)

    def refusal(self, edge: int, amount_msat: int) -> int:
        """Why ``edge`` takes no HTLC of this amount now, or NO_FAILURE."""
        direction = self.directions[edge]
        return refusal(direction, amount_msat, peer_online=self.online[direction.target], config=self.config)

    def twins_of(self, edge: int) -> list[int]:
        """The other edges between the same two nodes, in the cyclic order of their ids that begins after ``edge``."""
        direction = self.directions[edge]
        ends = (direction.source, direction.target)
        parallel = [other.edge for other in self.directions if (other.source, other.target) == ends]
        at = parallel.index(edge)
        return parallel[at + 1 :] + parallel[:at]
