"""The relay-node scenario of Papadis & Tassiulas (MARBLE 2023): a published problem, kept to the letter.

A relay between L and R sees four times as much traffic from L to R as back. Every ten minutes it may swap coins into
or out of either channel; what counts is its fortune after 6,000 minutes. Everything is described in docs/relay-node.md.
One coin is a satoshi in views and actions (1,000 msat).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan, StepResult, as_actions
from lnherd.control.view import OWN_CHANNEL_DTYPE, PENDING_DTYPE, NodeView, Role
from lnherd.engine.relay_kernel import (
    BOOK_DTYPE,
    CAPACITY,
    CHAIN_BUDGET,
    COIN,
    RELAY_PAYMENT_DTYPE,
    fortune,
    live,
    start_swap,
    swap_in_fee,
    swap_out_fee,
)
from lnherd.errors import InputError
from lnherd.network.records import Records, zero_records
from lnherd.units import MS_PER_HOUR, MS_PER_MINUTE

MINUTES = 6_000
TICK_MS = 10 * MS_PER_MINUTE
N_TICKS = MINUTES * MS_PER_MINUTE // TICK_MS
FLOWS = ((60_000, 10.0), (15_000, 2.5))
"""(number of payments, payments a minute) from L to R and from R to L."""
AMOUNT_MEAN, AMOUNT_SD, AMOUNT_MIN, AMOUNT_MAX = 25.0, 20.0, 1.0, 100.0
"""Amounts are whole coins: Normal, clipped."""
PARTS = (0.4, 0.8)
"""Sizes of the swaps that learners are offered, as parts of a channel's capacity."""
KINDS = (ActionKind.WAIT, ActionKind.SWAP_OUT, ActionKind.SWAP_IN)
CONTEXT = ("local_l", "local_r", "remote_l", "remote_r", "chain", "demand_l", "demand_r")
"""What a learner sees, as the published one: four balances, coins on the chain, two estimates of demand."""
CANDIDATE = ("is_wait", "is_swap_out", "is_swap_in", "ours_after", "local_l_after", "local_r_after", "cost")
"""What follows from an act by arithmetic: N's share of both channels and of each one after it, and its fees in
tens of coins."""
SIZES = tuple(int(part * CAPACITY) for part in PARTS)
MAX_CANDIDATES = 1 + 2 * 2 * len(PARTS)
_ONE_HOT = {kind: [float(kind == other) for other in KINDS] for kind in KINDS}


def sample_payments(seed: int) -> Records:
    """RELAY_PAYMENT_DTYPE records of one life."""
    rng = np.random.default_rng(seed)
    parts = []
    for source, (n, per_minute) in enumerate(FLOWS):
        part = zero_records(n, RELAY_PAYMENT_DTYPE)
        part.time_ms = np.cumsum(rng.exponential(MS_PER_MINUTE / per_minute, n))
        coins = np.round(np.clip(rng.normal(AMOUNT_MEAN, AMOUNT_SD, n), AMOUNT_MIN, AMOUNT_MAX))
        part.amount, part.source = coins.astype(np.int64) * COIN, source
        parts.append(part)
    payments = np.concatenate(parts)
    return payments[np.argsort(payments["time_ms"], kind="stable")].view(np.recarray)


def new_books() -> Records:
    """The state at the start: BOOK_DTYPE ``[1]``."""
    books = zero_records(1, BOOK_DTYPE)
    books.local = books.remote = CAPACITY // 2
    books.chain = CHAIN_BUDGET
    return books


