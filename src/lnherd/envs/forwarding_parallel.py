"""Forwarding as a PettingZoo ParallelEnv: a fixed roster of nodes, those that hold a payment act.

A view of :class:`lnherd.envs.forwarding.ForwardingTask`. All decisions of one moment are described as the world was
before the first of them. A node that holds several payments decides one in each step; once everybody has decided all
of theirs, the moment's decisions are carried out and time goes on.
"""

from typing import Any, cast

import numpy as np
from gymnasium import spaces

from lnherd.control.hop_decision import DecisionBatch
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_env import Observation, choice_spaces, no_decision, observation
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.global_state import channel_state
from lnherd.envs.multi_agent import ParallelEnv, node_name
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Floats


class ForwardingParallelEnv(ParallelEnv[str, Observation, np.int64]):
    """Agents ``node_0``, ...: the nodes that decide, from the first step to the last.

    Observation: ``context`` [C], ``candidates`` [K, F], ``action_mask`` [K], as in ``lnherd/Forwarding-v0``. Who holds
    no payment sees zeros and a mask of choice 0 alone; what it answers has no effect. A masked choice gives up. An
    agent's reward is that of its own decisions, in sat, in the step in which their outcome became known. ``info``
    tells whether the agent has to decide and about which payment. The episode terminates for all at once.
    """

    metadata: dict[str, Any] = {"name": "lnherd_forwarding_v0", "render_modes": []}  # noqa: RUF012 - PettingZoo's

    def __init__(self, config: ForwardingConfig | None = None, network: Network | None = None) -> None:
        self.task = ForwardingTask(config, network)
        nodes = self.task.config.deciders(self.task.network).tolist()
        self.possible_agents = [node_name(node) for node in nodes]
        self._place = {node: place for place, node in enumerate(nodes)}
        self.agents: list[str] = []
        spaces_of = {agent: choice_spaces(self.task.config) for agent in self.possible_agents}
        self.observation_spaces = {agent: pair[0] for agent, pair in spaces_of.items()}
        self.action_spaces = {agent: cast("spaces.Space[np.int64]", pair[1]) for agent, pair in spaces_of.items()}
        self._idle = no_decision(self.task.config)
        self._rng = np.random.default_rng()
        self._batch: DecisionBatch
        self._waiting: list[list[int]]
        self._choices: np.ndarray

    def observation_space(self, agent: str) -> spaces.Space[Observation]:
        """The same for all."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[np.int64]:
        """The same for all; each with a generator of its own."""
        return self.action_spaces[agent]

    def state(self) -> np.ndarray:
        """The true balances and what is in flight (:func:`lnherd.envs.global_state.channel_state`)."""
        return channel_state(self.task.simulation)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Start an episode; episodes after one another differ, a seed starts the same row of episodes anew."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self._deal(self.task.reset(int(self._rng.integers(2**31))))
        return self._observations(), self._infos()

    def _deal(self, batch: DecisionBatch) -> None:
        """Give every row of ``batch`` to its node, the first of each on top."""
        self._batch, self._choices = batch, np.zeros(len(batch.number), dtype=np.int64)
        self._waiting = [[] for _ in self.possible_agents]
        for row in range(len(batch.node) - 1, -1, -1):
            self._waiting[self._place[int(batch.node[row])]].append(row)

    def step(
        self, actions: dict[str, np.int64]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Take one choice of everybody who has to decide.

        Raises:
            InputError: when the episode is over or has not begun.
        """
        if not self.agents:
            raise InputError("forwarding: the episode is over; call reset first")
        rewards = np.zeros(len(self.agents))
        for agent, rows in zip(self.agents, self._waiting, strict=True):
            if rows:
                self._choices[rows.pop()] = int(actions.get(agent, 0))
        if not any(self._waiting) and not self._batch.is_over:
            self._deal(self.task.step(self._choices))
            rewards = self._rewards()
        agents, is_over = self.agents, self._batch.is_over
        observations, infos = self._observations(), self._infos()
        if is_over:
            self.agents = []
        over, never = dict.fromkeys(agents, is_over), dict.fromkeys(agents, False)
        return observations, dict(zip(agents, rewards.tolist(), strict=True)), over, never, infos

    def _rewards(self) -> Floats:
        """``[A]`` sums over each node's own decisions."""
        places = [self._place[node] for node in self._batch.outcomes.node.tolist()]
        return np.bincount(places, weights=self._batch.rewards, minlength=len(self.agents)).astype(np.float64)

    def _observations(self) -> dict[str, Observation]:
        return {
            agent: observation(self._batch, rows[-1]) if rows else self._idle
            for agent, rows in zip(self.agents, self._waiting, strict=True)
        }

    def _infos(self) -> dict[str, dict[str, Any]]:
        return {
            agent: {"decides": bool(rows), "payment": int(self._batch.payment[rows[-1]]) if rows else -1}
            for agent, rows in zip(self.agents, self._waiting, strict=True)
        }
