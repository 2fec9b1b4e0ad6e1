"""Many herders as a PettingZoo ParallelEnv: a view of :class:`lnherd.envs.flock.FlockTask`."""

from typing import Any

import numpy as np

from lnherd.control.action import WAIT
from lnherd.control.decision import Decision
from lnherd.control.encode import CANDIDATE_FEATURES, CONTEXT_FEATURES
from lnherd.envs.choice_spaces import Observation, choice_spaces
from lnherd.envs.flock import FlockConfig, FlockTask
from lnherd.envs.herding_env import observation
from lnherd.envs.multi_agent import ParallelEnv, Roster, metadata_of, node_name
from lnherd.errors import InputError
from lnherd.network.graph import Network


class HerdingParallelEnv(Roster, ParallelEnv[str, Observation, np.int64]):
    """Agents ``node_7``, ...: the herders that learn. Everybody acts every tick, 0 is *wait*; nobody leaves early.

    Observation of each: ``context`` float32 [C] and ``candidates`` float32 [K, F] in [-1, 1], ``action_mask`` int8
    [K]. A masked action, or none, is carried out as *wait*; a masked one is reported as ``info["masked"]``. ``info``
    also holds the terms of the agent's own reward in sat and the actions that could not be carried out.
    """

    metadata = metadata_of("lnherd_herding_v0")

    def __init__(self, config: FlockConfig | None = None, network: Network | None = None) -> None:
        self.task = FlockTask(config, network)
        agents = [node_name(self.task.nodes[place]) for place in self.task.learners]
        k = max(scenario.config.menu.max_candidates for scenario in self.task.scenarios)
        self._enlist({agent: choice_spaces(len(CONTEXT_FEATURES), k, len(CANDIDATE_FEATURES)) for agent in agents})
        self._decisions: tuple[Decision, ...] = ()

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Start an episode; episodes after one another differ, a seed starts the same row of episodes anew."""
        episode_seed = self._call_all(seed)
        self._decisions = self.task.reset(episode_seed)
        return self._observations(), {agent: {"episode_seed": episode_seed} for agent in self.agents}

    def step(
        self, actions: dict[str, np.int64]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Carry out everybody's candidate and live through one tick.

        Raises:
            InputError: when the episode is over or has not begun.
        """
        if not self.agents:
            raise InputError("herding: the episode is over; call reset first")
        chosen = [int(actions.get(agent, 0)) for agent in self.agents]
        valid = [bool(each.mask[action]) for each, action in zip(self._decisions, chosen, strict=True)]
        plans = [
            each.candidates[action] if ok else WAIT
            for each, action, ok in zip(self._decisions, chosen, valid, strict=True)
        ]
        result, agents = self.task.step(plans), self.agents
        self._decisions = result.decisions
        infos: dict[str, dict[str, Any]] = {
            agent: {"terms": terms, "refused": refused, "masked": not ok}
            for agent, terms, refused, ok in zip(agents, result.terms, result.refused, valid, strict=True)
        }
        rewards = dict(zip(agents, result.rewards.tolist(), strict=True))
        terminated, truncated = dict.fromkeys(agents, False), dict.fromkeys(agents, result.truncated)
        observations = self._observations()
        if result.truncated:
            self.agents = []
        return observations, rewards, terminated, truncated, infos

    def _observations(self) -> dict[str, Observation]:
        return {agent: observation(each) for agent, each in zip(self.agents, self._decisions, strict=True)}
