"""Packed decisions: only the candidates that are possible, one after another, whatever their number.

Most nodes have few channels, so padding every decision to K candidates would waste most of the arithmetic.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lnherd.control.decision import Decision
from lnherd.network.records import Ints

Numbers = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Packed:
    """``B`` decisions with ``N`` possible candidates in all, each decision's in one stretch."""

    context: Numbers
    """``[B, C]``"""
    features: Numbers
    """``[N, F]``"""
    counts: Ints
    """``[B]`` candidates of each decision, at least 1."""
    hidden: Numbers | None = None
    """``[B, H]`` what only a central critic sees."""

    @property
    def starts(self) -> Ints:
        """``[B]`` row of each decision's first candidate."""
        starts: Ints = np.cumsum(self.counts) - self.counts
        return starts

    @property
    def owners(self) -> Ints:
        """``[N]`` decision that each candidate belongs to."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def select(self, decisions: Ints) -> "Packed":
        """The decisions at ``decisions``, in that order."""
        counts = self.counts[decisions]
        hidden = None if self.hidden is None else self.hidden[decisions]
        return Packed(self.context[decisions], self.features[stretches(self.starts[decisions], counts)], counts, hidden)


def stretches(starts: Ints, counts: Ints) -> Ints:
    """``starts[0], starts[0] + 1, ... (counts[0] of them), starts[1], ...``."""
    ends = np.cumsum(counts)
    rows: Ints = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts)
    return rows


def packed(decision: Decision) -> Packed:
    """One decision: its possible candidates in the order of the menu."""
    features = decision.features[decision.mask]
    return Packed(decision.context[None], features, np.array([len(features)]))


def pack(decisions: Sequence[Decision]) -> Packed:
    """The possible candidates of ``decisions``."""
    return joined([packed(each) for each in decisions])


def joined(parts: Sequence[Packed]) -> Packed:
    """All decisions of ``parts``, one after another."""
    hidden = [part.hidden for part in parts if part.hidden is not None]
    return Packed(
        np.concatenate([part.context for part in parts]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.counts for part in parts]),
        np.concatenate(hidden) if hidden else None,
    )
