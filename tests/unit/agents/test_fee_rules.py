"""Rules that set fees, on worked numbers from their formulas."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lnherd.agents.rules import (
    ClbossFees,
    DemandController,
    ExpBalance,
    LndgAutofees,
    Market,
    PidSpread,
    Static,
    TerminalAutofees,
)
from lnherd.agents.rules.clboss_fees import size_factor
from lnherd.agents.rules.exp_balance import BalanceBins, balance_factor, n_bins
from lnherd.agents.rules.lndg_autofees import PeerFigures
from lnherd.agents.rules.pid_spread import Controller, liquidity_error
from lnherd.agents.rules.price_theory import Deck, price_factor
from lnherd.agents.rules.terminal_autofees import target_flow
from lnherd.control.action import WAIT, ActionKind
from lnherd.control.decision import as_actions, decide
from lnherd.control.menu import MenuConfig
from lnherd.control.view import NodeView, Role, own_channels
from lnherd.units import MS_PER_DAY, MS_PER_HOUR

SAT = 1_000
M = 1_000_000 * SAT


def view(locals_, now_ms=0, **columns):
    channels = own_channels(capacity_msat=[M] * len(locals_), local_msat=[int(p * M) for p in locals_], **columns)
    return NodeView(Role.ROUTER, channels, now_ms=now_ms, wallet_msat=10 * M)


def act(rule, node_view):
    return as_actions(rule.act(decide(node_view, MenuConfig())))


class TestStatic:
    def test_sets_what_differs_and_then_rests(self):
        changes = act(Static(500, 50), view([0.5, 0.5], base_fee_msat=[500, 1_000], fee_ppm=[50, 50]))
        assert [(a.channel, a.base_fee_msat, a.fee_ppm) for a in changes] == [(1, 500, 50)]
        assert act(Static(500, 50), view([0.5], base_fee_msat=[500], fee_ppm=[50])) == (WAIT,)


class TestMarket:
    def test_takes_the_markets_fees_once_where_there_is_a_market(self):
        rule, look = Market(), view([0.5, 0.5], market_fee_ppm=[300, -1], market_base_fee_msat=[7, -1])
        assert [(a.channel, a.base_fee_msat, a.fee_ppm) for a in act(rule, look)] == [(0, 7, 300)]
        assert act(rule, look) == (WAIT,)


class TestExpBalance:
    def test_factors_of_the_reference(self):
        assert [round(balance_factor(p), 2) for p in (0.0, 0.25, 0.5, 0.75, 1.0)] == [7.07, 2.66, 1.0, 0.38, 0.14]

    def test_four_to_fifty_bins_of_about_200k_sat(self):
        sizes = (100_000, 1_000_000, 2_000_000, 50_000_000)
        assert [n_bins(sat * SAT, 200_000 * SAT) for sat in sizes] == [4, 5, 10, 50]

    def test_the_fee_is_the_markets_at_the_middle_of_the_bin(self):
        look = view([0.05, 0.5], market_fee_ppm=[1_000, 1_000], market_base_fee_msat=[100, 0])
        low, middle = act(ExpBalance(), look)  # five bins: centres 0.1 and 0.5
        assert (low.fee_ppm, low.base_fee_msat) == (round(1_000 * 50**0.4), round(100 * 50**0.4))
        assert middle.fee_ppm == 1_000

    def test_a_share_must_leave_its_bin_by_a_margin(self):
        sticky, loose = BalanceBins(200_000 * SAT, 0.5), BalanceBins(200_000 * SAT, 0.0)
        for bins in (sticky, loose):
            assert bins.centre(0, M, 0.19) == pytest.approx(0.1)
        sticky._rng = np.random.default_rng(1)  # its first margin is above a quarter of a bin
        assert sticky.centre(0, M, 0.21) == pytest.approx(0.1)
        assert loose.centre(0, M, 0.21) == pytest.approx(0.3)
        assert sticky.centre(0, M, 0.35) == pytest.approx(0.3)

    def test_without_a_market_nothing_is_set(self):
        assert act(ExpBalance(), view([0.1], market_fee_ppm=[-1])) == (WAIT,)


QUIET = PeerFigures(0.5, 0.0, flowed=False, came_in=False, failed=0, earned_msat=0, assisted_msat=0)


class TestLndgAutofees:
    @pytest.mark.parametrize(
        ("changes", "new_ppm"),
        [
            ({"out_share": 0.15, "failed": 26}, 125),  # +5M
            ({"out_share": 0.15, "failed": 25}, 100),
            ({"out_share": 0.15, "failed": 26, "came_in": True}, 100),
            ({}, 85),  # -3M
            ({"flowed": True, "net": 1.5}, 125),  # +2M (1 + 1.5)
            ({"flowed": True, "net": 1.0}, 100),
            ({"out_share": 0.95}, 75),  # -5M
            ({"out_share": 0.95, "flowed": True, "net": -0.1, "assisted_msat": 11, "earned_msat": 1}, 75),
            ({"out_share": 0.95, "flowed": True, "net": -0.1, "assisted_msat": 10, "earned_msat": 1}, 100),
        ],
    )
    def test_cells_of_the_table(self, changes, new_ppm):
        rule = LndgAutofees()
        assert rule.new_ppm(100, *rule.cell(replace(QUIET, **changes))) == new_ppm

    def test_fees_are_multiples_of_the_increment_within_limits(self):
        rule = LndgAutofees()
        assert rule.new_ppm(11, "idle", 1.0) == 0
        assert rule.new_ppm(2_490, "scarce", 1.0) == 2_500
        assert rule.new_ppm(103, "draining", 2.3) == 125  # 103 + 2 * 2.3 * 5 = 126

    def test_inbound_fees_move_the_other_way_within_65_percent(self):
        rule = LndgAutofees(inbound=True)
        assert rule.new_inbound_ppm(0, 100, "scarce", 1.0) == -60
        assert rule.new_inbound_ppm(-60, 100, "scarce", 1.0) == -65
        assert rule.new_inbound_ppm(-60, 100, "idle", 1.0) == -25
        assert rule.new_inbound_ppm(-60, 100, "stuck", 1.0) == 0

    def test_adjusts_after_a_day_by_peer(self):
        rule = LndgAutofees()
        first = view([0.5, 0.5, 0.1], fee_ppm=[100, 40, 100], peer=[7, 7, 8])
        assert act(rule, first) == (WAIT,)
        later = replace(first, now_ms=MS_PER_DAY)
        later.channels.received_msat[1] = 5
        later.channels.n_refused[2] = 30
        changes = act(rule, later)  # peer 7 has flowed, peer 8 is scarce
        assert [(a.channel, a.fee_ppm) for a in changes] == [(2, 125)]


class TestClbossFees:
    def test_size_factors(self):
        assert size_factor(0, 10) == pytest.approx(0.5)
        assert size_factor(5, 5) == pytest.approx(1.0)
        assert size_factor(100, 0) == pytest.approx(16 - math.log(100))
        assert size_factor(0, 0) == 1.0

    def test_price_levels(self):
        assert [round(price_factor(k), 4) for k in (-2, -1, 0, 1, 2)] == [0.64, 0.8, 1.0, 1.2, 1.44]

    def test_the_best_paid_card_becomes_the_centre(self):
        deck = Deck(np.random.default_rng(0), card_ms=10)
        played = []
        for _ in range(5):
            played.append(deck.level)
            deck.play(100 if deck.level == 2 else 1, 10)
        assert sorted(played) == [-2, -1, 0, 1, 2]
        assert deck.centre == 2

    def test_the_centre_stays_when_nothing_was_earned_and_a_disconnected_peer_plays_no_card(self):
        deck = Deck(np.random.default_rng(0), card_ms=10)
        for _ in range(5):
            deck.play(0, 10)
        assert deck.centre == 0
        level = deck.level
        deck.play(0, 0)
        assert deck.level == level

    def test_fee_is_the_product(self):
        rule = ClbossFees()
        (change,) = act(rule, view([0.5], market_fee_ppm=[1_000], n_smaller_rivals=[0], n_larger_rivals=[4]))
        assert change.fee_ppm == round(1_000 * 0.5 * price_factor(rule._decks[0].level))


class TestDemandController:
    def test_floor(self):
        rule = DemandController()
        assert rule.floor(0, 2 * M) == 1.05
        assert rule.floor(500_000 * SAT, 2 * M) == 1.0
        assert rule.floor(2 * M, 2 * M) == 0.5
        assert rule.floor(500_000 * SAT, 500_000 * SAT) == 1.0

    def test_steps(self):
        rule = DemandController()
        assert rule.new_ppm(100, 1.0, M, 2 * M) == 100
        assert rule.new_ppm(100, 1.4, M, 2 * M) == 120
        assert rule.new_ppm(100, 9.0, M, 2 * M) == 150
        assert rule.new_ppm(100, 0.0, M, 2 * M) == 83  # floor 1 - 0.5 / 3
        assert rule.new_ppm(5, 0.0, 2 * M, 2 * M) == 5

    def test_flow_counts_per_week(self):
        rule = DemandController(interval_ms=MS_PER_HOUR)
        look = view([0.5], fee_ppm=[100])
        assert act(rule, look) == (WAIT,)
        later = replace(look, now_ms=MS_PER_HOUR)
        hours = 1.5  # watched: one tick before the first look, then an hour
        later.channels.forwarded_msat[0] = round(1.2 * 100_000 * SAT * hours / (7 * 24))
        (change,) = act(rule, later)
        assert change.fee_ppm == 110


class TestTerminalAutofees:
    def test_target_is_the_mean_of_the_best_five(self):
        assert target_flow(np.arange(7.0), np.array([9, 0, 8, 7, 6, 5, 0])) == pytest.approx((0 + 2 + 3 + 4 + 5) / 5)

    def test_steps(self):
        rule = TerminalAutofees()
        assert rule.new_ppm(100, +1.0, 0.5) == 110
        assert rule.new_ppm(110, -1.0, 0.5) == 100
        assert rule.new_ppm(100, -1.0, 0.1) == 110
        assert rule.new_ppm(100, 0.0, 0.5) == 100
        assert rule.new_ppm(2, 1.0, 0.5) == 3


class TestPidSpread:
    def test_error_is_linear_on_both_sides_of_the_target(self):
        assert [liquidity_error(r, 0.4) for r in (0.0, 0.2, 0.4, 0.7, 1.0)] == pytest.approx(
            [-0.5, -0.25, 0, 0.25, 0.5]
        )

    def test_one_step_of_the_controller(self):
        rule = PidSpread(k_p=10.0, k_i=4.0, alpha_i=math.log(2), k_d=2.0, alpha_d=math.log(2), k_t=1.0)
        state = Controller(spread=0.0, error=0.1, average=0.2, change=0.4)
        rule.advance(state, 0.3, days=1.0)
        assert state.average == pytest.approx(0.25)
        assert state.change == pytest.approx(0.4)
        assert state.spread == pytest.approx(1.0 + 3.0 + 1.0 + 0.8)

    def test_fees_are_free_of_arbitrage(self):
        rule = PidSpread()
        rule._margin = 100.0
        assert rule.fees(50.0) == (150, -50)
        assert rule.fees(-60.0) == (40, 0)
        rule._margin = 0.0
        out, into = rule.fees(4_000.0)
        assert (out, into) == (4_000, -3_984)
        assert (1 + out / 1e6) * (1 + into / 1e6) >= 1

    def test_an_empty_channel_becomes_dearer_and_a_full_one_cheaper(self):
        rule = PidSpread(k_p=10_000.0, margin_ppm=100.0)
        empty, full = act(rule, view([0.1, 0.9], fee_ppm=[100, 100]))
        assert empty.fee_ppm > 100 > full.fee_ppm
        assert empty.kind == full.kind == ActionKind.SET_FEE
