"""Hyper-parameters of the learners with networks; PyTorch is not needed to read them."""

from dataclasses import dataclass, field

from lnherd.control import hop_encode
from lnherd.control.action import ActionKind
from lnherd.control.encode import CANDIDATE_FEATURES, CONTEXT_FEATURES
from lnherd.control.wide import WIDE_CANDIDATE, WIDE_CONTEXT
from lnherd.errors import InputError

DEVICES = ("cpu", "cuda")
MIXERS = ("none", "sum", "monotonic")
"""How the values of agents that learn together are mixed (``agents.mixing``): not at all, VDN, QMIX."""


@dataclass(frozen=True)
class Spaces:
    """What the inputs are called; a saved policy refuses inputs that are called otherwise."""

    context: tuple[str, ...] = CONTEXT_FEATURES
    """Columns of the context."""
    candidate: tuple[str, ...] = CANDIDATE_FEATURES
    """Columns of each candidate."""
    hidden: tuple[str, ...] = ()
    """What a central critic or a mixer sees besides, and no policy ever does."""


WIDE_SPACES = Spaces(WIDE_CONTEXT, WIDE_CANDIDATE)
"""Those of the wide look (``control.wide``)."""
HOP_SPACES = Spaces(hop_encode.CONTEXT_FEATURES, hop_encode.CANDIDATE_FEATURES)
"""Those of forwarding."""


@dataclass(frozen=True)
class NetworkConfig:
    """The candidate-scoring network."""

    hidden: tuple[int, int] = (64, 64)
    """Units of the two layers, in the scorer and in the value network."""
    wait_logit: float = 0.0
    """How much the untrained scorer prefers candidates whose first feature is 1: waiting in herding, channels in
    forwarding."""
    prior: tuple[tuple[str, float], ...] = ()
    """Features of candidates, or pairs of them (:mod:`lnherd.agents.prior`), and what each is worth to the untrained
    scorer: a rule that learning begins as and departs from (residual policy learning, Silver et al. 2018). Takes the
    place of ``wait_logit``."""
    ignored: tuple[str, ...] = ()
    """Inputs that the scorer never sees; the critic does."""

    def __post_init__(self) -> None:
        if min(self.hidden) < 2:
            raise InputError(f"network: hidden is {self.hidden}; each layer needs at least 2 units")


@dataclass(frozen=True)
class PPOConfig:
    """Proximal policy optimisation (Schulman et al. 2017)."""

    spaces: Spaces = field(default_factory=Spaces)
    """Names of the inputs."""
    network: NetworkConfig = field(default_factory=lambda: NetworkConfig(wait_logit=3.0))
    """Scorer and value network."""
    discount: float = 0.97
    """gamma, per tick."""
    trace: float = 0.95
    """lambda of generalised advantage estimation."""
    credit: str = "own"
    """In forwarding, which later decisions one answers for: own, path, payment or stream (``agents.credit``)."""
    clip: float = 0.2
    """How far the ratio of probabilities may move from 1 before the gradient stops."""
    value_clip: float | None = None
    """The same for values, in scaled reward; None does not clip them."""
    entropy: float = 0.01
    """Weight of the entropy bonus at the start; it falls linearly to ``entropy_end``."""
    entropy_end: float = 0.001
    """Weight of the entropy bonus at the end."""
    value_weight: float = 0.5
    """Weight of the value loss."""
    learning_rate: float = 1e-3
    """Of Adam at the start; it falls linearly to ``learning_rate_end``."""
    learning_rate_end: float = 1e-4
    """Of Adam at the end."""
    epochs: int = 10
    """Passes over each batch."""
    minibatch: int = 64
    """Decisions a gradient step. Playing costs far more than learning here: many small steps."""
    normalise_advantages: bool = True
    """Whether advantages of a minibatch get mean 0 and deviation 1."""
    target_kl: float | None = 0.03
    """A batch's passes end once the policy has moved further than 1.5 times this; None never stops them."""
    max_gradient: float = 0.5
    """Norm that gradients are cut to."""
    scale_rewards: bool = True
    """Whether rewards are divided by the running deviation of their discounted sum."""
    batch_episodes: int = 8
    """Episodes played with the same policy."""
    lanes: int = 8
    """Of these, how many are stepped together."""
    greedy: bool = False
    """Whether the saved policy takes the most probable candidate; else it draws."""
    device: str = "cpu"
    """Where gradients are computed: cpu or cuda. Episodes are played on NumPy in any case."""

    def __post_init__(self) -> None:
        _check("ppo", self.discount, self.device, self.batch_episodes, self.lanes, self.epochs, self.minibatch)
        if self.clip <= 0:
            raise InputError(f"ppo: clip is {self.clip}; it must be positive")


