from dataclasses import replace

import numpy as np
import pytest

from lnherd.control.action import WAIT, ActionKind
from lnherd.control.menu import MenuConfig, candidate_actions, equalising_msat, stepped_fee
from lnherd.control.view import PEER_DTYPE, PENDING_DTYPE, NodeView, Role, own_channels
from lnherd.errors import InputError
from lnherd.network.records import zero_records

SAT = 1_000
MENU = MenuConfig()


def view(**changes):
    channels = own_channels(
        capacity_msat=[1_000_000 * SAT, 2_000_000 * SAT],
        local_msat=[100_000 * SAT, 1_600_000 * SAT],
        channel=[7, 9],
        fee_ppm=[100, 200],
    )
    return replace(NodeView(Role.CONSUMER, channels, wallet_msat=3_000_000 * SAT), **changes)


def of_kind(actions, kind):
    return [action for action in actions if action.kind == kind]


def test_wait_is_the_first_candidate_even_of_a_node_without_channels():
    nothing = NodeView(Role.ROUTER, own_channels(capacity_msat=[], local_msat=[]))
    assert candidate_actions(nothing, MENU) == (WAIT,)
    assert candidate_actions(view(), MENU)[0] is WAIT


def test_a_rebalance_fills_the_emptiest_from_the_fullest_to_equal_shares():
    amount = equalising_msat(view(), source=1, target=0)
    # 0.1 + x / 1M = 0.8 - x / 2M: x = 0.7 / 1.5 M = 466,666 sat
    assert amount // SAT == 466_666
    (trip,) = of_kind(candidate_actions(view(), MENU), ActionKind.REBALANCE)
    assert (trip.channel, trip.to_channel, trip.amount_msat) == (9, 7, amount)
    assert trip.fee_limit_msat == amount * 3_000 // 1_000_000


