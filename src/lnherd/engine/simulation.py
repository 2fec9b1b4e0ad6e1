"""A simulation seen from Python: builds the state, calls the compiled loop in chunks, lets nodes act between."""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lnherd.engine import levers, operations
from lnherd.engine.audit import audit
from lnherd.engine.building import INITIAL_POOL, fee_limit_msat, initial_state
from lnherd.engine.codes import PAYMENT_STARTS, SPLIT
from lnherd.engine.config import HOP_POLICIES, SimulationConfig
from lnherd.engine.gossip import announce
from lnherd.engine.heap import schedule
from lnherd.engine.hop_crowd import hear_neighbours
from lnherd.engine.hop_network import Exploration, ScoringNetwork, explore, lay_out
from lnherd.engine.hop_observing import foreign_choice, observe_beyond
from lnherd.engine.hop_state import CHOICE_DTYPE, CHOICE_ROW_DTYPE, N_GLOBAL, N_MEAN_ACTIONS
from lnherd.engine.loop import NEVER, SPACE_NEEDED, carry_out_pending, closures, run
from lnherd.engine.presence import begin_churn
from lnherd.engine.state import NONE, STATIC_FIELDS, State
from lnherd.engine.submission import submit
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Indices, Ints, Records, grown, plain, zero_records

LOG_ENTRIES = 4096
"""Recorded choices that there is room for at first."""
CHUNK_EVENTS = 1_000_000
"""Events handled in one call of the compiled loop, so that an interrupt is noticed soon."""


class ExitReason(IntEnum):
    """Why :meth:`Simulation.run` came back."""

    IDLE = 0
    """Nothing is left to happen."""
    TIME_REACHED = 1
    """The clock reached ``until_ms``."""
    EVENTS_SPENT = 2
    """``max_events`` were handled."""
    DECISION_NEEDED = 4
    """Parts that go hop by hop wait for :meth:`Simulation.decide`; the clock stands still until then."""


