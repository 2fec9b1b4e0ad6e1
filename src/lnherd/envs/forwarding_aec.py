"""Forwarding as a PettingZoo AECEnv: the node that holds a payment acts, one decision after another.

A view of :class:`lnherd.envs.forwarding.ForwardingTask`: the decisions of one moment are asked in order, all as the
world was before the first of them, and carried out together after the last.
"""

from typing import Any

import numpy as np

from lnherd.control.hop_decision import DecisionBatch
from lnherd.engine.hop_features import N_CONTEXT, N_FEATURES
from lnherd.envs.choice_spaces import Observation, choice_spaces
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_env import n_choices_of, no_decision, observation
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.global_state import channel_state
from lnherd.envs.multi_agent import AECEnv, Roster, metadata_of, node_name
from lnherd.network.graph import Network


class ForwardingAECEnv(Roster, AECEnv[str, Observation, np.int64]):
    """Agents ``node_0``, ...: the nodes that decide. ``agent_selection`` holds the payment of ``info["payment"]``.

    Observations, choices and rewards are those of ``lnherd/Forwarding-v0``, by node; anybody but the holder observes
    zeros. The episode terminates for all when every payment is over.
    """

    metadata = metadata_of("lnherd_forwarding_v0", is_parallelizable=False)

    def __init__(self, config: ForwardingConfig | None = None, network: Network | None = None) -> None:
        self.task = ForwardingTask(config, network)
        nodes = self.task.config.deciders(self.task.network).tolist()
        self._sizes = (n_choices_of(self.task.config), N_FEATURES)
        self._enlist({node_name(node): choice_spaces(N_CONTEXT, *self._sizes) for node in nodes})
        self._batch: DecisionBatch
        self._choices: list[int] = []

    def state(self) -> np.ndarray:
        """The true balances and what is in flight (:func:`lnherd.envs.global_state.channel_state`)."""
        return channel_state(self.task.simulation)

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Start an episode; episodes after one another differ, a seed starts the same row of episodes anew."""
        episode_seed = self._call_all(seed)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        self.agent_selection = self.agents[0]
        self._batch, self._choices = self.task.reset(episode_seed), []
        self._select()

    def _select(self) -> None:
        """Point to who has to decide next; after the last decision everybody is done."""
        if self._batch.is_over:
            self.terminations = dict.fromkeys(self.agents, True)
            self._deads_step_first()
            return
        row = len(self._choices)
        self.agent_selection = node_name(int(self._batch.node[row]))
        self.infos[self.agent_selection] = {
            "decision": int(self._batch.number[row]),
            "payment": int(self._batch.payment[row]),
        }

    def observe(self, agent: str) -> Observation:
        """What ``agent`` sees now."""
        if self._batch.is_over or agent != self.agent_selection:
            return no_decision(*self._sizes)
        return observation(self._batch, len(self._choices))

    def step(self, action: np.int64) -> None:
        """Answer the decision that waits; None where the agent is done."""
        if self.terminations[self.agent_selection]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[self.agent_selection] = 0.0
        self._clear_rewards()
        self._choices.append(int(action))
        if len(self._choices) == len(self._batch.number):
            self._batch, self._choices = self.task.step(np.array(self._choices)), []
            for node, reward in zip(self._batch.outcomes.node.tolist(), self._batch.rewards.tolist(), strict=True):
                self.rewards[node_name(node)] += reward
        self._accumulate_rewards()
        self._select()
