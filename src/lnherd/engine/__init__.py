"""What happens: the compiled discrete-event core. Importing it prepares the compiler's cache."""

from lnherd.engine.cache_guard import guarded_cache

with guarded_cache():
    from lnherd.engine import loop as _kernels  # compiled code must first be imported with the guard in place
from lnherd.engine.config import SimulationConfig
from lnherd.engine.simulation import ExitReason, Simulation

__all__ = ["ExitReason", "Simulation", "SimulationConfig"]

del _kernels
