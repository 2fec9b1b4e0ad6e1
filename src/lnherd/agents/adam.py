"""Adam (Kingma & Ba 2015, arXiv 1412.6980) on all weights at once: one flat tensor, a few passes over it.

m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  w <- w - rate * m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)
"""

import torch
from torch import Tensor

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-5


class Adam:
    """Steps ``weights`` down ``gradient``, both flat; the gradient is cut to a norm beforehand."""

    def __init__(self, weights: Tensor, gradient: Tensor, max_gradient: float) -> None:
        self.weights, self.gradient, self.max_gradient = weights, gradient, max_gradient
        self.mean, self.square = torch.zeros_like(weights), torch.zeros_like(weights)
        self.steps = 0

    def step(self, rate: float) -> None:
        """One step; the gradient is used up."""
        norm = float(torch.linalg.vector_norm(self.gradient))
        if norm > self.max_gradient:
            self.gradient *= self.max_gradient / (norm + 1e-6)
        self.steps += 1
        self.mean.lerp_(self.gradient, 1.0 - BETA_1)
        self.square.mul_(BETA_2).addcmul_(self.gradient, self.gradient, value=1.0 - BETA_2)
        scale = (self.square / (1.0 - BETA_2**self.steps)).sqrt_().add_(EPSILON)
        self.weights.addcdiv_(self.mean, scale, value=-rate / (1.0 - BETA_1**self.steps))
