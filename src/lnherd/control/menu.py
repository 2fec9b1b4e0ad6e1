"""The menu: a bounded list of sensible candidate actions for what a node sees. *Wait* is candidate 0.

The menu only proposes what can work (enough balance, coins, a channel that is not busy); it does not
judge. Ranking is by need: the channel that can soonest send no more is filled from the one that can soonest
receive no more, coins come in where most fits, go out where most can leave.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.costs import CLOSE_VBYTES, OPEN_VBYTES, SWAP_VBYTES
from lnherd.control.view import NodeView
from lnherd.errors import InputError
from lnherd.network.records import Floats, Ints
from lnherd.units import MSAT_PER_SAT, PPM

CHAIN_VBYTES = {
    ActionKind.OPEN: OPEN_VBYTES,
    ActionKind.SWAP_OUT: SWAP_VBYTES,
    ActionKind.SWAP_IN: SWAP_VBYTES,
}
"""Transactions that move an amount; what they cost can be held against it."""
ALL_KINDS = tuple(kind for kind in ActionKind if kind is not ActionKind.SET_FEE)


@dataclass(frozen=True)
class MenuConfig:
    """Which acts are offered, and in which sizes."""

    max_candidates: int = 24
    """K, the length of the candidate arrays."""
    kinds: tuple[ActionKind, ...] = ALL_KINDS
    """Kinds that are offered; WAIT always is."""
    n_pairs: int = 3
    """Rebalances: how many channels are filled, those first that can soonest send no more."""
    rebalance_hours: tuple[float, ...] = (12.0,)
    """Rebalances: amounts that serve the target's demand for so long."""
    rebalance_parts: tuple[float, ...] = (1.0,)
    """Rebalances: parts of the amount that would make both channels equally full."""
    rebalance_min_msat: int = 10_000 * MSAT_PER_SAT
    """Smallest rebalance (rebalance-lnd: 10k sat)."""
    rebalance_fee_limit_ppm: int = 3_000
    """Most that a candidate rebalance may pay in routing fees."""
    halvings: int = 3
    """How often a failed rebalance is retried at once with half the amount."""
    n_swap_channels: int = 2
    """Swaps: on how many channels they are offered."""
    swaps_by_need: bool = False
    """Swaps: whether channels that can soonest receive (out) or send (in) no more come first, rather than those with
    the most to swap."""
    swap_hours: tuple[float, ...] = (6.0, 12.0, 24.0)
    """Swaps: amounts that serve the node's demand in that direction for so long."""
    swap_parts: tuple[float, ...] = (0.5,)
    """Swaps: amounts as parts of the channel's capacity."""
    swap_min_msat: int = 50_000 * MSAT_PER_SAT
    """Smallest swap the server takes (Boltz: 50k sat)."""
    swap_max_msat: int = 10_000_000 * MSAT_PER_SAT
    """Largest swap the server takes (Boltz: 10M sat)."""
    swap_fee_limit_ppm: int = 10_000
    """Most that a candidate swap-out may pay in routing fees to the service (Loop: 1 %)."""
    chain_fee_limit_ppm: int | None = None
    """Swaps and opens: offered only while the transaction costs at most this part of what it moves (Loop has such a
    limit, too)."""
    n_peers: int = 2
    """Opens: how many candidate peers."""
    open_tiers_msat: tuple[int, ...] = (500_000 * MSAT_PER_SAT, 2_000_000 * MSAT_PER_SAT)
    """Opens: capacities on offer."""
    n_closes: int = 1
    """Closes: how many of the idlest channels are offered."""
    n_fee_channels: int = 2
    """Fee steps: up on this many of the emptiest channels, down on as many of the fullest."""
    fee_factor: float = 1.5
    """A fee step multiplies base and ppm by this, or divides them."""
    fee_floor_ppm: int = 1
    """Fee steps down stop here."""
    fee_ceiling_ppm: int = 5_000
    """Fee steps up stop here."""

    def __post_init__(self) -> None:
        if self.max_candidates < 1:
            raise InputError(f"menu: max_candidates is {self.max_candidates}; it must be at least 1, for waiting")


