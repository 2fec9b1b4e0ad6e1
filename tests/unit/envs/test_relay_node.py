"""The relay node, on events whose outcome can be worked out by hand."""

import numpy as np
import pytest

from lnherd.agents.relay_rules import Autoloop, Loopmax, RelayThresholds
from lnherd.agents.rules import DoNothing
from lnherd.agents.rules.tunable import ranges
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import as_actions
from lnherd.engine.relay_kernel import (
    CHAIN_BUDGET,
    COIN,
    CONFIRMATION_MS,
    RELAY_PAYMENT_DTYPE,
    fortune,
    live,
    start_swap,
    swap_in_fee,
    swap_out_fee,
)
from lnherd.envs.relay_node import CANDIDATE, CONTEXT, N_TICKS, RelayNodeTask, new_books, sample_payments
from lnherd.errors import InputError
from lnherd.network.records import zero_records

L, R = 0, 1
START = CHAIN_BUDGET + 1_000 * COIN


def payments(*rows):
    records = zero_records(len(rows), RELAY_PAYMENT_DTYPE)
    for k, row in enumerate(rows):
        records[k] = row
    return records


NONE = payments()


def test_a_payment_moves_both_channels_and_leaves_one_percent():
    books = new_books()
    live(books, payments((5, 100 * COIN, L)), 10)
    assert books[0].local.tolist() == [600 * COIN, 401 * COIN]
    assert books[0].remote.tolist() == [400 * COIN, 599 * COIN]
    assert fortune(books) - START == 1 * COIN


def test_a_payment_that_does_not_fit_is_refused():
    books = new_books()
    books.remote[0, L], books.local[0, L] = 99 * COIN, 901 * COIN
    live(books, payments((5, 100 * COIN, L), (6, 99 * COIN, L)), 10)
    assert (books[0].n_offered[L], books[0].n_relayed[L]) == (2, 1)
    assert books[0].offered[L] == 199 * COIN
    books.local[0, R] = 98 * COIN  # less than the 98.01 that would have to leave
    live(books, payments((5, 0, L), (6, 0, L), (11, 99 * COIN, L)), 20)
    assert books[0].n_relayed[L] == 1


def test_swap_in_costs_and_arrives():
    books = new_books()
    assert start_swap(books, R, 200 * COIN)
    assert books[0].chain == CHAIN_BUDGET - 203 * COIN  # 0.5 % and 2
    assert fortune(books) - START == -3 * COIN
    live(books, NONE, CONFIRMATION_MS - 1)
    assert books[0].local[R] == 500 * COIN
    live(books, NONE, CONFIRMATION_MS)
    assert (books[0].local[R], books[0].remote[R]) == (700 * COIN, 300 * COIN)
    assert fortune(books) - START == -3 * COIN


def test_swap_in_that_finds_too_little_on_the_other_side_is_refunded():
    books = new_books()
    assert start_swap(books, R, 501 * COIN)
    live(books, NONE, CONFIRMATION_MS)
    assert fortune(books) == START
    assert books[0].local[R] == 500 * COIN
    assert books[0].swap_fees == 0


def test_swap_out_takes_the_gross_amount_and_pays_its_fees_from_it():
    assert swap_out_fee(203 * COIN) == 3 * COIN  # 0.005 (203 - 2) / 1.005 + 2
    assert swap_in_fee(200 * COIN) == 3 * COIN
    books = new_books()
    assert start_swap(books, L, -203 * COIN)
    assert books[0].local[L] == 297 * COIN
    assert fortune(books) - START == -3 * COIN
    live(books, NONE, CONFIRMATION_MS)
    assert (books[0].chain, books[0].remote[L]) == (CHAIN_BUDGET + 200 * COIN, 703 * COIN)


@pytest.mark.parametrize(("channel", "amount"), [(L, 996 * COIN), (L, -501 * COIN), (L, -1 * COIN), (L, 0)])
def test_swaps_that_cannot_be_paid_are_refused(channel, amount):
    books = new_books()
    assert not start_swap(books, channel, amount)
    assert fortune(books) == START


def test_one_swap_a_channel():
    books = new_books()
    assert start_swap(books, L, -100 * COIN)
    assert not start_swap(books, L, -100 * COIN)
    assert start_swap(books, R, -100 * COIN)


