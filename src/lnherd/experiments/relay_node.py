"""``lnherd compare herding --suite relay-node``: a published scenario reproduced, bounded, and learned.

Everybody lives the same held-out lives. Learners are *pre-trained* on other lives, or learn *online* within the one
life that they are scored on, as the published one does, from the same information. Rules are tuned twice: on training
lives with a learner's budget, and in hindsight on the held-out ones, which no learner may.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from statistics import median

import numpy as np

from lnherd.agents.afterstate import AfterstateConfig, AfterstateLearner
from lnherd.agents.binning import Binning, Bins
from lnherd.agents.configs import DQNConfig, NetworkConfig, PPOConfig, Spaces
from lnherd.agents.learners import make_learner
from lnherd.agents.policy import Policy
from lnherd.agents.policy_search import SearchConfig, search
from lnherd.agents.qlearning import QConfig, QLearner
from lnherd.agents.relay_rules import Autoloop, Loopmax, RelayThresholds
from lnherd.agents.rules import DoNothing
from lnherd.engine.relay_kernel import COIN
from lnherd.envs.relay_node import CANDIDATE, CONTEXT, KINDS, RelayNodeTask
from lnherd.experiments.bounds import relay_fluid_bound
from lnherd.experiments.seeds import held_out_seeds, training_seeds
from lnherd.experiments.statistics import Estimate, interquartile_mean_interval

PUBLISHED = {"do-nothing": 998.0, "loopmax": 5_605.0, "autoloop": 6_620.0}
"""Medians recorded with the original simulator."""
PUBLISHED_LEARNER = 7_180.0
"""RebEL (soft actor-critic), learning online."""
AFTERSTATES = Binning(
    candidate=(
        Bins("ours_after", tuple(round(0.1 * k, 1) for k in range(1, 10))),
        Bins("local_r_after", (0.15,)),
    ),
    n_kinds=1,
    context_names=CONTEXT,
    candidate_names=("any", *CANDIDATE[1:]),
)
"""Where an act leads: how much of both channels is ours, and whether R can pay out."""
Q_BINNING = Binning(
    candidate=AFTERSTATES.candidate, n_kinds=len(KINDS), context_names=CONTEXT, candidate_names=CANDIDATE
)

SPACES = Spaces(CONTEXT, CANDIDATE)
RELAY_PPO = PPOConfig(
    spaces=SPACES,
    network=NetworkConfig(wait_logit=5.0),
    discount=0.98,
    entropy=0.003,
    entropy_end=0.0,
    minibatch=256,
    batch_episodes=4,
    lanes=4,
)
"""Swaps are rare here and each costs half a tick's income: the untrained policy nearly always waits."""
RELAY_DQN = DQNConfig(
    spaces=SPACES,
    network=NetworkConfig(wait_logit=0.5),
    discount=0.98,
    n_steps=16,
    warm_up=2_000,
    updates_per_decision=0.05,
    epsilon_start=0.1,
    epsilon_end=0.01,
    explore_kinds=len(KINDS),
    batch_episodes=4,
)
"""The same caution: little exploration, and waiting is thought better until the contrary is known."""
DEEP: dict[str, DQNConfig | PPOConfig] = {"dqn": RELAY_DQN, "ppo": RELAY_PPO}
"""Learners with networks; left out where PyTorch is not installed."""

SEARCHED = SearchConfig(population=20, elite=5, generations=18, episodes=1)


@dataclass(frozen=True)
class RelayNodeConfig:
    """Size of the suite."""

    lives: int = 20
    """Held-out lives."""
    q_lives: int = 120
    """Training lives of Q-learning."""
    td_lives: int = 20
    """Training lives of afterstate learning."""
    deep_lives: int = 120
    """Training lives of DQN and PPO."""
    searched: SearchConfig = field(default_factory=lambda: SEARCHED)
    """Policy search, and the tuning of rules: the same budget."""
    seed: int = 0
    """Of everything random."""


QUICK = RelayNodeConfig(
    lives=3,
    q_lives=12,
    td_lives=4,
    deep_lives=8,
    searched=SearchConfig(population=6, elite=2, generations=4, episodes=1),
)
"""Half a minute: shows that everything runs."""


@dataclass(frozen=True)
class Life:
    """One policy through one life."""

    policy: str
    seed: int
    profit: float
    """Final fortune less the first one, in coins."""
    swaps: int
    success_rate: float
    """Share of the payments that were relayed."""
    bound: float
    """What the fluid limit allows in this life."""


@dataclass(frozen=True)
class Row:
    """One policy over all lives."""

    policy: str
    learns: str
    """Where it learned: nowhere, on other lives, in the life itself, in hindsight."""
    training_lives: int
    """Lives played before the first held-out one."""
    profit: float
    """Median."""
    lowest: float
    highest: float
    iqm: Estimate
    """Interquartile mean with its 95 % interval."""
    swaps: float
    """Mean."""
    success_rate: float
    """Mean."""
    share_of_bound: float
    """Mean profit over mean fluid bound."""


@dataclass(frozen=True)
class Contestant:
    """How a policy comes to its held-out lives."""

    name: str
    learns: str
    training_lives: int
    make: Callable[[], Policy]
    """Called anew for every life: nobody takes what it learned in one held-out life into another."""


