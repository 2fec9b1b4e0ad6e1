"""A distribution on whole numbers as operators make them: round favourites and a smooth rest."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lnherd.network.records import Floats, Ints


@dataclass(frozen=True)
class Marginal:
    """Point masses ``atoms`` ((value, probability), ...) and, for what they leave, quantiles.

    ``knots[i]`` is the quantile of the rest at ``levels[i]`` (from 0 to 1, both ascending); between knots the
    rest is spread evenly over ln(1 + value).
    """

    atoms: tuple[tuple[int, float], ...]
    knots: tuple[int, ...] = ()
    levels: tuple[float, ...] = ()

    def quantile(self, level: Floats) -> Ints:
        """Smallest value whose cumulative probability reaches ``level`` (0 to 1), elementwise."""
        cumulative, ln_value = self._steps
        return np.rint(np.expm1(np.interp(level, cumulative, ln_value))).astype(np.int64)

    def dealt(self, score: Floats) -> Ints:
        """The whole distribution dealt out evenly, ascending in order of ``score``; equal scores get one value."""
        order = np.argsort(score, kind="stable")
        first_of_group = np.flatnonzero(np.diff(score[order], prepend=-np.inf) > 0)
        size = np.diff(first_of_group, append=len(score))
        level = np.empty(len(score))
        level[order] = np.repeat((first_of_group + size / 2) / max(len(score), 1), size)
        return self.quantile(level)

    @cached_property
    def _steps(self) -> tuple[Floats, Floats]:
        """The distribution function as a polyline: flat in value over an atom, rising between knots."""
        atom_value = np.array([value for value, _ in self.atoms], dtype=np.float64)
        atom_share = np.array([share for _, share in self.atoms])
        rest_share = 1 - atom_share.sum() if self.knots else 0.0
        if not self.knots:
            atom_share = atom_share / atom_share.sum()
        value = np.union1d(atom_value, self.knots)
        below = (atom_share * (atom_value < value[:, None])).sum(axis=1)
        upto = (atom_share * (atom_value <= value[:, None])).sum(axis=1)
        if self.knots:
            rest = rest_share * np.interp(np.log1p(value), np.log1p(self.knots), self.levels, left=0, right=1)
            below, upto = below + rest, upto + rest
        return np.stack([below, upto], axis=1).reshape(-1), np.repeat(np.log1p(value), 2)
