"""Mean field: what the neighbours of a node have lately done, on average (Yang et al. 2018, arXiv 1802.05438).

    Q_i(s, a_i, a_-i) ~ Q_i(s, a_i, mean of a_j over the neighbours j)

An action's kind is what it means for a payment, the same for every node. The mean of each node's own actions fades;
a node hears the mean of its neighbours', weighted alike.
"""

import numpy as np

from lnherd.control.hop_decision import DecisionBatch
from lnherd.network.graph import Network
from lnherd.network.records import Floats, Ints

MEAN_ACTIONS = ("mean_gives_up", "mean_splits", "mean_nearer", "mean_sideways", "mean_farther")
"""Columns added to the context: shares of the neighbours' late actions, each from 0 to 1."""
GIVES_UP, SPLITS, NEARER, SIDEWAYS, FARTHER = range(5)


class NeighbourhoodActions:
    """Fading means of actions by node, and their means over neighbourhoods."""

    def __init__(self, network: Network, step_column: int, memory: int = 32) -> None:
        """``step_column`` of the candidates is above 0 where a channel leads nearer; ``memory`` counts own actions."""
        self._step_column, self._keep = step_column, 1.0 - 1.0 / memory
        n, live = network.n_nodes, np.flatnonzero(network.edges.enabled)
        self._weights: Floats = np.zeros((n, n))
        self._weights[network.edge_source[live], network.edge_target[live]] = 1.0
        self._weights /= np.maximum(self._weights.sum(axis=1, keepdims=True), 1.0)
        self._means: Floats = np.zeros((n, len(MEAN_ACTIONS)))
        self._means[:, NEARER] = 1.0

    def of_neighbours(self, nodes: Ints) -> Floats:
        """``[B, 5]`` what the neighbours of ``nodes`` do."""
        means: Floats = self._weights[nodes] @ self._means
        return means

    def note(self, batch: DecisionBatch, choices: Ints) -> None:
        """Take down what the nodes of ``batch`` chose."""
        for node, kind in zip(batch.node.tolist(), self.kinds(batch, choices).tolist(), strict=True):
            self._means[node] *= self._keep
            self._means[node, kind] += 1.0 - self._keep

    def kinds(self, batch: DecisionBatch, choices: Ints) -> Ints:
        """``[B]`` the kind of each chosen action."""
        rows = np.arange(len(choices))
        step = batch.candidates[rows, choices, self._step_column]
        kinds = np.where(step > 0, NEARER, np.where(step < 0, FARTHER, SIDEWAYS))
        kinds = np.where(choices == 0, GIVES_UP, np.where(choices == 1, SPLITS, kinds))
        return np.asarray(kinds, dtype=np.int64)
