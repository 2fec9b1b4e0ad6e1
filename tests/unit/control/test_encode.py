import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import as_actions, decide
from lnherd.control.encode import CANDIDATE_FEATURES, CONTEXT_FEATURES, encode, runway
from lnherd.control.menu import MenuConfig
from lnherd.control.view import PEER_DTYPE, NodeView, PaymentCounts, Role, own_channels
from lnherd.network.records import zero_records

SAT = 1_000
CHANNELS = own_channels(
    capacity_msat=[1_000_000 * SAT, 1_000_000 * SAT],
    local_msat=[200_000 * SAT, 600_000 * SAT],
    fee_ppm=[99, 9],
    refused_msat=[300 * SAT, 0],
    sent_msat=[100 * SAT, 0],
)
VIEW = NodeView(
    Role.CONSUMER,
    CHANNELS,
    wallet_msat=2_000_000 * SAT,
    sent=PaymentCounts(n_succeeded=3, n_failed=1),
    out_demand_msat_per_h=100_000.0 * SAT,
)


def context(view, name):
    return encode(view, [WAIT], 1).context[CONTEXT_FEATURES.index(name)]


def feature(action, name, view=VIEW):
    return encode(view, [action], 1).candidates[0, CANDIDATE_FEATURES.index(name)]


def test_shapes_names_and_mask():
    encoding = encode(VIEW, [WAIT, Action(ActionKind.CLOSE, channel=0)], 5)
    assert encoding.context.shape == (len(CONTEXT_FEATURES),)
    assert encoding.candidates.shape == (5, len(CANDIDATE_FEATURES))
    assert encoding.mask.tolist() == [True, True, False, False, False]
    assert not encoding.candidates[2:].any()
    assert len(set(CANDIDATE_FEATURES)) == len(CANDIDATE_FEATURES)


def test_runway_is_half_after_eight_hours():
    assert runway(800, 100) == pytest.approx(0.5)
    assert runway(0, 0) == 0.0
    assert runway(1e12, 0) == pytest.approx(1.0, abs=1e-6)


def test_need_and_shortfall_follow_the_role():
    # 800k sat to spend at 100k an hour: 8 hours
    assert context(VIEW, "need") == pytest.approx(0.5)
    assert context(VIEW, "shortfall") == pytest.approx(0.25)
    provider = replace(VIEW, role=Role.PROVIDER, received=PaymentCounts(1, 3), in_demand_msat_per_h=400_000.0 * SAT)
    assert context(provider, "need") == pytest.approx(1 - 3 / 11)  # 1.2M sat at 400k an hour: 3 hours
    assert context(provider, "shortfall") == pytest.approx(0.75)
    router = replace(VIEW, role=Role.ROUTER, n_forwarded=1, n_refused=1)
    assert context(router, "shortfall") == pytest.approx(0.5)


def test_a_routers_need_is_that_of_the_channels_in_demand():
    channels = CHANNELS.copy()
    channels.out_msat_per_h = [25_000.0 * SAT, 0.0]
    router = NodeView(Role.ROUTER, channels)
    assert context(router, "need") == pytest.approx(0.5)  # 200k sat at 25k an hour


def test_features_of_a_rebalance():
    action = Action(ActionKind.REBALANCE, channel=1, to_channel=0, amount_msat=200_000 * SAT)
    expected = {"source_before": 0.6, "source_after": 0.4, "target_before": 0.2, "target_after": 0.4, "is_rebalance": 1}
    for name, value in {**expected, "amount_share": 0.1, "cost_share": 0.1, "fee": 0.5, "refused": 0.75}.items():
        assert feature(action, name) == pytest.approx(value, abs=1e-6), name


def test_features_of_swaps_and_opens():
    swap_in = Action(ActionKind.SWAP_IN, channel=0, amount_msat=400_000 * SAT)
    assert feature(swap_in, "runway_before") == pytest.approx(0.5)
    assert feature(swap_in, "runway_after") == pytest.approx(0.6)
    assert feature(swap_in, "target_after") == pytest.approx(0.6)
    swap_out = Action(ActionKind.SWAP_OUT, channel=1, amount_msat=400_000 * SAT)
    assert feature(swap_out, "source_after") == pytest.approx(0.2)
    peers = zero_records(1, PEER_DTYPE)
    peers.node, peers.wanted_share = 5, 0.4
    opening = Action(ActionKind.OPEN, peer=5, amount_msat=500_000 * SAT)
    assert feature(opening, "wanted_share", replace(VIEW, peers=peers)) == pytest.approx(0.4)
    assert feature(opening, "target_after") == 1.0


def test_everything_stays_within_bounds_for_extreme_views():
    channels = CHANNELS.copy()
    channels.fee_ppm, channels.out_msat_per_h = 10**9, 1e18
    extreme = replace(VIEW, channels=channels, wallet_msat=10**17, feerate_msat_per_vb=10**9, operations_failed=9)
    decision = decide(extreme, MenuConfig())
    for array in (decision.context, decision.features):
        assert np.all(np.isfinite(array)) and array.min() >= -1 and array.max() <= 1


def test_a_plan_is_one_action_or_several():
    assert as_actions(WAIT) == (WAIT,)
    assert as_actions([WAIT, WAIT]) == (WAIT, WAIT)


def test_control_and_rules_load_neither_numba_nor_torch():
    code = "import lnherd.control, lnherd.agents.rules, sys; print({'numba', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_price_of_liquidity_is_seen_per_payment():
    counts = PaymentCounts(n_succeeded=3, n_failed=1, succeeded_msat=1_000 * SAT, failed_msat=1_000 * SAT)
    view = replace(VIEW, sent=counts, feerate_msat_per_vb=0, swap_fee_ppm=20_000)
    assert context(view, "payment_size") == pytest.approx(np.log10(501) / 6)
    swap = Action(ActionKind.SWAP_IN, channel=0, amount_msat=100_000 * SAT)
    # payments of 500 sat, liquidity for 2 %: 10 sat each
    assert feature(swap, "cost_per_payment", view) == pytest.approx(0.5)
    assert feature(swap, "cost_per_payment", VIEW) == 0.0  # the size of payments is not known yet
    assert feature(WAIT, "cost_per_payment", view) == 0.0


def test_a_router_counts_what_passes_by():
    channels = own_channels(
        capacity_msat=[1_000 * SAT] * 2, local_msat=[0, 0], forwarded_msat=[300 * SAT, 0], refused_msat=[0, 100 * SAT]
    )
    view = NodeView(Role.ROUTER, channels, n_forwarded=3, n_refused=1)
    assert context(view, "payment_size") == pytest.approx(np.log10(101) / 6)