def candidate_actions(view: NodeView, menu: MenuConfig) -> tuple[Action, ...]:
    """At most ``menu.max_candidates`` actions for ``view``, WAIT first; a pure function of both."""
    offers = {
        ActionKind.REBALANCE: _rebalances,
        ActionKind.SWAP_OUT: _swaps_out,
        ActionKind.SWAP_IN: _swaps_in,
        ActionKind.OPEN: _opens,
        ActionKind.CLOSE: _closes,
        ActionKind.FEE_UP: _fees_up,
        ActionKind.FEE_DOWN: _fees_down,
        ActionKind.SET_FEE: _free,
    }
    offered = [WAIT]
    for kind in menu.kinds:
        if kind in offers:
            offered.extend(each for each in offers[kind](view, menu) if _is_worth_the_chain(each, view, menu))
    return tuple(offered[: menu.max_candidates])


def _is_worth_the_chain(action: Action, view: NodeView, menu: MenuConfig) -> bool:
    if menu.chain_fee_limit_ppm is None:
        return True
    cost_msat = CHAIN_VBYTES.get(action.kind, 0) * view.feerate_msat_per_vb
    return cost_msat <= action.amount_msat * menu.chain_fee_limit_ppm // PPM


def _idle_rows(view: NodeView, order: Ints) -> list[int]:
    """Rows in ``order`` whose channel nothing is pending on."""
    busy = view.busy
    return [int(row) for row in order if not busy[row]]


def _rebalances(view: NodeView, menu: MenuConfig) -> Iterator[Action]:
    """Fill the channels that can soonest send no more from those that can soonest receive no more."""
    if len(view.channels) < 2:
        return
    shares = view.local_share
    targets = _idle_rows(view, np.argsort(_hours(view.spendable_msat, view.channels.out_msat_per_h), kind="stable"))
    sources = _idle_rows(view, np.argsort(_hours(view.receivable_msat, view.channels.in_msat_per_h), kind="stable"))
    for target, source in zip(targets[: menu.n_pairs], sources, strict=False):
        if shares[source] <= shares[target]:
            continue
        for size in _rebalance_sizes(view, source, target, menu):
            yield Action(
                ActionKind.REBALANCE,
                channel=int(view.channels.channel[source]),
                to_channel=int(view.channels.channel[target]),
                amount_msat=size,
                fee_limit_msat=size * menu.rebalance_fee_limit_ppm // PPM,
                halvings=menu.halvings,
            )


def _hours(available_msat: Ints, demand_msat_per_h: Floats) -> Floats:
    """How long each channel lasts; without demand in proportion to what it holds, so that the emptiest is first."""
    hours: Floats = available_msat / np.maximum(demand_msat_per_h, 1.0)
    return hours


def _rebalance_sizes(view: NodeView, source: int, target: int, menu: MenuConfig) -> list[int]:
    """Distinct amounts: hours of the target's demand, parts of what makes both equally full; never more."""
    most = equalising_msat(view, source, target)
    wished = [hours * view.channels.out_msat_per_h[target] for hours in menu.rebalance_hours]
    wished += [part * most for part in menu.rebalance_parts]
    sizes = {min(int(size), most) for size in wished}
    return sorted(size for size in sizes if size >= menu.rebalance_min_msat)


def equalising_msat(view: NodeView, source: int, target: int) -> int:
    """What to move from row ``source`` to row ``target`` so that both have the same local share.

    Solves p_s - x / c_s = p_t + x / c_t; never more than can be sent and received.
    """
    capacity_s = float(view.channels.capacity_msat[source])
    capacity_t = float(view.channels.capacity_msat[target])
    difference = view.local_share[source] - view.local_share[target]
    amount = difference / (1.0 / capacity_s + 1.0 / capacity_t)
    return int(min(amount, view.spendable_msat[source], view.receivable_msat[target]))


def _swap_sizes(capacity_msat: int, demand_msat_per_h: float, available_msat: int, menu: MenuConfig) -> list[int]:
    """Distinct swap amounts, raised to the server's minimum, cut to its maximum and to what is available."""
    most = min(available_msat, menu.swap_max_msat)
    wished = [hours * demand_msat_per_h for hours in menu.swap_hours]
    wished += [part * capacity_msat for part in menu.swap_parts]
    sizes = {min(max(int(size), menu.swap_min_msat), most) for size in wished}
    return sorted(size for size in sizes if size >= menu.swap_min_msat)


def _swap_rows(view: NodeView, available_msat: Ints, hours_left: Floats, menu: MenuConfig) -> list[int]:
    """Which channels swaps are offered on."""
    if menu.swaps_by_need:
        large = available_msat >= menu.swap_min_msat
        order = np.argsort(np.where(large, hours_left, np.inf), kind="stable")[: int(large.sum())]
    else:
        order = np.argsort(-available_msat, kind="stable")
    return _idle_rows(view, order)[: menu.n_swap_channels]


