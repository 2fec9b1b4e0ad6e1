"""Many simulations at once: each goes on in a thread of its own, for compiled kernels hold no lock."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from lnherd.engine.simulation import ExitReason, Simulation
from lnherd.errors import InputError


def run_many(
    simulations: Sequence[Simulation], until_ms: int | None = None, n_threads: int | None = None
) -> list[ExitReason]:
    """Advance every simulation as :meth:`Simulation.run` does, on up to ``n_threads`` cores; why each came back.

    Simulations of one network share what never changes (topology, indices, tables of distances). The outcome is that
    of running one after another. The longest-running are best given first.

    Raises:
        InputError: if a simulation occurs twice or ``until_ms`` lies in the past of one.
    """
    if len({id(simulation) for simulation in simulations}) != len(simulations):
        raise InputError("a simulation occurs twice among those to run; give each once")
    if not simulations:
        return []
    with ThreadPoolExecutor(n_threads or min(len(simulations), os.cpu_count() or 1)) as threads:
        return list(threads.map(lambda simulation: simulation.run(until_ms), simulations))