@dataclass(frozen=True)
class DQNConfig:
    """Deep Q-networks (Mnih et al. 2015) with the parts of Rainbow that pay here."""

    spaces: Spaces = field(default_factory=Spaces)
    """Names of the inputs."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Scorer and value network."""
    discount: float = 0.97
    """gamma, per tick."""
    double: bool = True
    """Whether the online network chooses and the target network judges (van Hasselt et al. 2016)."""
    dueling: bool = True
    """Whether Q is a value plus an advantage (Wang et al. 2016)."""
    advantage: str = "first"
    """What an advantage is over: the ``first`` candidate, which is waiting in herding, or the ``mean`` of all, as in
    the paper, for which all must be computed."""
    n_steps: int = 8
    """Rewards taken as they came before the network is asked."""
    credit: str = "own"
    """In forwarding, which later decisions one answers for: own, path, payment or stream (``agents.credit``)."""
    prioritised: bool = False
    """Whether surprising transitions are replayed more often (Schaul et al. 2016)."""
    priority_power: float = 0.6
    """alpha: 0 is uniform."""
    correction_start: float = 0.4
    """beta of the importance weights at the start; 1 at the end."""
    capacity: int = 50_000
    """Decisions remembered."""
    warm_up: int = 500
    """Decisions before the first gradient step."""
    updates_per_decision: float = 0.5
    """Gradient steps for each decision played."""
    minibatch: int = 128
    """Transitions a gradient step; where values are mixed those of one moment count as many."""
    mixer: str = "none"
    """Whether agents that decide together learn one value: none (each its own), sum (VDN) or monotonic (QMIX)."""
    agents: int = 1
    """How many those are; their decisions come in turn."""
    mixer_units: int = 32
    """Width of the monotonic mixer."""
    shared_targets: int = 32
    """Gradient steps whose targets are worked out together, by the networks as they are at the first of them."""
    learning_rate: float = 1e-3
    """Of Adam at the start; it falls linearly to ``learning_rate_end``."""
    learning_rate_end: float = 1e-4
    """Of Adam at the end."""
    target_rate: float = 0.01
    """Share by which the target network follows after each gradient step."""
    max_gradient: float = 10.0
    """Norm that gradients are cut to."""
    epsilon_start: float = 0.5
    """Share of exploratory actions at the start."""
    epsilon_end: float = 0.05
    """And from ``exploration_share`` of the training on."""
    exploration_share: float = 0.6
    """Part of the training over which epsilon falls, linearly."""
    explore_kinds: int = len(ActionKind)
    """An exploratory action is any kind of act, equally often, then any candidate of it: the first so many features
    are the kind. 0 draws among all candidates alike."""
    scale_rewards: bool = True
    """Whether rewards are divided by the running deviation of their discounted sum."""
    batch_episodes: int = 8
    """Episodes played with the same network."""
    lanes: int = 4
    """Of these, how many are stepped together."""
    device: str = "cpu"
    """Where gradients are computed: cpu or cuda. Episodes are played on NumPy in any case."""

    def __post_init__(self) -> None:
        _check("dqn", self.discount, self.device, self.batch_episodes, self.lanes, self.n_steps, self.minibatch)
        _check("dqn", self.discount, self.device, self.shared_targets)
        if self.advantage not in ("first", "mean"):
            raise InputError(f"dqn: advantage {self.advantage!r} is not known; choose first or mean")
        if self.capacity <= self.warm_up:
            raise InputError(f"dqn: capacity is {self.capacity}; it must be larger than warm_up, {self.warm_up}")
        if self.mixer not in MIXERS:
            raise InputError(f"dqn: mixer {self.mixer!r} is not known; choose from {', '.join(MIXERS)}")
        if min(self.agents, self.mixer_units) < 1 or self.agents > self.minibatch:
            raise InputError("dqn: agents and mixer_units must be at least 1, and a minibatch hold all agents")

    @property
    def heads(self) -> str:
        """How action values are made of scores: none, first or mean."""
        return self.advantage if self.dueling else "none"

    @property
    def together(self) -> int:
        """Decisions that have one value."""
        return 1 if self.mixer == "none" else self.agents

    def epsilon(self, progress: float) -> float:
        """Exploration when ``progress`` (0 to 1) of the training is done."""
        passed = min(progress / self.exploration_share, 1.0) if self.exploration_share > 0 else 1.0
        return self.epsilon_start + passed * (self.epsilon_end - self.epsilon_start)


def _check(what: str, discount: float, device: str, *counts: int) -> None:
    if not 0 <= discount <= 1:
        raise InputError(f"{what}: discount is {discount}; it must lie between 0 and 1")
    if device not in DEVICES:
        raise InputError(f"{what}: device {device!r} is not known; choose from {', '.join(DEVICES)}")
    if min(counts) < 1:
        raise InputError(f"{what}: batch sizes, lanes, steps and epochs must be at least 1")
