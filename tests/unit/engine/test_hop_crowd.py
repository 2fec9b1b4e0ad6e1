"""What neighbours hear of each other's actions, worked out by hand."""

import numpy as np
import pytest
from small_networks import SAT, network_of, payments_of

from lnherd.control.hop_encode import N_FEATURES
from lnherd.engine import ExitReason, Simulation, SimulationConfig
from lnherd.engine.codes import GIVE_UP
from lnherd.engine.hop_crowd import FARTHER, GIVES_UP, MEMORY, NEARER
from lnherd.engine.hop_network import N_INPUTS, Exploration, ScoringNetwork
from lnherd.engine.hop_state import N_MEAN_ACTIONS
from lnherd.errors import InputError

CHANNELS = [(0, 1, 500_000, 0), (1, 2, 500_000, 0), (1, 3, 500_000, 500_000), (3, 2, 500_000, 0)]
"""Node 1 is next to 2; over 3 it is a hop farther."""


def asked(hop_policy="external"):
    payments = payments_of((0, 1, 2, 1_000 * SAT), (50, 1, 2, 1_000 * SAT), (10_000, 0, 2, 1_000 * SAT))
    config = SimulationConfig(sender="policy", hop_policy=hop_policy)
    return Simulation(network_of(CHANNELS), payments, config=config)


def test_means_fade_and_are_heard_over_every_channel():
    simulation = asked()
    simulation.look_beyond(neighbours=True, everything=False)
    share = 1.0 / MEMORY
    assert simulation.run() == ExitReason.DECISION_NEEDED  # node 1, to node 2
    assert simulation.beyond()[0].tolist() == [[0.0, 0.0, 1.0, 0.0, 0.0]]  # nobody has acted
    simulation.decide(np.array([4]))  # over node 3: sideways, since 3 is as near as 1
    simulation.run()
    simulation.decide(np.full(len(simulation.pending), GIVE_UP))
    while simulation.run() == ExitReason.DECISION_NEEDED and simulation.holders()[0] != 0:
        simulation.decide(np.full(len(simulation.pending), GIVE_UP))
    heard = simulation.beyond()[0][0]  # node 0 hears node 1 alone
    mine = simulation.state.crowd[1].actions
    assert np.array_equal(heard, mine) and heard.sum() == pytest.approx(1.0)
    assert mine[GIVES_UP] > 0 and mine[FARTHER] == 0.0
    acted = round(np.log(mine[NEARER]) / np.log1p(-share))
    assert acted >= 2 and mine[NEARER] == pytest.approx((1 - share) ** acted, rel=1e-5)


def weights(n_inputs, fill):
    narrow = np.full((n_inputs, 4), fill, dtype=np.float32)
    layers = (np.zeros(4), np.eye(4), np.zeros(4), np.ones(4))
    return ScoringNetwork(narrow, *(np.asarray(layer, dtype=np.float32) for layer in layers))


def test_a_network_may_hear_its_neighbours_and_each_node_run_its_own():
    simulation = asked("network")
    hearing = [weights(N_INPUTS + N_MEAN_ACTIONS, fill) for fill in (1.0, -1.0)]
    simulation.use_networks(hearing, np.array([0, 1, 0, 1]), Exploration(seed=1))
    simulation.run()
    choices, rows = simulation.fetch_choices()
    assert choices.neighbours.sum(axis=1) == pytest.approx(1.0) and rows.features.shape[1] == N_FEATURES
    starts = np.cumsum(choices.n_choices) - choices.n_choices
    for entry, start in zip(choices, starts, strict=True):
        shared = entry.context.sum() + entry.neighbours.sum()
        scores = 4 * np.maximum(shared + rows.features[start : start + entry.n_choices].sum(axis=1), 0)
        scores = scores.astype(float) if entry.node in (0, 2) else np.zeros(entry.n_choices)
        expected = scores[entry.chosen] - np.log(np.exp(scores - scores.max()).sum()) - scores.max()
        assert entry.log_probability == pytest.approx(expected, abs=1e-4)
    assert set(choices.node) >= {0, 1}


def test_networks_that_do_not_fit_together_are_refused():
    simulation = asked("network")
    with pytest.raises(InputError, match="same inputs"):
        simulation.use_networks([weights(N_INPUTS, 1.0), weights(N_INPUTS + 5, 1.0)], np.zeros(4, dtype=int))
    for numbers in (np.zeros(3, dtype=int), np.array([0, 0, 0, 1])):
        with pytest.raises(InputError, match="for each of the 4 nodes"):
            simulation.use_networks([weights(N_INPUTS, 1.0)], numbers)
