"""What two agents learn who cannot speak: the two-step game of the QMIX paper (Rashid et al. 2018, section 4.1).

The first agent's first act leads to the left game, which pays 7 whatever is done, or to the right one, whose matrix
says what both together earn. Independent learners take each other's exploration for the world; a sum of values can
say what additive games pay, a monotonic mixture more.
"""

import numpy as np
import pytest

from lnherd.agents.configs import DQNConfig, NetworkConfig, Spaces
from lnherd.agents.learner import DECISIONS, REWARD
from lnherd.agents.packing import Packed, joined
from lnherd.agents.rollout import Trajectory
from lnherd.agents.team import Team, TeamConfig

STATES = ("start", "left", "right")
SPACES = Spaces((*STATES, "is_first", "is_second"), ("one", "other"), STATES)
ADDITIVE = ((0.0, 4.0), (4.0, 8.0))
MONOTONIC = ((0.0, 1.0), (1.0, 8.0))
SAFE = 7.0


class TwoStepGame:
    """Plays for a team of one group."""

    def __init__(self, right):
        self.games = {1: np.full((2, 2), SAFE), 2: np.array(right)}

    def collect(self, behaviours, keys):
        return [[self.play(behaviours[0], key)] for key in keys]

    def play(self, behaviour, key):
        rngs = [np.random.default_rng([*key.draws, agent]) for agent in range(2)]
        looks = [look(0)]
        first, _ = behaviour.choose(looks[0], rngs)
        state = 1 + int(first[0])
        looks.append(look(state))
        second, _ = behaviour.choose(looks[1], rngs)
        paid = float(self.games[state][tuple(second)])
        rewards, chosen = np.array([0.0, 0.0, paid, paid]), np.concatenate([first, second])
        totals = {REWARD: paid, DECISIONS: 4.0}
        return Trajectory(joined([*looks, look(0)]), chosen, np.zeros(4), rewards, True, totals, agents=2)


def look(state):
    seen = np.repeat(np.eye(3, dtype=np.float32)[state][None], 2, axis=0)
    context = np.concatenate([seen, np.eye(2, dtype=np.float32)], axis=1)
    return Packed(context, np.tile(np.eye(2, dtype=np.float32), (2, 1)), np.array([2, 2]), seen)


def trained(mixer, right, episodes=300):
    config = DQNConfig(
        spaces=SPACES,
        network=NetworkConfig(hidden=(16, 16)),
        discount=0.99,
        dueling=False,
        n_steps=1,
        mixer=mixer,
        agents=2,
        mixer_units=8,
        warm_up=32,
        minibatch=32,
        updates_per_decision=1.0,
        learning_rate=1e-2,
        learning_rate_end=1e-3,
        target_rate=0.05,
        epsilon_start=1.0,
        epsilon_end=1.0,
        explore_kinds=0,
        batch_episodes=20,
    )
    team = Team(TeamConfig(config), 1, SPACES.hidden, seed=0, base=SPACES)
    team.train(TwoStepGame(right), episodes, range(episodes))
    return team


def earned(team, right):
    """By both acting greedily."""
    (behaviour,) = team.behaviours()
    rngs = [np.random.default_rng(0)] * 2
    state = 1 + int(behaviour.choose(look(0), rngs)[0][0])
    return TwoStepGame(right).games[state][tuple(behaviour.choose(look(state), rngs)[0])]


@pytest.mark.parametrize(
    ("mixer", "right", "pay"),
    [
        ("none", ADDITIVE, SAFE),
        ("sum", ADDITIVE, 8.0),
        ("none", MONOTONIC, SAFE),
        ("sum", MONOTONIC, SAFE),
        ("monotonic", MONOTONIC, 8.0),
    ],
)
def test_each_mixer_finds_what_it_can_express(mixer, right, pay):
    assert earned(trained(mixer, right), right) == pay
