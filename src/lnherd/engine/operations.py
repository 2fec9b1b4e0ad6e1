"""What a node does on the chain: open, splice and close channels, swap in and out (submarine swaps).

Each starts an *operation* that the compiled loop carries on block by block (:mod:`lnherd.engine.chain`).
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lnherd.engine.building import edge_states, gossip_view, parallel_ring
from lnherd.engine.channels import spendable_msat
from lnherd.engine.codes import (
    CLOSE_CHANNEL,
    OP_CONFIRMING,
    OP_OFF_CHAIN,
    OPEN_CHANNEL,
    SPLICE_IN,
    SPLICE_OUT,
    SWAP_IN,
    SWAP_OUT,
)
from lnherd.engine.flow_space import allocate_flow
from lnherd.engine.force_close import force_close
from lnherd.engine.gossip import announce, announce_closure
from lnherd.engine.hop_state import N_REGIONS
from lnherd.engine.search_space import allocate_search
from lnherd.engine.sizes import (
    CLOSE_VBYTES,
    OPEN_VBYTES,
    SPLICE_IN_VBYTES,
    SPLICE_OUT_VBYTES,
    SWAP_IN_VBYTES,
    SWAP_OUT_VBYTES,
)
from lnherd.engine.splicing import pending_splice
from lnherd.engine.state import NONE
from lnherd.errors import InputError
from lnherd.network.records import grown

if TYPE_CHECKING:
    from lnherd.engine.simulation import Simulation

DEFAULT_POLICY = {
    "base_fee_msat": 1_000,
    "fee_ppm": 1,
    "cltv_delta": 80,
    "htlc_min_msat": 1_000,
    "enabled": True,
}
"""LND's policy for a new channel."""


def open_channel(simulation: "Simulation", node: int, peer: int, capacity_msat: int) -> int:
    """Fund a channel from ``node``'s wallet; usable after the confirmations. Returns the operation's id.

    Raises:
        InputError: if the peer is not another node, the capacity not positive or the wallet cannot pay.
    """
    _check_ends(simulation, node, peer)
    _require_positive(capacity_msat, "open a channel")
    fee_msat = simulation.chain_fee_msat(OPEN_VBYTES)
    _spend(simulation, node, capacity_msat + fee_msat, "open a channel")
    edge = _append_channel(simulation, node, peer, capacity_msat)
    height = simulation.height + simulation.config.open_confirmations
    return _add(simulation, OPEN_CHANNEL, OP_CONFIRMING, edge, capacity_msat, fee_msat, confirm_height=height)


def establish_channel(simulation: "Simulation", node: int, peer: int, near_msat: int, far_msat: int) -> int:
    """A channel out of nowhere: usable at once, paid by nobody, heard of like a changed policy. For experiments.

    Returns ``node``'s edge, which owns ``near_msat``; the policy is LND's for new channels.

    Raises:
        InputError: if the peer is not another node or the channel holds nothing.
    """
    _check_ends(simulation, node, peer)
    _require_positive(near_msat + far_msat, "establish a channel")
    edge = _append_channel(simulation, node, peer, near_msat + far_msat)
    simulation.endowed_msat += near_msat + far_msat
    for direction, balance_msat in ((edge, near_msat), (edge + 1, far_msat)):
        simulation.state.edges.balance_msat[direction] = balance_msat
        simulation.state.edges.is_open[direction] = True
    simulation.make_room()
    announce(simulation.state, edge)
    return edge


def _check_ends(simulation: "Simulation", node: int, peer: int) -> None:
    n_nodes = simulation.network.n_nodes
    if node == peer or not (0 <= node < n_nodes and 0 <= peer < n_nodes):
        raise InputError(f"cannot open a channel from node {node} to {peer}; name two nodes of 0..{n_nodes - 1}")


def close_channel(simulation: "Simulation", edge: int) -> int:
    """Close the channel of ``edge`` cooperatively; the near end of ``edge`` pays. Returns the operation's id.

    No new HTLC is taken from now on; pending ones and a splice finish first, then the close waits for confirmations.

    Raises:
        InputError: if the channel is not open.
    """
    simulation.check_edge(edge)
    near, far = simulation.state.edges[edge], simulation.state.edges[edge ^ 1]
    if not near.is_open:
        raise InputError(f"channel {edge >> 1} is not open, so it cannot be closed")
    near.is_open = far.is_open = False
    simulation.make_room()
    announce_closure(simulation.state, edge)
    fee_msat = min(simulation.chain_fee_msat(CLOSE_VBYTES), int(near.balance_msat))
    return _add(simulation, CLOSE_CHANNEL, OP_OFF_CHAIN, edge, int(near.balance_msat), fee_msat)


