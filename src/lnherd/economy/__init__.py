"""The L402 machine economy: services, agents that buy their calls, and the payments between them."""

from lnherd.engine.cache_guard import JITTED, guarded_cache

with guarded_cache("numba-economy", (*JITTED, "economy/*.py")):
    from lnherd.economy import loop as _kernels  # compiled code must first be imported with the guard in place
from lnherd.economy.config import AgentGroup, EconomyConfig, ServiceGroup
from lnherd.economy.economy import Economy, settle
from lnherd.economy.presets import PRESETS, preset, scaled

__all__ = ["PRESETS", "AgentGroup", "Economy", "EconomyConfig", "ServiceGroup", "preset", "scaled", "settle"]

del _kernels
