"""The one way functions are compiled: cached, without the GIL, C division, types kept for the checker."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def jit(function: F) -> F:
    """Compile ``function``; ``NUMBA_DISABLE_JIT=1`` leaves it plain Python for debugging and coverage."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