def force_close_channel(simulation: "Simulation", edge: int) -> int:
    """Publish the commitment transaction of ``edge``'s near end, which pays for it. Returns the operation's id.

    HTLCs are resolved on chain (:mod:`lnherd.engine.force_close`); the far end has its balance back after the
    confirmations, the near end after ``to_self_delay`` blocks more.

    Raises:
        InputError: if the channel is not open.
    """
    simulation.check_edge(edge)
    if not simulation.state.edges[edge].is_open:
        raise InputError(f"channel {edge >> 1} is not open, so it cannot be closed")
    simulation.make_room()
    return force_close(simulation.state, edge)


def splice_in(simulation: "Simulation", edge: int, amount_msat: int) -> int:
    """Add ``amount_msat`` of the near end's wallet to its side of the channel. Returns the operation's id.

    The wallet pays amount and fee now, the channel stays in use; the amount can be spent, and the capacity grows,
    after ``splice_confirmations``.

    Raises:
        InputError: if the channel is not open or being spliced, the amount not positive or the wallet cannot pay.
    """
    _require_spliceable(simulation, edge)
    _require_positive(amount_msat, "splice in")
    fee_msat = simulation.chain_fee_msat(SPLICE_IN_VBYTES)
    _spend(simulation, int(simulation.state.edges[edge].source), amount_msat + fee_msat, "splice in")
    height = simulation.height + simulation.config.splice_confirmations
    return _add(simulation, SPLICE_IN, OP_CONFIRMING, edge, amount_msat, fee_msat, confirm_height=height)


def splice_out(simulation: "Simulation", edge: int, amount_msat: int) -> int:
    """Take ``amount_msat`` from the near end's side of the channel to its wallet. Returns the operation's id.

    The amount leaves the balance now, the channel stays in use; it reaches the wallet, less the fee, and the
    capacity shrinks after ``splice_confirmations``.

    Raises:
        InputError: if the channel is not open or being spliced, or the amount does not exceed the fee, is more
            than the near end may spend, or would leave the channel without capacity.
    """
    _require_spliceable(simulation, edge)
    fee_msat = simulation.chain_fee_msat(SPLICE_OUT_VBYTES)
    if amount_msat <= fee_msat:
        raise InputError(f"a splice-out of {amount_msat} msat does not cover its fee of {fee_msat} msat")
    most_msat = min(spendable_msat(simulation.state, edge), int(simulation.capacity_msat[edge >> 1]) - 1)
    if amount_msat > most_msat:
        raise InputError(f"edge {edge} can spare {most_msat} msat, not the {amount_msat} to splice out")
    simulation.state.edges[edge].balance_msat -= amount_msat
    height = simulation.height + simulation.config.splice_confirmations
    return _add(simulation, SPLICE_OUT, OP_CONFIRMING, edge, amount_msat, fee_msat, confirm_height=height)


def _require_spliceable(simulation: "Simulation", edge: int) -> None:
    simulation.check_edge(edge)
    if not simulation.state.edges[edge].is_open:
        raise InputError(f"channel {edge >> 1} is not open, so it cannot be spliced")
    if pending_splice(simulation.state, edge) != NONE:
        raise InputError(f"channel {edge >> 1} is being spliced; wait until that is confirmed")


def swap_out(simulation: "Simulation", edge: int, amount_msat: int, fee_limit: int | None = None) -> int:
    """Pay ``amount_msat`` out of ``edge``'s channel to the swap service, receive it on chain, less fees.

    Raises:
        InputError: if the amount does not exceed the fees, or the node is the swap service itself.
    """
    node, service = _swap_parties(simulation, edge)
    fee_msat = _swap_fee_msat(simulation, amount_msat, SWAP_OUT_VBYTES)
    if amount_msat <= fee_msat:
        raise InputError(f"a swap-out of {amount_msat} msat does not cover its fees of {fee_msat} msat")
    payment_id = simulation.send(node, service, amount_msat, first_edge=edge, fee_limit=fee_limit)
    return _add(simulation, SWAP_OUT, OP_OFF_CHAIN, edge, amount_msat, fee_msat, payment=payment_id)


