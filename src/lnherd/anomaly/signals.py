"""What is watched: numbers of one look at a node, each a total over how many observations it comes from.

A look every minute or so is often too short for a rate: one payment may end in it, or none. So a signal is a pair
(total, count): failures among payments that ended, the sum of log amounts over payments. Levels have the count 1.
What a signal should be is then ``rate * count`` with a rate known from the past (:mod:`lnherd.anomaly.baseline`), and
a look without observations says nothing.
"""

from typing import NamedTuple

import numpy as np

from lnherd.control.view import NodeView, PaymentCounts, share
from lnherd.network.records import Floats, Records

SIGNALS = (
    "failures",
    "refusals",
    "arrivals",
    "forwards",
    "amounts",
    "holds",
    "htlcs",
    "slots",
    "locked",
    "drift",
    "unreachable",
    "peer_fees",
    "feerate",
)
"""In order: own payments that failed; forwards refused; HTLCs that arrived or left, and those of them forwarded for
others; logarithm of their amounts, and of how long they were pending; pending HTLCs; fullest slots; money locked in
flight; fastest change of a channel's balance; channels whose peer is away or disabled; change of what peers charge;
logarithm of the chain's fee rate."""
N_SIGNALS = len(SIGNALS)
ALARM_FEATURES = tuple(f"alarm_{name}" for name in SIGNALS)
"""What learners call the levels of a watch: columns that follow those of the context where a node is watched."""


class Signals(NamedTuple):
    """One look: ``total [N_SIGNALS]`` out of ``observed [N_SIGNALS]`` observations."""

    total: Floats
    observed: Floats


def read_signals(view: NodeView, before: NodeView) -> Signals:
    """The signals of ``view``; ``before`` is the look before it (drift is what changed between the two)."""
    channels = view.channels
    n_moved = int(channels.n_sent.sum() + channels.n_received.sum())
    moved_msat = int(channels.sent_msat.sum() + channels.received_msat.sum())
    hold_ms = int(channels.hold_ms.sum())
    levels = {
        # the root of a count varies by about 1/2 whatever the count is (Anscombe 1948)
        "arrivals": np.sqrt(n_moved + view.n_refused + 3 / 8),
        "forwards": np.sqrt(view.n_forwarded + 3 / 8),
        "htlcs": np.sqrt(channels.n_htlcs.sum() + 3 / 8),
        "slots": _most(share(channels.n_htlcs, channels.max_htlcs)),
        "locked": _locked_share(channels),
        "drift": _drift(channels, before.channels),
        "unreachable": 1.0 - float(channels.peer_usable.mean()) if len(channels) else 1.0,
        "peer_fees": _peer_fees(channels, before.channels),
        "feerate": float(np.log(max(view.feerate_msat_per_vb, 1))),
    }
    observed = {
        "failures": _failures(view.sent, view.received),
        "refusals": (view.n_refused, view.n_forwarded + view.n_refused),
        "amounts": (n_moved * np.log(moved_msat / n_moved), n_moved) if n_moved else (0.0, 0),
        "holds": (n_moved * np.log(hold_ms / n_moved), n_moved) if hold_ms else (0.0, 0),
    }
    pairs = [observed.get(name) or (levels[name], 1) for name in SIGNALS]
    total, count = np.array(pairs, dtype=np.float64).T
    return Signals(total, count)


def _failures(sent: PaymentCounts, received: PaymentCounts) -> tuple[int, int]:
    return sent.n_failed + received.n_failed, sent.n_ended + received.n_ended


def _locked_share(channels: Records) -> float:
    locked_msat = channels.in_flight_out_msat.sum() + channels.in_flight_in_msat.sum()
    return float(locked_msat / max(channels.capacity_msat.sum(), 1))


def _peer_fees(channels: Records, before: Records) -> float:
    """Mean logarithmic change of what peers charge, on channels that were there before."""
    _, now, then = np.intersect1d(channels.channel, before.channel, return_indices=True)
    changes = np.log1p(channels.peer_fee_ppm[now]) - np.log1p(before.peer_fee_ppm[then])
    return float(changes.mean()) if len(changes) else 0.0


def _drift(channels: Records, before: Records) -> float:
    """Largest change of the local share of a channel that was there before."""
    _, now, then = np.intersect1d(channels.channel, before.channel, return_indices=True)
    change_msat = np.abs(channels.local_msat[now] - before.local_msat[then])
    return _most(share(change_msat, channels.capacity_msat[now]))


def _most(shares: Floats) -> float:
    return float(shares.max()) if len(shares) else 0.0
