"""Forwarding episodes that nobody played, with the figures a test is about."""

from lnherd.experiments.forwarding.measuring import ForwardingRun
from lnherd.experiments.forwarding.suite import Played


def run_of(policy, seed, delivered_sat=50.0, *, training=0, windows=None, **figures):
    """An episode in which 100 sat were offered, in as many equal windows as ``windows`` has shares delivered."""
    shares = windows or [delivered_sat / 100.0] * 2
    offered = 100.0 / len(shares)
    defaults = {
        "n_payments": 10,
        "n_succeeded": 5,
        "earned_sat": 0.1,
        "paid_sat": 0.2,
        "forwarded_sat": 200.0,
        "latency_s": 1.0,
        "attempts": 2.0,
        "utilisation": 0.25,
        "hub_gini": 0.5,
        "hub_share": 0.4,
        "n_decisions": 30,
        "wall_s": 0.1,
    }
    return ForwardingRun(
        policy=policy,
        training=training,
        seed=seed,
        offered_sat=100.0,
        delivered_sat=sum(offered * share for share in shares),
        offered_by_window_sat=(offered,) * len(shares),
        delivered_by_window_sat=tuple(offered * share for share in shares),
        **(defaults | figures),
    )


def played_of(cell, policy, delivered, *, limit=0.8, **changes):
    """One episode for each of ``delivered``, on seeds 0, 1, ... of world 0."""
    return [Played(cell, 0, run_of(policy, seed, sat, **changes), limit) for seed, sat in enumerate(delivered)]
