"""Policy search by the cross-entropy method (Rubinstein 1999; Mannor et al. 2003) over a rule's declared parameters.

What it learns stays a rule that people can read. Each generation draws candidates from a normal distribution on the
unit cube of the ranges, plays them on the same training seeds, and moves the distribution to the best of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lnherd.agents.policy import Policy
from lnherd.agents.rules.tunable import parameters, ranges, with_parameters
from lnherd.errors import InputError
from lnherd.network.records import Floats


@dataclass(frozen=True)
class SearchConfig:
    """Hyper-parameters of :func:`search`."""

    population: int = 24
    """Candidates a generation."""
    elite: int = 6
    """How many of them the distribution moves to."""
    generations: int = 15
    """Generations."""
    episodes: int = 2
    """Episodes a candidate, on seeds that change from generation to generation."""
    first_spread: float = 0.3
    """Standard deviation at the start, in parts of a range."""
    least_spread: float = 0.02
    """It never falls below this."""

    @property
    def total_episodes(self) -> int:
        """Episodes that a search plays."""
        return self.population * self.generations * self.episodes


def search(
    policy: Policy,
    score: Callable[[Policy, int], float],
    seeds: Sequence[int],
    *,
    config: SearchConfig | None = None,
    seed: int = 0,
) -> Policy:
    """The rule ``policy`` with the parameters that the search ends at.

    ``score(candidate, seed)`` plays one episode; higher is better.

    Raises:
        InputError: when the rule declares nothing to search, or there are no seeds.
    """
    config = config or SearchConfig()
    bounds = ranges(policy)
    if not bounds or not seeds:
        raise InputError(f"{policy.name}: needs tunable parameters and training seeds to be searched")
    rng = np.random.default_rng([seed, 10])
    start = parameters(policy)
    mean: Floats = np.array([bounds[name].unit(start[name]) for name in bounds])
    spread: Floats = np.full(len(bounds), config.first_spread)

    def at(point: Floats) -> Policy:
        return with_parameters(policy, {n: r.at(float(u)) for (n, r), u in zip(bounds.items(), point, strict=True)})

    for generation in range(config.generations):
        drawn = np.clip(rng.normal(mean, spread, (config.population, len(bounds))), 0.0, 1.0)
        drawn[0] = mean
        played = [seeds[(generation * config.episodes + k) % len(seeds)] for k in range(config.episodes)]
        scores = [np.mean([score(at(point), each) for each in played]) for point in drawn]
        elite = drawn[np.argsort(scores)[-config.elite :]]
        mean = elite.mean(axis=0)
        spread = np.maximum(elite.std(axis=0), config.least_spread)
    return at(mean)
