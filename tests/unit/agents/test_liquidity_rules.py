"""Rules that move liquidity, on worked numbers from their formulas."""

from dataclasses import replace

import numpy as np
import pytest

from lnherd.agents.rules import ClbossEarnings, ClbossJit, GreedyImbalance, PeerJudge, TopCentrality
from lnherd.agents.rules.greedy_imbalance import gini
from lnherd.agents.rules.peer_judge import weighted_median
from lnherd.control.action import WAIT, ActionKind
from lnherd.control.decision import as_actions, decide
from lnherd.control.menu import MenuConfig
from lnherd.control.view import PEER_DTYPE, REBALANCED_DTYPE, NodeView, Role, own_channels
from lnherd.network.records import zero_records
from lnherd.units import MS_PER_DAY, MS_PER_HOUR

SAT = 1_000
M = 1_000_000 * SAT


def view(locals_, capacity=None, **columns):
    capacity = capacity or [M] * len(locals_)
    local = [int(p * c) for p, c in zip(locals_, capacity, strict=True)]
    return NodeView(Role.ROUTER, own_channels(capacity_msat=capacity, local_msat=local, **columns), wallet_msat=10 * M)


def act(rule, node_view):
    return as_actions(rule.act(decide(node_view, MenuConfig())))


def peers(*rows):
    records = zero_records(len(rows), PEER_DTYPE)
    for k, (node, centrality) in enumerate(rows):
        records[k].node, records[k].centrality = node, centrality
    return records


def trip(channel, to_channel, fee_msat, succeeded=True):
    records = zero_records(1, REBALANCED_DTYPE)
    records[0] = (channel, to_channel, 1_000, fee_msat, succeeded)
    return records


