"""The candidate-scoring network on NumPy alone, and its file: what a home node needs to run a learned policy.

    score(context, candidate) = w3 . relu(W2' relu(W1' [context, candidate] + b1) + b2) + b3

One network scores every candidate of every decision, so it fits any number of channels and any network. The
compiled engine runs the same weights (``lnherd.engine.hop_network``).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from lnherd.agents.packing import Numbers, Packed, packed
from lnherd.control.decision import Decision, Plan
from lnherd.control.wide import wide_decision
from lnherd.errors import InputError
from lnherd.network.records import Floats, Ints

FORMAT = "lnherd-scorer-1"


@dataclass(frozen=True, eq=False)
class Scorer:
    """Weights, float32: ``w1 [C + F, H1]``, ``b1 [H1]``, ``w2 [H1, H2]``, ``b2 [H2]``, ``w3 [H2]``, ``b3 []``."""

    w1: Numbers
    b1: Numbers
    w2: Numbers
    b2: Numbers
    w3: Numbers
    b3: Numbers

    def scores(self, batch: Packed) -> Numbers:
        """``[N]`` score of every candidate. The context's part of the first layer is computed once a decision."""
        n_context = batch.context.shape[1]
        shared: Numbers = batch.context @ self.w1[:n_context] + self.b1
        hidden: Numbers = batch.features @ self.w1[n_context:]
        hidden += np.repeat(shared, batch.counts, axis=0)
        np.maximum(hidden, 0.0, out=hidden)
        hidden = hidden @ self.w2
        hidden += self.b2
        np.maximum(hidden, 0.0, out=hidden)
        scores: Numbers = hidden @ self.w3 + self.b3
        return scores


def best(scores: Numbers | Floats, batch: Packed) -> Ints:
    """``[B]`` position of each decision's highest score among its own candidates, the first of equals."""
    highest = np.maximum.reduceat(scores, batch.starts)
    at_top = np.flatnonzero(scores == np.repeat(highest, batch.counts))
    first = at_top[np.searchsorted(batch.owners[at_top], np.arange(len(batch.counts)))]
    positions: Ints = first - batch.starts
    return positions


def log_probabilities(scores: Numbers, batch: Packed) -> Numbers:
    """``[N]`` log of the softmax over each decision's candidates."""
    shifted = scores - np.repeat(np.maximum.reduceat(scores, batch.starts), batch.counts)
    total = np.log(np.add.reduceat(np.exp(shifted), batch.starts))
    logs: Numbers = shifted - np.repeat(total, batch.counts)
    return logs


def drawn(scores: Numbers, batch: Packed, rngs: Sequence[np.random.Generator]) -> tuple[Ints, Floats]:
    """``(positions [B], log-probabilities [B])`` of candidates drawn by the softmax of their scores.

    By the Gumbel trick, the highest of score plus noise; decision b draws from ``rngs[b]``.
    """
    logs = log_probabilities(scores, batch)
    noise = np.concatenate([rng.gumbel(size=n) for rng, n in zip(rngs, batch.counts.tolist(), strict=True)])
    chosen = best((logs + noise).astype(np.float32), batch)
    return chosen, logs[batch.starts + chosen].astype(np.float64)


@dataclass(eq=False)
class ScorerPolicy:
    """Takes the candidate with the highest score, or draws one by the softmax of the scores."""

    scorer: Scorer
    """What was learned."""
    name: str = "network"
    """Short name for tables."""
    greedy: bool = True
    """Whether the best candidate is taken; else one is drawn."""
    n_context: int | None = None
    """Columns of the context that it knows: the first of those there are; None is all."""
    is_wide: bool = False
    """Whether it looks for itself, widely, at what the decision is about (``control.wide``)."""
    _rng: np.random.Generator | None = None

    def reset(self, seed: int) -> None:
        """Seed the draws."""
        self._rng = None if self.greedy else np.random.default_rng([seed, 2])

    def act(self, decision: Decision) -> Plan:
        """One of the candidates, or of those that it sees for itself."""
        if self.is_wide:
            decision = wide_decision(decision.view)
        index = np.flatnonzero(decision.mask)
        batch = packed(decision)
        if self.n_context is not None:
            batch = replace(batch, context=self._known(batch.context))
        scores = self.scorer.scores(batch)
        if self._rng is not None:
            scores = scores + self._rng.gumbel(size=len(scores)).astype(np.float32)
        return decision.candidates[int(index[np.argmax(scores)])]

    def _known(self, context: Numbers) -> Numbers:
        if self.n_context is None or context.shape[1] >= self.n_context:
            return context[:, : self.n_context]
        raise InputError(f"{self.name}: was trained on the levels of an anomaly watch; give --watch its watch.json")


def write_npz(path: Path | str, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Arrays and one JSON object called ``about`` as ``.npz``.

    Raises:
        InputError: when the file cannot be written.
    """
    content = BytesIO()
    parts: dict[str, Any] = {"about": np.array(json.dumps(about)), **arrays}
    np.savez(content, **parts)
    try:
        Path(path).write_bytes(content.getvalue())
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another file") from None


def read_npz(path: Path | str, kind: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """``(about, arrays)`` of a file that :func:`write_npz` wrote; ``kind`` names what was expected.

    Raises:
        InputError: when it is missing or something else.
    """
    try:
        with np.load(BytesIO(Path(path).read_bytes()), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        about = json.loads(str(arrays.pop("about")))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; train one with lnherd train") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, BadZipFile):
        raise InputError(f"{path}: not {kind}; train one with lnherd train") from None
    if not isinstance(about, dict):
        raise InputError(f"{path}: not {kind}; train one with lnherd train")
    return about, arrays


def save_scorer(
    path: Path | str, scorer: Scorer, about: Mapping[str, Any], others: Mapping[str, NDArray[Any]] | None = None
) -> None:
    """Write a scorer; ``about`` says what its inputs are called and where it comes from, ``others`` are kept beside.

    Raises:
        InputError: when the file cannot be written.
    """
    weights = {field.name: getattr(scorer, field.name) for field in fields(scorer)}
    write_npz(path, {"format": FORMAT, **about}, {**weights, **(others or {})})


def scorer_from(arrays: Mapping[str, NDArray[Any]], where: Path | str) -> Scorer:
    """The scorer in ``arrays``.

    Raises:
        InputError: naming ``where``, when weights are missing or do not fit together.
    """
    try:
        scorer = Scorer(**{field.name: np.asarray(arrays[field.name], dtype=np.float32) for field in fields(Scorer)})
    except KeyError as error:
        raise InputError(f"{where}: the weights {error} are missing; save the policy anew") from None
    h1, h2 = scorer.b1.size, scorer.b2.size
    shapes = [scorer.w1.shape[1:], scorer.w2.shape, scorer.w3.shape, scorer.b3.shape]
    if scorer.w1.ndim != 2 or shapes != [(h1,), (h1, h2), (h2,), ()]:
        raise InputError(f"{where}: the weights do not fit together; save the policy anew")
    return scorer