class Simulation:
    """Payments through a network in event time.

    The same (network, balances, payments, config, seed) gives the same bytes, however ``run`` is cut into
    chunks. Node actions (policies, channels, swaps) happen at the present time, between two runs.
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
        """Lay everything out at time 0.

        Args:
            network: topology and policies.
            payments: records of ``traffic.demand.PAYMENT_DTYPE``, sorted by start.
            config: behaviour; LND's defaults if not given.
            seed: of latencies, blocks and fee rates.
            balance_msat: ``[E]`` what each edge's near end owns; the network's own if not given.

        Raises:
            InputError: if balances are nowhere known, a payment breaks a law or the seed has over 64 bits.
        """
        if not 0 <= seed < 1 << 64:
            raise InputError(f"seed must be between 0 and 2**64 - 1, got {seed}")
        balances = balance_msat if balance_msat is not None else network.balance_msat
        if balances is None:
            raise InputError(f"{network.name}: gossip holds no balances; draw them first (network.balances)")
        self.network = network.with_balances(balances)
        self.config = config or SimulationConfig()
        self.seed = seed
        self.endowed_msat = int(network.channels.capacity_msat.sum())
        """All the money there has ever been, in channels at the start or given by :meth:`fund`."""
        self.state: State = initial_state(
            self.network, balances, payments, self.config, seed=seed, swap_node=_largest_node(network)
        )
        if self.config.mean_availability < 1.0:
            self._reserve_events(2 * network.n_nodes)
            with np.errstate(over="ignore"):  # see run
                begin_churn(self.state)

    @property
    def now_ms(self) -> int:
        """The present."""
        return int(self.state.clock[0].now_ms)

    @property
    def height(self) -> int:
        """Blocks found so far."""
        return int(self.state.clock[0].height)

    @property
    def feerate_msat_per_vb(self) -> int:
        """On-chain fee rate now."""
        return int(self.state.clock[0].feerate_msat_per_vb)

    @property
    def swap_node(self) -> int:
        """The node of the submarine-swap service."""
        return int(self.state.settings[0].swap_node)

    @property
    def operations(self) -> Records:
        """All operations on the chain so far (``state.OPERATION_DTYPE``), a live view."""
        return self.state.operations[: self.state.clock[0].n_operations]

    @property
    def capacity_msat(self) -> Ints:
        """``[C]`` what each channel was funded with and spliced to since."""
        state = self.state
        capacity_msat: Ints = state.gossip.capacity_msat[state.gossip_position[::2]]
        return capacity_msat

    @property
    def payments(self) -> Records:
        """All payments so far with their outcome (``state.PAYMENT_STATE_DTYPE``), a live view."""
        return self.state.payments[: self.state.clock[0].n_payments]

    def run(self, until_ms: int | None = None, max_events: int | None = None) -> ExitReason:
        """Advance to ``until_ms`` (inclusive) or, without it, until nothing is left to happen.

        Raises:
            InputError: if ``until_ms`` lies in the past.
        """
        if until_ms is not None and until_ms < self.now_ms:
            raise InputError(f"cannot run until {until_ms} ms: it is already {self.now_ms} ms")
        goal = NEVER if until_ms is None else until_ms
        left = NEVER if max_events is None else max_events
        with np.errstate(over="ignore"):  # the hash of rng.py wraps, which only uncompiled code warns about
            while left > 0:
                before = self.state.clock[0].n_processed
                reason = run(self.state, goal, min(left, CHUNK_EVENTS))
                left -= int(self.state.clock[0].n_processed - before)
                if reason == SPACE_NEEDED:
                    self.make_room()
                elif reason != ExitReason.EVENTS_SPENT:
                    return ExitReason(reason)
        return ExitReason.EVENTS_SPENT

    def _reserve_events(self, n_events: int) -> None:
        self.state = self.state._replace(events=grown(self.state.events, len(self.state.events) + n_events))

    @property
    def pending(self) -> Indices:
        """``[B]`` attempts that wait for a choice from outside, in the order in which :meth:`decide` takes choices."""
        waiting: Indices = self.state.pending[: self.state.clock[0].n_pending].copy()
        return waiting

    def holders(self) -> Indices:
        """``[B]`` the nodes that have to choose for :attr:`pending`."""
        attempts, waiting = plain(self.state.attempts), self.pending
        hop = attempts["hop"][waiting]
        senders = plain(self.state.payments)["sender"][attempts["payment"][waiting]]
        last = attempts["edges"][waiting, np.maximum(hop, 0)]
        holders: Indices = np.where(hop < 0, senders, plain(self.state.edges)["target"][last])
        return holders

    def decide(self, choices: Ints) -> int:
        """Choose for all that waits: an edge of the holder, ``codes.SPLIT`` or ``codes.GIVE_UP`` for each.

        They are carried out in order. What is not possible (any more: an earlier choice may have taken the last
        of a channel) fails, at the source as an attempt without success. Returns the number of the first of these
        decisions; ``state.outcomes`` goes by these numbers.

        Raises:
            InputError: unless there is one choice for each and every edge leaves its holder.
        """
        chosen = np.ascontiguousarray(choices, dtype=np.int64)
        _check_choices(self, chosen)
        first = int(self.state.clock[0].decisions_total)
        n_done = 0
        with np.errstate(over="ignore"):
            while (n_done := carry_out_pending(self.state, chosen, n_done)) < len(chosen):
                self.make_room()
        return first

    def queue(self, order: Ints) -> None:
        """Let what waits be decided in this order: ``[B]`` positions in :attr:`pending` as it is now.

        Raises:
            InputError: unless each position occurs once.
        """
        waiting = self.pending
        if not np.array_equal(np.sort(order), np.arange(len(waiting))):
            raise InputError(f"{len(waiting)} decisions wait; name the position of each of them once")
        self.state.pending[: len(waiting)] = waiting[order]

    def put_off(self, rows: Ints, delay_ms: int) -> None:
        """See :func:`lnherd.engine.levers.put_off`; the other decisions wait on."""
        levers.put_off(self, rows, delay_ms)

    def fetch_outcomes(self) -> Records:
        """What came of choices from outside since this was last called (``hop_state.OUTCOME_DTYPE``)."""
        clock = self.state.clock[0]
        outcomes = self.state.outcomes[: clock.n_outcomes].copy()
        clock.n_outcomes = 0
        return outcomes

    def set_hop_policy(self, node: int, name: str) -> None:
        """How ``node`` chooses from now on, hop by hop.

        Raises:
            InputError: for an unknown policy.
        """
        if name not in HOP_POLICIES:
            raise InputError(f"hop policy {name!r} is unknown; choose one of {', '.join(HOP_POLICIES)}")
        self.state.nodes[node].hop_policy = HOP_POLICIES[name]

    def use_network(self, network: ScoringNetwork, exploration: Exploration | None = None) -> None:
        """What all nodes with the hop policy ``network`` go by (:meth:`use_networks`)."""
        self.use_networks([network], np.zeros(self.network.n_nodes, dtype=np.int64), exploration)

    def use_networks(
        self, networks: Sequence[ScoringNetwork], number_of: Ints, exploration: Exploration | None = None
    ) -> None:
        """Which of ``networks`` each node goes by whose hop policy is ``network``: ``number_of [N]``.

        Without ``exploration`` they take the highest score.

        Raises:
            InputError: unless all are of one size and there is one for each node.
        """
        hops = self.state.hops[0]
        explore(hops, exploration)
        self.state = self.state._replace(scorer=lay_out(networks, number_of, hops, self.state.crowd))
        self.look_beyond(neighbours=networks[0].hears_neighbours, everything=bool(hops.sees_all))
        if hops.is_recording:
            log, rows = zero_records(LOG_ENTRIES, CHOICE_DTYPE), zero_records(8 * LOG_ENTRIES, CHOICE_ROW_DTYPE)
            self.state = self.state._replace(log=log, log_rows=rows)
            hops.n_logged = hops.n_rows = 0

    def look_beyond(self, *, neighbours: bool, everything: bool) -> None:
        """From now on note what nodes do, for their neighbours to hear, and look at what none of them sees."""
        hops = self.state.hops[0]
        hops.hears_neighbours, hops.sees_all = False, everything
        if neighbours:
            hear_neighbours(hops, self.state.crowd)

    def beyond(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """``(neighbours [B, 5], everything [B, 9])`` of the decisions that wait; zeros where not looked at.

        Columns are called ``MEAN_ACTIONS`` and ``GLOBAL_FEATURES`` in ``control.hop_encode``.
        """
        n_pending = int(self.state.clock[0].n_pending)
        neighbours, everything = (np.zeros((n_pending, n), dtype=np.float32) for n in (N_MEAN_ACTIONS, N_GLOBAL))
        observe_beyond(self.state, neighbours.reshape(-1), everything.reshape(-1))
        return neighbours, everything

    def fetch_choices(self) -> tuple[Records, Records]:
        """Choices recorded (``hop_state.CHOICE_DTYPE``) since this was last called, and the possibilities of each."""
        hops, state = self.state.hops[0], self.state
        choices, rows = state.log[: hops.n_logged].copy(), state.log_rows[: hops.n_rows].copy()
        hops.n_logged = hops.n_rows = 0
        return choices, rows

    def make_room(self) -> None:
        """Double every pool that is short of room."""
        clock = self.state.clock[0]
        used = {
            "payments": clock.n_payments,
            "attempts": clock.n_live,
            # a block may start a payment for each operation, a node that returns hears all that waited
            "events": clock.n_events + clock.n_operations + clock.n_waiting,
            "memory": clock.n_memory,
            "lessons": clock.n_lessons,
            "operations": clock.n_operations + closures(self.state),
            "outcomes": clock.n_outcomes,
        }
        hops = self.state.hops[0]
        if hops.is_recording:
            used |= {"log": hops.n_logged, "log_rows": hops.n_rows}
        short = [name for name in used if used[name] + INITIAL_POOL // 2 > len(getattr(self.state, name))]
        pools = {name: getattr(self.state, name) for name in short}
        self.state = self.state._replace(**{name: grown(pool, 2 * len(pool)) for name, pool in pools.items()})

    def send(
        self,
        sender: int,
        receiver: int,
        amount_msat: int,
        *,
        first_edge: int = NONE,
        last_edge: int = NONE,
        fee_limit: int | None = None,
        kind: int = 0,
    ) -> int:
        """Start a payment now and return its id. A rebalance has sender == receiver and both edges.

        Raises:
            InputError: if the amount, a node or an edge makes no sense.
        """
        payment_id = self.add_payment(
            sender, receiver, amount_msat, first_edge=first_edge, last_edge=last_edge, fee_limit=fee_limit, kind=kind
        )
        schedule(self.state, self.now_ms, PAYMENT_STARTS, payment_id)
        return payment_id

    def add_payment(
        self,
        sender: int,
        receiver: int,
        amount_msat: int,
        *,
        first_edge: int = NONE,
        last_edge: int = NONE,
        fee_limit: int | None = None,
        kind: int = 0,
    ) -> int:
        """Make a payment record that something else will start; see :meth:`send`."""
        for edge in (first_edge, last_edge):
            if edge != NONE:
                self.check_edge(edge)
        _check_payment(self.network, (sender, receiver), amount_msat, (first_edge, last_edge))
        self.make_room()
        clock = self.state.clock[0]
        payment_id = int(clock.n_payments)
        clock.n_payments += 1
        payment = self.state.payments[payment_id]
        payment.start_ms = self.now_ms
        payment.sender, payment.receiver, payment.amount_msat = sender, receiver, amount_msat
        payment.first_edge, payment.last_edge, payment.kind = first_edge, last_edge, kind
        payment.first_attempt = payment.operation = NONE
        limits = fee_limit_msat(np.array([amount_msat]), self.config.fee_limit)
        payment.fee_limit_msat = limits[0] if fee_limit is None else fee_limit
        return payment_id

    def submit(self, payments: Records, fee_limit_msat: Ints, n_payments: int) -> int:
        """Add many payments, to start now or later, and return the id of the first; the others follow.

        Made for worlds that run beside the simulation and hand payments in thousands of times a simulated
        hour: the records are trusted (:func:`building.check_payments` holds them to their laws).

        Args:
            payments: ``PAYMENT_DTYPE``; none starts before :attr:`now_ms`. Longer arrays are buffers.
            fee_limit_msat: most each may pay in routing fees.
            n_payments: how many of them count.
        """
        clock = self.state.clock[0]
        for name, used in (("payments", clock.n_payments), ("events", clock.n_events)):
            pool = getattr(self.state, name)
            if used + n_payments + INITIAL_POOL // 2 > len(pool):
                self.state = self.state._replace(**{name: grown(pool, 2 * (len(pool) + n_payments))})
        return int(submit(self.state, payments, fee_limit_msat, n_payments))

    def set_policy(self, edge: int, **changes: int | bool) -> None:
        """Change the policy of ``edge``: its node enforces it at once, senders hear of it later.

        Keywords are the policy fields of ``EDGE_DTYPE`` (``base_fee_msat``, ``fee_ppm``, ...).

        Raises:
            InputError: for an unknown edge or field or a negative value (inbound fees may be negative).
        """
        self.check_edge(edge)
        for name, value in changes.items():
            if name not in self.network.edges.dtype.names:
                raise InputError(
                    f"{name!r} is not a policy field; use one of {', '.join(self.network.edges.dtype.names)}"
                )
            if value < 0 and not name.startswith("inbound"):
                raise InputError(f"policy field {name} must not be negative, got {value}")
        for name, value in changes.items():
            setattr(self.state.edges[edge], name, value)
        self.make_room()
        announce(self.state, edge)

    def check_edge(self, edge: int) -> None:
        """Raise InputError unless ``edge`` exists."""
        if not 0 <= edge < self.network.n_edges:
            raise InputError(f"there is no edge {edge}; the network has edges 0..{self.network.n_edges - 1}")

    def chain_fee_msat(self, vbytes: int) -> int:
        """What a transaction of ``vbytes`` costs now."""
        return vbytes * self.feerate_msat_per_vb

    def wallet_msat(self, node: int) -> int:
        """What ``node`` owns on the chain."""
        return int(self.state.nodes[node].wallet_msat)

    def fund(self, node: int, amount_msat: int) -> None:
        """Give ``node`` an on-chain balance: the money it starts with."""
        self.state.nodes[node].wallet_msat += amount_msat
        self.endowed_msat += amount_msat

    def open_channel(self, node: int, peer: int, capacity_msat: int) -> int:
        """See :func:`lnherd.engine.operations.open_channel`."""
        return operations.open_channel(self, node, peer, capacity_msat)

    def establish_channel(self, node: int, peer: int, near_msat: int, far_msat: int) -> int:
        """See :func:`lnherd.engine.operations.establish_channel`."""
        return operations.establish_channel(self, node, peer, near_msat, far_msat)

    def close_channel(self, edge: int) -> int:
        """See :func:`lnherd.engine.operations.close_channel`."""
        return operations.close_channel(self, edge)

    def force_close(self, edge: int) -> int:
        """See :func:`lnherd.engine.operations.force_close_channel`. Decisions that wait have to be made first."""
        if self.state.clock[0].n_pending > 0:
            raise InputError("decisions wait for an answer; decide before a channel is force-closed")
        return operations.force_close_channel(self, edge)

    def splice_in(self, edge: int, amount_msat: int) -> int:
        """See :func:`lnherd.engine.operations.splice_in`."""
        return operations.splice_in(self, edge, amount_msat)

    def splice_out(self, edge: int, amount_msat: int) -> int:
        """See :func:`lnherd.engine.operations.splice_out`."""
        return operations.splice_out(self, edge, amount_msat)

    def swap_out(self, edge: int, amount_msat: int, fee_limit: int | None = None) -> int:
        """See :func:`lnherd.engine.operations.swap_out`."""
        return operations.swap_out(self, edge, amount_msat, fee_limit)

    def swap_in(self, edge: int, amount_msat: int) -> int:
        """See :func:`lnherd.engine.operations.swap_in`."""
        return operations.swap_in(self, edge, amount_msat)

    def set_online(self, node: int, online: bool) -> None:
        """See :func:`lnherd.engine.levers.set_online`."""
        levers.set_online(self, node, online)

    def set_conduct(self, node: int, **conduct: float) -> None:
        """See :func:`lnherd.engine.levers.set_conduct`."""
        levers.set_conduct(self, node, **conduct)

    def set_feerate(self, feerate_msat_per_vb: int) -> None:
        """See :func:`lnherd.engine.levers.set_feerate`."""
        levers.set_feerate(self, feerate_msat_per_vb)

    def shift_liquidity(self, edge: int, amount_msat: int) -> None:
        """See :func:`lnherd.engine.levers.shift_liquidity`."""
        levers.shift_liquidity(self, edge, amount_msat)

    def audit(self) -> list[str]:
        """Violated invariants in words; empty when the state is sound."""
        return audit(self.state, self.network.channels.capacity_msat, self.endowed_msat)

    def copy(self) -> "Simulation":
        """An independent copy at the same point in time, sharing only the static network."""
        twin = object.__new__(Simulation)
        twin.network, twin.config, twin.seed = self.network, self.config, self.seed
        twin.endowed_msat = self.endowed_msat
        fields = self.state._asdict()
        twin.state = State(**{name: pool if name in STATIC_FIELDS else pool.copy() for name, pool in fields.items()})
        return twin


def _check_choices(simulation: Simulation, choices: Ints) -> None:
    if len(choices) != len(simulation.pending):
        raise InputError(f"{len(simulation.pending)} decisions wait, got {len(choices)} choices")
    if choices.min(initial=0) < SPLIT or choices.max(initial=0) >= simulation.network.n_edges:
        raise InputError("a choice must be an edge, SPLIT or GIVE_UP")
    foreign = foreign_choice(simulation.state, choices)
    if foreign != NONE:
        raise InputError(f"edge {foreign} does not leave the node that has to choose")


def _largest_node(network: Network) -> int:
    """The swap service: the node with the largest capacity in live channels, as swap services are."""
    live = network.channels[network.live_channels]
    capacity = np.zeros(network.n_nodes, dtype=np.int64)
    np.add.at(capacity, live.node1, live.capacity_msat)
    np.add.at(capacity, live.node2, live.capacity_msat)
    return int(np.argmax(capacity)) if network.n_nodes else NONE


def _check_payment(network: Network, nodes: tuple[int, int], amount_msat: int, edges: tuple[int, int]) -> None:
    sender, receiver = nodes
    for node in nodes:
        if not 0 <= node < network.n_nodes:
            raise InputError(f"payment names node {node}; the network has nodes 0..{network.n_nodes - 1}")
    if amount_msat <= 0:
        raise InputError(f"payment amount must be positive, got {amount_msat} msat")
    if sender == receiver and NONE in edges:
        raise InputError("a payment to oneself is a rebalance and needs first_edge and last_edge")
    first_edge, last_edge = edges
    if first_edge != NONE and network.edge_source[first_edge] != sender:
        raise InputError(f"first_edge {first_edge} does not leave the sender {sender}")
    if last_edge != NONE and network.edge_target[last_edge] != receiver:
        raise InputError(f"last_edge {last_edge} does not lead to the receiver {receiver}")
