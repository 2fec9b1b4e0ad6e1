"""Returns: generalised advantage estimation (Schulman et al. 2016) and n-step returns, on one episode."""

import numpy as np

from lnherd.network.records import Bools, Floats, Ints


def gae(rewards: Floats, values: Floats, *, discount: float, trace: float, terminated: bool) -> Floats:
    """``[T]`` advantages of one episode: ``A_t = sum_k (gamma lambda)^k delta_{t+k}``.

    ``rewards [T]``; ``values [T + 1]``, the last of them of the state after the last step, which a truncated
    episode bootstraps from and a terminated one does not. ``trace`` is lambda.
    """
    following = values[1:].copy()
    if terminated:
        following[-1] = 0.0
    surprises = rewards + discount * following - values[:-1]
    advantages = np.zeros(len(rewards))
    ahead = 0.0
    for step in range(len(rewards) - 1, -1, -1):
        ahead = surprises[step] + discount * trace * ahead
        advantages[step] = ahead
    return advantages


def n_step(rewards: Floats, *, n_steps: int, discount: float, terminated: bool) -> tuple[Floats, Ints, Floats]:
    """``(returns [T], next [T], weights [T])``: ``G_t = r_t + ... + gamma^{m-1} r_{t+m-1}``, ``m <= n_steps``.

    The rest of the return is ``weights[t]`` times the value of the state ``next[t] = t + m``; the weight is
    ``gamma^m``, or 0 where the episode terminated there.
    """
    length = len(rewards)
    steps = np.arange(length)
    following: Ints = np.minimum(steps + n_steps, length)
    returns = np.zeros(length)
    for ahead in range(n_steps):
        within: Bools = steps + ahead < length
        returns[within] += discount**ahead * rewards[steps[within] + ahead]
    weights: Floats = discount ** (following - steps).astype(np.float64)
    if terminated:
        weights[following == length] = 0.0
    return returns, following, weights
