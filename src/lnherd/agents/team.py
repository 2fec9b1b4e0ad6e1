"""Teams: several learners in one world, each for a group of nodes, with what each of them may see.

=================  ====================================================  ==========================================
variant            options                                               after
=================  ====================================================  ==========================================
IPPO, IDQN         each decision by what its node sees                   de Witt et al. 2020; Tan 1993
MAPPO              ``central``: the critic sees true balances             Yu et al. 2022 (arXiv 2103.01955)
VDN, QMIX          ``DQNConfig.mixer``: one value of what all choose     Sunehag et al. 2018; Rashid et al. 2018
mean field         ``mean_field``: neighbours' mean actions in context    Yang et al. 2018 (arXiv 1802.05438)
IQL, MF-Q          tables: ``QConfig``, for MF-Q with a ``temperature``   Tan 1993; Yang et al. 2018
=================  ====================================================  ==========================================

``sharing`` says who learns together: all nodes one policy, one for each role, or each node its own. Learners are the
one PPO, the one DQN and the one Q-table; nothing of them is repeated here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from lnherd.agents.configs import HOP_SPACES, DQNConfig, PPOConfig, Spaces
from lnherd.agents.deep import DRAWS_EPISODES, DeepLearner
from lnherd.agents.learners import LearnerConfig, make_learner
from lnherd.agents.qlearning import QConfig, QLearner
from lnherd.agents.rollout import Behaviour, EpisodeKey, GreedyBehaviour, Played
from lnherd.control.encode import MEAN_KINDS
from lnherd.control.hop_encode import MEAN_ACTIONS
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Ints

SHARING = ("all", "role", "none")
LEAF_DEGREE, HUB_SHARE = 2, 0.1
"""Roles: nodes with at most so many channels; that share of the nodes with the most channels; the rest."""


@dataclass(frozen=True)
class TeamConfig:
    """One way to learn together."""

    learner: LearnerConfig = field(default_factory=PPOConfig)
    """Of each group; the ``spaces`` of networks are set by the team."""
    sharing: str = "all"
    """all, role or none."""
    central: bool = False
    """Whether the critic sees what no node can (PPO)."""
    mean_field: bool = False
    """Whether nodes hear what their neighbours do on average."""

    def __post_init__(self) -> None:
        if self.sharing not in SHARING:
            raise InputError(f"team: sharing {self.sharing!r} is not known; choose one of {', '.join(SHARING)}")
        if self.central and not isinstance(self.learner, PPOConfig):
            raise InputError("team: a central critic needs PPO; DQN has none")
        if self.is_mixed and self.sharing != "all":
            raise InputError("team: values are mixed by one learner for all; sharing must be all")

    @property
    def is_mixed(self) -> bool:
        """Whether one value of what all choose is learned (VDN, QMIX)."""
        return isinstance(self.learner, DQNConfig) and self.learner.mixer != "none"

    @property
    def sees_state(self) -> bool:
        """Whether training sees what no node can."""
        return self.central or self.is_mixed

    def spaces(self, hidden: tuple[str, ...], base: Spaces = HOP_SPACES) -> Spaces:
        """Names of the inputs; ``hidden`` are those of a central critic or a mixer, ``base`` those of the world."""
        means = MEAN_ACTIONS if base == HOP_SPACES else MEAN_KINDS
        context = base.context + (means if self.mean_field else ())
        return Spaces(context, base.candidate, hidden if self.sees_state else ())

    def groups(self, network: Network) -> Ints:
        """``[N]`` group of each node."""
        if self.sharing == "none":
            return np.arange(network.n_nodes)
        groups = np.zeros(network.n_nodes, dtype=np.int64)
        if self.sharing == "role":
            n_hubs = max(1, round(HUB_SHARE * network.n_nodes))
            groups[network.degree > LEAF_DEGREE] = 1
            groups[np.argsort(-network.degree, kind="stable")[:n_hubs]] = 2
        return groups


def actor_critics(ppo: PPOConfig, own_minibatch: int) -> dict[str, TeamConfig]:
    """Ways to learn together by PPO, by name; ``own_minibatch`` is for learners that are each on their own."""
    return {
        "ippo": TeamConfig(ppo),
        "mappo": TeamConfig(ppo, central=True),
        "mean-field-ac": TeamConfig(ppo, mean_field=True),
        "ippo-own": TeamConfig(replace(ppo, minibatch=own_minibatch), sharing="none"),
        "ippo-role": TeamConfig(ppo, sharing="role"),
    }


class TeamPlayer(Protocol):
    """Plays episodes for a team."""

    def collect(self, behaviours: Sequence[Behaviour], keys: Sequence[EpisodeKey]) -> Sequence[Sequence[Played]]:
        """For each key what each group decided."""
        ...


class Team:
    """Learners of all groups, trained together."""

    def __init__(
        self,
        config: TeamConfig,
        n_groups: int,
        hidden: tuple[str, ...],
        seed: int = 0,
        base: Spaces = HOP_SPACES,
    ) -> None:
        """``hidden`` names what a central critic or a mixer would see, ``base`` what nodes do."""
        self.config, self.seed, self.decisions = config, seed, 0
        settings = config.learner
        if not isinstance(settings, QConfig):
            settings = replace(settings, spaces=config.spaces(hidden, base))
        self.learners: list[DeepLearner | QLearner] = []
        for group in range(n_groups):
            learner = make_learner(settings, seed * 100_003 + group)
            assert isinstance(learner, DeepLearner | QLearner)
            self.learners.append(learner)

    def train(
        self,
        player: TeamPlayer,
        episodes: int,
        seeds: Sequence[int],
        on_batch: Callable[[int], None] = lambda done: None,
    ) -> None:
        """Play and learn from ``episodes``, the k-th on ``seeds[k % len(seeds)]``."""
        size = self.config.learner.batch_episodes
        for start in range(0, episodes, size):
            numbers, progress = range(start, min(start + size, episodes)), start / episodes
            keys = [EpisodeKey(seeds[k % len(seeds)], (self.seed, DRAWS_EPISODES, k)) for k in numbers]
            played = player.collect([each.behaviour(progress) for each in self.learners], keys)
            self.decisions += sum(len(part) for parts in played for part in parts)
            for group, learner in enumerate(self.learners):
                own = [parts[group] for parts in played if len(parts[group]) > 0]
                if own:
                    learner.improve(own, progress)
            on_batch(numbers[-1] + 1)

    def behaviours(self) -> list[GreedyBehaviour]:
        """What networks have learned, greedily, by group."""
        networks = [learner for learner in self.learners if isinstance(learner, DeepLearner)]
        return [GreedyBehaviour(learner.deployed(), 0.0, 0) for learner in networks]

    def deployed(self) -> list[Behaviour]:
        """What was learned, by group, as it is used: policies that are not greedy draw."""
        return [learner.deployed_behaviour() for learner in self.learners]
