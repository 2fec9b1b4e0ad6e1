"""Going on learning while forwarding: a trained PPO learner as a policy that updates itself from what it meets."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lnherd.agents.configs import NetworkConfig
from lnherd.agents.forwarding_learners import hop_ppo
from lnherd.agents.hop_scorer import choices_at, packed_hops
from lnherd.agents.hop_trajectory import HopTrajectory
from lnherd.agents.packing import Packed, joined
from lnherd.agents.ppo import PPOLearner
from lnherd.agents.rollout import SoftmaxBehaviour
from lnherd.agents.scorer import read_npz
from lnherd.control.hop_decision import DecisionBatch
from lnherd.errors import InputError
from lnherd.network.records import Floats, Ints

SHARPNESS = 4.0
"""What the scores of a trained policy are multiplied by where it goes on learning: draws must come close to its best
choices, which is what it is compared by, and still try others now and then."""
ONLINE_RATE = 1e-4
"""Learning rate there: an episode has some thousand outcomes, a training millions."""


@dataclass(eq=False)
class _Memory:
    """Decisions whose outcome is awaited or not yet learned from, one entry of each list a batch."""

    decisions: list[Packed] = field(default_factory=list)
    chosen: list[Ints] = field(default_factory=list)
    logs: list[Floats] = field(default_factory=list)
    numbers: list[Ints] = field(default_factory=list)
    nodes: list[Ints] = field(default_factory=list)
    rewards: dict[int, float] = field(default_factory=dict)
    """Of the decisions whose outcome is known, by number."""


@dataclass(eq=False)
class OnlineHopPolicy:
    """Draws choices by the softmax of the scores and takes a PPO step whenever enough outcomes are known.

    Every episode starts from the weights that the learner had when the policy was made, so that episodes can be
    compared. Each decision is credited with its own outcome.
    """

    learner: PPOLearner
    """Its weights change."""
    update_every: int = 2_000
    """Known outcomes an update."""
    name: str = "ppo-online"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self._start = self.learner.network.arrays()

    def begin(self, seed: int) -> None:
        """Start from the first weights again, with nothing in memory."""
        self.learner.network.load(self._start)
        self.learner.forget_moments()
        self._scorer = self.learner.deployed()
        self._rng = np.random.default_rng([seed, 2])
        self._memory = _Memory()

    def choose(self, batch: DecisionBatch) -> Ints:
        """Hear what came of earlier choices, learn if it is time, and choose."""
        memory = self._memory
        memory.rewards.update(zip(batch.outcomes.decision.tolist(), batch.rewards.tolist(), strict=True))
        if len(memory.rewards) >= self.update_every:
            self._learn()
        if len(batch.number) == 0:
            return np.zeros(0, dtype=np.int64)
        decisions = packed_hops(batch)
        rngs = [self._rng] * len(decisions.counts)
        chosen, logs = SoftmaxBehaviour(self._scorer).choose(decisions, rngs)
        memory.decisions.append(_copied(decisions))
        memory.chosen.append(chosen)
        memory.logs.append(logs)
        memory.numbers.append(batch.number.copy())
        memory.nodes.append(batch.node.astype(np.int64))
        return choices_at(chosen, decisions, batch)

    def _learn(self) -> None:
        """From all decisions whose outcome is known; the others stay in memory."""
        memory, numbers = self._memory, np.concatenate(self._memory.numbers)
        known = np.array([number in memory.rewards for number in numbers.tolist()])
        everything = joined(memory.decisions)
        chosen, nodes = np.concatenate(memory.chosen), np.concatenate(memory.nodes)
        logs = np.concatenate(memory.logs)
        useful = np.flatnonzero(known & (everything.counts > 1))
        played = HopTrajectory(
            everything.select(useful),
            chosen[useful],
            logs[useful],
            np.array([memory.rewards[number] for number in numbers[useful].tolist()]),
            fees=np.zeros(len(useful)),
            lost=np.zeros(len(useful)),
            node=nodes[useful],
            path=np.arange(len(useful)),
            is_split=np.zeros(len(useful), dtype=np.bool_),
            amounts=np.ones(len(useful)),
            totals={},
        )
        self.learner.learn([played], 1.0)
        self._scorer = self.learner.deployed()
        rest = np.flatnonzero(~known)
        self._memory = _Memory([everything.select(rest)], [chosen[rest]], [logs[rest]], [numbers[rest]], [nodes[rest]])


def online_policy(path: Path | str) -> OnlineHopPolicy:
    """The policy of PPO saved at ``path``, sharpened, as one that goes on learning.

    Raises:
        InputError: when the file holds no policy of PPO, or one for other inputs than this version has.
    """
    about, _ = read_npz(path, "a saved policy")
    if about.get("algorithm") != PPOLearner.algorithm:
        raise InputError(f"{path}: was not learned by ppo, so it cannot go on learning; give a policy of ppo")
    network = NetworkConfig(hidden=tuple(about["config"]["network"]["hidden"]))
    config = replace(hop_ppo(), network=network, credit="own", minibatch=512, entropy=0.0, entropy_end=0.0)
    learner = PPOLearner(replace(config, learning_rate=ONLINE_RATE, learning_rate_end=ONLINE_RATE))
    learner.start_from(path)
    weights = learner.network.arrays()
    learner.network.load({**weights, "w3": SHARPNESS * weights["w3"], "b3": SHARPNESS * weights["b3"]})
    return OnlineHopPolicy(learner)


def _copied(decisions: Packed) -> Packed:
    """The batch's arrays hold only until the next step."""
    return Packed(decisions.context.copy(), decisions.features, decisions.counts)
