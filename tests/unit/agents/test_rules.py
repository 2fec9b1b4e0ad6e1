import math
from dataclasses import replace

import numpy as np
import pytest

from lnherd.agents.rules import RULES, DoNothing, Proportional, RandomChoice, RebalanceHalf, ThresholdSwap
from lnherd.agents.rules.threshold_swap import midpoint_msat
from lnherd.control.action import WAIT, ActionKind
from lnherd.control.decision import as_actions, decide
from lnherd.control.menu import MenuConfig
from lnherd.control.view import PENDING_DTYPE, NodeView, Role, own_channels
from lnherd.network.records import zero_records
from lnherd.units import MS_PER_DAY, MS_PER_HOUR

SAT = 1_000
M = 1_000_000 * SAT


def decision(locals_, ppm=None, **changes):
    channels = own_channels(capacity_msat=[M] * len(locals_), local_msat=[int(p * M) for p in locals_])
    if ppm is not None:
        channels.fee_ppm = ppm
    view = NodeView(Role.ROUTER, channels, wallet_msat=10 * M, feerate_msat_per_vb=5_000)
    return decide(replace(view, **changes), MenuConfig())


def pending_swap():
    pending = zero_records(1, PENDING_DTYPE)
    pending.kind, pending.channel = ActionKind.SWAP_OUT, 0
    return pending


def test_every_rule_waits_for_a_node_without_channels_and_names_itself():
    for name, make in RULES.items():
        policy = make()
        policy.reset(0)
        assert policy.name == name
        assert policy.act(decision([])) is WAIT


def test_do_nothing_does_nothing():
    assert DoNothing().act(decision([0.0, 1.0])) is WAIT


