"""Bounds on cases that can be solved by hand."""

import numpy as np
import pytest

from lnherd.experiments.bounds import (
    FluidProblem,
    best_in_hindsight,
    fluid_limit,
    payments_worth,
    relay_fluid_bound,
)


def problem(channels, balances, pairs, wanted, value=None, deposit_cost=None):
    return FluidProblem(
        np.array(channels),
        np.array(balances, dtype=float),
        np.array(pairs),
        np.array(wanted, dtype=float),
        np.ones(len(pairs)) if value is None else np.array(value, dtype=float),
        deposit_cost,
    )


class TestFluidLimit:
    def test_one_way_traffic_ends_with_the_balance(self):
        solution = fluid_limit(problem([[0, 1]], [[30, 70]], [[0, 1]], [100]))
        assert solution.value == pytest.approx(30)

    def test_a_circulation_never_ends(self):
        solution = fluid_limit(problem([[0, 1]], [[30, 70]], [[0, 1], [1, 0]], [100, 90]))
        assert solution.value == pytest.approx(190)  # net flow 10 <= 30
        assert solution.flow[0] == pytest.approx([100, 90])

    def test_what_does_not_balance_is_cut_by_the_weaker_side(self):
        solution = fluid_limit(problem([[0, 1]], [[5, 5]], [[0, 1], [1, 0]], [100, 10]))
        assert solution.value == pytest.approx(10 + 10 + 5)

    def test_a_line_shares_its_bottleneck_with_the_more_valuable(self):
        # 0-1-2: both pairs need 1 -> 2, which has 40
        line = problem([[0, 1], [1, 2]], [[100, 0], [40, 0]], [[0, 2], [1, 2]], [30, 30], value=[1, 2])
        solution = fluid_limit(line)
        assert solution.sent == pytest.approx([10, 30])
        assert solution.value == pytest.approx(10 + 60)

    def test_a_ring_rebalances_itself_for_free(self):
        # 0 -> 1 directly 10, and over 2 another 20
        ring = problem([[0, 1], [0, 2], [2, 1]], [[10, 0], [20, 0], [20, 0]], [[0, 1]], [100])
        assert fluid_limit(ring).value == pytest.approx(30)

    def test_deposits_are_bought_where_they_pay(self):
        one = problem([[0, 1]], [[10, 0]], [[0, 1]], [50], value=[2], deposit_cost=0.5)
        solution = fluid_limit(one)
        assert solution.value == pytest.approx(2 * 50 - 0.5 * 40)
        assert solution.deposited[0] == pytest.approx([40, 0])
        assert fluid_limit(problem([[0, 1]], [[10, 0]], [[0, 1]], [50], [2], deposit_cost=3)).value == pytest.approx(20)

    def test_nobody_reaches_an_island(self):
        assert fluid_limit(problem([[0, 1]], [[10, 0]], [[0, 2]], [5])).value == pytest.approx(0)


class TestRelayBound:
    def test_matched_flow_pays_and_net_flow_does_not(self):
        assert relay_fluid_bound((100, 100)) == pytest.approx(2, rel=1e-6)  # 1 % of 100 both ways
        # 500 enter L and leave R; beyond them 1 % does not pay for two swaps of 0.5 % and a miner's fee each
        assert relay_fluid_bound((10**6, 0)) == pytest.approx(5.0, abs=0.1)

    def test_without_miners_net_flow_just_pays(self):
        more = relay_fluid_bound((10**6, 0), miner_fee=0.0) - relay_fluid_bound((10**5, 0), miner_fee=0.0)
        assert more == pytest.approx(9e5 * (0.01 - 0.99 * 0.005 - 0.005 / 1.005), rel=1e-6)

    def test_the_published_scenario(self):
        assert relay_fluid_bound((1_567_000, 392_000)) == pytest.approx(2 * 0.01 * 392_000, rel=0.005)


class TestPaymentsWorth:
    def test_small_payments_first_and_the_last_in_part(self):
        assert payments_worth([4, 1, 2], 10, liquidity=5, unit_cost=1e9, entry_cost=0) == pytest.approx(10 + 10 + 5)

    def test_buying_liquidity_when_it_pays(self):
        assert payments_worth([1, 1, 1], 10, liquidity=1, unit_cost=2, entry_cost=3) == pytest.approx(30 - 4 - 3)
        assert payments_worth([1, 1], 10, liquidity=1, unit_cost=2, entry_cost=9) == pytest.approx(10)

    def test_nothing_to_send(self):
        assert payments_worth([], 10, 5, 0, 0) == 0


def test_best_in_hindsight():
    assert best_in_hindsight({"a": [1, 1, 1, 9], "b": [2, 2, 2, 2]}) == ("b", 2.0)
