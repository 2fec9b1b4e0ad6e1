"""Tuning: a rule's declared parameters, searched on training seeds with as many episodes as a learner trains for.

Successive halving (Jamieson & Talwalkar 2016): random settings, the published ones among them, play one episode each;
the best third plays three, the best third of those nine, and so on. Settings that are compared have played the same
seeds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lnherd.agents.policy import Policy
from lnherd.agents.rules.tunable import ranges, with_parameters
from lnherd.errors import InputError

KEEP = 3
"""One in so many settings goes on to the next round, with so many times the episodes."""
MAX_ROUNDS = 4

Score = Callable[[Policy, int], float]
"""Plays one episode of a policy on a seed; higher is better."""


@dataclass(frozen=True)
class Tuned:
    """What a search came to."""

    rule: str
    """Name of the rule."""
    parameters: dict[str, float]
    """The best settings; empty are the published ones."""
    episodes: int
    """Episodes played."""
    score: float
    """Mean of the best settings on the seeds of the last round."""
    published_score: float
    """Mean of the published settings on the seeds that they played."""
    settings: int
    """How many settings were tried."""

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return dict(vars(self))


def rounds(episodes: int) -> list[tuple[int, int]]:
    """``(settings, episodes each so far)`` of each round that a budget pays for; two settings reach the last one."""
    for n_rounds in range(MAX_ROUNDS, 0, -1):
        settings = max((n for n in range(1, episodes + 1) if _cost(n, n_rounds) <= episodes), default=1)
        if settings >= 2 * KEEP ** (n_rounds - 1) or n_rounds == 1:
            break
    return [(settings // KEEP**k, KEEP**k) for k in range(n_rounds)]


def search_cost(episodes: int) -> int:
    """Episodes that a search with a budget of ``episodes`` plays."""
    planned = rounds(episodes)
    return _cost(planned[0][0], len(planned))


def _cost(settings: int, n_rounds: int) -> int:
    """Episodes of a search that begins with so many settings."""
    added = [KEEP**k - (KEEP ** (k - 1) if k else 0) for k in range(n_rounds)]
    return sum(settings // KEEP**k * each for k, each in enumerate(added))


def tune(rule: Policy, score: Score, seeds: Sequence[int], *, episodes: int, seed: int) -> Tuned:
    """Search the settings of ``rule`` with at most ``episodes`` episodes on ``seeds``.

    Raises:
        InputError: when there are fewer seeds than the last round needs.
    """
    bounds, planned = ranges(rule), rounds(episodes)
    if not bounds:
        return Tuned(rule.name, {}, 0, float("nan"), float("nan"), 1)
    if len(seeds) < planned[-1][1]:
        raise InputError(f"tuning {rule.name}: needs {planned[-1][1]} training seeds, got {len(seeds)}")
    rng = np.random.default_rng([seed, 11])
    tried: list[dict[str, float]] = [{}]
    tried += [{name: each.draw(rng) for name, each in bounds.items()} for _ in range(planned[0][0] - 1)]
    policies = [with_parameters(rule, settings) for settings in tried]
    scores: list[list[float]] = [[] for _ in tried]
    alive = list(range(len(tried)))
    for n_settings, n_episodes in planned:
        alive = sorted(alive, key=lambda k: -float(np.mean(scores[k] or [0.0])))[:n_settings]
        for k in alive:
            scores[k] += [score(policies[k], each) for each in seeds[len(scores[k]) : n_episodes]]
    best = max(alive, key=lambda k: float(np.mean(scores[k])))
    return Tuned(
        rule=rule.name,
        parameters=tried[best],
        episodes=sum(map(len, scores)),
        score=float(np.mean(scores[best])),
        published_score=float(np.mean(scores[0])),
        settings=len(tried),
    )
