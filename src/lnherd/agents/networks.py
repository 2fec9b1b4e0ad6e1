"""The candidate-scoring network and its critic in PyTorch, for training; :mod:`lnherd.agents.scorer` runs it.

Weights are drawn with NumPy from a seed and exchanged with NumPy arrays, so PyTorch's own generators play no part.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lnherd.agents.configs import NetworkConfig, Spaces
from lnherd.agents.packing import Numbers, Packed
from lnherd.agents.scorer import Scorer

SCORER_WEIGHTS = tuple(field.name for field in fields(Scorer))


class Batch:
    """Packed decisions as tensors on one device."""

    def __init__(self, packed: Packed, device: str) -> None:
        self.context = torch.from_numpy(packed.context).to(device)
        self.features = torch.from_numpy(packed.features).to(device)
        self.hidden = None if packed.hidden is None else torch.from_numpy(packed.hidden).to(device)
        self.counts = torch.from_numpy(packed.counts).to(device)
        self.starts = torch.from_numpy(packed.starts).to(device)
        self.owners = torch.from_numpy(packed.owners).to(device)

    def sums(self, of_candidates: Tensor) -> Tensor:
        """``[N, ...] -> [B, ...]``: sums over the candidates of each decision."""
        shape = (len(self.counts), *of_candidates.shape[1:])
        return torch.zeros(shape, dtype=of_candidates.dtype, device=of_candidates.device).index_add_(
            0, self.owners, of_candidates
        )

    def log_softmax(self, scores: Tensor) -> Tensor:
        """``[N]`` log of the softmax over each decision's candidates."""
        highest = torch.full((len(self.counts),), -torch.inf, device=scores.device)
        highest = highest.scatter_reduce(0, self.owners, scores.detach(), "amax")
        shifted = scores - highest[self.owners]
        return shifted - torch.log(self.sums(torch.exp(shifted)))[self.owners]


class CandidateNetwork(nn.Module):
    """``scores [N]`` of candidates and ``values [B]`` of decisions; the two share no weights.

    The scorer sees the context and one candidate; the critic sees the context and the mean of all candidates and, if it
    is a central one, what is hidden from all nodes.
    """

    w1: Tensor
    b1: Tensor
    w2: Tensor
    b2: Tensor
    w3: Tensor
    b3: Tensor
    v_w1: Tensor
    v_b1: Tensor
    v_w2: Tensor
    v_b2: Tensor
    v_w3: Tensor
    v_b3: Tensor

    def __init__(self, spaces: Spaces, config: NetworkConfig, rng: np.random.Generator) -> None:
        super().__init__()
        n_inputs, (h1, h2) = len(spaces.context) + len(spaces.candidate), config.hidden
        n_seen = n_inputs + len(spaces.hidden)
        weights = {**_drawn("", n_inputs, h1, h2, rng, last=0.01), **_drawn("v_", n_seen, h1, h2, rng, last=1.0)}
        _prefer_waiting(weights, len(spaces.context), config.wait_logit)
        for name, array in weights.items():
            self.register_parameter(name, nn.Parameter(torch.from_numpy(array)))

    def scores(self, batch: Batch) -> Tensor:
        """``[N]``"""
        n_context = batch.context.shape[1]
        shared = torch.addmm(self.b1, batch.context, self.w1[:n_context])
        hidden = torch.addmm(shared[batch.owners], batch.features, self.w1[n_context:]).relu_()
        return torch.addmm(self.b2, hidden, self.w2).relu_() @ self.w3 + self.b3

    def values(self, batch: Batch) -> Tensor:
        """``[B]``"""
        mean = batch.sums(batch.features) / batch.counts[:, None]
        seen = [batch.context, mean] if batch.hidden is None else [batch.context, mean, batch.hidden]
        hidden = torch.addmm(self.v_b1, torch.cat(seen, dim=1), self.v_w1).relu_()
        return torch.addmm(self.v_b2, hidden, self.v_w2).relu_() @ self.v_w3 + self.v_b3

    def action_values(self, batch: Batch, *, dueling: bool) -> Tensor:
        """``[N]`` Q of every candidate: scores, or values plus scores less their mean."""
        scores = self.scores(batch)
        if not dueling:
            return scores
        mean = batch.sums(scores) / batch.counts
        return scores + (self.values(batch) - mean)[batch.owners]

    def scorer(self) -> Scorer:
        """A copy of the scorer's weights."""
        return Scorer(**{name: array for name, array in self.arrays().items() if name in SCORER_WEIGHTS})

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """A copy of all weights."""
        return {name: parameter.detach().cpu().numpy().copy() for name, parameter in self.named_parameters()}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over weights that :meth:`arrays` gave."""
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.copy_(torch.from_numpy(np.asarray(arrays[name], dtype=np.float32)))


def _drawn(
    prefix: str, n_inputs: int, h1: int, h2: int, rng: np.random.Generator, *, last: float
) -> dict[str, Numbers]:
    """Orthogonal weights (Saxe et al. 2014) with gain sqrt 2 for ReLU, ``last`` for the output; biases 0."""
    weights = {
        "w1": _orthogonal(n_inputs, h1, 2**0.5, rng),
        "b1": np.zeros(h1),
        "w2": _orthogonal(h1, h2, 2**0.5, rng),
        "b2": np.zeros(h2),
        "w3": _orthogonal(h2, 1, last, rng)[:, 0],
        "b3": np.zeros(()),
    }
    return {prefix + name: np.array(array, dtype=np.float32, order="C") for name, array in weights.items()}


def _orthogonal(rows: int, columns: int, gain: float, rng: np.random.Generator) -> NDArray[np.float64]:
    square = rng.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(square)
    q *= np.sign(np.diag(r))
    weights: NDArray[np.float64] = gain * (q if rows >= columns else q.T)
    return weights


def _prefer_waiting(weights: dict[str, Numbers], first_feature: int, logit: float) -> None:
    """Let unit 0 of both layers pass the first candidate feature on to the score, as a start."""
    if logit == 0.0:
        return
    weights["w1"][:, 0], weights["w2"][:, 0], weights["w2"][0, :] = 0.0, 0.0, 0.0
    weights["w1"][first_feature, 0] = weights["w2"][0, 0] = 1.0
    weights["w3"][0] = logit
