"""What chooses the next channel of payments, whether a rule, a table or a network."""

from typing import Protocol

from lnherd.control.hop_decision import DecisionBatch
from lnherd.network.records import Ints


class HopPolicy(Protocol):
    """Chooses for every node that decides.

    ``choose`` is called with every batch of an episode, the last one (``is_over``, nothing to choose) included, so a
    policy that learns while it plays hears all outcomes there.
    """

    def begin(self, seed: int) -> None:
        """A new episode; ``seed`` keys all that the policy draws in it."""
        ...

    def choose(self, batch: DecisionBatch) -> Ints:
        """``[B]`` the number of a choice that is not masked for each decision."""
        ...
