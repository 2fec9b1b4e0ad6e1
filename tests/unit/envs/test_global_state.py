"""What a central critic sees, against a plain computation."""

import numpy as np
import pytest

from lnherd.envs import ForwardingConfig, ForwardingTask
from lnherd.envs.global_state import GLOBAL_FEATURES, global_features
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.traffic.demand import retail


def test_the_receivers_room_and_the_candidates_onward_room():
    network = generate(GeneratorConfig(n_nodes=20), 1)
    task = ForwardingTask(ForwardingConfig(demand=retail(40.0), duration_ms=2_000), network)
    batch, rng, seen = task.reset(1), np.random.default_rng(0), []
    while not batch.is_over:
        features = global_features(task.simulation, batch)
        assert features.shape == (len(batch.number), len(GLOBAL_FEATURES))
        assert features.min() >= 0.0 and features.max() <= 1.0
        edges = task.simulation.state.edges
        spendable = np.maximum(edges.balance_msat - edges.reserve_msat, 0) * (edges.n_htlcs < edges.max_htlcs)
        spendable *= edges.enabled & edges.is_open
        for row, (receiver, amount) in enumerate(zip(batch.receiver, batch.amount_msat, strict=True)):
            into = spendable[edges.target == receiver]
            assert features[row, 0] == pytest.approx(min(1.0, into.max() / amount), abs=1e-5)
            assert features[row, 1] == pytest.approx((into >= amount).mean(), abs=1e-5)
            peers = [edges.target[e] for e in batch.edges[row][batch.mask[row]] if e >= 0]
            onward = max((spendable[edges.source == peer].max() for peer in peers), default=0)
            assert features[row, 2] == pytest.approx(min(1.0, onward / amount), abs=1e-5)
        seen.append(features)
        choices = np.where(batch.mask, rng.random(batch.mask.shape), -1.0).argmax(axis=1)
        batch = task.step(choices)
    assert (np.concatenate(seen).std(axis=0) > 0).all()