def test_the_channel_that_runs_dry_soonest_is_filled_first_with_hours_of_its_demand():
    channels = own_channels(
        capacity_msat=[10**9] * 4,
        local_msat=[100_000 * SAT, 200_000 * SAT, 900_000 * SAT, 950_000 * SAT],
        out_msat_per_h=[0.0, 10_000.0 * SAT, 0.0, 0.0],
        in_msat_per_h=[0.0, 0.0, 10_000.0 * SAT, 0.0],
    )
    trips = of_kind(candidate_actions(NodeView(Role.ROUTER, channels), MENU), ActionKind.REBALANCE)
    # channel 1 lasts 20 hours, channel 2 can receive for 10; 12 hours of demand, or to equal shares: (0.9 - 0.2) / 2
    assert [(t.channel, t.to_channel, t.amount_msat // SAT) for t in trips] == [
        (2, 1, 120_000),
        (2, 1, 349_999),
        (3, 0, 424_999),
    ]


def test_a_rebalance_never_exceeds_what_can_be_sent_or_received():
    channels = own_channels(
        capacity_msat=[1_000_000 * SAT] * 2, local_msat=[0, 1_000_000 * SAT], reserve_msat=[0, 700_000 * SAT]
    )
    assert equalising_msat(NodeView(Role.ROUTER, channels), 1, 0) == 300_000 * SAT


def test_swaps_serve_hours_of_demand_within_wallet_balance_and_the_servers_limits():
    demand = {"in_demand_msat_per_h": 50_000.0 * SAT, "out_demand_msat_per_h": 1_000.0 * SAT}
    offers = candidate_actions(view(**demand), replace(MENU, max_candidates=99))
    outs = of_kind(offers, ActionKind.SWAP_OUT)
    # 6, 12 and 24 hours at 50k an hour, half the capacity; all fit into the 1.6M sat held
    assert [a.amount_msat // SAT for a in outs if a.channel == 9] == [300_000, 600_000, 1_000_000, 1_200_000]
    # 100k sat held, 0.5 % of it the service's
    assert [a.amount_msat // SAT for a in outs if a.channel == 7] == [99_500]
    ins = of_kind(offers, ActionKind.SWAP_IN)
    # hours of demand below the server's minimum are raised to it; half the capacity
    assert [a.amount_msat // SAT for a in ins if a.channel == 7] == [50_000, 500_000]
    poor = candidate_actions(view(wallet_msat=50_000 * SAT, **demand), MENU)
    assert of_kind(poor, ActionKind.SWAP_IN) == []


def test_busy_channels_are_left_alone():
    pending = zero_records(1, PENDING_DTYPE)
    pending.channel, pending.kind = 9, ActionKind.SWAP_OUT
    offers = candidate_actions(view(pending=pending), MENU)
    moved = [a for a in offers if a.kind in (ActionKind.REBALANCE, ActionKind.SWAP_OUT, ActionKind.SWAP_IN)]
    assert all(9 not in (a.channel, a.to_channel) for a in moved)


def test_opens_are_offered_in_affordable_tiers_and_one_at_a_time():
    peers = zero_records(3, PEER_DTYPE)
    peers.node = [4, 5, 6]
    opens = of_kind(candidate_actions(view(peers=peers, wallet_msat=600_000 * SAT), MENU), ActionKind.OPEN)
    assert [(a.peer, a.amount_msat // SAT) for a in opens] == [(4, 500_000), (5, 500_000)]
    pending = zero_records(1, PENDING_DTYPE)
    pending.channel, pending.kind = -1, ActionKind.OPEN
    assert of_kind(candidate_actions(view(peers=peers, pending=pending), MENU), ActionKind.OPEN) == []


def test_what_would_cost_too_much_of_what_it_moves_waits_for_a_cheaper_chain():
    peers = zero_records(1, PEER_DTYPE)
    menu = replace(MENU, chain_fee_limit_ppm=20_000, open_tiers_msat=(500_000 * SAT, 2_000_000 * SAT))
    # 153 vB at 100 sat are 15,300 sat: 2 % of 765,000 sat
    offered = candidate_actions(view(peers=peers, feerate_msat_per_vb=100 * SAT), menu)
    assert [each.amount_msat // SAT for each in of_kind(offered, ActionKind.OPEN)] == [2_000_000]
    kinds = (ActionKind.OPEN, ActionKind.SWAP_OUT, ActionKind.SWAP_IN)
    moved = [each.amount_msat // SAT for each in offered if each.kind in kinds]
    assert len(moved) > 1 and min(moved) >= 765_000
    cheap = candidate_actions(view(peers=peers, feerate_msat_per_vb=SAT), menu)
    assert cheap == candidate_actions(view(peers=peers, feerate_msat_per_vb=SAT), MENU)


def test_the_idlest_channel_is_offered_for_closing_never_the_last():
    channels = view().channels.copy()
    channels.out_msat_per_h = [5.0, 0.0]
    assert of_kind(candidate_actions(view(channels=channels), MENU), ActionKind.CLOSE)[0].channel == 9
    assert of_kind(candidate_actions(view(channels=channels[:1]), MENU), ActionKind.CLOSE) == []


def test_fee_steps_go_up_where_little_is_left_and_down_where_much_is():
    offers = candidate_actions(view(), replace(MENU, n_fee_channels=1))
    assert of_kind(offers, ActionKind.FEE_UP)[0].channel == 7
    assert of_kind(offers, ActionKind.FEE_DOWN)[0].channel == 9
    assert stepped_fee(1_000, 100, ActionKind.FEE_UP, MENU) == (1_500, 150)
    assert stepped_fee(1_000, 100, ActionKind.FEE_DOWN, MENU) == (666, 66)
    assert stepped_fee(0, 1, ActionKind.FEE_UP, MENU) == (0, 2)
    assert stepped_fee(0, 1, ActionKind.FEE_DOWN, MENU) == (0, 1)


def test_kinds_can_be_limited_and_the_length_is_bounded():
    only = candidate_actions(view(), replace(MENU, kinds=(ActionKind.SWAP_IN,)))
    assert {a.kind for a in only} == {ActionKind.WAIT, ActionKind.SWAP_IN}
    assert len(candidate_actions(view(), replace(MENU, max_candidates=3))) == 3
    with pytest.raises(InputError, match="at least 1"):
        MenuConfig(max_candidates=0)


def test_the_menu_is_a_pure_function_of_the_view():
    assert candidate_actions(view(), MENU) == candidate_actions(view(), MENU)


def test_unusable_directions_hold_nothing_to_move():
    channels = view().channels.copy()
    channels.usable = False
    assert np.all(view(channels=channels).spendable_msat == 0)
    assert of_kind(candidate_actions(view(channels=channels), MENU), ActionKind.SWAP_OUT) == []
