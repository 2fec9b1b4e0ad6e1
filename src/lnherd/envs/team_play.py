"""Episodes of forwarding for teams: asked batch by batch, with what a central critic sees beside each decision."""

from collections.abc import Callable, Sequence

import numpy as np

from lnherd.agents.hop_trajectory import HopTrajectory
from lnherd.agents.learner import DECISIONS, REWARD
from lnherd.agents.mean_field import NeighbourhoodActions
from lnherd.agents.rollout import Behaviour, EpisodeKey
from lnherd.agents.team import TeamConfig
from lnherd.agents.team_policy import Recorder, TeamPolicy
from lnherd.control.hop_encode import CANDIDATE_FEATURES
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_play import payment_totals
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.global_state import global_features
from lnherd.network.graph import Network

WorldOf = Callable[[int], tuple[ForwardingConfig, Network]]
"""Seed of an episode -> its problem and topology."""


class ForwardingTeamPlayer:
    """Plays for :class:`lnherd.agents.team.Team`."""

    def __init__(self, team: TeamConfig, world_of: WorldOf) -> None:
        self._team, self._world_of = team, world_of

    def collect(self, behaviours: Sequence[Behaviour], keys: Sequence[EpisodeKey]) -> list[list[HopTrajectory]]:
        """One episode a key, by group."""
        return [self._play(behaviours, key) for key in keys]

    def _play(self, behaviours: Sequence[Behaviour], key: EpisodeKey) -> list[HopTrajectory]:
        config, network = self._world_of(key.seed)
        task, recorder = ForwardingTask(config, network), Recorder()
        policy = team_policy(self._team, behaviours, task, recorder)
        batch = task.reset(key.seed)
        policy.begin(int(np.random.SeedSequence(key.draws).generate_state(1)[0]))
        while not batch.is_over:
            batch = task.step(policy.choose(batch))
        policy.choose(batch)
        rewards = sum(float(worth.sum()) for _, worth in recorder.outcomes)
        totals = {REWARD: rewards, DECISIONS: float(len(recorder.columns)), **payment_totals(task.simulation.payments)}
        return recorder.trajectories(policy.group_of, len(behaviours), totals)


def team_policy(
    team: TeamConfig, behaviours: Sequence[Behaviour], task: ForwardingTask, recorder: Recorder | None = None
) -> TeamPolicy:
    """A team's policy for ``task``; only one that is recorded needs what a central critic sees."""
    network, step = task.network, CANDIDATE_FEATURES.index("step")
    is_watched = team.central and recorder is not None
    return TeamPolicy(
        behaviours,
        team.groups(network),
        (lambda: NeighbourhoodActions(network, step)) if team.mean_field else None,
        (lambda batch: global_features(task.simulation, batch)) if is_watched else None,
        recorder,
    )