def play_life(policy: Policy, seed: int, name: str) -> Life:
    """One life; a policy that can ``observe`` rewards is told them."""
    task = RelayNodeTask()
    decision = task.reset(seed)
    policy.reset(seed)
    observe = getattr(policy, "observe", None)
    over = False
    while not over:
        result = task.step(policy.act(decision))
        if observe is not None:
            observe(result.reward)
        decision, over = result.decision, result.truncated
    book = task.books[0]
    return Life(
        policy=name,
        seed=seed,
        profit=task.profit,
        swaps=int(book.n_swaps),
        success_rate=float(book.n_relayed.sum() / book.n_offered.sum()),
        bound=relay_fluid_bound((book.offered / COIN).tolist()),
    )


def contestants(config: RelayNodeConfig, on_progress: Callable[[str], None]) -> list[Contestant]:
    """Everybody, trained; ``on_progress`` hears what is being trained."""
    training = training_seeds(config.seed, max(config.q_lives, config.searched.total_episodes))
    held_out = held_out_seeds(config.seed, config.lives)
    budget = config.searched.total_episodes

    def searched(rule: RelayThresholds, seeds: list[int], what: str) -> Policy:
        on_progress(what)
        return search(rule, lambda policy, seed: play_life(policy, seed, "").profit, seeds, config=config.searched)

    single = replace(RelayThresholds(), ours_min=0.0)
    tuned = searched(single, training, "tuning thresholds on training lives")
    hindsight = searched(single, held_out, "tuning thresholds in hindsight")
    joint = searched(replace(RelayThresholds(), ours_min=0.5), training, "policy search")
    on_progress("Q-learning")
    q_policy = trained_q(config, training)
    deep = [deep_contestant(name, config, training, on_progress) for name in DEEP if find_spec("torch") is not None]
    on_progress("afterstate learning on other lives")
    td = trained_afterstate(config, training)
    return [
        Contestant("do-nothing", "no", 0, DoNothing),
        Contestant("loopmax", "no", 0, Loopmax),
        Contestant("autoloop", "no", 0, Autoloop),
        Contestant("thresholds, tuned", "other lives", budget, lambda: tuned),
        Contestant("thresholds, hindsight", "hindsight", budget, lambda: hindsight),
        Contestant("q-learning", "other lives", config.q_lives, lambda: q_policy),
        *deep,
        Contestant("policy search", "other lives", budget, lambda: joint),
        Contestant("afterstate TD, warm", "other lives, this life", config.td_lives, lambda: deepcopy(td)),
        Contestant("afterstate TD", "this life", 0, new_afterstate),
    ]


def new_afterstate() -> AfterstateLearner:
    """Knows nothing yet."""
    return AfterstateLearner(AfterstateConfig(AFTERSTATES, cost_column=CANDIDATE.index("cost"), cost_scale=10.0))


def trained_afterstate(config: RelayNodeConfig, seeds: list[int]) -> AfterstateLearner:
    """What it has learned on other lives; it goes on learning, slower and without exploring."""
    learner = new_afterstate()
    for seed in seeds[: config.td_lives]:
        play_life(learner, seed, "")
    learner.config = replace(learner.config, learning_rate=0.1, exploration=0.0)
    return learner


def trained_q(config: RelayNodeConfig, seeds: list[int]) -> Policy:
    """Tabular Q-learning over where candidates lead, on other lives."""
    settings = QConfig(
        binning=Q_BINNING, discount=0.98, n_steps=16, epsilon_start=0.3, epsilon_end=0.02, confidence=2.0
    )
    learner = QLearner(settings, config.seed)
    learner.train(RelayNodeTask, config.q_lives, seeds)
    return learner.policy()


def deep_contestant(
    name: str, config: RelayNodeConfig, seeds: list[int], on_progress: Callable[[str], None]
) -> Contestant:
    """DQN or PPO on other lives."""
    on_progress(name)
    learner = make_learner(DEEP[name], config.seed)
    learner.train(RelayNodeTask, config.deep_lives, seeds)
    return Contestant(name, "other lives", config.deep_lives, learner.policy)


def run(config: RelayNodeConfig, on_progress: Callable[[str], None]) -> tuple[list[Row], list[Life]]:
    """The whole suite: one row a policy, and every life."""
    rows, lives = [], []
    seeds = held_out_seeds(config.seed, config.lives)
    for contestant in contestants(config, on_progress):
        on_progress(f"held-out lives of {contestant.name}")
        played = [play_life(contestant.make(), seed, contestant.name) for seed in seeds]
        lives += played
        rows.append(summary(contestant, played, config.seed))
    return rows, lives


def summary(contestant: Contestant, played: list[Life], seed: int) -> Row:
    """One row of the table."""
    profits = [life.profit for life in played]
    return Row(
        policy=contestant.name,
        learns=contestant.learns,
        training_lives=contestant.training_lives,
        profit=median(profits),
        lowest=min(profits),
        highest=max(profits),
        iqm=interquartile_mean_interval(profits, seed=seed),
        swaps=float(np.mean([life.swaps for life in played])),
        success_rate=float(np.mean([life.success_rate for life in played])),
        share_of_bound=sum(profits) / sum(life.bound for life in played),
    )
