"""Reward scaling: rewards divided by the running standard deviation of their discounted sum.

The same idea as in OpenAI's baselines: values and gradients keep one size whatever a success is worth.
"""

from dataclasses import dataclass

from lnherd.network.records import Floats


@dataclass(eq=False)
class RewardScale:
    """Running mean and variance (Welford) of the discounted sum of rewards within episodes."""

    discount: float
    count: float = 0.0
    mean: float = 0.0
    squares: float = 0.0

    def watch(self, rewards: Floats) -> None:
        """Count the rewards ``[T]`` of one episode in."""
        total = 0.0
        for reward in rewards:
            total = total * self.discount + float(reward)
            self.count += 1.0
            surprise = total - self.mean
            self.mean += surprise / self.count
            self.squares += surprise * (total - self.mean)

    def watch_all(self, values: Floats) -> None:
        """Count ``values [n]`` in, each by itself (Chan, Golub & LeVeque 1979)."""
        n = float(len(values))
        if n == 0:
            return
        mean, total = float(values.mean()), self.count + n
        surprise = mean - self.mean
        self.squares += float(((values - mean) ** 2).sum()) + surprise**2 * self.count * n / total
        self.mean += surprise * n / total
        self.count = total

    @property
    def scale(self) -> float:
        """What rewards are divided by; 1 while nothing varied."""
        deviation = (self.squares / self.count) ** 0.5 if self.count > 1 else 0.0
        return deviation if deviation > 1e-8 else 1.0