def test_traffic_is_that_of_the_paper():
    sample = sample_payments(0)
    assert np.bincount(sample.source).tolist() == [60_000, 15_000]
    assert np.all(np.diff(sample.time_ms) >= 0)
    assert (sample.amount.min(), sample.amount.max()) == (1 * COIN, 100 * COIN)
    assert sample.time_ms[sample.source == R].max() == pytest.approx(6_000 * 60_000, rel=0.03)
    assert sample.amount.mean() == pytest.approx(26.2 * COIN, rel=0.02)
    assert not np.any(sample.amount % COIN)


def whole_life(policy, seed):
    task = RelayNodeTask()
    decision, rewards = task.reset(seed), []
    over = False
    while not over:
        result = task.step(policy.act(decision))
        rewards.append(result.reward)
        decision, over = result.decision, result.truncated
    return task, rewards


def test_rewards_add_up_to_the_profit_and_money_is_conserved():
    task, rewards = whole_life(Autoloop(), 3)
    book = task.books[0]
    assert sum(rewards) == pytest.approx(task.profit)
    assert len(rewards) == N_TICKS - 1
    assert task.profit * COIN == book.relay_fees - book.swap_fees
    assert np.all(book.local >= 0) and np.all(book.remote >= 0) and book.chain >= 0
    with pytest.raises(InputError, match="call reset"):
        task.step(WAIT)


def test_doing_nothing_ends_as_published():
    assert [round(whole_life(DoNothing(), seed)[0].profit) for seed in range(3)] == [998, 998, 998]


def test_decisions_are_within_their_bounds_and_hold_what_candidates_lead_to():
    task = RelayNodeTask()
    decision = task.reset(1)
    assert decision.features.shape == (9, len(CANDIDATE)) and decision.context.shape == (len(CONTEXT),)
    for _ in range(50):
        rows = decision.features[: len(decision.candidates)]
        assert decision.mask.sum() == len(rows) and decision.candidates[0] is WAIT
        assert np.all(rows >= 0) and np.all(rows <= 1) and np.all((decision.context >= 0) & (decision.context <= 1))
        shares = decision.view.local_share
        for action, row in zip(decision.candidates, rows, strict=True):
            sign = {ActionKind.WAIT: 0, ActionKind.SWAP_IN: 1, ActionKind.SWAP_OUT: -1}[action.kind]
            after = shares + sign * (np.arange(2) == action.channel) * action.amount_msat / (1_000 * COIN)
            assert row[CANDIDATE.index("ours_after")] == pytest.approx(after.mean(), abs=1e-6)
        result = task.step(decision.candidates[-1])
        assert result.refused == ()
        decision = result.decision


class TestRules:
    def look(self, local_l, local_r, offered=(250, 60)):
        task = RelayNodeTask()
        task.reset(0)
        books = new_books()
        books.now_ms = 10 * 60_000
        books.local[0] = local_l * COIN, local_r * COIN
        books.remote[0] = 1_000 * COIN - books.local[0]
        books.offered[0] = offered[0] * 10 * COIN, offered[1] * 10 * COIN
        task.books = books
        return task._look()

    def test_autoloop_goes_back_to_the_midpoint(self):
        swaps = as_actions(Autoloop().act(self.look(800, 100)))
        assert swaps == (
            Action(ActionKind.SWAP_OUT, channel=L, amount_msat=300 * COIN),
            Action(ActionKind.SWAP_IN, channel=R, amount_msat=400 * COIN),
        )
        assert Autoloop().act(self.look(700, 300)) is WAIT

    def test_loopmax_moves_all_but_two_minutes_of_net_demand(self):
        out, into = as_actions(Loopmax().act(self.look(800, 600)))
        assert out.amount_msat == pytest.approx((800 - 2 * (250 - 0.99 * 60)) * COIN, abs=2)
        rate = 60 - 0.99 * 250
        assert into.amount_msat == pytest.approx((400 + 2 * rate) * COIN if 400 + 2 * rate > 0 else 0, abs=2)

    def test_loopmax_waits_while_there_is_time(self):
        assert Loopmax().act(self.look(500, 500, offered=(10, 10))) is WAIT

    def test_thresholds_as_autoloop_by_default_and_only_beyond_the_joint_share(self):
        assert as_actions(RelayThresholds().act(self.look(800, 100))) == as_actions(Autoloop().act(self.look(800, 100)))
        joint = RelayThresholds(ours_min=0.9, low_l=0.0, low_r=0.0)
        assert joint.act(self.look(900, 850)) is WAIT
        assert [s.channel for s in as_actions(joint.act(self.look(960, 850)))] == [L, R]
        assert len(ranges(joint)) == 7
