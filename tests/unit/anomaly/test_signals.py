import numpy as np
import pytest

from lnherd.anomaly.signals import SIGNALS, read_signals
from lnherd.control.view import NodeView, PaymentCounts, Role, own_channels


def look(local=(500, 500), **changes):
    own = ("n_sent", "sent_msat", "n_htlcs", "peer_usable", "peer_fee_ppm")
    columns = {name: changes.pop(name) for name in own if name in changes}
    channels = own_channels(capacity_msat=[1_000] * len(local), local_msat=local, **columns)
    return NodeView(Role.ROUTER, channels, **changes)


def signal(view, name, before=None):
    signals = read_signals(view, before or view)
    return signals.total[SIGNALS.index(name)], signals.observed[SIGNALS.index(name)]


def test_failures_are_counted_among_payments_sent_and_invoices_left_unpaid():
    view = look(sent=PaymentCounts(n_succeeded=3, n_failed=1), received=PaymentCounts(n_failed=2))
    assert signal(view, "failures") == (3, 6)


def test_nothing_is_said_about_rates_nobody_observed():
    assert [signal(look(), name)[1] for name in ("failures", "refusals", "amounts")] == [0, 0, 0]


def test_refusals_among_forwards():
    assert signal(look(n_forwarded=8, n_refused=2), "refusals") == (2, 10)


def test_amounts_weigh_by_how_many_there_were():
    total, count = signal(look(n_sent=[4, 0], sent_msat=[8_000, 0]), "amounts")
    assert (total, count) == (pytest.approx(4 * np.log(2_000)), 4)


def test_drift_is_the_largest_change_of_a_channel_that_was_there_before():
    assert signal(look((200, 550)), "drift", before=look((500, 500)))[0] == pytest.approx(0.3)
    assert signal(look((500, 500, 900)), "drift", before=look((500, 500)))[0] == 0


def test_a_new_channel_changes_no_fees_a_dearer_peer_does():
    assert signal(look((500, 500, 900)), "peer_fees", before=look())[0] == 0
    dearer = look(peer_fee_ppm=[100, 0])
    assert signal(dearer, "peer_fees", before=look())[0] == pytest.approx(np.log(101) / 2)


def test_peers_that_are_away():
    assert signal(look(peer_usable=[True, False]), "unreachable")[0] == 0.5


def test_a_node_without_channels_has_signals_too():
    assert np.isfinite(read_signals(look(()), look(())).total).all()
