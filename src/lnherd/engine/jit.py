"""The one way functions are compiled: cached, without the GIL, C division, types kept for the checker.

Kernels are compiled without Numba's runtime (``_nrt=False``): they cannot allocate arrays, which they must not
do anyway, and in return no call counts references to every array of the state. Measured on bare events
(fixed route, constant latency): 9.0 million a second instead of 1.2.

Compiling is what a user waits for the first time. So integers are widened to 64 bits in calls, and no function is
compiled once for an index from a 32-bit field and again for a literal (443 compilations of 250 functions before); nor
can such an argument overflow.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba import types

F = TypeVar("F", bound=Callable[..., object])
OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False, "no_cfunc_wrapper": True}


def jit(function: F) -> F:
    """Compile ``function``; ``NUMBA_DISABLE_JIT=1`` leaves it plain Python for debugging and coverage."""
    return cast(F, _with_wide_integers(numba.njit(**OPTIONS)(function)))


def _with_wide_integers(kernel: Any) -> Any:
    """Let compiled callers pass any integer as a 64-bit one."""
    if not hasattr(kernel, "get_call_template"):  # plain Python, not compiled
        return kernel
    resolve = kernel.get_call_template

    def resolve_wide(arguments: Any, keywords: Any) -> Any:
        return resolve(tuple(map(_wide, arguments)), {name: _wide(kind) for name, kind in keywords.items()})

    kernel.get_call_template = resolve_wide
    return kernel


def _wide(kind: Any) -> Any:
    kind = cast(Any, types).unliteral(kind)
    is_narrow = isinstance(kind, types.Integer) and kind is not types.uint64
    return types.int64 if is_narrow else kind
