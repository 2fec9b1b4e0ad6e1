"""Episodes of herding for teams: all learners of a flock decide at once, and what they decided is recorded by group."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lnherd.agents.learner import DECISIONS, REWARD
from lnherd.agents.packing import Packed, joined, pack
from lnherd.agents.rollout import Behaviour, EpisodeKey, Trajectory
from lnherd.agents.team import TeamConfig
from lnherd.control.action import ActionKind
from lnherd.control.decision import Decision, Plan
from lnherd.envs.flock import FlockStep, FlockTask
from lnherd.envs.flock_state import flock_state
from lnherd.network.records import Floats, Ints

MEMORY = 8
"""Own acts over which the mean of a herder's acts fades."""


def herder_groups(team: TeamConfig, task: FlockTask) -> Ints:
    """``[M]`` group of each learner."""
    if team.sharing == "none":
        return np.arange(len(task.learners))
    if team.sharing == "role":
        roles = sorted(set(task.roles))
        return np.array([roles.index(role) for role in task.roles], dtype=np.int64)
    return np.zeros(len(task.learners), dtype=np.int64)


class FlockTeamPlayer:
    """Plays for :class:`lnherd.agents.team.Team`."""

    def __init__(self, team: TeamConfig, task: FlockTask) -> None:
        self._team, self._task = team, task
        self._groups = herder_groups(team, task)

    def collect(self, behaviours: Sequence[Behaviour], keys: Sequence[EpisodeKey]) -> list[list[Trajectory]]:
        """One episode a key, by group."""
        return [self._play(behaviours, key) for key in keys]

    def _play(self, behaviours: Sequence[Behaviour], key: EpisodeKey) -> list[Trajectory]:
        act = TeamAct(self._team, behaviours, self._task, key.draws)
        rewards, total = [], 0.0
        for step in play(self._task, act, key.seed):
            rewards.append(step.rewards - step.wanted)
            total += float(step.rewards.mean())
        looks = [*act.looks, act.look(act.following)]
        totals = {REWARD: total, DECISIONS: float(len(rewards) * len(self._groups))}
        return [
            self._trajectory(np.flatnonzero(self._groups == group), act, looks, np.array(rewards), totals)
            for group in range(len(behaviours))
        ]

    def _trajectory(
        self, rows: Ints, act: "TeamAct", looks: list[Packed], rewards: Floats, totals: dict[str, float]
    ) -> Trajectory:
        return Trajectory(
            joined([look.select(rows) for look in looks]),
            np.concatenate([each[rows] for each in act.chosen]),
            np.concatenate([each[rows] for each in act.logs]),
            rewards[:, rows].ravel(),
            False,
            totals,
            agents=len(rows),
        )


class TeamAct:
    """One episode of a team: decisions -> plans, with what was seen and chosen."""

    def __init__(
        self, team: TeamConfig, behaviours: Sequence[Behaviour], task: FlockTask, draws: Sequence[int]
    ) -> None:
        self._team, self._behaviours, self._task = team, behaviours, task
        self._groups, n = herder_groups(team, task), len(task.learners)
        self._rngs = [np.random.default_rng([*draws, place]) for place in range(n)]
        self._kinds: Floats = np.zeros((n, len(ActionKind)))
        self._kinds[:, ActionKind.WAIT] = 1.0
        self.looks: list[Packed] = []
        self.chosen: list[Ints] = []
        self.logs: list[Floats] = []
        self.following: tuple[Decision, ...] = ()

    def __call__(self, decisions: tuple[Decision, ...]) -> list[Plan]:
        """One plan a learner."""
        look, n = self.look(decisions), len(decisions)
        chosen, logs = np.zeros(n, dtype=np.int64), np.zeros(n)
        for group in np.unique(self._groups).tolist():
            rows = np.flatnonzero(self._groups == group)
            rngs = [self._rngs[row] for row in rows]
            chosen[rows], logs[rows] = self._behaviours[group].choose(look.select(rows), rngs)
        self.looks.append(look)
        self.chosen.append(chosen)
        self.logs.append(logs)
        acts = [
            each.candidates[int(np.flatnonzero(each.mask)[position])]
            for each, position in zip(decisions, chosen.tolist(), strict=True)
        ]
        self._note([act.kind for act in acts])
        return list(acts)

    def look(self, decisions: tuple[Decision, ...]) -> Packed:
        """What all see, and what only training does."""
        seen, context = pack(decisions), np.stack([each.context for each in decisions])
        hidden = np.tile(flock_state(self._task, context), (len(decisions), 1)) if self._team.sees_state else None
        if self._team.mean_field:
            context = np.concatenate([context, self._of_others()], axis=1)
        return Packed(context, seen.features, seen.counts, hidden)

    def _of_others(self) -> NDArray[np.float32]:
        """``[M, kinds]`` mean of the others' late acts; every herder is everybody's neighbour."""
        others = (self._kinds.sum(axis=0) - self._kinds) / max(len(self._kinds) - 1, 1)
        heard: NDArray[np.float32] = others.astype(np.float32)
        return heard

    def _note(self, kinds: Sequence[ActionKind]) -> None:
        self._kinds *= 1.0 - 1.0 / MEMORY
        self._kinds[np.arange(len(kinds)), list(kinds)] += 1.0 / MEMORY


def play(task: FlockTask, act: Callable[[tuple[Decision, ...]], Sequence[Plan]], seed: int) -> list[FlockStep]:
    """One episode; a team that acts is shown the last decisions too."""
    decisions, steps = task.reset(seed), list[FlockStep]()
    while not steps or not steps[-1].truncated:
        steps.append(task.step(act(decisions)))
        decisions = steps[-1].decisions
    if isinstance(act, TeamAct):
        act.following = decisions
    return steps
