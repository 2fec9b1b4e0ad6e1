"""What a central critic sees, against a plain computation."""

import numpy as np
import pytest

from lnherd.control.hop_encode import GLOBAL_FEATURES
from lnherd.envs import ForwardingConfig, ForwardingTask
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.traffic.demand import retail


def room_of(simulation):
    edges = simulation.state.edges
    spendable = np.maximum(edges.balance_msat - edges.reserve_msat, 0) * (edges.n_htlcs < edges.max_htlcs)
    return spendable * edges.enabled * edges.is_open


def hops_to(receiver, ends, past):
    """Of each node from which a way over channels with these ``ends`` leads to the receiver, past others."""
    hops, wave = {receiver: 0}, [receiver]
    while wave:
        step = {source for source, target in ends if target in wave and source not in hops and source not in past}
        hops |= dict.fromkeys(step, 1 + hops[wave[0]])
        wave = sorted(step)
    return hops


def been_at(simulation, attempt, sender):
    edges = attempt.edges[: attempt.hop + 1]
    return {int(sender), *(int(simulation.state.edges[edge].target) for edge in edges)}


def test_rooms_and_open_ways():
    network = generate(GeneratorConfig(n_nodes=20), 1)
    task = ForwardingTask(ForwardingConfig(demand=retail(40.0), duration_ms=2_000), network)
    batch, rng, seen = task.reset(1), np.random.default_rng(0), []
    simulation = task.simulation
    simulation.look_beyond(neighbours=False, everything=True)
    while not batch.is_over:
        features = simulation.beyond()[1]
        assert features.shape == (len(batch.number), len(GLOBAL_FEATURES))
        assert features.min() >= 0.0 and features.max() <= 1.0
        room, edges = room_of(simulation), simulation.state.edges
        for row, attempt_id in enumerate(simulation.pending):
            attempt, node, receiver = simulation.state.attempts[attempt_id], batch.node[row], batch.receiver[row]
            into = room[edges.target == receiver]
            assert features[row, 0] == pytest.approx(min(1.0, into.max() / attempt.amount_msat), abs=1e-5)
            assert features[row, 1] == pytest.approx((into >= attempt.amount_msat).mean(), abs=1e-5)
            past = been_at(simulation, attempt, simulation.payments[attempt.payment].sender) - {int(node)}
            fits = np.flatnonzero(room >= attempt.amount_msat)
            hops = hops_to(int(receiver), [(int(edges[e].source), int(edges[e].target)) for e in fits], past)
            assert features[row, 2] == (int(node) in hops)
            n_hops = hops.get(int(node), 0)
            assert features[row, 3] == pytest.approx(n_hops / 10 if n_hops else 1.0)
            peers = [int(edges[e].target) for e in batch.edges[row][batch.mask[row]] if e >= 0]
            onward = [hops.get(peer, 99) < n_hops for peer in peers]
            assert features[row, 4] == pytest.approx(np.mean(onward) if onward else 0.0, abs=1e-5)
        seen.append(features)
        batch = task.step(np.where(batch.mask, rng.random(batch.mask.shape), -1.0).argmax(axis=1))
    assert (np.concatenate(seen).std(axis=0) > 0).all()
