"""PettingZoo, where it is installed: the base classes of the multi-agent views, and how agents are called.

Nothing else in the package needs PettingZoo; the native tasks (``flock``, ``forwarding``, ``market``) do without.
"""

from lnherd.errors import InputError

try:
    from pettingzoo import AECEnv, ParallelEnv
except ModuleNotFoundError:
    raise InputError("the multi-agent views need PettingZoo; install it with: pip install 'lnherd[marl]'") from None

__all__ = ["AECEnv", "ParallelEnv", "node_name", "node_of"]


def node_name(node: int) -> str:
    """Name of the agent that is ``node``."""
    return f"node_{node}"


def node_of(agent: str) -> int:
    """The inverse of :func:`node_name`."""
    return int(agent.removeprefix("node_"))
