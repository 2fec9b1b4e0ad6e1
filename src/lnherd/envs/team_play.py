"""Episodes of forwarding for teams.

Inside compiled code, as :mod:`lnherd.envs.forwarding_play` does for one policy: the engine keeps the networks of all
groups, each node runs its group's, and what neighbours do and what a central critic sees is recorded beside each
decision. Behaviours that Python has to evaluate are asked batch by batch and give the same trajectories.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from lnherd.agents.hop_trajectory import HopTrajectory
from lnherd.agents.rollout import Behaviour, EpisodeKey, GreedyBehaviour, SoftmaxBehaviour
from lnherd.agents.team import TeamConfig
from lnherd.agents.team_policy import TeamPolicy
from lnherd.engine import Simulation
from lnherd.engine.hop_network import Exploration
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_play import COMPILED_POLICY, Asked, exploration_of, recorded, scoring_network
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.network.graph import Network

WorldOf = Callable[[int], tuple[ForwardingConfig, Network]]
"""Seed of an episode -> its problem and topology."""
Compiled = SoftmaxBehaviour | GreedyBehaviour


class ForwardingTeamPlayer:
    """Plays for :class:`lnherd.agents.team.Team`."""

    def __init__(self, team: TeamConfig, world_of: WorldOf) -> None:
        self._team, self._world_of = team, world_of

    def collect(self, behaviours: Sequence[Behaviour], keys: Sequence[EpisodeKey]) -> list[list[HopTrajectory]]:
        """One episode a key, by group."""
        return [self._play(behaviours, key) for key in keys]

    def _play(self, behaviours: Sequence[Behaviour], key: EpisodeKey) -> list[HopTrajectory]:
        config, network = self._world_of(key.seed)
        task = ForwardingTask(config, network)
        compiled = [each for each in behaviours if isinstance(each, Compiled)]
        if len(compiled) < len(behaviours):
            played = play_team_asking(self._team, behaviours, task, key)
        else:
            exploration = replace(exploration_of(compiled[0], key), sees_all=self._team.central)
            played = recorded(run_team(self._team, compiled, task, key.seed, exploration), config)
        return played.of_groups(self._team.groups(network), len(behaviours))


def run_team(
    team: TeamConfig,
    behaviours: Sequence[Compiled],
    task: ForwardingTask,
    seed: int,
    exploration: Exploration | None = None,
) -> Simulation:
    """Play one episode to its end, each node by its group's scores; without ``exploration`` all are greedy."""
    task.begin(seed, COMPILED_POLICY)
    networks = [scoring_network(each.scorer) for each in behaviours]
    task.simulation.use_networks(networks, team.groups(task.network), exploration)
    task.run_out()
    return task.simulation


def play_team_asking(
    team: TeamConfig, behaviours: Sequence[Behaviour], task: ForwardingTask, key: EpisodeKey
) -> HopTrajectory:
    """Play one episode in which behaviours outside compiled code are asked, batch by batch."""
    policy, batch = team_policy(team, behaviours, task), task.reset(key.seed)
    task.simulation.look_beyond(neighbours=team.mean_field, everything=team.central)
    policy.begin(int(np.random.SeedSequence(key.draws).generate_state(1)[0]))
    asked = Asked(task)
    while not batch.is_over:
        decisions = policy.seen(batch)
        batch = asked.step(batch, decisions, *policy.decided(decisions, batch))
    return asked.trajectory()


def team_policy(team: TeamConfig, behaviours: Sequence[Behaviour], task: ForwardingTask) -> TeamPolicy:
    """A team's policy that ``task`` may ask; one that hears neighbours needs ``Simulation.look_beyond``."""
    neighbours = (lambda: task.simulation.beyond()[0]) if team.mean_field else None
    return TeamPolicy(behaviours, team.groups(task.network), neighbours)
