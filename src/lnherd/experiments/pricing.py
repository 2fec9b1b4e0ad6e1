"""A service that learns its price against fixed, cost-plus and surge prices, on the same held-out days."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lnherd.agents.price_table import Observation, PriceTable
from lnherd.control.decision import as_actions
from lnherd.envs.pricing_env import FEATURES, MULTIPLES, PricingConfig, PricingEnv
from lnherd.envs.pricing_task import CANDIDATE, PricingTask
from lnherd.experiments.statistics import Estimate, mean_interval, paired_difference

TRAINING_SEEDS = 1 << 31
"""Seeds from here on are for training, those below are held out."""
COST_SHARE, MARGIN, SURGE = 0.4, 1.0, 2.0
"""Cost over first price as in ``ServiceGroup``; mark-up and surge as in ``EconomyConfig``."""
LOAD = 2
"""Feature of the observation that surge prices look at."""
Policy = Callable[[Observation], int]


def nearest(multiple: float) -> int:
    """The action whose price is nearest to ``multiple`` times the first price."""
    return int(np.argmin(np.abs(np.log(np.array(MULTIPLES) / multiple))))


def fixed(observation: Observation) -> int:
    """The first price, always."""
    return nearest(1.0)


def cost_plus(observation: Observation) -> int:
    """Marginal cost and a mark-up on it."""
    return nearest(COST_SHARE * (1.0 + MARGIN))


def surge(observation: Observation) -> int:
    """More from half load on, up to three times the first price at full load."""
    return nearest(1.0 + SURGE * min(1.0, max(0.0, 2.0 * float(observation[LOAD]) - 1.0)))


def constant(action: int) -> Policy:
    """One price for ever."""
    return lambda observation: action


ALWAYS = "always x"
"""Constant prices are called by their multiple of the first price."""
RULES: dict[str, Policy] = {"fixed": fixed, "cost-plus": cost_plus, "surge": surge}


@dataclass(frozen=True, eq=False)
class PricingResult:
    """One policy on all held-out seeds."""

    policy: str
    profit_sat: tuple[tuple[float, ...], ...]
    """``[trainings, seeds]`` profit of an episode; rules have one row."""
    mean: Estimate
    against_fixed: Estimate
    """Interquartile mean of the paired differences to the fixed price."""
    against_best: Estimate
    """The same to the constant price that turned out best on these very seeds: hindsight that nobody has."""


def play(env: PricingEnv, policy: Policy, seed: int) -> float:
    """Profit of one episode in sat."""
    observation, _ = env.reset(options={"episode_seed": seed})
    total, truncated = 0.0, False
    while not truncated:
        observation, reward, _, truncated, _ = env.step(np.int64(policy(observation)))
        total += reward
    return total


def train(env: PricingEnv, episodes: int, training: int) -> PriceTable:
    """Let a table learn over ``episodes`` of its own."""
    table = PriceTable(rng=np.random.default_rng([training, 7]))
    for episode in range(episodes):
        exploration = table.config.exploration * (1.0 - episode / episodes)
        observation, _ = env.reset(options={"episode_seed": TRAINING_SEEDS + training * 100_000 + episode})
        truncated = False
        while not truncated:
            action = table.act(observation, exploration + 1e-9)
            following, reward, _, truncated, _ = env.step(np.int64(action))
            table.learn(observation, action, reward, following)
            observation = following
    return table


def train_ppo(config: PricingConfig, episodes: int, training: int) -> Policy:
    """Let PPO learn over as many episodes; PyTorch is imported on use."""
    from lnherd.agents.configs import NetworkConfig, PPOConfig, Spaces
    from lnherd.agents.ppo import PPOLearner

    settings = PPOConfig(
        spaces=Spaces(FEATURES, CANDIDATE), network=NetworkConfig(hidden=(32, 32)), batch_episodes=4, lanes=4
    )
    learner, task = PPOLearner(settings, seed=training), PricingTask(config)
    first = TRAINING_SEEDS + training * 100_000
    learner.train(lambda: PricingTask(config), episodes, range(first, first + episodes))
    policy = learner.policy()

    def act(observation: Observation) -> int:
        decision = task.decision(observation)
        (action,) = as_actions(policy.act(decision))
        return decision.candidates.index(action)

    return act


def compare(
    config: PricingConfig,
    *,
    seeds: Sequence[int],
    trainings: int,
    episodes: int,
    on_done: Callable[[str], None] = lambda name: None,
) -> list[PricingResult]:
    """Rules, every constant price (the best of them is known only afterwards) and learners."""
    env = PricingEnv(config)
    scores: dict[str, list[list[float]]] = {}
    policies = RULES | {f"{ALWAYS}{multiple:g}": constant(index) for index, multiple in enumerate(MULTIPLES)}
    for name, policy in policies.items():
        scores[name] = [[play(env, policy, seed) for seed in seeds]]
        on_done(name)
    learners: dict[str, Callable[[int], Policy]] = {
        "q-table": lambda training: train(env, episodes, training).act,
        "ppo": lambda training: train_ppo(config, episodes, training),
    }
    for name, learn in learners.items():
        trained = [learn(training) for training in range(trainings)]
        scores[name] = [[play(env, policy, seed) for seed in seeds] for policy in trained]
        on_done(name)
    return summarise(scores)


def summarise(scores: Mapping[str, Sequence[Sequence[float]]]) -> list[PricingResult]:
    """Profits ``[trainings, seeds]`` by policy, with intervals and against the fixed and the best constant price."""
    constants = [name for name in scores if name.startswith(ALWAYS)]
    best = scores[max(constants, key=lambda name: float(np.mean(scores[name])))]
    return [
        PricingResult(
            name,
            tuple(tuple(row) for row in rows),
            mean_interval([rows], seed=0),
            paired_difference([rows], [scores["fixed"]], seed=0),
            paired_difference([rows], [best], seed=0),
        )
        for name, rows in scores.items()
    ]