def swap_in(simulation: "Simulation", edge: int, amount_msat: int) -> int:
    """Pay ``amount_msat`` and fees on chain, receive it over Lightning into ``edge``'s channel.

    Raises:
        InputError: if the amount is not positive, the wallet cannot pay, or the node is the swap service itself.
    """
    node, service = _swap_parties(simulation, edge)
    _require_positive(amount_msat, "swap in")
    fee_msat = _swap_fee_msat(simulation, amount_msat, SWAP_IN_VBYTES)
    _spend(simulation, node, amount_msat + fee_msat, "swap in")
    payment_id = simulation.add_payment(service, node, amount_msat, last_edge=edge ^ 1)
    height = simulation.height + simulation.config.swap_confirmations
    return _add(
        simulation, SWAP_IN, OP_CONFIRMING, edge, amount_msat, fee_msat, payment=payment_id, confirm_height=height
    )


def _swap_parties(simulation: "Simulation", edge: int) -> tuple[int, int]:
    simulation.check_edge(edge)
    node, service = int(simulation.state.edges[edge].source), simulation.swap_node
    if node == service:
        raise InputError(f"node {node} is the swap service and cannot swap with itself")
    return node, service


def _swap_fee_msat(simulation: "Simulation", amount_msat: int, vbytes: int) -> int:
    return simulation.chain_fee_msat(vbytes) + amount_msat * simulation.config.swap_fee_ppm // 1_000_000


def _require_positive(amount_msat: int, purpose: str) -> None:
    if amount_msat <= 0:
        raise InputError(f"the amount to {purpose} must be positive, got {amount_msat} msat")


def _spend(simulation: "Simulation", node: int, amount_msat: int, purpose: str) -> None:
    wallet = simulation.state.nodes[node]
    if wallet.wallet_msat < amount_msat:
        raise InputError(f"node {node} has {wallet.wallet_msat} msat on chain, not the {amount_msat} to {purpose}")
    wallet.wallet_msat -= amount_msat


def _add(
    simulation: "Simulation",
    kind: int,
    status: int,
    edge: int,
    amount_msat: int,
    fee_msat: int,
    *,
    payment: int = NONE,
    confirm_height: int = 0,
) -> int:
    simulation.make_room()
    clock = simulation.state.clock[0]
    operation_id = int(clock.n_operations)
    clock.n_operations += 1
    operation = simulation.state.operations[operation_id]
    operation.kind, operation.status = kind, status
    operation.node, operation.edge = simulation.state.edges[edge].source, edge
    operation.amount_msat, operation.fee_msat = amount_msat, fee_msat
    operation.payment, operation.confirm_height = payment, confirm_height
    operation.attempt = NONE
    if payment != NONE:
        simulation.state.payments[payment].operation = operation_id
    return operation_id


def _append_channel(simulation: "Simulation", node: int, peer: int, capacity_msat: int) -> int:
    """Add a channel, all on the near side and not yet usable, to network and state; returns its near edge."""
    network, edge = simulation.network, simulation.network.n_edges
    channels = grown(network.channels, network.n_channels + 1)
    channels[-1] = (node, peer, capacity_msat, -1)
    edges = grown(network.edges, edge + 2)
    for name, value in DEFAULT_POLICY.items():
        edges[name][-2:] = value
    edges.htlc_max_msat[-2:] = capacity_msat
    balance_msat = np.concatenate([simulation.state.edges.balance_msat, [capacity_msat, 0]])
    simulation.network = replace(network, channels=channels, edges=edges, balance_msat=None)
    _append_edges(simulation, balance_msat)
    return edge


def _append_edges(simulation: "Simulation", balance_msat: np.ndarray) -> None:
    """Relay the per-edge arrays for the network's two newest edges; what is in motion stays as it is."""
    network, state = simulation.network, simulation.state
    n_edges = network.n_edges
    fresh = edge_states(network, balance_msat, simulation.config)[-2:]
    edges = grown(state.edges, n_edges)
    edges[-2:] = fresh
    edges.is_open[-2:] = False
    edges.parallel = parallel_ring(network)
    gossip, position = gossip_view(network)
    heard = state.gossip[state.gossip_position]  # by edge id: possibly older than the policies now in force
    gossip[position[:-2]] = heard
    gossip.enabled[position[-2:]] = False
    start, _ = network.incoming
    state.nodes.gossip_start, state.nodes.gossip_end = start[:-1], start[1:]
    simulation.state = state._replace(
        edges=edges,
        gossip=gossip,
        gossip_position=position,
        updates=grown(state.updates, n_edges),
        flows=grown(state.flows, n_edges),
        tracks=grown(state.tracks, n_edges * N_REGIONS),
        **allocate_search(network),
        **allocate_flow(network, simulation.config),
    )
