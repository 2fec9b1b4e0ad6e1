"""The random policy: any candidate, equally often. A floor, and a tester of worlds."""

from dataclasses import dataclass

import numpy as np

from lnherd.control.decision import Decision, Plan


@dataclass
class RandomChoice:
    """Draws one of the valid candidates."""

    name: str = "random"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start a new stream of choices."""
        self._rng = np.random.default_rng(seed)

    def act(self, decision: Decision) -> Plan:
        """Any candidate."""
        return decision.candidates[int(self._rng.integers(len(decision.candidates)))]
