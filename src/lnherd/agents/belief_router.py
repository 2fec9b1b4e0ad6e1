"""Forwarding by belief: the channel with the best expected worth, given what is believed of its far end.

    worth = p V - (1 - p) L - c h        p: chance of success, h: hops left

The same rule with other beliefs shows what beliefs are worth: none at all, the plain record of the node's own
channel and region, or a model of the neighbour that forgets (:mod:`lnherd.agents.neighbours`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lnherd.agents.neighbours import NeighbourModel
from lnherd.control.hop_decision import DecisionBatch
from lnherd.errors import InputError
from lnherd.network.records import Floats, Ints

BELIEFS = ("none", "record", "model")
HOPS_SCALE = 10.0
"""The feature ``distance`` is hops over this."""


@dataclass(frozen=True)
class BeliefConfig:
    """What is believed, and what counts."""

    beliefs: str = "model"
    """none: every channel alike; record: the feature ``success_rate``; model: the posterior of the neighbour."""
    success: float = 1.0
    """V."""
    failure: float = 1.0
    """L."""
    hop_cost: float = 0.3
    """c."""

    def __post_init__(self) -> None:
        if self.beliefs not in BELIEFS:
            raise InputError(f"beliefs {self.beliefs!r} are not known; choose one of {', '.join(BELIEFS)}")


class BeliefRouter:
    """A ``HopPolicy``; beliefs belong to channels, so every node has its own."""

    def __init__(
        self, features: Sequence[str], make_model: Callable[[], NeighbourModel], config: BeliefConfig | None = None
    ) -> None:
        """``features`` names the columns of the candidates; ``make_model`` gives a model that knows nothing."""
        self.config, self._make_model = config or BeliefConfig(), make_model
        self._distance, self._record = (tuple(features).index(name) for name in ("distance", "success_rate"))
        self.begin(0)

    def begin(self, seed: int) -> None:
        """Forget everything; nothing is drawn."""
        self._model = self._make_model()

    def choose(self, batch: DecisionBatch) -> Ints:
        """``[B]`` the worthiest channel; split, and then give up, where there is none."""
        self._model.hear(batch)
        worth = np.where(batch.mask, self._worth(batch), -np.inf)
        worth[:, 0] = -1e6
        worth[:, 1] = np.where(batch.mask[:, 1], -1e5, -np.inf)
        choices: Ints = worth.argmax(axis=1) if len(worth) else np.zeros(0, dtype=np.int64)
        self._model.remember(batch, choices)
        return choices

    def _worth(self, batch: DecisionBatch) -> Floats:
        config, hops = self.config, HOPS_SCALE * batch.candidates[..., self._distance]
        chance = self._chance(batch)
        worth: Floats = chance * config.success - (1.0 - chance) * config.failure - config.hop_cost * hops
        return worth

    def _chance(self, batch: DecisionBatch) -> Floats:
        if self.config.beliefs == "none":
            return np.full(batch.mask.shape, 0.5)
        if self.config.beliefs == "record":
            record: Floats = batch.candidates[..., self._record].astype(np.float64)
            return record
        return self._model.success.posterior(self._model.keys(batch), batch.now_ms)[0]
