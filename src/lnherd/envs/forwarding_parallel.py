"""Forwarding as a PettingZoo ParallelEnv: a fixed roster of nodes, those that hold a payment act.

A view of :class:`lnherd.envs.forwarding.ForwardingTask`. All decisions of one moment are described as the world was
before the first of them. A node that holds several payments decides one in each step; once everybody has decided all
of theirs, the moment's decisions are carried out and time goes on.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from lnherd.engine.hop_features import N_CONTEXT, N_FEATURES
from lnherd.envs.choice_spaces import Observation, choice_spaces
from lnherd.envs.dealing import Dealer
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_env import n_choices_of
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.global_state import channel_state
from lnherd.envs.multi_agent import ParallelEnv, Roster, metadata_of, node_name
from lnherd.errors import InputError
from lnherd.network.graph import Network

T = TypeVar("T")


class ForwardingParallelEnv(Roster, ParallelEnv[str, Observation, np.int64]):
    """Agents ``node_0``, ...: the nodes that decide, from the first step to the last.

    Observation: ``context`` [C], ``candidates`` [K, F], ``action_mask`` [K], as in ``lnherd/Forwarding-v0``. Who holds
    no payment sees zeros and a mask of choice 0 alone; what it answers has no effect. A masked choice gives up. An
    agent's reward is that of its own decisions, in sat, in the step in which their outcome became known. ``info``
    tells whether the agent has to decide and about which payment. The episode terminates for all at once.
    """

    metadata = metadata_of("lnherd_forwarding_v0")

    def __init__(self, config: ForwardingConfig | None = None, network: Network | None = None) -> None:
        self.task = ForwardingTask(config, network)
        nodes = self.task.config.deciders(self.task.network).tolist()
        sizes = (n_choices_of(self.task.config), N_FEATURES)
        self._enlist({node_name(node): choice_spaces(N_CONTEXT, *sizes) for node in nodes})
        self._dealer = Dealer(nodes, *sizes)

    def state(self) -> np.ndarray:
        """The true balances and what is in flight (:func:`lnherd.envs.global_state.channel_state`)."""
        return channel_state(self.task.simulation)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Start an episode; episodes after one another differ, a seed starts the same row of episodes anew."""
        self._dealer.deal(self.task.reset(self._call_all(seed)))
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