class TestProportional:
    def test_fees_of_the_formula(self):
        rule = Proportional(min_ppm=10, max_ppm=1_000)
        assert [rule.fee_ppm(p) for p in (0.0, 0.25, 0.5, 1.0)] == [1_000, 752, 505, 10]

    def test_only_changes_of_ten_ppm_are_announced(self):
        sweep = as_actions(Proportional().act(decision([0.25, 0.5, 1.0], ppm=[743, 495, 0])))
        assert [(a.kind, a.channel, a.fee_ppm) for a in sweep] == [
            (ActionKind.SET_FEE, 1, 505),
            (ActionKind.SET_FEE, 2, 10),
        ]

    def test_sweeps_hourly(self):
        rule = Proportional()
        assert rule.act(decision([0.5])) is not WAIT
        assert rule.act(decision([0.5], now_ms=MS_PER_HOUR - 1)) is WAIT
        assert rule.act(decision([0.5], now_ms=MS_PER_HOUR)) is not WAIT

    def test_pending_htlcs_count_with_the_side_that_offered_them(self):
        channels = own_channels(
            capacity_msat=[M],
            local_msat=[M // 4],
            remote_msat=[M // 4],
            in_flight_out_msat=[M // 2],
            fee_ppm=[1_000],
        )
        sweep = as_actions(Proportional().act(decide(NodeView(Role.ROUTER, channels), MenuConfig())))
        assert sweep[0].fee_ppm == 10 + int(0.25 * 990)


class TestRebalanceHalf:
    def test_worked_example(self):
        (trip,) = as_actions(RebalanceHalf().act(decision([0.1, 0.8], ppm=[500, 100])))
        assert (trip.channel, trip.to_channel, trip.halvings) == (1, 0, 5)
        assert trip.amount_msat == 300_000 * SAT  # min(500k - 100k, 800k - 500k)
        assert trip.fee_limit_msat == 120 * SAT  # (500 - 100) ppm of 300k sat

    def test_halving_halves_amount_and_limit(self):
        (trip,) = as_actions(RebalanceHalf().act(decision([0.1, 0.8], ppm=[500, 100])))
        assert (trip.halved().amount_msat, trip.halved().fee_limit_msat) == (150_000 * SAT, 60 * SAT)
        assert trip.halved().halvings == 4

    def test_not_sent_when_the_target_earns_no_more_than_the_source(self):
        assert RebalanceHalf().act(decision([0.1, 0.8], ppm=[100, 100])) is WAIT
        assert RebalanceHalf(phi=0.5).act(decision([0.1, 0.8], ppm=[200, 100])) is WAIT

    def test_the_targets_fee_counts_up_to_2000_ppm(self):
        assert RebalanceHalf().fee_limit_msat(0, 5_000, M) == 2_000 * SAT

    def test_reckless_has_no_limit(self):
        (trip,) = as_actions(RebalanceHalf(phi=math.inf).act(decision([0.1, 0.8], ppm=[0, 9_999])))
        assert trip.fee_limit_msat is None

    @pytest.mark.parametrize("shares", [[0.3, 0.8], [0.1, 0.7], [0.5, 0.5]])
    def test_thresholds_are_strict(self, shares):
        assert RebalanceHalf().act(decision(shares, ppm=[500, 0])) is WAIT

    def test_a_source_serves_the_next_target_with_what_is_left(self):
        trips = as_actions(RebalanceHalf().act(decision([0.0, 0.25, 1.0], ppm=[500, 500, 0])))
        assert [(t.to_channel, t.amount_msat // SAT) for t in trips] == [(0, 500_000)]
        trips = as_actions(RebalanceHalf().act(decision([0.2, 0.29, 0.95, 0.75], ppm=[500, 500, 0, 0])))
        assert [(t.channel, t.to_channel, t.amount_msat // SAT) for t in trips] == [
            (2, 0, 300_000),
            (3, 1, 210_000),
        ]

    def test_a_target_that_may_not_be_filled_does_not_stop_the_others(self):
        (trip,) = as_actions(RebalanceHalf().act(decision([0.1, 0.2, 0.9], ppm=[0, 500, 0])))
        assert trip.to_channel == 1


class TestThresholdSwap:
    def test_midpoint_of_the_band(self):
        assert midpoint_msat(1_000, 0.25, 0.25) == 500
        assert midpoint_msat(1_000, 0.4, 0.2) == 600

    def test_swaps_out_to_the_midpoint(self):
        swap = ThresholdSwap().act(decision([0.9]))
        assert (swap.kind, swap.channel, swap.amount_msat) == (ActionKind.SWAP_OUT, 0, 400_000 * SAT)

    def test_swaps_in_to_the_midpoint(self):
        swap = ThresholdSwap().act(decision([0.5, 0.2]))
        assert (swap.kind, swap.channel, swap.amount_msat) == (ActionKind.SWAP_IN, 1, 300_000 * SAT)

    def test_nothing_within_the_band_and_nothing_in_a_forbidden_direction(self):
        assert ThresholdSwap().act(decision([0.26, 0.74])) is WAIT
        assert ThresholdSwap(directions=(ActionKind.SWAP_OUT,)).act(decision([0.1])) is WAIT

    def test_one_swap_in_flight(self):
        assert ThresholdSwap().act(decision([0.9], pending=pending_swap())) is WAIT

    def test_budget_refreshes_after_its_period(self):
        # each swap costs 153 vB * 5 sat + 0.5 % of 400k = 2,765 sat
        rule = ThresholdSwap(budget_msat=6_000 * SAT)
        kinds = [rule.act(decision([0.9], now_ms=hour * MS_PER_HOUR)).kind for hour in range(3)]
        assert kinds == [ActionKind.SWAP_OUT, ActionKind.SWAP_OUT, ActionKind.WAIT]
        assert rule.act(decision([0.9], now_ms=7 * MS_PER_DAY)).kind == ActionKind.SWAP_OUT

    def test_too_dear_a_swap_is_not_made(self):
        assert ThresholdSwap().act(decision([0.9], feerate_msat_per_vb=100_000)) is WAIT

    def test_a_swap_in_must_be_in_the_wallet(self):
        assert ThresholdSwap().act(decision([0.1], wallet_msat=401_000 * SAT)) is WAIT

    def test_backs_off_from_a_channel_whose_swap_failed(self):
        rule = ThresholdSwap()
        assert rule.act(decision([0.9, 0.85])).channel == 0
        assert rule.act(decision([0.9, 0.85], now_ms=1_000, operations_failed=1)).channel == 1
        assert rule.act(decision([0.9, 0.5], now_ms=2_000)) is WAIT
        assert rule.act(decision([0.9, 0.5], now_ms=MS_PER_DAY + 1_000)).channel == 0

    def test_reset_forgets(self):
        rule = ThresholdSwap(budget_msat=3_000 * SAT)
        assert rule.act(decision([0.9])).kind == ActionKind.SWAP_OUT
        rule.reset(1)
        assert rule.act(decision([0.9])).kind == ActionKind.SWAP_OUT


def test_random_choice_depends_on_its_seed_alone():
    def picks(seed):
        rule = RandomChoice()
        rule.reset(seed)
        return [rule.act(decision([0.1, 0.9])) for _ in range(20)]

    assert picks(1) == picks(1)
    assert picks(1) != picks(2)
    assert len(set(picks(3))) > 3
    assert np.all([action in decision([0.1, 0.9]).candidates for action in picks(4)])
