"""Mean-field Q-learning on the Ising model as a game (Yang et al. 2018, section 5.2), and on a game of congestion.

Agents on a square with wrapped edges choose one of two spins, one after the other. In the Ising game each is paid its
spin times the mean spin of its four neighbours: cold, all should point one way; hot, nobody cares. In the game of
congestion each is paid for being where its neighbours are not, which who does not hear them cannot know.
"""

import numpy as np

from lnherd.agents.binning import Binning, Bins
from lnherd.agents.learner import DECISIONS, REWARD
from lnherd.agents.packing import Packed, joined
from lnherd.agents.qlearning import QConfig
from lnherd.agents.rollout import EpisodeKey, Trajectory
from lnherd.agents.team import Team, TeamConfig

SIDE, SWEEPS = 6, 12
SPINS = np.array([-1.0, 1.0])
HEARS = Binning(
    context=(Bins("mean_spin", (-0.75, -0.25, 0.25, 0.75)),),
    n_kinds=2,
    context_names=("mean_spin",),
    candidate_names=("down", "up"),
)
DEAF = Binning(n_kinds=2, context_names=("mean_spin",), candidate_names=("down", "up"))


class Ising:
    """Plays for a team in which all share one table; one step is one agent's."""

    def __init__(self, likeness=1.0):
        """1 pays for being like the neighbours, -1 for being unlike them."""
        self.likeness, self.order, self.paid = likeness, 0.0, 0.0

    def collect(self, behaviours, keys):
        return [[self.play(behaviours[0], key)] for key in keys]

    def play(self, behaviour, key):
        rng = np.random.default_rng(key.draws)
        spins = rng.choice(SPINS, (SIDE, SIDE))
        looks, chosen, rewards = [], [], []
        for place in range(SWEEPS * SIDE * SIDE):
            row, column = divmod(place % (SIDE * SIDE), SIDE)
            around = np.mean([spins[row - 1, column], spins[(row + 1) % SIDE, column],
                              spins[row, column - 1], spins[row, (column + 1) % SIDE]])  # fmt: skip
            looks.append(look(around))
            position = int(behaviour.choose(looks[-1], [rng])[0][0])
            spins[row, column] = SPINS[position]
            chosen.append(position)
            rewards.append(float(self.likeness * spins[row, column] * around))
        self.order, self.paid = abs(float(spins.mean())), float(np.mean(rewards[-SIDE * SIDE :]))
        totals = {REWARD: sum(rewards), DECISIONS: float(len(rewards))}
        decisions = joined([*looks, look(0.0)])
        return Trajectory(decisions, np.array(chosen), np.zeros(len(chosen)), np.array(rewards), True, totals)


def look(around):
    return Packed(np.array([[around]], dtype=np.float32), np.eye(2, dtype=np.float32), np.array([2]))


def played(game, binning, temperature):
    """``(order, pay)``: how alike the spins are and what an agent gets once a table has learned, means over games."""
    config = QConfig(
        binning=binning,
        discount=0.0,
        n_steps=1,
        temperature=temperature,
        min_visits=0,
        learning_rate_power=0.5,
        learning_rate_min=0.02,
        batch_episodes=2,
    )
    team = Team(TeamConfig(config), 1, (), seed=3)
    team.train(game, 20, range(20))
    figures = []
    for number in range(6):
        game.play(team.deployed()[0], EpisodeKey(number, (number,)))
        figures.append((game.order, game.paid))
    return tuple(np.mean(figures, axis=0))


def test_the_cold_agree_and_the_hot_do_not():
    assert played(Ising(), HEARS, 0.2)[0] > 0.85
    assert played(Ising(), HEARS, 3.0)[0] < 0.4


def test_only_who_hears_the_neighbours_keeps_out_of_their_way():
    assert played(Ising(-1.0), HEARS, 0.2)[1] > 0.6
    assert played(Ising(-1.0), DEAF, 0.2)[1] < 0.2
