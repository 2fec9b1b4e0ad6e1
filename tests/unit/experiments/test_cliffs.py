"""Each cliff lies where arithmetic puts it. Fewer points than the command, the same functions."""

import pytest

from lnherd.experiments import cliffs
from lnherd.experiments.cliffs import Cliff, Line, base_fee, corridor, edge_of, erlang_b, fee_cap, htlc_min


@pytest.fixture(autouse=True)
def few_points(monkeypatch):
    monkeypatch.setattr(cliffs, "PRICES_SAT", (0.9, 1.0, 1.9, 2.0, 9.0, 10.0))
    monkeypatch.setattr(cliffs, "FEES_SAT", (9.9, 10.1))


def test_the_l402_client_stops_at_ten_satoshi_of_fees_and_lnd_does_not():
    capped, free = fee_cap(1).lines
    assert capped.y == (1.0, 0.0)
    assert free.y == (1.0, 1.0)


def test_below_the_sum_of_base_fees_nothing_is_paid():
    served, share = base_fee(1).lines
    assert served.y == (0.0, 0.0, 0.0, 1.0, 1.0, 1.0)
    assert share.y == pytest.approx((1.0, 2 / 9, 0.2))


def test_below_the_smallest_htlc_nothing_is_paid():
    one, ten = htlc_min(1).lines
    assert one.y == (0.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    assert ten.y == (0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def test_slots_block_as_erlang_says():
    network = corridor(2, cltv_delta=34)
    share = cliffs._carried_share(network, 1.5 * 30, seed=1)
    assert share == pytest.approx(1 - erlang_b(30, 45.0), abs=0.06)


def test_erlang_b_at_known_points():
    assert erlang_b(1, 1.0) == pytest.approx(0.5)
    assert erlang_b(10, 5.0) == pytest.approx(0.018385, abs=1e-6)


def test_where_a_line_falls():
    assert edge_of(Line("falls", (1.0, 2.0, 3.0), (1.0, 0.9, 0.2))) == (2.0, 3.0)
    assert edge_of(Line("stays", (1.0, 2.0), (1.0, 1.0))) is None
    cliff = Cliff("drain", "Drain", "hours", (Line("a", (1.0, 2.0), (1.0, 0.0)),), (1.5,))
    assert cliffs.where_rows((cliff,)) == [("Drain", "a", "1.5", "1 and 2")]
    assert cliffs.rows((cliff,)) == [("drain", "a", 1.0, 1.0), ("drain", "a", 2.0, 0.0)]
