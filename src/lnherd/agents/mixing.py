"""Mixing: the action values of several agents as one value of what they chose together.

    VDN    Q_tot = sum_i Q_i                                        Sunehag et al. 2018 (arXiv 1706.05296)
    QMIX   Q_tot = |w2(s)| . elu(|W1(s)| q + b1(s)) + V(s)          Rashid et al. 2018 (arXiv 1803.11485)

w2, W1, b1 and V are *hypernetworks*: functions of the state s of the whole world, which only training sees. Weights
that are not negative make Q_tot rise with every Q_i, so each agent finds its part of the best joint choice by itself.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import elu

from lnherd.agents.packing import Numbers

PREFIX = "mix_"
"""Of the names of a mixer's weights among those of the networks."""


def mixer_weights(n_agents: int, n_state: int, n_units: int, rng: np.random.Generator) -> dict[str, Numbers]:
    """QMIX's first weights, by name: of each map from the state, weights within 1 / sqrt(inputs) and a bias."""
    maps = {
        "w1": (n_state, n_agents * n_units),
        "b1": (n_state, n_units),
        "w2": (n_state, n_units),
        "v1": (n_state, n_units),
        "v2": (n_units, 1),
    }
    weights: dict[str, Numbers] = {}
    for name, (n_inputs, n_outputs) in maps.items():
        bound = max(n_inputs, 1) ** -0.5
        weights[PREFIX + name] = rng.uniform(-bound, bound, (n_inputs, n_outputs)).astype(np.float32)
        weights[PREFIX + name + "_bias"] = rng.uniform(-bound, bound, n_outputs).astype(np.float32)
    return weights


def mixed(values: Tensor, state: Tensor | None, weights: Mapping[str, Tensor]) -> Tensor:
    """``values [B, M]``, ``state [B, S]`` -> ``[B]``; VDN without weights, QMIX with them."""
    if state is None or not weights:
        return values.sum(dim=1)
    w1 = _map("w1", state, weights).abs().view(len(values), values.shape[1], -1)
    hidden = elu(torch.bmm(values[:, None, :], w1)[:, 0] + _map("b1", state, weights))
    value = _map("v2", torch.relu(_map("v1", state, weights)), weights)[:, 0]
    return (hidden * _map("w2", state, weights).abs()).sum(dim=1) + value


def _map(name: str, inputs: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    return torch.addmm(weights[PREFIX + name + "_bias"], inputs, weights[PREFIX + name])
