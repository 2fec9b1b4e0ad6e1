"""Forwarding with models of the neighbours among the features of every choice."""

from dataclasses import replace

import numpy as np

from lnherd.agents.neighbours import NEIGHBOUR_FEATURES, NeighbourConfig, NeighbourModel
from lnherd.control.hop_decision import DecisionBatch
from lnherd.engine.hop_features import CANDIDATE_FEATURES
from lnherd.envs.forwarding import ForwardingTask
from lnherd.network.records import Ints, plain

MODELLED_FEATURES = CANDIDATE_FEATURES + NEIGHBOUR_FEATURES
"""Columns of the candidates."""


class NeighbourTask:
    """A forwarding task whose candidates have ``MODELLED_FEATURES``; models start anew with each episode."""

    def __init__(self, task: ForwardingTask, config: NeighbourConfig | None = None) -> None:
        self.task, self._config = task, config
        self.model: NeighbourModel
        self._batch: DecisionBatch

    def reset(self, seed: int) -> DecisionBatch:
        """Start an episode knowing nothing of anybody."""
        batch = self.task.reset(seed)
        state = self.task.simulation.state
        region = plain(state.destinations)["region"].astype(np.int64)
        self.model = NeighbourModel(region, self.task.network.n_edges, self._config)
        return self._described(batch)

    def step(self, choices: Ints) -> DecisionBatch:
        """Answer the last batch (:meth:`ForwardingTask.step`)."""
        self.model.remember(self._batch, choices)
        return self._described(self.task.step(choices))

    def _described(self, batch: DecisionBatch) -> DecisionBatch:
        self.model.hear(batch)
        self.model.fees.look(plain(self.task.simulation.state.edges)["fee_ppm"], batch.now_ms)
        more = self.model.features(batch).astype(np.float32)
        self._batch = replace(batch, candidates=np.concatenate([batch.candidates, more], axis=2))
        return self._batch
