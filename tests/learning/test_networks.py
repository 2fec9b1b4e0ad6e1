"""The network in PyTorch against its NumPy twin and against formulas written out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lnherd.agents.configs import NetworkConfig, Spaces
from lnherd.agents.networks import Batch, CandidateNetwork
from lnherd.agents.packing import Packed
from lnherd.agents.scorer import best, log_probabilities

SPACES = Spaces(("a", "b", "c"), ("wait", "x", "y", "z"))


def drawn(seed, counts):
    rng = np.random.default_rng(seed)
    context, features = rng.uniform(-1, 1, (len(counts), 3)), rng.uniform(-1, 1, (sum(counts), 4))
    return Packed(context.astype(np.float32), features.astype(np.float32), np.array(counts))


def network(seed=0, **settings):
    net = CandidateNetwork(SPACES, NetworkConfig(**settings), np.random.default_rng(seed))
    with torch.no_grad():
        net.w3.mul_(100.0)  # scores of a trained network's size
        net.b3.add_(0.3)
    return net


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 20), min_size=1, max_size=30))
def test_numpy_scores_as_pytorch_does(seed, counts):
    packed, net = drawn(seed, counts), network(seed % 7)
    with torch.no_grad():
        scores = net.scores(Batch(packed, "cpu"))
        logs = Batch(packed, "cpu").log_softmax(scores).numpy()
    theirs = net.scorer().scores(packed)
    assert np.abs(theirs - scores.numpy()).max() < 1e-5
    assert np.abs(log_probabilities(theirs, packed) - logs).max() < 1e-5


def test_scores_do_not_depend_on_what_else_is_in_the_batch():
    packed, net = drawn(3, [4, 1, 7]), network()
    whole = net.scorer().scores(packed)
    for index, part in enumerate(np.split(whole, packed.starts[1:])):
        assert np.allclose(net.scorer().scores(packed.select(np.array([index]))), part, atol=1e-6)


def test_values_see_the_mean_candidate_and_are_what_the_first_one_is_worth():
    packed, net = drawn(4, [3, 2]), network()
    with torch.no_grad():
        batch = Batch(packed, "cpu")
        values, q = net.values(batch).numpy(), net.action_values(batch, heads="first").numpy()
    weights = {name: array.astype(float) for name, array in net.arrays().items()}
    for index in range(2):
        rows = packed.features[packed.owners == index]
        inputs = np.concatenate([packed.context[index], rows.mean(axis=0)])
        hidden = np.maximum(inputs @ weights["v_w1"] + weights["v_b1"], 0)
        value = np.maximum(hidden @ weights["v_w2"] + weights["v_b2"], 0) @ weights["v_w3"] + weights["v_b3"]
        assert values[index] == pytest.approx(value, abs=1e-5)
        assert q[packed.starts[index]] == pytest.approx(value, abs=1e-4)
    for rows in ([0, 3], [2, 4]):
        for heads in ("none", "first", "mean"):
            alone = net.values_of(batch, torch.tensor(rows), heads=heads)
            assert torch.allclose(alone, net.action_values(batch, heads=heads)[rows], atol=1e-5)


def test_an_untrained_scorer_may_prefer_waiting():
    counts = [10] * 200
    packed = drawn(5, counts)
    packed.features[:, 0] = 0.0
    packed.features[packed.starts, 0] = 1.0
    preferring = CandidateNetwork(SPACES, NetworkConfig(wait_logit=3.0), np.random.default_rng(0)).scorer()
    assert (best(preferring.scores(packed), packed) == 0).all()
    shares = np.exp(log_probabilities(preferring.scores(packed), packed))[packed.starts]
    assert shares.mean() == pytest.approx(np.exp(3) / (np.exp(3) + 9), abs=0.02)


def test_weights_follow_from_the_seed():
    first, again, other = (
        CandidateNetwork(SPACES, NetworkConfig(), np.random.default_rng(seed)).arrays() for seed in (1, 1, 2)
    )
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["w1"], other["w1"])
    assert np.allclose(first["w2"].T @ first["w2"], 2.0 * np.eye(64), atol=1e-5)
