"""From facts to state: lay a network, its balances and payments out for the compiled loop."""

import numpy as np

from lnherd.engine.config import HOP_POLICIES, SimulationConfig
from lnherd.engine.flow_space import allocate_flow
from lnherd.engine.hop_space import allocate_hops
from lnherd.engine.search_space import allocate_search
from lnherd.engine.state import (
    ATTEMPT_DTYPE,
    CLOCK_DTYPE,
    CONDUCT_DTYPE,
    EDGE_STATE_DTYPE,
    EVENT_DTYPE,
    FLOW_DTYPE,
    GOSSIP_DTYPE,
    LESSON_DTYPE,
    MEMORY_DTYPE,
    NODE_STATE_DTYPE,
    NONE,
    OPERATION_DTYPE,
    PAYMENT_STATE_DTYPE,
    ROUTE_DTYPE,
    UPDATES_DTYPE,
    State,
)
from lnherd.engine.unit import load_units
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Indices, Ints, Records, zero_records
from lnherd.units import MSAT_PER_SAT

POLICY_FIELDS = (
    "base_fee_msat",
    "fee_ppm",
    "inbound_base_fee_msat",
    "inbound_fee_ppm",
    "htlc_min_msat",
    "cltv_delta",
    "enabled",
)
INITIAL_POOL = 256
CLN_CLTV_DELTA = 34
"""Core Lightning's default time lock tells its nodes, and so their 30 HTLC slots, apart."""
UNLIMITED_MSAT = 1 << 60


def initial_state(
    network: Network, balance_msat: Ints, payments: Records, config: SimulationConfig, *, seed: int, swap_node: int
) -> State:
    """State at time 0: nothing in flight, no memory, blocks at height 0.

    ``balance_msat [E]`` is what the near end of each edge owns; ``payments`` has ``demand.PAYMENT_DTYPE``.
    """
    check_payments(network, payments)
    edges = edge_states(network, balance_msat, config)
    gossip, position = gossip_view(network)
    state = State(
        settings=config.to_settings(seed, swap_node),
        clock=_clock(len(payments), config),
        nodes=_nodes(network, HOP_POLICIES[config.hop_policy]),
        conduct=_conduct(network),
        edges=edges,
        gossip=gossip,
        gossip_position=position,
        updates=zero_records(network.n_edges, UPDATES_DTYPE),
        flows=zero_records(network.n_edges, FLOW_DTYPE),
        payments=payment_states(payments, config),
        attempts=zero_records(INITIAL_POOL, ATTEMPT_DTYPE),
        events=zero_records(INITIAL_POOL, EVENT_DTYPE),
        memory=zero_records(INITIAL_POOL, MEMORY_DTYPE),
        lessons=zero_records(INITIAL_POOL, LESSON_DTYPE),
        operations=zero_records(INITIAL_POOL, OPERATION_DTYPE),
        route=zero_records(1, ROUTE_DTYPE),
        **allocate_search(network),
        **allocate_flow(network, config),
        **allocate_hops(network, payments.receiver, config),
    )
    load_units(state)
    return state


def check_payments(network: Network, payments: Records) -> None:
    """Hold payments to their laws.

    Raises:
        InputError: naming the first payment that breaks one.
    """
    nodes = np.stack([payments.sender, payments.receiver])
    _reject(((nodes < 0) | (nodes >= network.n_nodes)).any(axis=0), f"names a node outside 0..{network.n_nodes - 1}")
    _reject(payments.sender == payments.receiver, "pays its own sender")
    _reject(payments.amount_msat <= 0, "has no positive amount")
    _reject(payments.start_ms < 0, "starts before time 0")
    _reject(np.concatenate([[False], np.diff(payments.start_ms) < 0]), "starts before the one above it; sort by start")


def _reject(offending: Records, problem: str) -> None:
    if len(offending) and offending.any():
        raise InputError(f"payment {int(np.argmax(offending))} {problem}")


def _clock(n_payments: int, config: SimulationConfig) -> Records:
    clock = zero_records(1, CLOCK_DTYPE)
    record = clock[0]
    record.n_payments = record.n_scheduled = n_payments
    record.free_attempt = record.free_lesson = NONE
    record.next_block_ms = int(config.block_interval_ms)
    record.feerate_msat_per_vb = int(config.feerate_median_msat_per_vb)
    return clock


def _nodes(network: Network, hop_policy: int) -> Records:
    nodes = zero_records(network.n_nodes, NODE_STATE_DTYPE)
    start, _ = network.incoming
    nodes.gossip_start, nodes.gossip_end = start[:-1], start[1:]
    nodes.memory_head = nodes.first_lesson = NONE
    nodes.online = True
    nodes.hop_policy = hop_policy
    for ends in (network.channels.node1, network.channels.node2):
        np.add.at(nodes.capacity_msat, ends, network.channels.capacity_msat)
    return nodes


