"""Learned forwarding policies: a scorer over the choices of each hop, on NumPy alone, and its file.

The compiled engine runs the same weights (``engine.hop_network``, ``envs.forwarding_play.scoring_network``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from lnherd.agents.configs import HOP_SPACES, Spaces
from lnherd.agents.packing import Packed
from lnherd.agents.prior import units_of
from lnherd.agents.qlearning import QLearner
from lnherd.agents.qtable import QTable
from lnherd.agents.scorer import FORMAT, Scorer, best, read_npz, scorer_from
from lnherd.control.hop_decision import DecisionBatch
from lnherd.control.hop_encode import CANDIDATE_FEATURES, CONTEXT_FEATURES
from lnherd.errors import InputError
from lnherd.network.records import Ints


@dataclass(eq=False)
class HopScorerPolicy:
    """Takes the choice with the highest score, or draws one by the softmax of the scores (a ``HopPolicy``)."""

    scorer: Scorer
    """What was learned."""
    name: str = "network"
    """Short name for tables."""
    greedy: bool = True
    """Whether the best choice is taken; else one is drawn."""
    _rng: np.random.Generator | None = None

    def begin(self, seed: int) -> None:
        """Seed the draws."""
        self._rng = None if self.greedy else np.random.default_rng([seed, 2])

    def choose(self, batch: DecisionBatch) -> Ints:
        """``[B]`` choices."""
        if len(batch.number) == 0:
            return np.zeros(0, dtype=np.int64)
        decisions = packed_hops(batch)
        scores = self.scorer.scores(decisions)
        if self._rng is not None:
            scores = scores + self._rng.gumbel(size=len(scores)).astype(np.float32)
        return choices_at(best(scores, decisions), decisions, batch)


@dataclass(eq=False)
class HopTablePolicy:
    """Greedy in a fixed table over binned choices (a ``HopPolicy``)."""

    table: QTable
    """What was learned."""
    name: str = "q-learning"
    """Short name for tables."""

    def begin(self, seed: int) -> None:
        """Nothing is drawn."""

    def choose(self, batch: DecisionBatch) -> Ints:
        """``[B]`` choices."""
        decisions = packed_hops(batch)
        return choices_at(self.table.best_of_each(decisions), decisions, batch)


LearnedHopPolicy: TypeAlias = HopScorerPolicy | HopTablePolicy


def rule_scorer(worth: Mapping[str, float]) -> Scorer:
    """A rule as a network: what features of a candidate, or pairs of them, are worth (:mod:`lnherd.agents.prior`)."""
    weights, biases, outputs = (array.astype(np.float32) for array in units_of(worth, CANDIDATE_FEATURES))
    n_units, blind = len(outputs), np.zeros((len(CONTEXT_FEATURES), len(outputs)), dtype=np.float32)
    passed_on, zeros = np.eye(n_units, dtype=np.float32), np.zeros(n_units, dtype=np.float32)
    return Scorer(np.concatenate([blind, weights]), biases, passed_on, zeros, outputs, np.zeros((), dtype=np.float32))


def packed_hops(batch: DecisionBatch) -> Packed:
    """What is possible in each decision of ``batch``, in order."""
    counts: Ints = batch.mask.sum(axis=1).astype(np.int64)
    return Packed(batch.context, batch.candidates[batch.mask], counts)


def choices_at(positions: Ints, decisions: Packed, batch: DecisionBatch) -> Ints:
    """``[B]`` positions among what is possible -> numbers of choices."""
    choice = np.nonzero(batch.mask)[1]
    chosen: Ints = choice[decisions.starts + positions]
    return chosen


def load_hop_policy(path: Path | str) -> LearnedHopPolicy:
    """A forwarding policy that ``lnherd train forwarding`` saved.

    Raises:
        InputError: when the file holds none, or one for other inputs than this version has.
    """
    about, arrays = read_npz(path, "a saved policy")
    learner = None if about.get("format") == FORMAT else QLearner.load(path)
    if learner is None:
        spaces = Spaces(tuple(about["context"]), tuple(about["candidate"]))
    else:
        spaces = Spaces(learner.config.binning.context_names, learner.config.binning.candidate_names)
    if spaces != HOP_SPACES:
        raise InputError(f"{path}: was trained on other features than forwarding has in this version; train it anew")
    if learner is not None:
        return HopTablePolicy(learner.table)
    return HopScorerPolicy(scorer_from(arrays, path), str(about["algorithm"]), bool(about["greedy"]))
