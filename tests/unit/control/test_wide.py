"""The wide look: its menu, its columns, and policies that have it."""

from dataclasses import replace

import numpy as np
import pytest

from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import decide
from lnherd.control.encode import CANDIDATE_FEATURES, CONTEXT_FEATURES
from lnherd.control.menu import MenuConfig
from lnherd.control.view import PEER_DTYPE, NodeView, Role, own_channels
from lnherd.control.wide import WIDE_CANDIDATE, WIDE_CONTEXT, WIDE_MENUS, wide_decision
from lnherd.network.records import zero_records

SAT = 1_000


def view(role=Role.PROVIDER, **changes):
    channels = own_channels(
        capacity_msat=[1_000_000 * SAT] * 3,
        local_msat=[990_000 * SAT, 900_000 * SAT, 950_000 * SAT],
        channel=[4, 7, 9],
        peer=[11, 12, 13],
        in_msat_per_h=[0.0, 40_000.0 * SAT, 10_000.0 * SAT],
        out_msat_per_h=[0.0, 0.0, 5_000.0 * SAT],
        base_fee_msat=[1_000] * 3,
        fee_ppm=[1] * 3,
    )
    peers = zero_records(1, PEER_DTYPE)
    peers.node, peers.centrality, peers.n_channels = 12, 0.25, 99
    plain = NodeView(role, channels, wallet_msat=4_000_000 * SAT, peers=peers, in_demand_msat_per_h=50_000.0 * SAT)
    return replace(plain, **changes)


def column(decision, name, index):
    return decision.features[index, WIDE_CANDIDATE.index(name)]


def index_of(decision, kind, **fields):
    (index, *_) = (
        number
        for number, action in enumerate(decision.candidates)
        if action.kind == kind and all(getattr(action, name) == value for name, value in fields.items())
    )
    return index


def test_swaps_are_offered_where_the_room_to_receive_ends_first():
    swaps = [action for action in wide_decision(view()).candidates if action.kind == ActionKind.SWAP_OUT]
    # hours left by what comes in: channel 7 100k / 40k, channel 9 50k / 10k, channel 4 without end
    assert list(dict.fromkeys(action.channel for action in swaps)) == [7, 9, 4]
    assert [action.amount_msat // SAT for action in swaps[:2]] == [150_000, 400_000]  # 3 and 8 hours of all demand
    assert all(action.fee_limit_msat == action.amount_msat * 2_000 // 1_000_000 for action in swaps)


def test_channels_with_too_little_to_swap_are_left_out():
    channels = view().channels.copy()
    channels.local_msat[1] = 10_000 * SAT
    swaps = [each for each in wide_decision(view(channels=channels)).candidates if each.kind == ActionKind.SWAP_OUT]
    assert {action.channel for action in swaps} == {4, 9}


def test_a_router_may_forward_for_nothing_as_long_as_it_does_not():
    free = Action(ActionKind.SET_FEE, base_fee_msat=0, fee_ppm=0)
    router = view(Role.ROUTER)
    assert free in wide_decision(router).candidates and free not in wide_decision(view()).candidates
    channels = router.channels.copy()
    channels.base_fee_msat = channels.fee_ppm = 0
    assert free not in wide_decision(replace(router, channels=channels)).candidates


def test_columns_of_the_context():
    looked = wide_decision(view(now_ms=30 * 3_600_000))
    assert looked.context[WIDE_CONTEXT.index("day")] == pytest.approx(0.25)
    assert looked.context[WIDE_CONTEXT.index("own_fee")] == pytest.approx(np.log10(1 + 1_001) / 4)
    watched = wide_decision(view(alarm_levels=np.ones(8)))
    assert watched.context.shape == (len(WIDE_CONTEXT),)


def test_columns_of_candidates():
    looked = wide_decision(view())
    swap = index_of(looked, ActionKind.SWAP_OUT, channel=9)
    assert column(looked, "flow_in", swap) == pytest.approx(0.2)
    assert column(looked, "flow_out", swap) == pytest.approx(1.0)
    assert column(looked, "lasts_in", swap) == pytest.approx(5 / 13)  # 50k sat at 10k an hour, eight hours are 1/2
    opened = wide_decision(view(Role.ROUTER))
    opening = index_of(opened, ActionKind.OPEN, peer=12, amount_msat=2_000_000 * SAT)
    for name, value in {"of_wallet": 0.5, "is_peer": 1.0, "centrality": 0.25, "peer_channels": 2 / 3}.items():
        assert column(opened, name, opening) == pytest.approx(value, abs=1e-6), name
    assert not opened.features[0, len(CANDIDATE_FEATURES) :].any()  # waiting has none of them


@pytest.mark.parametrize("role", Role)
def test_it_shows_the_plain_columns_first_and_stays_within_bounds(role):
    looked = wide_decision(view(role))
    plain = decide(view(role), WIDE_MENUS[role])
    assert np.array_equal(looked.features[:, : len(CANDIDATE_FEATURES)], plain.features)
    assert np.array_equal(looked.context[: len(CONTEXT_FEATURES)], plain.context)
    assert looked.candidates == plain.candidates and looked.candidates[0] == WAIT
    nothing = NodeView(role, own_channels(capacity_msat=[], local_msat=[]))
    for decision in (looked, wide_decision(nothing)):
        for array in (decision.context, decision.features):
            assert np.all(np.isfinite(array)) and np.abs(array).max() <= 1


def test_the_plain_menu_is_what_it_was():
    assert not MenuConfig().swaps_by_need and ActionKind.SET_FEE not in MenuConfig().kinds