def _conduct(network: Network) -> Records:
    conduct = zero_records(network.n_nodes, CONDUCT_DTYPE)
    conduct.availability = 1.0
    conduct.first_waiting = conduct.last_waiting = NONE
    return conduct


def edge_states(network: Network, balance_msat: Ints, config: SimulationConfig) -> Records:
    """Edges ``[E]`` as their owners enforce them, with their limits from ``config``."""
    edges = zero_records(network.n_edges, EDGE_STATE_DTYPE)
    capacity_msat = np.repeat(network.channels.capacity_msat, 2)
    for name in POLICY_FIELDS:
        edges[name] = network.edges[name]
    edges.balance_msat = edges.initial_balance_msat = balance_msat
    edges.htlc_max_msat = np.where(network.edges.htlc_max_msat > 0, network.edges.htlc_max_msat, UNLIMITED_MSAT)
    edges.log_capacity = np.log10(1.0 + capacity_msat / MSAT_PER_SAT)
    edges.reserve_msat = _share(capacity_msat, config.reserve_ppm)
    edges.max_in_flight_msat = _share(capacity_msat, config.max_in_flight_ppm)
    edges.source, edges.target = network.edge_source, network.edge_target
    receiver_cltv = network.edges.cltv_delta.reshape(-1, 2)[:, ::-1].reshape(-1)
    edges.max_htlcs = np.where(receiver_cltv == CLN_CLTV_DELTA, config.max_htlcs_cln, config.max_htlcs)
    edges.parallel = parallel_ring(network)
    edges.is_open = True
    return edges


def _share(amount_msat: Ints, ppm: int) -> Ints:
    """:func:`lnherd.engine.splicing.share_msat` of many amounts."""
    return amount_msat // 1_000_000 * ppm + amount_msat % 1_000_000 * ppm // 1_000_000


def parallel_ring(network: Network) -> Indices:
    """``[E]`` for each edge the next one between the same two nodes, in a ring."""
    ring = np.arange(network.n_edges, dtype=np.int32)
    order = np.lexsort((network.edge_target, network.edge_source)).astype(np.int32)
    source, target = network.edge_source[order], network.edge_target[order]
    if len(order) == 0:
        return ring
    starts = np.concatenate([[True], (np.diff(source) != 0) | (np.diff(target) != 0)])
    first = np.flatnonzero(starts)
    ends = np.concatenate([first[1:], [len(order)]]) - 1
    ring[order[:-1]] = order[1:]
    ring[order[ends]] = order[first]
    return ring


def gossip_view(network: Network) -> tuple[Records, Indices]:
    """What senders see ``[E]``, grouped by target, and where each edge is in it."""
    _, order = network.incoming
    announced, counter = network.edges[order], network.edges[order ^ 1]
    gossip = zero_records(network.n_edges, GOSSIP_DTYPE)
    gossip.edge = order
    gossip.source = network.edge_source[order]
    gossip.capacity_msat = network.channels.capacity_msat[order >> 1]
    for name in ("base_fee_msat", "fee_ppm", "htlc_min_msat", "cltv_delta", "enabled"):
        gossip[name] = announced[name]
    htlc_max = np.where(announced.htlc_max_msat > 0, announced.htlc_max_msat, UNLIMITED_MSAT)
    gossip.htlc_max_msat = np.minimum(htlc_max, gossip.capacity_msat)
    gossip.inbound_base_fee_msat = counter.inbound_base_fee_msat
    gossip.inbound_fee_ppm = counter.inbound_fee_ppm
    position = np.empty(network.n_edges, dtype=np.int32)
    position[order] = np.arange(network.n_edges, dtype=np.int32)
    return gossip, position


def payment_states(payments: Records, config: SimulationConfig) -> Records:
    """Payment records with room for those added while running."""
    states = zero_records(len(payments) + INITIAL_POOL, PAYMENT_STATE_DTYPE)
    given = states[: len(payments)]
    for name in ("start_ms", "amount_msat", "sender", "receiver", "kind"):
        given[name] = payments[name]
    given.fee_limit_msat = fee_limit_msat(payments.amount_msat, config.fee_limit)
    for name in ("first_edge", "last_edge", "first_attempt", "operation"):
        states[name] = NONE
    return states


def fee_limit_msat(amount_msat: Ints, rule: str) -> Ints:
    """What payers spend on fees at most: LND allows 100 % up to 1,000 sat and 5 % above, else no limit."""
    if rule == "none":
        return np.full_like(amount_msat, UNLIMITED_MSAT)
    return np.where(amount_msat <= 1_000_000, amount_msat, amount_msat // 20)
