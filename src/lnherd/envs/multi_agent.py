"""PettingZoo, where it is installed: what the multi-agent views have in common, and how agents are called.

Nothing else in the package needs PettingZoo; the native tasks (``flock``, ``forwarding``, ``market``) do without.
"""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from gymnasium import spaces

from lnherd.envs.choice_spaces import Observation
from lnherd.errors import InputError

try:
    from pettingzoo import AECEnv, ParallelEnv
except ModuleNotFoundError:
    raise InputError("the multi-agent views need PettingZoo; install it with: pip install 'lnherd[marl]'") from None

__all__ = ["AECEnv", "ParallelEnv", "Roster", "metadata_of", "node_name", "node_of"]


class Roster:
    """The agents of a view with the spaces of each, and the seeds of its episodes; mixed in before PettingZoo's."""

    def _enlist(self, spaces_of: Mapping[str, tuple[spaces.Space[Observation], spaces.Discrete]]) -> None:
        """Everybody by name, with spaces of its own: their generators are apart."""
        self.possible_agents = list(spaces_of)
        self.agents: list[str] = []
        self.observation_spaces = {agent: pair[0] for agent, pair in spaces_of.items()}
        self.action_spaces = {agent: cast("spaces.Space[np.int64]", pair[1]) for agent, pair in spaces_of.items()}
        self._rng = np.random.default_rng()

    def observation_space(self, agent: str) -> spaces.Space[Observation]:
        """Of what ``agent`` sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[np.int64]:
        """Of what ``agent`` may do."""
        return self.action_spaces[agent]

    def _call_all(self, seed: int | None) -> int:
        """All take part in a new episode; its seed. ``seed`` starts the same row of episodes anew."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        return int(self._rng.integers(2**31))


def metadata_of(name: str, **more: bool) -> dict[str, Any]:
    """What PettingZoo wants to know of the class of a view."""
    return {"name": name, "render_modes": [], **more}


def node_name(node: int) -> str:
    """Name of the agent that is ``node``."""
    return f"node_{node}"


def node_of(agent: str) -> int:
    """The inverse of :func:`node_name`."""
    return int(agent.removeprefix("node_"))
