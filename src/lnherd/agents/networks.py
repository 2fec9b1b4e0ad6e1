"""The candidate-scoring network and its critic in PyTorch, for training; :mod:`lnherd.agents.scorer` runs it.

Weights are drawn with NumPy from a seed and exchanged with NumPy arrays, so PyTorch's own generators play no part.
They lie in one flat tensor, and so do their gradients. At these sizes recording what to differentiate costs as much as
the arithmetic, so both networks are differentiated by hand (backpropagation, Rumelhart et al. 1986).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lnherd.agents.configs import NetworkConfig, Spaces
from lnherd.agents.packing import Numbers, Packed
from lnherd.agents.prior import units_of
from lnherd.agents.scorer import Scorer

SCORER_WEIGHTS = tuple(field.name for field in fields(Scorer))
NOTHING = -1e9
"""Score of a candidate that does not exist."""


class Batch:
    """Packed decisions as tensors on one device."""

    def __init__(self, packed: Packed, device: str) -> None:
        self.context = torch.from_numpy(packed.context).to(device)
        self.features = torch.from_numpy(packed.features).to(device)
        self.hidden = None if packed.hidden is None else torch.from_numpy(packed.hidden).to(device)
        self.counts = torch.from_numpy(packed.counts).to(device)
        self.starts = torch.from_numpy(packed.starts).to(device)
        self.owners = torch.from_numpy(packed.owners).to(device)
        self._ends = np.concatenate([[0], np.cumsum(packed.counts)])
        self.width = int(packed.counts.max()) if len(packed.counts) else 0

    def part(self, start: int, stop: int) -> "Batch":
        """The decisions from ``start`` up to ``stop``; shares memory."""
        part: Batch = object.__new__(Batch)
        rows = slice(int(self._ends[start]), int(self._ends[stop]))
        part.context, part.features, part.counts = (
            self.context[start:stop],
            self.features[rows],
            self.counts[start:stop],
        )
        part.hidden = None if self.hidden is None else self.hidden[start:stop]
        part.starts, part.owners = self.starts[start:stop] - rows.start, self.owners[rows] - start
        part._ends, part.width = self._ends[start : stop + 1] - rows.start, self.width
        return part

    def sums(self, of_candidates: Tensor) -> Tensor:
        """``[N, ...] -> [B, ...]``: sums over the candidates of each decision."""
        shape = (len(self.counts), *of_candidates.shape[1:])
        return torch.zeros(shape, dtype=of_candidates.dtype, device=of_candidates.device).index_add_(
            0, self.owners, of_candidates
        )

    def cells(self) -> Tensor:
        """``[N]`` where each candidate stands in a flat table of ``B`` rows and ``width`` columns."""
        rows = torch.arange(len(self.owners), device=self.owners.device)
        return rows + self.owners * self.width - self.starts[self.owners]

    def table(self, scores: Tensor, cells: Tensor) -> Tensor:
        """``[B, width]`` log of the softmax over each decision's candidates; nothing (-1e9) beyond them."""
        table = torch.full((len(self.counts) * self.width,), NOTHING, device=scores.device)
        table[cells] = scores
        return torch.log_softmax(table.view(-1, self.width), dim=1)

    def log_softmax(self, scores: Tensor) -> Tensor:
        """``[N]`` log of the softmax over each decision's candidates."""
        cells = self.cells()
        return self.table(scores, cells).view(-1)[cells]


@dataclass(eq=False)
class Trace:
    """What a forward pass leaves for the backward one: the two hidden layers."""

    first: Tensor
    second: Tensor


