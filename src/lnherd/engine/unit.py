"""Parts of the engine that are compiled once, on their own, and called by address.

Numba optimises the code of a callee again in every caller up the chain: a path search below ten levels of functions is
optimised eleven times. A *unit* is called through a symbol instead, like a function of a C library, so what calls it
compiles without it. The price is a call that cannot be inlined, some 0.1 µs: right for a search, wrong for a heap.

Machine code read from the cache refers to the symbol too, so it must exist before anything is called:
:func:`load_units`, which whoever makes a state calls.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from llvmlite import binding
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

from lnherd.engine.jit import OPTIONS, jit

F = TypeVar("F", bound=Callable[..., object])
_UNITS: list["_Unit"] = []


class _Unit:
    """A compiled function ``(state, int, ...) -> int`` and the symbol it is reached by."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.kernel: Any = jit(function)
        self.symbol = f"lnherd_{function.__name__}"
        self.n_numbers = len(inspect.signature(function).parameters) - 1
        self._is_loaded = False

    def arguments(self, state: Any) -> tuple[Any, ...]:
        """Numba types of the arguments."""
        return (state, *[types.int64] * self.n_numbers)

    def load(self, state: Any) -> None:
        """Compile it, or read it from the cache, and make its address known."""
        if not self._is_loaded:
            self.kernel.compile(self.arguments(state))
            result = self.kernel.overloads[self.arguments(state)]
            binding.add_symbol(self.symbol, result.library.get_pointer_to_function(result.fndesc.llvm_func_name))
            self._is_loaded = True

    def emit_call(self, context: Any, builder: Any, signature: Any, values: Any) -> Any:
        """LLVM code of a call in Numba's own convention."""
        convention = context.call_conv
        kind = convention.get_function_type(signature.return_type, signature.args)
        callee = cast(Any, cgutils).get_or_insert_function(builder.module, kind, self.symbol)
        _, result = convention.call_function(builder, callee, signature.return_type, signature.args, values)
        return result


def unit(function: F) -> F:
    """Compile ``function(state, int, ...) -> int`` as a unit; ``NUMBA_DISABLE_JIT=1`` leaves it plain Python."""
    if cast(Any, config).DISABLE_JIT:
        return function
    made = _Unit(function)
    _UNITS.append(made)

    def typed(typingctx: Any, *arguments: Any) -> Any:
        made.load(arguments[0])
        return types.int64(*made.arguments(arguments[0])), made.emit_call

    parameters = inspect.signature(function).parameters.values()
    context = inspect.Parameter("typingctx", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    cast(Any, typed).__signature__ = inspect.Signature([context, *parameters])
    call = intrinsic(typed)

    def forward(*arguments: Any) -> Any:
        return call(*arguments)

    return cast(F, numba.njit(**{**OPTIONS, "cache": False})(forward))


def load_units(state: object) -> None:
    """Make all units callable from compiled code that comes from the cache."""
    for each in _UNITS:
        each.load(cast(Any, numba).typeof(state))
