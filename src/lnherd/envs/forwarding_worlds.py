"""Many forwarding worlds stepped at once, each in a thread of its own: the compiled parts run without the GIL."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from lnherd.control.hop_decision import DecisionBatch
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.network.graph import Network
from lnherd.network.records import Ints


class ForwardingWorlds:
    """Worlds of one configuration over one shared network. Each goes as it would alone with the same seed."""

    def __init__(
        self,
        n_worlds: int,
        config: ForwardingConfig | None = None,
        network: Network | None = None,
        n_threads: int | None = None,
    ) -> None:
        config = config or ForwardingConfig()
        network = network or config.network()
        self.tasks = [ForwardingTask(config, network) for _ in range(n_worlds)]
        self._threads = ThreadPoolExecutor(n_threads or min(n_worlds, os.cpu_count() or 1))

    def reset(self, seeds: Sequence[int]) -> list[DecisionBatch]:
        """Start an episode in every world."""
        return list(self._threads.map(ForwardingTask.reset, self.tasks, seeds))

    def step(self, choices: Sequence[Ints]) -> list[DecisionBatch]:
        """Answer the last batch of every world; a world that is over takes an empty answer and stays so."""
        return list(self._threads.map(ForwardingTask.step, self.tasks, choices))

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown()