class CandidateNetwork(nn.Module):
    """``scores [N]`` of candidates and ``values [B]`` of decisions; the two share no weights.

    The scorer sees the context and one candidate; the critic sees the context and the mean of all candidates and, if it
    is a central one, what is hidden from all nodes. Weights of a mixer are trained and saved with theirs
    (``agents.mixing``).
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

    def __init__(
        self,
        spaces: Spaces,
        config: NetworkConfig,
        rng: np.random.Generator,
        device: str = "cpu",
        mixer: Mapping[str, Numbers] | None = None,
    ) -> None:
        super().__init__()
        n_inputs, (h1, h2) = len(spaces.context) + len(spaces.candidate), config.hidden
        n_seen = n_inputs + len(spaces.hidden)
        weights = {**_drawn("", n_inputs, h1, h2, rng, last=0.01), **_drawn("v_", n_seen, h1, h2, rng, last=1.0)}
        prior = dict(config.prior or ((spaces.candidate[0], config.wait_logit),))
        if any(prior.values()):
            _begin_as(weights, prior, spaces.candidate)
        inputs = spaces.context + spaces.candidate
        self._ignored = [row for row, name in enumerate(inputs) if name in config.ignored]
        weights["w1"][self._ignored] = 0.0
        weights |= mixer or {}
        self.mixer: dict[str, Tensor] = {}
        self.flat = torch.from_numpy(np.concatenate([array.ravel() for array in weights.values()])).to(device)
        self.gradient = torch.zeros_like(self.flat)
        self.gradients: dict[str, Tensor] = {}
        start = 0
        for name, array in weights.items():
            part = slice(start, start := start + array.size)
            self.register_parameter(name, nn.Parameter(self.flat[part].view(array.shape), requires_grad=False))
            self.gradients[name] = self.gradient[part].view(array.shape)
            if name in (mixer or {}):
                self.mixer[name] = self.get_parameter(name)

    def scores(self, batch: Batch) -> Tensor:
        """``[N]``"""
        return self.traced_scores(batch.context, batch.features, batch.owners)[0]

    def values(self, batch: Batch) -> Tensor:
        """``[B]``"""
        return self.traced_values(self.seen(batch))[0]

    def traced_scores(self, context: Tensor, features: Tensor, owners: Tensor) -> tuple[Tensor, Trace]:
        """``[N]`` scores of ``features [N, F]`` in the ``context [B, C]`` of their ``owners [N]``, and the trace."""
        shared = torch.addmm(self.b1, context, self.w1[: context.shape[1]])
        first = torch.addmm(shared[owners], features, self.w1[context.shape[1] :]).relu_()
        second = torch.addmm(self.b2, first, self.w2).relu_()
        return torch.mv(second, self.w3) + self.b3, Trace(first, second)

    def seen(self, batch: Batch) -> Tensor:
        """``[B, ...]`` what the critic sees."""
        mean = batch.sums(batch.features) / batch.counts[:, None]
        seen = [batch.context, mean] if batch.hidden is None else [batch.context, mean, batch.hidden]
        return torch.cat(seen, dim=1)

    def traced_values(self, seen: Tensor) -> tuple[Tensor, Trace]:
        """``[B]`` values, and the trace."""
        first = torch.addmm(self.v_b1, seen, self.v_w1).relu_()
        second = torch.addmm(self.v_b2, first, self.v_w2).relu_()
        return torch.mv(second, self.v_w3) + self.v_b3, Trace(first, second)

    def learn_scores(self, slopes: Tensor, trace: Trace, context: Tensor, features: Tensor, owners: Tensor) -> None:
        """Set the scorer's gradients, ``slopes [N]`` being those of the loss by each score."""
        first, n_context = self._backward("", slopes, trace), context.shape[1]
        by_decision = torch.zeros((len(context), first.shape[1]), device=first.device).index_add_(0, owners, first)
        torch.mm(context.t(), by_decision, out=self.gradients["w1"][:n_context])
        torch.mm(features.t(), first, out=self.gradients["w1"][n_context:])
        self.gradients["w1"][self._ignored] = 0.0
        torch.sum(by_decision, 0, out=self.gradients["b1"])

    def learn_values(self, slopes: Tensor, trace: Trace, seen: Tensor) -> None:
        """Set the critic's gradients, ``slopes [B]`` being those of the loss by each value."""
        first = self._backward("v_", slopes, trace)
        torch.mm(seen.t(), first, out=self.gradients["v_w1"])
        torch.sum(first, 0, out=self.gradients["v_b1"])

    def _backward(self, prefix: str, slopes: Tensor, trace: Trace) -> Tensor:
        """Gradients of the two upper layers; returns the slopes of the loss by what enters the first one's ReLU."""
        gradients = self.gradients
        torch.mv(trace.second.t(), slopes, out=gradients[prefix + "w3"])
        gradients[prefix + "b3"].copy_(slopes.sum())
        second = torch.outer(slopes, self.get_parameter(prefix + "w3"))
        second = torch.ops.aten.threshold_backward(second, trace.second, 0.0)
        torch.mm(trace.first.t(), second, out=gradients[prefix + "w2"])
        torch.sum(second, 0, out=gradients[prefix + "b2"])
        first = torch.mm(second, self.get_parameter(prefix + "w2").t())
        lower: Tensor = torch.ops.aten.threshold_backward(first, trace.first, 0.0)
        return lower

    def action_values(self, batch: Batch, *, heads: str) -> Tensor:
        """``[N]`` Q of every candidate: scores, or values plus scores less the first or the mean of the decision's."""
        scores = self.scores(batch)
        if heads == "none":
            return scores
        base = scores[batch.starts] if heads == "first" else batch.sums(scores) / batch.counts
        return scores + (self.values(batch) - base)[batch.owners]

    def values_of(self, batch: Batch, rows: Tensor, *, heads: str) -> Tensor:
        """``[B]`` Q of one candidate of each decision, in ``rows [B]``; what it does not depend on is not computed."""
        if heads == "mean":
            return self.action_values(batch, heads=heads)[rows]
        decisions = torch.arange(len(rows), device=rows.device)
        if heads == "none":
            return self.traced_scores(batch.context, batch.features[rows], decisions)[0]
        both = batch.features[torch.cat([rows, batch.starts])]
        scores = self.traced_scores(batch.context, both, decisions.repeat(2))[0]
        return self.values(batch) + scores[: len(rows)] - scores[len(rows) :]

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


def _begin_as(weights: dict[str, Numbers], prior: Mapping[str, float], names: Sequence[str]) -> None:
    """Let the first units of both layers pass what ``prior`` says of a candidate's features on to the score."""
    into, biases, outputs = units_of(prior, names)
    n_context, units = len(weights["w1"]) - len(names), np.arange(len(outputs))
    weights["w1"][:, units], weights["w2"][:, units], weights["w2"][units] = 0.0, 0.0, 0.0
    weights["w1"][n_context:, units], weights["b1"][units] = into, biases
    weights["w2"][units, units], weights["w3"][units] = 1.0, outputs