def _swaps_out(view: NodeView, menu: MenuConfig) -> Iterator[Action]:
    spendable = view.spendable_msat
    room = spendable - spendable * view.swap_fee_ppm // PPM
    left = _hours(view.receivable_msat, view.channels.in_msat_per_h)
    for row in _swap_rows(view, spendable, left, menu):
        capacity = int(view.channels.capacity_msat[row])
        for size in _swap_sizes(capacity, view.in_demand_msat_per_h, int(room[row]), menu):
            yield Action(
                ActionKind.SWAP_OUT,
                channel=int(view.channels.channel[row]),
                amount_msat=size,
                fee_limit_msat=size * menu.swap_fee_limit_ppm // PPM,
            )


def _swaps_in(view: NodeView, menu: MenuConfig) -> Iterator[Action]:
    receivable = view.receivable_msat
    affordable = view.wallet_msat - SWAP_VBYTES * view.feerate_msat_per_vb
    affordable -= max(affordable, 0) * view.swap_fee_ppm // PPM
    left = _hours(view.spendable_msat, view.channels.out_msat_per_h)
    for row in _swap_rows(view, receivable, left, menu):
        available, capacity = min(int(receivable[row]), affordable), int(view.channels.capacity_msat[row])
        for size in _swap_sizes(capacity, view.out_demand_msat_per_h, available, menu):
            yield Action(ActionKind.SWAP_IN, channel=int(view.channels.channel[row]), amount_msat=size)


def _opens(view: NodeView, menu: MenuConfig) -> Iterator[Action]:
    if np.any(view.pending.kind == ActionKind.OPEN):
        return
    affordable = view.wallet_msat - OPEN_VBYTES * view.feerate_msat_per_vb
    for peer in view.peers[: menu.n_peers]:
        for tier in menu.open_tiers_msat:
            if tier <= affordable:
                yield Action(ActionKind.OPEN, peer=int(peer.node), amount_msat=tier)


def _closes(view: NodeView, menu: MenuConfig) -> Iterator[Action]:
    """The idlest channels, as long as one remains and the close can be paid from the local balance."""
    if len(view.channels) < 2:
        return
    traffic = view.channels.out_msat_per_h + view.channels.in_msat_per_h
    cost = CLOSE_VBYTES * view.feerate_msat_per_vb
    for row in _idle_rows(view, np.argsort(traffic, kind="stable"))[: menu.n_closes]:
        if view.channels.local_msat[row] > cost and view.channels.n_htlcs[row] == 0:
            yield Action(ActionKind.CLOSE, channel=int(view.channels.channel[row]))


def _fees_up(view: NodeView, menu: MenuConfig) -> Iterator[Action]:
    for row in np.argsort(view.local_share, kind="stable")[: menu.n_fee_channels]:
        if view.channels.fee_ppm[row] < menu.fee_ceiling_ppm:
            yield Action(ActionKind.FEE_UP, channel=int(view.channels.channel[row]))


def _fees_down(view: NodeView, menu: MenuConfig) -> Iterator[Action]:
    for row in np.argsort(-view.local_share, kind="stable")[: menu.n_fee_channels]:
        if view.channels.fee_ppm[row] > menu.fee_floor_ppm:
            yield Action(ActionKind.FEE_DOWN, channel=int(view.channels.channel[row]))


def _free(view: NodeView, menu: MenuConfig) -> Iterator[Action]:
    """Forwarding for nothing through all channels, where that is not so yet."""
    if view.channels.base_fee_msat.any() or view.channels.fee_ppm.any():
        yield Action(ActionKind.SET_FEE, base_fee_msat=0, fee_ppm=0)


def stepped_fee(base_fee_msat: int, fee_ppm: int, kind: ActionKind, menu: MenuConfig) -> tuple[int, int]:
    """Base fee and ppm after one step up or down: a change of at least 1 ppm, within floor and ceiling."""
    if kind == ActionKind.FEE_UP:
        ppm = min(max(int(fee_ppm * menu.fee_factor), fee_ppm + 1), menu.fee_ceiling_ppm)
        return int(base_fee_msat * menu.fee_factor), ppm
    ppm = max(min(int(fee_ppm / menu.fee_factor), fee_ppm - 1), menu.fee_floor_ppm)
    return int(base_fee_msat / menu.fee_factor), ppm
