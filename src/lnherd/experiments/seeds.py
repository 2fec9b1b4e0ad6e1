"""Seeds of outside events: held-out ones and training ones never meet."""

from lnherd.experiments.config import CompareConfig, TrainConfig


def held_out_seeds(seed: int, n: int) -> list[int]:
    """``n`` different seeds, the first k the same for every n; none is ever a training seed."""
    return CompareConfig(evaluations=n, seed=seed).seeds()


def training_seeds(seed: int, n: int) -> list[int]:
    """``n`` different seeds; none is ever held out."""
    return TrainConfig(episodes=n, seed=seed).seeds()
