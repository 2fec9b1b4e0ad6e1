"""The fee formula, on numbers worked by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lnherd.engine.fees import forward_fee_msat as compiled_fee_msat
from lnherd.network.fees import forward_fee_msat

WORKED = [
    # amount, base, ppm, inbound base, inbound ppm -> fee
    (100_000_000, 1_000, 1, 0, 0, 1_100),  # LND's default policy on 100,000 sat
    (4_999_999, 200, 2_000, 0, 0, 10_199),  # BOLT 7's example, by way of B
    (4_999_999, 300, 3_000, 0, 0, 15_299),  # and by way of C
    (1, 0, 999_999, 0, 0, 0),  # less than a millisatoshi is nothing
    (1_000_000, 0, 0, 0, 0, 0),
    (10_000_000, 1_000, 500, 100, 50, 1_000 + 5_000 + 100 + 500),  # inbound on 10,006,000: 500.3, floored
    (10_000_000, 1_000, 500, -1_000, -200, 6_000 - 1_000 - 2_001),  # 2,001.2 towards zero
    (10_000_000, 0, 1_000, 0, -1_000, 10_000 - 10_010),  # below nothing: see below
    (3, 5, 0, 0, -600_000, 5 - 4),  # -4.8 towards zero
]


@pytest.mark.parametrize(("amount", "base", "ppm", "inbound_base", "inbound_ppm", "fee"), WORKED)
def test_worked_numbers(amount, base, ppm, inbound_base, inbound_ppm, fee):
    assert forward_fee_msat(amount, base, ppm, inbound_base, inbound_ppm) == max(fee, 0)


def test_a_discount_never_makes_a_node_pay():
    assert forward_fee_msat(10_000_000, 0, 1_000, 0, -1_000) == 0
    assert forward_fee_msat(10_000_000, 0, 0, -1, 0) == 0


amounts = st.integers(1, 10**12)
rates = st.integers(0, 10**5)


@given(amount=amounts, more=st.integers(0, 10**9), base=st.integers(0, 10**6), ppm=rates)
def test_who_sends_more_pays_no_less(amount, more, base, ppm):
    assert forward_fee_msat(amount + more, base, ppm, 0, 0) >= forward_fee_msat(amount, base, ppm, 0, 0)


@given(amount=amounts, base=st.integers(0, 10**6), ppm=rates, discount=st.integers(0, 10**5))
def test_a_discount_is_never_overstated(amount, base, ppm, discount):
    full = forward_fee_msat(amount, base, ppm, 0, 0)
    reduced = forward_fee_msat(amount, base, ppm, 0, -discount)
    assert 0 <= reduced <= full
    assert full - reduced <= (amount + full) * discount / 1_000_000


@settings(deadline=None)  # the first call compiles
@given(
    amount=st.integers(1, 10**12),
    base=st.integers(0, 2**32 - 1),
    ppm=st.integers(0, 2**32 - 1),
    inbound_base=st.integers(-(10**6), 10**6),
    inbound_ppm=st.integers(-(10**6), 10**6),
)
def test_compiled_fees_are_exact_for_all_that_gossip_can_announce(amount, base, ppm, inbound_base, inbound_ppm):
    outbound = base + amount * ppm // 10**6
    inbound = abs((amount + outbound) * inbound_ppm) // 10**6 * (1 if inbound_ppm > 0 else -1)
    expected = max(outbound + inbound_base + inbound, 0)
    arguments = (amount, base, ppm, inbound_base, inbound_ppm)
    assert forward_fee_msat(*arguments) == expected
    assert compiled_fee_msat(*arguments) == expected
