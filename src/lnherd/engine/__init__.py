"""What happens: the compiled discrete-event core. Importing it prepares the compiler's cache."""

from lnherd.engine.cache_guard import guarded_cache

with guarded_cache():
    # Compiled code must first be imported with the guard in place.
    from lnherd.engine import hop_observing as _hop_observing
    from lnherd.engine import loop as _loop
    from lnherd.engine import relay_kernel as _relay_kernel
    from lnherd.engine import submission as _submission
from lnherd.engine.config import SimulationConfig
from lnherd.engine.many import run_many
from lnherd.engine.simulation import ExitReason, Simulation

__all__ = ["ExitReason", "Simulation", "SimulationConfig", "run_many"]

del _hop_observing, _loop, _relay_kernel, _submission
