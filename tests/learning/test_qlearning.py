"""Q-learning against small worlds whose solution is known."""

from dataclasses import replace

import numpy as np
import pytest

from lnherd.agents.binning import Binning, Bins
from lnherd.agents.qlearning import QConfig, QLearner
from lnherd.control.action import Action, ActionKind
from lnherd.control.decision import Decision, StepResult, as_actions
from lnherd.control.view import NodeView, Role, own_channels
from lnherd.errors import InputError

VIEW = NodeView(Role.CONSUMER, own_channels(capacity_msat=[], local_msat=[]))
N_STATES, N_ACTIONS = 6, 3
BINNING = Binning(
    context=(Bins("state", tuple((s + 0.5) / N_STATES for s in range(N_STATES - 1))),),
    n_kinds=N_ACTIONS,
    context_names=("state",),
    candidate_names=("stay", "left", "right"),
)
ACTIONS = tuple(Action(kind) for kind in (ActionKind.WAIT, ActionKind.SWAP_OUT, ActionKind.SWAP_IN))
CONFIG = QConfig(binning=BINNING, discount=0.9, min_visits=1, batch_episodes=1, learning_rate_min=0.0, confidence=0.0)


def decision_in(state, mask=None):
    return Decision(
        VIEW,
        ACTIONS,
        np.array([state / N_STATES], dtype=np.float32),
        np.eye(N_ACTIONS, dtype=np.float32),
        np.ones(N_ACTIONS, dtype=np.bool_) if mask is None else mask,
    )


class Corridor:
    """States 0..5; going right slips back with probability 0.3; the right end pays 1, leaving costs 0.05."""

    slip = 0.3
    horizon = 30

    def __init__(self):
        self.masked_choices = 0

    def reset(self, seed):
        self.rng = np.random.default_rng(seed)
        self.state, self.t = int(self.rng.integers(N_STATES)), 0
        return self.decision()

    def decision(self):
        return decision_in(self.state, np.array([True, self.state > 0, self.state < N_STATES - 1]))

    def step(self, plan):
        (action,) = as_actions(plan)
        kind = ACTIONS.index(action)
        self.masked_choices += not self.decision().mask[kind]
        reward = 1.0 if self.state == N_STATES - 1 and kind == 0 else -0.05 * (kind > 0)
        move = {0: 0, 1: -1, 2: -1 if self.rng.random() < self.slip else 1}[kind]
        self.state = int(np.clip(self.state + move, 0, N_STATES - 1))
        self.t += 1
        return StepResult(self.decision(), reward, {}, truncated=self.t == self.horizon)


def solved(discount):
    """Q* of the corridor by value iteration; -inf where masked."""
    value = np.zeros(N_STATES)
    for _ in range(2_000):
        q = np.full((N_STATES, N_ACTIONS), -np.inf)
        for s in range(N_STATES):
            q[s, 0] = (s == N_STATES - 1) + discount * value[s]
            if s > 0:
                q[s, 1] = -0.05 + discount * value[s - 1]
            if s < N_STATES - 1:
                back = value[max(s - 1, 0)]
                q[s, 2] = -0.05 + discount * ((1 - Corridor.slip) * value[s + 1] + Corridor.slip * back)
        value = q.max(axis=1)
    return q


def learned(learner):
    return learner.table.values.reshape(N_STATES, N_ACTIONS)


@pytest.mark.parametrize("n_steps", [1, 4])
def test_solves_a_stochastic_corridor_to_value_iteration(n_steps):
    config = replace(CONFIG, n_steps=n_steps, epsilon_start=1.0, epsilon_end=0.3, learning_rate_power=0.6)
    learner = QLearner(config, seed=1)
    learner.train(Corridor, 1_500, range(1_500))
    exact = solved(0.9)
    possible = np.isfinite(exact)
    assert np.array_equal(np.where(possible, learned(learner), -np.inf).argmax(axis=1), exact.argmax(axis=1))
    assert np.abs(learned(learner) - exact)[possible].max() < 0.5
    assert learned(learner)[N_STATES - 1, 0] == pytest.approx(10.0, abs=0.3)


def test_the_greedy_policy_earns_what_the_optimal_one_does():
    learner = QLearner(replace(CONFIG, epsilon_start=1.0), seed=2)
    learner.train(Corridor, 600, range(600))

    def mean_return(policy_of):
        total, world = 0.0, Corridor()
        for seed in range(10_000, 10_100):
            decision = world.reset(seed)
            for _ in range(world.horizon):
                result = world.step(policy_of(decision, world.state))
                decision, total = result.decision, total + result.reward
        return total / 100

    optimal, policy = solved(0.9).argmax(axis=1), learner.policy()
    best = mean_return(lambda _decision, state: ACTIONS[optimal[state]])
    assert mean_return(lambda decision, _state: policy.act(decision)) == pytest.approx(best, rel=0.02)


