"""Dealing out the decisions of one moment to a fixed roster of nodes, one of each node's at a time."""

from typing import Any

import numpy as np

from lnherd.control.hop_decision import DecisionBatch
from lnherd.envs.choice_spaces import Observation
from lnherd.envs.forwarding_env import no_decision, observation
from lnherd.network.records import Floats, Ints


class Dealer:
    """Who of ``nodes`` has to decide about which row of the running batch."""

    def __init__(self, nodes: list[int], n_choices: int, n_features: int) -> None:
        self._place = {node: place for place, node in enumerate(nodes)}
        self._idle = no_decision(n_choices, n_features)
        self.batch: DecisionBatch
        self.choices: Ints
        self._waiting: list[list[int]] = [[] for _ in nodes]

    def deal(self, batch: DecisionBatch) -> None:
        """Give every row of ``batch`` to its node, the first of each on top."""
        self.batch, self.choices = batch, np.zeros(len(batch.number), dtype=np.int64)
        self._waiting = [[] for _ in self._waiting]
        for row in range(len(batch.node) - 1, -1, -1):
            self._waiting[self._place[int(batch.node[row])]].append(row)

    def answer(self, choices: list[int]) -> bool:
        """Take one choice of everybody ``[A]`` (it counts only for those who hold a row); whether all have decided."""
        for choice, rows in zip(choices, self._waiting, strict=True):
            if rows:
                self.choices[rows.pop()] = choice
        return not any(self._waiting)

    def rewards(self) -> Floats:
        """``[A]`` what the batch brought each node for its earlier decisions."""
        places = [self._place[node] for node in self.batch.outcomes.node.tolist()]
        return np.bincount(places, weights=self.batch.rewards, minlength=len(self._waiting)).astype(np.float64)

    def observations(self) -> list[Observation]:
        """``[A]`` what everybody sees; zeros where there is nothing to decide."""
        return [observation(self.batch, rows[-1]) if rows else self._idle for rows in self._waiting]

    def infos(self) -> list[dict[str, Any]]:
        """``[A]`` who decides, and about which payment."""
        return [
            {"decides": bool(rows), "payment": int(self.batch.payment[rows[-1]]) if rows else -1}
            for rows in self._waiting
        ]
