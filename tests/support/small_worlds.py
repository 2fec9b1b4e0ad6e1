"""Small worlds with known transition probabilities, as tasks, and their exact solutions."""

from dataclasses import dataclass

import numpy as np

from lnherd.control.action import Action, ActionKind
from lnherd.control.decision import Decision, StepResult, as_actions
from lnherd.control.view import NodeView, Role, own_channels

VIEW = NodeView(Role.CONSUMER, own_channels(capacity_msat=[], local_msat=[]))


@dataclass(frozen=True)
class World:
    """``moves [S, A, S]`` probabilities, ``rewards [S, A]``, ``possible [S, A]``, ``ends [S]`` absorbing states."""

    moves: np.ndarray
    rewards: np.ndarray
    possible: np.ndarray
    ends: np.ndarray

    def solve(self, discount):
        """Q* by value iteration; -inf where impossible."""
        value = np.zeros(len(self.ends))
        for _ in range(5_000):
            q = np.where(self.possible, self.rewards + discount * self.moves @ value, -np.inf)
            value = np.where(self.ends, 0.0, q.max(axis=1))
        return q

    def value_of(self, policy, discount):
        """``[S]`` exact discounted value of a deterministic policy ``[S]``."""
        at = np.arange(len(policy))
        moves = np.where(self.ends[:, None], 0.0, self.moves[at, policy])
        rewards = np.where(self.ends, 0.0, self.rewards[at, policy])
        return np.linalg.solve(np.eye(len(policy)) - discount * moves, rewards)


def chain(n=6, slip=0.3):
    """Going right slips back; staying at the right end pays 1, moving costs 0.05."""
    moves, rewards = np.zeros((n, 3, n)), np.zeros((n, 3))
    possible = np.ones((n, 3), dtype=bool)
    possible[0, 1] = possible[n - 1, 2] = False
    for s in range(n):
        moves[s, 0, s] = 1.0
        moves[s, 1, max(s - 1, 0)] = 1.0
        moves[s, 2, min(s + 1, n - 1)] += 1 - slip
        moves[s, 2, max(s - 1, 0)] += slip
    rewards[:, 1:] = -0.05
    rewards[n - 1, 0] = 1.0
    return World(moves, rewards, possible, np.zeros(n, dtype=bool))


def gridworld(size=4, slip=0.1):
    """Down, up, right, left on a square; walls are masked, a slip stays; the corner pays 1, a pit costs 1."""
    n = size * size
    moves, rewards = np.zeros((n, 4, n)), np.full((n, 4), -0.02)
    possible, ends = np.zeros((n, 4), dtype=bool), np.zeros(n, dtype=bool)
    goal, pit = n - 1, size + 1
    ends[[goal, pit]] = True
    for s in range(n):
        row, column = divmod(s, size)
        for a, (down, right) in enumerate(((1, 0), (-1, 0), (0, 1), (0, -1))):
            there = (row + down) * size + column + right
            if 0 <= row + down < size and 0 <= column + right < size:
                possible[s, a] = True
                moves[s, a, there] += 1 - slip
                moves[s, a, s] += slip
                rewards[s, a] += (1 - slip) * ((there == goal) - 1.0 * (there == pit))
    return World(moves, rewards, possible, ends)


class WorldTask:
    """A world as a task: the context is the state, one-hot; a candidate is its number, one-hot."""

    def __init__(self, world, horizon=30):
        self.world, self.horizon, self.masked_choices = world, horizon, 0
        n_actions = world.rewards.shape[1]
        self.actions = tuple(Action(ActionKind.WAIT, channel=a) for a in range(n_actions))
        self.starts = np.flatnonzero(~world.ends)

    def reset(self, seed):
        self.rng, self.t = np.random.default_rng(seed), 0
        self.state = int(self.rng.choice(self.starts))
        return self.decision(self.state)

    def decision(self, state):
        n_states, n_actions = self.world.rewards.shape
        mask = self.world.possible[state] if self.world.possible[state].any() else np.arange(n_actions) == 0
        context = np.eye(n_states, dtype=np.float32)[state]
        features = np.eye(n_actions, dtype=np.float32)
        return Decision(VIEW, self.actions, context, features, mask)

    def step(self, plan):
        action = as_actions(plan)[0].channel
        self.masked_choices += not self.decision(self.state).mask[action]
        reward = self.world.rewards[self.state, action]
        self.state = int(self.rng.choice(len(self.world.ends), p=self.world.moves[self.state, action]))
        self.t += 1
        ended = bool(self.world.ends[self.state])
        over = self.t == self.horizon and not ended
        return StepResult(self.decision(self.state), float(reward), {}, terminated=ended, truncated=over)


def names(world):
    """Names of the inputs of :class:`WorldTask`."""
    n_states, n_actions = world.rewards.shape
    return tuple(f"s{s}" for s in range(n_states)), tuple(f"a{a}" for a in range(n_actions))


def greedy_actions(policy, task):
    """``[S]`` what a saved policy does in each state."""
    return np.array([policy.act(task.decision(s)).channel for s in range(len(task.world.ends))])
