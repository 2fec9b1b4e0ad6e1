"""Binning: from the features of candidates to rows of a table.

A row stands for (bins of the context, kind of the candidate, bins of the candidate). Candidates that fall
into the same row are interchangeable for a tabular learner, whatever node or network they come from.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from lnherd.agents.packing import Packed
from lnherd.control.action import ActionKind
from lnherd.control.encode import CANDIDATE_FEATURES, CONTEXT_FEATURES
from lnherd.errors import InputError
from lnherd.network.records import Ints


@dataclass(frozen=True)
class Bins:
    """One feature cut at increasing ``edges`` into ``len(edges) + 1`` bins; a bin holds its lower edge."""

    feature: str
    """Name of the feature."""
    edges: tuple[float, ...]
    """Where it is cut."""

    def __post_init__(self) -> None:
        if any(b <= a for a, b in zip(self.edges, self.edges[1:], strict=False)):
            raise InputError(f"bins of {self.feature}: the edges {self.edges} must increase")

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.edges) + 1

    def digitise(self, values: NDArray[np.float32]) -> Ints:
        """Bin numbers of ``values``, same shape."""
        numbers: Ints = np.searchsorted(np.asarray(self.edges, dtype=np.float32), values, side="right")
        return numbers


@dataclass(frozen=True)
class Binning:
    """Which features a table distinguishes, and how finely."""

    context: tuple[Bins, ...] = ()
    """Cuts through the context."""
    candidate: tuple[Bins, ...] = ()
    """Cuts through each candidate's features."""
    n_kinds: int = len(ActionKind)
    """The first so many candidate features are a one-hot kind; each kind has its own rows."""
    context_names: tuple[str, ...] = CONTEXT_FEATURES
    """Names of the context columns."""
    candidate_names: tuple[str, ...] = CANDIDATE_FEATURES
    """Names of the candidate columns."""

    def __post_init__(self) -> None:
        for bins, names in ((self.context, self.context_names), (self.candidate, self.candidate_names)):
            for each in bins:
                if each.feature not in names:
                    raise InputError(f"there is no feature {each.feature!r} to bin; choose from {', '.join(names)}")

    @property
    def n_rows(self) -> int:
        """Rows of the table."""
        return self.n_contexts * self._n_candidate_bins

    @property
    def n_contexts(self) -> int:
        """Distinguishable contexts."""
        return prod(bins.n_bins for bins in self.context)

    @property
    def _n_candidate_bins(self) -> int:
        return self.n_kinds * prod(bins.n_bins for bins in self.candidate)

    @cached_property
    def _context_columns(self) -> list[tuple[int, Bins]]:
        return [(self.context_names.index(bins.feature), bins) for bins in self.context]

    @cached_property
    def _candidate_columns(self) -> list[tuple[int, Bins]]:
        return [(self.candidate_names.index(bins.feature), bins) for bins in self.candidate]

    def packed_rows(self, decisions: Packed) -> Ints:
        """``[N]`` row of every candidate of many decisions."""
        return self.rows(np.repeat(decisions.context, decisions.counts, axis=0), decisions.features)

    def rows(self, context: NDArray[np.float32], features: NDArray[np.float32]) -> Ints:
        """Row of each candidate: ``context [C]`` or ``[n, C]``, ``features [n, F]`` -> ``[n]``."""
        rows: Ints = np.zeros(len(features), dtype=np.int64)
        for column, bins in self._context_columns:
            rows = rows * bins.n_bins + bins.digitise(context[..., column])
        rows *= self.n_kinds
        rows += features[:, : self.n_kinds].argmax(axis=1)
        for column, bins in self._candidate_columns:
            rows = rows * bins.n_bins + bins.digitise(features[:, column])
        return rows