class RelayNodeTask:
    """A life of the relay node. The reward of a tick is the change of its fortune, in coins."""

    horizon = N_TICKS - 1
    """Decisions: the first after ten minutes, the last ten minutes before the end."""

    def __init__(self) -> None:
        self.books = new_books()
        self._payments = zero_records(0, RELAY_PAYMENT_DTYPE)
        self.tick = self.horizon

    @property
    def profit(self) -> float:
        """Fortune less what it was at the start, in coins."""
        return (fortune(self.books) - CHAIN_BUDGET - CAPACITY) / COIN

    def reset(self, seed: int) -> Decision:
        """Start a life and live through its first ten minutes, which nobody decides about."""
        self._payments, self.books, self.tick = sample_payments(seed), new_books(), 0
        live(self.books, self._payments, TICK_MS)
        return self._look()

    def step(self, plan: Plan) -> StepResult:
        """Start the swaps of ``plan``, then live for ten minutes.

        Raises:
            InputError: when the life is over or has not begun.
        """
        if self.tick >= self.horizon:
            raise InputError("relay node: this life is over; call reset first")
        before, book = self.profit, self.books[0].copy()
        if self.tick == 0:
            before = 0.0  # the first reward holds what the first ten minutes brought
        refused = [action.kind.name.lower() for action in as_actions(plan) if not self._start(action)]
        self.tick += 1
        live(self.books, self._payments, (self.tick + 1) * TICK_MS)
        reward, now = self.profit - before, self.books[0]
        terms = {
            "relay_fees": float(now.relay_fees - book.relay_fees) / COIN,
            "swap_fees": float(now.swap_fees - book.swap_fees) / COIN,
            "swaps": float(now.n_swaps - book.n_swaps),
        }
        return StepResult(self._look(), reward, terms, truncated=self.tick == self.horizon, refused=tuple(refused))

    def _start(self, action: Action) -> bool:
        if action.kind == ActionKind.WAIT:
            return True
        if action.kind not in KINDS or action.channel not in (0, 1) or action.amount_msat <= 0:
            return False
        sign = -1 if action.kind == ActionKind.SWAP_OUT else 1
        return bool(start_swap(self.books, action.channel, sign * action.amount_msat))

    def _look(self) -> Decision:
        book = self.books[0]
        known = _Known(
            book.local.tolist(), book.remote.tolist(), book.swap.tolist(), int(book.chain), book.offered.tolist()
        )
        view, candidates = _view(known, int(book.now_ms)), _candidates(known)
        features = np.zeros((MAX_CANDIDATES, len(CANDIDATE)), dtype=np.float32)
        features[: len(candidates)] = [_features(known, action) for action in candidates]
        mask = np.zeros(MAX_CANDIDATES, dtype=np.bool_)
        mask[: len(candidates)] = True
        return Decision(view, candidates, _context(known, int(book.now_ms)), features, mask)


class _Known(NamedTuple):
    """What N sees, as plain numbers; each list is (L, R)."""

    local: list[int]
    remote: list[int]
    swap: list[int]
    chain: int
    offered: list[int]


def _view(known: _Known, now_ms: int) -> NodeView:
    hours = now_ms / MS_PER_HOUR
    channels = np.zeros(2, OWN_CHANNEL_DTYPE)
    channels["channel"] = channels["peer"] = (0, 1)
    channels["capacity_msat"] = CAPACITY
    channels["local_msat"], channels["remote_msat"] = known.local, known.remote
    channels["usable"] = channels["peer_usable"] = True
    channels["in_msat_per_h"] = [offered / hours for offered in known.offered]
    channels["out_msat_per_h"] = [offered / hours for offered in known.offered[::-1]]
    swaps = [
        (ActionKind.SWAP_IN if amount > 0 else ActionKind.SWAP_OUT, channel, abs(amount))
        for channel, amount in enumerate(known.swap)
        if amount
    ]
    return NodeView(
        Role.ROUTER,
        channels.view(np.recarray),
        now_ms=now_ms,
        tick_ms=TICK_MS,
        wallet_msat=known.chain,
        pending=np.array(swaps, dtype=PENDING_DTYPE).view(np.recarray),
    )


def _candidates(known: _Known) -> tuple[Action, ...]:
    """Wait, and every swap of the offered sizes that can be paid now."""
    offered = [WAIT]
    for channel in (0, 1):
        for amount in () if known.swap[channel] else SIZES:
            if amount <= known.local[channel]:
                offered.append(Action(ActionKind.SWAP_OUT, channel=channel, amount_msat=amount))
            if amount <= known.remote[channel] and amount + swap_in_fee(amount) <= known.chain:
                offered.append(Action(ActionKind.SWAP_IN, channel=channel, amount_msat=amount))
    return tuple(offered)


def _context(known: _Known, now_ms: int) -> NDArray[np.float32]:
    balances = [balance / CAPACITY for balance in (*known.local, *known.remote)]
    demand = [offered / now_ms * TICK_MS / CAPACITY / 10 for offered in known.offered]
    values = [*balances, known.chain / (known.chain + 2 * CAPACITY), *demand]
    return np.clip(np.array(values, dtype=np.float32), 0.0, 1.0)


def _features(known: _Known, action: Action) -> list[float]:
    local, cost = [balance / CAPACITY for balance in known.local], 0
    if action.kind == ActionKind.SWAP_OUT:
        local[action.channel] -= action.amount_msat / CAPACITY
        cost = swap_out_fee(action.amount_msat)
    elif action.kind == ActionKind.SWAP_IN:
        local[action.channel] += action.amount_msat / CAPACITY
        cost = swap_in_fee(action.amount_msat)
    return [*_ONE_HOT[action.kind], sum(local) / 2, *local, cost / (10 * COIN)]
