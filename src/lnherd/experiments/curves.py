"""Learning curves: what a learner earns on held-out seeds as its training goes on."""

from dataclasses import dataclass

import numpy as np

from lnherd.network.records import Floats


@dataclass(frozen=True, eq=False)
class Curve:
    """One learner, all its trainings, at ``n`` checkpoints."""

    policy: str
    """Name of the learner."""
    episodes: Floats
    """``[n]`` training episodes played."""
    decisions: Floats
    """``[n]`` training decisions taken, mean over trainings."""
    wall_s: Floats
    """``[n]`` seconds spent on training, mean over trainings."""
    held_out_per_day: Floats
    """``[T, E, n]`` R in sat per day: trainings, held-out seeds, checkpoints."""

    def __post_init__(self) -> None:
        assert self.held_out_per_day.shape[2] == len(self.episodes) == len(self.decisions) == len(self.wall_s)
        assert np.all(np.diff(self.episodes) > 0)
