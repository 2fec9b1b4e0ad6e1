"""Networks that begin as a rule, and networks that are kept from seeing balances."""

import numpy as np
import pytest

from lnherd.agents.forwarding_learners import BEGINNINGS, TELL_BALANCES, hop_learner_config
from lnherd.agents.learners import make_learner
from lnherd.agents.packing import Packed
from lnherd.control.hop_encode import CANDIDATE_FEATURES, CONTEXT_FEATURES
from lnherd.envs.forwarding_play import ForwardingPlayer
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.errors import InputError
from lnherd.traffic.demand import mixed

CONFIG = ForwardingConfig(n_nodes=20, duration_ms=2_000, demand=mixed(40.0))
NETWORK = CONFIG.network()
INPUTS = CONTEXT_FEATURES + CANDIDATE_FEATURES


def decisions(seed, n=50):
    rng = np.random.default_rng(seed)
    context, rows = rng.random((n, len(CONTEXT_FEATURES))), rng.random((4 * n, len(CANDIDATE_FEATURES)))
    return Packed(context.astype(np.float32), rows.astype(np.float32), np.full(n, 4))


@pytest.mark.parametrize("algorithm, name", [("ppo", "shortest"), ("ppo", "careful"), ("dqn", "careful")])
def test_an_untrained_network_is_the_rule_that_it_begins_as(algorithm, name):
    scorer, batch = make_learner(hop_learner_config(algorithm, name), seed=2).deployed(), decisions(1)
    worth = np.array([dict(BEGINNINGS[name]).get(feature, 0.0) for feature in CANDIDATE_FEATURES])
    expected = batch.features @ worth
    found = scorer.scores(batch) - np.repeat(scorer.scores(batch)[::4] - expected[::4], 4)
    assert np.abs(found - expected).max() < 0.3  # a tenth of what a hop is worth


def test_what_is_ignored_never_counts():
    learner = make_learner(hop_learner_config("ppo", "careful", blind=True), seed=2)
    before = learner.deployed().w1
    learner.train(ForwardingPlayer(lambda seed: (CONFIG, NETWORK)), 4, range(100, 104))
    after, ignored = learner.deployed().w1, [INPUTS.index(name) for name in TELL_BALANCES]
    assert not after[ignored].any()
    seen = np.setdiff1d(np.arange(len(INPUTS)), ignored)
    moved = np.abs(after - before)[seen].max(axis=1) > 0
    assert moved[len(CONTEXT_FEATURES) - 2 :].sum() > 10  # all that differed between choices


def test_tables_begin_with_nothing():
    with pytest.raises(InputError, match="a table begins with nothing"):
        hop_learner_config("qlearning", "careful")
