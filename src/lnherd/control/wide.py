"""The wide look: a menu for each role and more columns, for policies that are trained in many worlds.

What a policy sees is a function of the view, so a policy that was trained with the wide look takes it anywhere,
whatever the task offers (:func:`wide_decision`). Besides what :mod:`lnherd.control.encode` shows it sees which channels
payments come and go by, how long each lasts, whom a new channel would lead to, what forwarding costs here, and how much
of the accounting day has passed (rules know the last by their budgets).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lnherd.control.action import Action, ActionKind
from lnherd.control.decision import Decision, Plan, StepResult, Task
from lnherd.control.encode import CANDIDATE_FEATURES, CONTEXT_FEATURES, encode, log_scale, runway
from lnherd.control.menu import MenuConfig, candidate_actions
from lnherd.control.view import NodeView, Role
from lnherd.units import MS_PER_DAY

WIDE_CONTEXT = (
    *CONTEXT_FEATURES,
    "day",  # share of the accounting day that has passed
    "own_fee",  # mean fee for forwarding 1,000 sat, log scale: 1 ppm is 0, 10,000 ppm 1
)
"""Columns of ``context``."""
WIDE_CANDIDATE = (
    *CANDIDATE_FEATURES,
    "flow_out",  # share of what leaves by the channel acted on, lately
    "flow_in",  # and of what arrives by it
    "lasts_out",  # runway of that channel alone
    "lasts_in",
    "of_wallet",  # OPEN, SWAP_IN: share of the coins that it takes
    "is_peer",  # OPEN: whether there is a channel already
    "centrality",  # OPEN: betweenness as a share of the most central node's
    "peer_channels",  # OPEN: log scale, 1,000 channels is 1
)
"""Columns of each candidate."""
SIZES = MenuConfig(
    max_candidates=32,
    n_pairs=2,
    rebalance_hours=(12.0,),
    rebalance_parts=(),
    n_swap_channels=3,
    swaps_by_need=True,
    swap_hours=(3.0, 8.0),
    swap_parts=(),
    swap_fee_limit_ppm=2_000,
    chain_fee_limit_ppm=20_000,
    n_peers=4,
)
"""Fewer sizes, more places; a swap that would cost more than 0.2 % in routing fees had better fail, and what would pay
more than 2 % to the chain had better wait."""
WIDE_MENUS = {
    Role.CONSUMER: replace(SIZES, kinds=(ActionKind.REBALANCE, ActionKind.SWAP_IN, ActionKind.OPEN)),
    Role.PROVIDER: replace(SIZES, kinds=(ActionKind.SWAP_OUT, ActionKind.REBALANCE)),
    Role.ROUTER: replace(
        SIZES,
        n_swap_channels=2,
        kinds=(
            ActionKind.SET_FEE, ActionKind.OPEN, ActionKind.REBALANCE, ActionKind.SWAP_OUT, ActionKind.SWAP_IN,
            ActionKind.FEE_UP, ActionKind.FEE_DOWN,
        ),
    ),
}  # fmt: skip
"""What each role is offered."""
NO_OFFERS = MenuConfig(max_candidates=1, kinds=())
"""For tasks whose own offers nobody looks at."""


def wide_decision(view: NodeView) -> Decision:
    """Offer what the wide menu has for ``view``, and show it in the wide columns."""
    menu = WIDE_MENUS[view.role]
    candidates = candidate_actions(view, menu)
    plain = encode(view, candidates, menu.max_candidates)
    context = np.concatenate([plain.context[: len(CONTEXT_FEATURES)], _more_context(view)])
    more = np.zeros((menu.max_candidates, len(WIDE_CANDIDATE) - len(CANDIDATE_FEATURES)), dtype=np.float32)
    more[: len(candidates)] = _more_of(view, candidates)
    features = np.concatenate([plain.candidates, np.clip(more, -1.0, 1.0)], axis=1)
    return Decision(view, candidates, context, features, plain.mask)


def _more_context(view: NodeView) -> NDArray[np.float32]:
    channels = view.channels.view(np.ndarray)
    fees = channels["base_fee_msat"] + channels["fee_ppm"]  # for 1,000 sat, 1 msat is 1 ppm
    fee = log_scale(float(fees.mean()) if len(fees) else 0.0, 4.0)
    return np.array([view.now_ms % MS_PER_DAY / MS_PER_DAY, min(fee, 1.0)], dtype=np.float32)


def _more_of(view: NodeView, candidates: tuple[Action, ...]) -> list[list[float]]:
    """The wide columns of each candidate."""
    row_of = {channel: row for row, channel in enumerate(view.channels.channel.tolist())}
    by_channel, own = _by_channel(view), set(view.channels.peer.tolist())
    peers = {int(peer.node): (float(peer.centrality), int(peer.n_channels)) for peer in view.peers}
    rows = []
    for action in candidates:
        row = row_of.get(action.to_channel if action.to_channel >= 0 else action.channel)
        takes = action.kind in (ActionKind.OPEN, ActionKind.SWAP_IN)
        centrality, n_channels = peers.get(action.peer, (0.0, 0))
        rows.append(
            [
                *(by_channel[row] if row is not None else (0.0,) * 4),
                action.amount_msat / max(view.wallet_msat, 1) if takes else 0.0,
                float(action.peer in own),
                centrality,
                log_scale(n_channels, 3.0),
            ]
        )
    return rows


def _by_channel(view: NodeView) -> list[tuple[float, ...]]:
    """``flow_out, flow_in, lasts_out, lasts_in`` of each own channel."""
    channels = view.channels.view(np.ndarray)
    out, into = channels["out_msat_per_h"], channels["in_msat_per_h"]
    available = zip(view.spendable_msat.tolist(), out.tolist(), strict=True)
    room = zip(view.receivable_msat.tolist(), into.tolist(), strict=True)
    return list(
        zip(
            (out / max(float(out.sum()), 1.0)).tolist(),
            (into / max(float(into.sum()), 1.0)).tolist(),
            [runway(*each) for each in available],
            [runway(*each) for each in room],
            strict=True,
        )
    )


class WideTask:
    """A task with the wide look."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def reset(self, seed: int) -> Decision:
        """Start an episode."""
        return wide_decision(self.task.reset(seed).view)

    def step(self, plan: Plan) -> StepResult:
        """One tick."""
        result = self.task.step(plan)
        return replace(result, decision=wide_decision(result.decision.view))


def wide_task(make_task: Callable[[], Task]) -> WideTask:
    """A new task with the wide look."""
    return WideTask(make_task())