class OneState:
    """Waiting pays 1; the episode ends after 5 steps, by termination or by truncation."""

    def __init__(self, terminates):
        self.terminates = terminates

    def reset(self, seed):
        self.t = 0
        return decision_in(0)

    def step(self, plan):
        self.t += 1
        over = self.t == 5
        reward = float(as_actions(plan)[0] is ACTIONS[0])
        return StepResult(
            decision_in(0), reward, {}, terminated=over and self.terminates, truncated=over and not self.terminates
        )


@pytest.mark.parametrize("n_steps", [1, 3])
def test_truncation_bootstraps_and_termination_does_not(n_steps):
    def value(terminates):
        config = replace(CONFIG, n_steps=n_steps, learning_rate_power=0.0, learning_rate=0.05)
        learner = QLearner(config, seed=0)
        learner.train(lambda: OneState(terminates), 600, [0])
        return learned(learner)[0, 0]

    assert value(terminates=False) == pytest.approx(1 / (1 - 0.9), rel=0.05)
    assert value(terminates=True) < 8.0


def test_a_long_return_on_the_greedy_path_is_the_discounted_sum():
    learner = QLearner(replace(CONFIG, n_steps=99, epsilon_start=0.0, epsilon_end=0.0, learning_rate_power=0.0))
    learner.table.visits[0] = 1
    learner.train(lambda: OneState(terminates=True), 1, [0])
    # updates go backwards; the last of them, for the first step, saw all five rewards
    assert learned(learner)[0, 0] == pytest.approx(sum(0.9**k for k in range(5)))


class Bandit:
    """One step: pays mean + noise of the chosen kind."""

    means = (0.0, 1.0, 0.6)

    def reset(self, seed):
        self.rng = np.random.default_rng(seed)
        return decision_in(0)

    def step(self, plan):
        kind = ACTIONS.index(as_actions(plan)[0])
        return StepResult(decision_in(0), self.means[kind] + self.rng.normal(), {}, terminated=True)


def test_estimates_the_means_of_a_bandit():
    learner = QLearner(replace(CONFIG, learning_rate_power=1.0, epsilon_start=1.0, epsilon_end=1.0), seed=3)
    learner.train(Bandit, 3_000, range(3_000))
    assert learned(learner)[0] == pytest.approx(Bandit.means, abs=0.12)
    assert learner.policy().act(decision_in(0)) is ACTIONS[1]


def test_masked_actions_are_never_chosen_and_unknown_rows_are_not_trusted():
    worlds = []

    def factory():
        worlds.append(Corridor())
        return worlds[-1]

    learner = QLearner(CONFIG, seed=4)
    learner.train(factory, 200, range(200))
    assert worlds[0].masked_choices == 0
    learner.table.values[2], learner.table.visits[2] = 1e9, 0
    assert learner.policy().act(decision_in(0)) is not ACTIONS[2]


def test_same_seeds_same_table_whatever_the_number_of_workers():
    def table(seed, workers):
        learner = QLearner(replace(CONFIG, batch_episodes=4, workers=workers), seed)
        returns = learner.train(Corridor, 40, range(7))
        return learner.table.values, returns

    assert np.array_equal(table(5, 1)[0], table(5, 3)[0])
    assert table(5, 1)[1] == table(5, 3)[1]
    assert not np.array_equal(table(5, 1)[0], table(6, 1)[0])


def test_exploration_falls_linearly_and_progress_is_reported():
    assert [CONFIG.epsilon(p) for p in (0.0, 0.4, 0.8, 1.0)] == pytest.approx([0.5, 0.275, 0.05, 0.05])
    heard = []
    returns = QLearner(CONFIG).train(Corridor, 5, [1, 2], heard.append)
    assert [(p.episode, p.episodes, p.episode_return) for p in heard] == [(k + 1, 5, returns[k]) for k in range(5)]


def test_save_and_load_and_learn_on(tmp_path):
    path = tmp_path / "table.npz"
    learner = QLearner(CONFIG, seed=7)
    learner.train(Corridor, 30, range(30))
    learner.save(path)
    again = QLearner.load(path)
    assert again.config == learner.config and again.seed == 7
    assert np.array_equal(again.table.values, learner.table.values)
    for each in (learner, again):
        each.train(Corridor, 10, range(10))
    assert np.array_equal(again.table.values, learner.table.values)
    assert np.array_equal(again.table.visits, learner.table.visits)


@pytest.mark.parametrize("content", [b"", b"not a table", b"PK\x03\x04 broken"])
def test_what_is_not_a_table_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "table.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a saved Q-table"):
        QLearner.load(path)


def test_missing_files_wrong_versions_and_bad_settings_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        QLearner.load(tmp_path / "nowhere.npz")
    np.savez(tmp_path / "old.npz", about=np.array('{"format": "other"}'))
    with pytest.raises(InputError, match="format is 'other'"):
        QLearner.load(tmp_path / "old.npz")
    with pytest.raises(InputError, match="discount"):
        QConfig(discount=1.5)
    with pytest.raises(InputError, match="at least 1"):
        QConfig(n_steps=0)
    with pytest.raises(InputError, match="seeds"):
        QLearner(CONFIG).train(Corridor, 1, [])
    with pytest.raises(InputError, match="cannot be written"):
        QLearner(CONFIG).save(tmp_path / "no" / "folder.npz")
