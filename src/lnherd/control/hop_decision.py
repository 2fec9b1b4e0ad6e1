"""Forwarding decisions as learners and rules see them: all that are due at one moment, as arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lnherd.network.records import Bools, Floats, Indices, Ints, Records

CHOOSE_GIVE_UP, CHOOSE_SPLIT = 0, 1
"""Numbers of the choices that are no channel."""


@dataclass(frozen=True, eq=False)
class DecisionBatch:
    """``B`` decisions that wait and ``R`` outcomes that became known.

    ``context [B, C]``, ``candidates [B, K, F]`` (``engine.hop_features``; float32 in [-1, 1]) and ``mask [B, K]`` are
    views that hold until the next step, as are ``edges [B, K]``: the directed channel of each choice, negative where
    it gives up or splits. Choice 0, to give up, is never masked; choice 1 splits, at the source. ``number [B]`` names
    the decisions, ``node [B]`` who decides, ``receiver [B]`` who is to be paid, ``payment [B]`` about what,
    ``incoming [B]`` the directed channel over which it came, negative at the source, and ``amount_msat [B]`` what is
    to arrive in the end. All are due at ``now_ms``.
    ``outcomes [R]`` (``engine.hop_state.OUTCOME_DTYPE``) and ``rewards [R]``, in sat, belong to earlier decisions.
    """

    context: NDArray[np.float32]
    candidates: NDArray[np.float32]
    mask: Bools
    edges: Indices
    number: Ints
    node: Indices
    receiver: Indices
    payment: Indices
    incoming: Indices
    amount_msat: Ints
    now_ms: int
    outcomes: Records
    rewards: Floats
    is_over: bool
    """No decision waits and none ever will."""
