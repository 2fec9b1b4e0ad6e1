"""The world of the twin: everything that exists while it runs, and its agenda."""

import heapq
import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeAlias

from lnherd.engine.codes import FORWARDING, HELD, NO_FAILURE, NODE_SWITCHES, PENDING, PRESENCE_HEARD, SUCCEEDED
from lnherd.engine.config import SimulationConfig
from lnherd.engine.state import NONE
from lnherd.reference.channels import Direction, Flow, HtlcId, refusal
from lnherd.reference.liquidity import Memory
from lnherd.reference.randomness import (
    COUNTERS_PER_ATTEMPT,
    LONGEST_ROUTE,
    Stream,
    hop_latency_ms,
    standard_normal,
    uniform,
)
from lnherd.reference.routing import Announcement


@dataclass(eq=False)
class Part:
    """One onion on its way: a chain of HTLCs over the first ``hop + 1`` hops of its route."""

    payment: int
    number: int
    amount_msat: int
    sent_height: int
    edges: list[int]
    amounts: list[int]
    cltv: list[int]
    added_ms: list[int] = field(default_factory=list)
    """When the HTLC of each hop so far was added."""
    hop: int = 0
    is_waiting: bool = False
    claim: "Operation | None" = None
    status: int = FORWARDING
    failure: int = NO_FAILURE
    failed_hop: int = NONE

    @property
    def last_hop(self) -> int:
        """The hop that leads to the receiver."""
        return len(self.edges) - 1

    @property
    def fee_msat(self) -> int:
        """What all forwarders ask together; nothing yet for a part that is still at its source."""
        return self.amounts[0] - self.amount_msat if self.amounts else 0

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
    part: Part | None = None
    """Whose HTLC is claimed."""


@dataclass(eq=False)
class Conduct:
    """How a node behaves: its comings and goings, and what it does with HTLCs that reach it."""

    availability: float = 1.0
    hold_probability: float = 0.0
    hold_median_ms: float = 0.0
    hold_sigma: float = 0.0
    refuse_probability: float = 0.0
    changed_ms: int = 0
    n_switches: int = 0
    is_written_off: bool = False
    waiting: list[Part] = field(default_factory=list)
    """Parts whose message found the node offline, the earliest first."""


Subject: TypeAlias = Part | int
"""What an event is about: a part, or the index of a payment, an edge or a node."""


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
    conducts: list[Conduct]
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
    hop_policies: list[str] = field(default_factory=list)
    pending: list[Part] = field(default_factory=list)
    enabled_at_start: list[tuple[int, int]] = field(default_factory=list)
    distances: dict[int, list[int]] = field(default_factory=dict)

    def schedule(self, time_ms: int, kind: int, subject: Subject) -> None:
        """Put an event on the agenda."""
        assert time_ms >= self.now_ms, "nothing happens in the past"
        heapq.heappush(self.agenda, Event(time_ms, kind, self.n_scheduled, subject))
        self.n_scheduled += 1

    def cancel(self, kind: int, part: Part) -> None:
        """Take the one event of this kind about ``part`` off the agenda."""
        kept = [event for event in self.agenda if event.kind != kind or event.subject is not part]
        assert len(kept) == len(self.agenda) - 1, "a part on its way has one event"
        heapq.heapify(kept)
        self.agenda = kept

    def parts(self) -> list[Part]:
        """All parts that are under way, with an HTLC."""
        return [part for payment in self.payments for part in payment.parts if part.hop >= 0]

    def finish(self, payment: Payment, status: int) -> None:
        """The payment is over."""
        assert not payment.parts, "a finished payment has nothing out"
        is_atomic = not self.config.parts_settle_alone
        assert status == SUCCEEDED or payment.settled_msat == 0 or not is_atomic, "all or nothing"
        payment.status, payment.end_ms = status, self.now_ms

    def send_message(self, part: Part, kind: int, *, forth: bool) -> None:
        """Let news of ``part`` travel over its present hop, towards the receiver or back."""
        attempt = (part.payment, part.number)
        delay_ms = hop_latency_ms(self.config, self.seed, attempt, part.hop, forth=forth)
        if forth:
            delay_ms += self._hold_ms(part)
        self.schedule(self.now_ms + delay_ms, kind, part)

    def _hold_ms(self, part: Part) -> int:
        """How long the next node sits on the HTLC before it turns to it."""
        conduct = self.conducts[self.directions[part.edges[part.hop]].target]
        first = part.payment * COUNTERS_PER_ATTEMPT + part.number
        if uniform(self.seed, Stream.HOLD, first, part.hop + 4 * LONGEST_ROUTE) >= conduct.hold_probability:
            return 0
        normal = standard_normal(self.seed, Stream.HOLD, first, part.hop)
        return int(conduct.hold_median_ms * math.exp(conduct.hold_sigma * normal))

    def refuses_at_will(self, part: Part) -> bool:
        """Whether the node that the HTLC has reached turns it away whatever it carries."""
        conduct = self.conducts[self.directions[part.edges[part.hop]].target]
        first = part.payment * COUNTERS_PER_ATTEMPT + part.number
        return uniform(self.seed, Stream.REFUSE, first, part.hop) < conduct.refuse_probability

    @property
    def n_churning(self) -> int:
        """Nodes that will come or go by themselves."""
        return sum(event.kind == NODE_SWITCHES for event in self.agenda)

    @property
    def n_background(self) -> int:
        """Events for whose sake nothing is run: nodes that come and go, and the news of it."""
        return sum(event.kind in (NODE_SWITCHES, PRESENCE_HEARD) for event in self.agenda)

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
