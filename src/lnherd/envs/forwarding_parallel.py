"""Forwarding as a PettingZoo ParallelEnv: a fixed roster of nodes, those that hold a payment act.

A view of :class:`lnherd.envs.forwarding.ForwardingTask`. All decisions of one moment are described as the world was
before the first of them. A node that holds several payments decides one in each step; once everybody has decided all
of theirs, the moment's decisions are carried out and time goes on.
"""

from collections.abc import Sequence
from typing import Any, TypeVar, cast

import numpy as np
from gymnasium import spaces

from lnherd.engine.hop_features import N_FEATURES
from lnherd.envs.dealing import Dealer
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_env import Observation, choice_spaces, n_choices_of
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.global_state import channel_state
from lnherd.envs.multi_agent import ParallelEnv, node_name
from lnherd.errors import InputError
from lnherd.network.graph import Network

T = TypeVar("T")


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
        self.agents: list[str] = []
        sizes = (n_choices_of(self.task.config), N_FEATURES)
        spaces_of = {agent: choice_spaces(*sizes) for agent in self.possible_agents}
        self.observation_spaces = {agent: pair[0] for agent, pair in spaces_of.items()}
        self.action_spaces = {agent: cast("spaces.Space[np.int64]", pair[1]) for agent, pair in spaces_of.items()}
        self._dealer = Dealer(nodes, *sizes)
        self._rng = np.random.default_rng()

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
        self._dealer.deal(self.task.reset(int(self._rng.integers(2**31))))
        return self._by_agent(self._dealer.observations()), self._by_agent(self._dealer.infos())

    def step(
        self, actions: dict[str, np.int64]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Take one choice of everybody who has to decide.

        Raises:
            InputError: when the episode is over or has not begun.
        """
        if not self.agents:
            raise InputError("forwarding: the episode is over; call reset first")
        dealer, rewards = self._dealer, np.zeros(len(self.agents))
        if dealer.answer([int(actions.get(agent, 0)) for agent in self.agents]) and not dealer.batch.is_over:
            dealer.deal(self.task.step(dealer.choices))
            rewards = dealer.rewards()
        is_over = dealer.batch.is_over
        results = (
            self._by_agent(dealer.observations()),
            self._by_agent(rewards.tolist()),
            dict.fromkeys(self.agents, is_over),
            dict.fromkeys(self.agents, False),
            self._by_agent(dealer.infos()),
        )
        if is_over:
            self.agents = []
        return results

    def _by_agent(self, values: Sequence[T]) -> dict[str, T]:
        return dict(zip(self.agents, values, strict=True))
