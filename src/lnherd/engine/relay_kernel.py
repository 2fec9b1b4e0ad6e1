"""The relay node of Papadis & Tassiulas (MARBLE 2023, arXiv 2210.07302): a compiled simulator of its own.

One node N between L and R, two channels, submarine swaps that take ``CONFIRMATION_MS``. Payments are instantaneous.
Money is in thousandths of a coin, so that a fee of 1 % of a whole number of coins is exact; channel 0 is N-L, 1 is N-R.
"""

import numpy as np

from lnherd.engine.jit import jit
from lnherd.network.records import Ints, Records

COIN = 1_000
"""Thousandths in a coin."""
CAPACITY = 1_000 * COIN
"""Of each channel; half of it is N's at the start."""
CHAIN_BUDGET = 1_000 * COIN
"""N's coins on the chain at the start."""
CONFIRMATION_MS = 599_400
"""9.99 minutes until a swap is through: just before the next decision."""
MINER_FEE = 2 * COIN
RELAY_FEE_PERCENT = 1
SERVER_FEE_PER_MILLE = 5

BOOK_DTYPE = np.dtype(
    [
        ("now_ms", "i8"),
        ("next_payment", "i8"),
        ("chain", "i8"),
        ("local", "i8", 2),
        ("remote", "i8", 2),
        ("swap", "i8", 2),
        ("swap_fee", "i8", 2),
        ("swap_done_ms", "i8", 2),
        ("offered", "i8", 2),
        ("n_offered", "i8", 2),
        ("n_relayed", "i8", 2),
        ("relay_fees", "i8"),
        ("n_swaps", "i8"),
        ("swap_fees", "i8"),
    ]
)
"""The whole state: balances, the swap under way on each channel (positive in, negative out), and totals. ``offered``
counts payments that came by each channel, ``n_relayed`` those of them that were relayed."""
RELAY_PAYMENT_DTYPE = np.dtype([("time_ms", "i8"), ("amount", "i8"), ("source", "i1")])
"""A payment that comes in over channel ``source`` and is to leave by the other."""


@jit
def swap_in_fee(net: int) -> int:
    """Fees on top of a swap-in that brings ``net``."""
    return int(net * SERVER_FEE_PER_MILLE // 1_000 + MINER_FEE)


@jit
def swap_out_fee(gross: int) -> int:
    """Fees out of a swap-out that takes ``gross`` from the channel: ``0.005 (s - 2) / 1.005 + 2``."""
    return int((gross - MINER_FEE) * SERVER_FEE_PER_MILLE // (1_000 + SERVER_FEE_PER_MILLE) + MINER_FEE)


@jit
def start_swap(books: Records, channel: int, amount: int) -> bool:
    """Swap ``amount`` into the channel (negative: out of it); False if it cannot be paid or one is under way."""
    book = books[0]
    if amount == 0 or book.swap[channel] != 0:
        return False
    if amount > 0:
        fee = swap_in_fee(amount)
        if book.chain < amount + fee:
            return False
        book.chain -= amount + fee
    else:
        fee = swap_out_fee(-amount)
        if book.local[channel] < -amount or -amount < fee:
            return False
        book.local[channel] += amount
    book.swap[channel], book.swap_fee[channel] = amount, fee
    book.swap_done_ms[channel] = book.now_ms + CONFIRMATION_MS
    book.n_swaps += 1
    book.swap_fees += fee
    return True


@jit
def _finish_swap(books: Records, channel: int) -> None:
    """The swap is confirmed. One coming in that finds the peer short of balance fails and is refunded in full."""
    book = books[0]
    amount, fee = book.swap[channel], book.swap_fee[channel]
    book.swap[channel] = 0
    if amount < 0:
        book.chain += -amount - fee
        book.remote[channel] += -amount
    elif book.remote[channel] < amount:
        book.chain += amount + fee
        book.swap_fees -= fee
    else:
        book.local[channel] += amount
        book.remote[channel] -= amount


@jit
def live(books: Records, payments: Records, until_ms: int) -> None:
    """Relay what fits and finish swaps, up to ``until_ms``."""
    book = books[0]
    position, n = book.next_payment, len(payments)
    while True:
        over = position >= n or payments[position].time_ms >= until_ms
        now_ms = until_ms if over else payments[position].time_ms
        for channel in range(2):
            if book.swap[channel] != 0 and book.swap_done_ms[channel] <= now_ms:
                _finish_swap(books, channel)
        if over:
            break
        _relay(books, payments, position)
        position += 1
    book.next_payment, book.now_ms = position, until_ms


@jit
def _relay(books: Records, payments: Records, position: int) -> None:
    """One payment: refused if the sender cannot pay it in, or N cannot pay it out."""
    book, payment = books[0], payments[position]
    source = payment.source
    target, amount = 1 - source, payment.amount
    fee = amount * RELAY_FEE_PERCENT // 100
    book.offered[source] += amount
    book.n_offered[source] += 1
    if amount > book.remote[source] or amount - fee > book.local[target]:
        return
    book.local[source] += amount
    book.remote[source] -= amount
    book.local[target] -= amount - fee
    book.remote[target] += amount - fee
    book.n_relayed[source] += 1
    book.relay_fees += fee


def fortune(books: Records) -> int:
    """All that N owns: both local balances, the chain, and what is on its way in swaps."""
    book = books[0]
    under_way: Ints = np.where(book.swap > 0, book.swap, np.where(book.swap < 0, -book.swap - book.swap_fee, 0))
    return int(book.local.sum()) + int(book.chain) + int(under_way.sum())
