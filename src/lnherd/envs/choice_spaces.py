"""Spaces of a decision as Gymnasium sees it: a context, candidates of which one is taken, and which are possible."""

from typing import Any, cast

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

Observation = dict[str, NDArray[Any]]
"""``context`` float32 [C], ``candidates`` float32 [K, F], ``action_mask`` int8 [K]."""


def choice_spaces(n_context: int, n_choices: int, n_features: int) -> tuple[spaces.Space[Observation], spaces.Discrete]:
    """Of what is seen and what is answered."""
    parts: dict[str, spaces.Space[Any]] = {
        "context": spaces.Box(-1.0, 1.0, (n_context,), np.float32),
        "candidates": spaces.Box(-1.0, 1.0, (n_choices, n_features), np.float32),
        "action_mask": spaces.Box(0, 1, (n_choices,), np.int8),
    }
    return cast("spaces.Space[Observation]", spaces.Dict(parts)), spaces.Discrete(n_choices)