class TestGreedyImbalance:
    def test_moves_the_excess_over_the_nodes_mean(self):
        (circle,) = act(GreedyImbalance(), view([0.9, 0.1]))
        assert (circle.channel, circle.to_channel) == (0, 1)
        assert circle.amount_msat == 400_000 * SAT  # c (zeta - nu), nu = 1/2
        assert circle.fee_limit_msat == 400 * SAT

    def test_never_brings_the_target_beyond_the_mean(self):
        circles = act(GreedyImbalance(), view([1.0, 0.0, 0.5], [M, M // 2, M]))
        # nu = 1.5 / 2.5 = 0.6: the source has 400k too much, the targets lack 300k and 100k
        assert {c.to_channel: c.amount_msat // SAT for c in circles} == {1: 300_000, 2: 100_000}

    def test_ends_when_all_are_equal(self):
        assert act(GreedyImbalance(), view([0.6, 0.6])) == (WAIT,)

    def test_gini(self):
        assert gini(np.array([0.5, 0.5, 0.5])) == pytest.approx(0.0)
        assert gini(np.array([0.0, 0.0, 1.0])) == pytest.approx(2 / 3)


class Heads:
    """A coin that always lands so that the rule acts."""

    def random(self):
        return 0.9


class TestClbossEarnings:
    def acting(self):
        rule = ClbossEarnings()
        rule._rng = Heads()
        return rule

    def test_fills_to_three_quarters_for_no_more_than_was_earned(self):
        (move,) = act(self.acting(), view([0.1, 1.0], fees_msat=[300 * SAT, 0]))
        assert (move.channel, move.to_channel) == (1, 0)
        assert move.amount_msat == 650_000 * SAT  # min(0.75 - 0.1, 1 - 0.275)
        assert move.fee_limit_msat == 300 * SAT  # less than 1000 ppm of it

    def test_keeps_the_source_above_its_share_and_the_price_below_1000_ppm(self):
        (move,) = act(self.acting(), view([0.1, 0.5], fees_msat=[10_000 * SAT, 0]))
        assert (move.amount_msat, move.fee_limit_msat) == (225_000 * SAT, 225 * SAT)

    def test_never_fills_what_has_earned_nothing(self):
        assert act(self.acting(), view([0.1, 0.9])) == (WAIT,)

    def test_what_was_spent_on_a_channel_counts_against_it(self):
        rule = self.acting()
        look = replace(view([0.1, 0.9], fees_msat=[300 * SAT, 0]), rebalanced=trip(1, 0, 300 * SAT))
        assert act(rule, look) == (WAIT,)
        failed = replace(look, rebalanced=trip(1, 0, 300 * SAT, succeeded=False), now_ms=MS_PER_HOUR)
        assert act(rule, failed)[0].fee_limit_msat == 300 * SAT

    def test_best_earners_are_paired_and_only_the_top_fifth_served(self):
        look = view([0.1, 0.1, 0.9, 0.9], fees_msat=[10 * SAT, 20 * SAT, 0, 0], assisted_msat=[0, 0, 1, 2])
        (move,) = act(self.acting(), look)
        assert (move.channel, move.to_channel) == (3, 1)

    def test_acts_every_other_hour_on_average(self):
        rule = ClbossEarnings()
        rule.reset(1)
        look = view([0.1, 0.9], fees_msat=[300 * SAT, 0])
        acted = sum(act(rule, replace(look, now_ms=k * MS_PER_HOUR)) != (WAIT,) for k in range(200))
        assert 70 < acted < 130


class TestClbossJit:
    def test_amount(self):
        assert ClbossJit().amount_msat(100, 1_000, 50) == 500

    def test_budget_is_10_sat_and_a_quarter_of_the_earnings(self):
        rule = ClbossJit()
        (move,) = act(rule, view([0.0, 0.9], n_refused=[2, 0], refused_msat=[200 * SAT, 0], fees_msat=[40 * SAT, 0]))
        assert (move.channel, move.to_channel) == (1, 0)
        assert move.amount_msat == (100 * SAT + M) // 2
        assert move.fee_limit_msat == 20 * SAT

    def test_price_is_capped_at_1000_ppm_but_5_sat_are_allowed(self):
        rule = ClbossJit(free_msat=100 * SAT)
        assert rule.fee_limit_msat(0, 20_000 * SAT) == 20 * SAT
        assert rule.fee_limit_msat(0, 1_000 * SAT) == 5 * SAT

    def test_spending_uses_the_budget_up(self):
        rule = ClbossJit()
        look = view([0.0, 0.9], n_refused=[1, 0], refused_msat=[SAT, 0])
        assert act(rule, replace(look, rebalanced=trip(1, 0, 10 * SAT))) == (WAIT,)

    def test_nothing_without_a_refusal_or_a_source(self):
        assert act(ClbossJit(), view([0.0, 0.9])) == (WAIT,)
        assert act(ClbossJit(), view([0.0, 0.1], n_refused=[1, 0], refused_msat=[SAT, 0])) == (WAIT,)


class TestTopCentrality:
    def test_opens_to_the_most_central_stranger_with_what_60_percent_leave(self):
        look = replace(view([0.5]), peers=peers((0, 1.0), (5, 0.2), (6, 0.7)), wallet_msat=2 * M)
        (opened,) = act(TopCentrality(), look)
        assert (opened.kind, opened.peer) == (ActionKind.OPEN, 6)
        assert opened.amount_msat == int(0.6 * 2.5 * M) - M // 2

    def test_not_beyond_five_channels_nor_without_room(self):
        strangers = peers((9, 1.0))
        assert act(TopCentrality(), replace(view([0.1] * 5), peers=strangers)) == (WAIT,)
        assert act(TopCentrality(), replace(view([1.0]), peers=strangers, wallet_msat=M // 2)) == (WAIT,)


class TestPeerJudge:
    def old(self, look, rule):
        for k in range(96):
            assert act(rule, replace(look, now_ms=k * 1_800_000, **({} if k else {"tick_ms": 1_800_000})))
        return rule

    def test_weighted_median(self):
        assert weighted_median(np.array([1.0, 5.0, 2.0]), np.array([1.0, 1.0, 5.0])) == 2.0

    def test_closes_what_earns_less_than_the_median_for_its_size_by_more_than_reopening_costs(self):
        look = replace(view([0.5, 0.5, 0.5], fees_msat=[100 * SAT, 100 * SAT, 0]), tick_ms=2 * MS_PER_DAY)
        (closed,) = act(PeerJudge(), replace(look, feerate_msat_per_vb=100))
        assert (closed.kind, closed.channel) == (ActionKind.CLOSE, 2)
        # expected 100 sat, reopening at 1 sat/vB costs 322
        assert act(PeerJudge(), replace(look, feerate_msat_per_vb=1_000)) == (WAIT,)

    def test_young_channels_and_good_earners_are_spared(self):
        look = replace(view([0.5, 0.5, 0.5], fees_msat=[100 * SAT, 100 * SAT, 0]), feerate_msat_per_vb=0)
        assert act(PeerJudge(), replace(look, tick_ms=MS_PER_DAY)) == (WAIT,)

    def test_closes_what_is_hardly_ever_connected(self):
        look = replace(view([0.5, 0.5], usable=[True, False], fees_msat=[SAT, SAT]), tick_ms=3 * MS_PER_DAY)
        (closed,) = act(PeerJudge(), look)
        assert closed.channel == 1

    def test_never_closes_the_last(self):
        look = replace(view([0.5], usable=[False]), tick_ms=3 * MS_PER_DAY)
        assert act(PeerJudge(), look) == (WAIT,)
