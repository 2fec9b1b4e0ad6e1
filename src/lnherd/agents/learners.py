"""Learners by their configuration, and saved policies by their file."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from lnherd.agents.configs import WIDE_SPACES, DQNConfig, PPOConfig, Spaces
from lnherd.agents.learner import Learner
from lnherd.agents.policy import Policy
from lnherd.agents.qlearning import QConfig, QLearner
from lnherd.agents.scorer import FORMAT, ScorerPolicy, read_npz, scorer_from
from lnherd.anomaly.signals import ALARM_FEATURES
from lnherd.errors import InputError

LearnerConfig: TypeAlias = QConfig | DQNConfig | PPOConfig


def make_learner(config: LearnerConfig, seed: int) -> Learner:
    """A learner that has learned nothing yet.

    Raises:
        InputError: when it needs PyTorch and that is not installed, or a device that is not there.
    """
    if isinstance(config, QConfig):
        return QLearner(config, seed)
    require_torch()
    if isinstance(config, DQNConfig):
        from lnherd.agents.dqn import DQNLearner

        return DQNLearner(config, seed)
    from lnherd.agents.ppo import PPOLearner

    return PPOLearner(config, seed)


def load_learner(config: LearnerConfig, path: Path, seed: int) -> Learner:
    """The learner that was saved at ``path`` under this configuration and seed.

    Raises:
        InputError: when there is none.
    """
    if isinstance(config, QConfig):
        return QLearner.load(path)
    require_torch()
    from lnherd.agents.deep import DeepLearner

    learner = make_learner(config, seed)
    assert isinstance(learner, DeepLearner)
    learner.restore(path)
    return learner


def load_policy(path: Path | str) -> tuple[Policy, int]:
    """A saved policy of any learner and the training episodes it has seen; needs NumPy alone.

    Raises:
        InputError: when the file holds no policy.
    """
    about, arrays = read_npz(path, "a saved policy")
    if about.get("format") != FORMAT:
        learner = QLearner.load(path)
        return learner.policy(), learner.episodes_played
    scorer, n_context = scorer_from(arrays, path), len(about["context"])
    is_wide = _looks_widely(about, path)
    policy = ScorerPolicy(scorer, str(about["algorithm"]), bool(about["greedy"]), n_context, is_wide)
    return policy, int(about["episodes"])


def looks_widely(path: Path | str) -> bool:
    """Whether the policy that was saved at ``path`` has the wide look.

    Raises:
        InputError: when the file holds no network of herding.
    """
    return _looks_widely(read_npz(path, "a saved policy")[0], path)


def _looks_widely(about: Mapping[str, Any], path: Path | str) -> bool:
    """By the names of the inputs."""
    context = [each for each in about.get("context", ()) if each not in ALARM_FEATURES]
    for spaces in (Spaces(), WIDE_SPACES):
        if (context, about.get("candidate")) == (list(spaces.context), list(spaces.candidate)):
            return spaces == WIDE_SPACES
    raise InputError(f"{path}: was trained on other features than this version has; train it anew")


def gentle(config: LearnerConfig) -> LearnerConfig:
    """``config`` for a learner that starts from a good policy: smaller steps, little exploration from the first."""
    if isinstance(config, PPOConfig):
        return replace(config, learning_rate=3e-4, entropy=config.entropy_end)
    if isinstance(config, DQNConfig):
        return replace(config, learning_rate=3e-4, epsilon_start=0.1, warm_up=config.minibatch)
    return config


def start_from(learner: Learner, path: Path | str) -> None:
    """Let ``learner`` begin where the policy at ``path`` ended.

    Raises:
        InputError: when it learns a table, or the policy does not fit.
    """
    if isinstance(learner, QLearner):
        raise InputError("--start: tables start empty; only dqn and ppo start from a saved policy")
    from lnherd.agents.deep import DeepLearner

    assert isinstance(learner, DeepLearner)
    learner.start_from(path)


def require_torch() -> None:
    """Make sure that PyTorch is there.

    Raises:
        InputError: when it is not installed.
    """
    if find_spec("torch") is None:
        raise InputError("training a network needs PyTorch; install it with: pip install 'lnherd[rl]'")


def on_device(config: LearnerConfig, device: str) -> LearnerConfig:
    """``config`` with gradients computed on ``device``; tables have none.

    Raises:
        InputError: for an unknown device.
    """
    return config if isinstance(config, QConfig) else replace(config, device=device)
