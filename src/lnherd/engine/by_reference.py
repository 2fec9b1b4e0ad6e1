"""States are handed from kernel to kernel as one pointer.

Numba passes a tuple of arrays field by field: some 250 words for the engine's state, copied with every call that is not
inlined. Which calls are inlined changes with every function added, so speed fell by a factor of three when the code
grew; and every function was compiled with 250 parameters. So a NamedTuple of arrays that is marked ``@by_reference`` is
a type of its own: on the way into compiled code the address and length of every array are written into a table on the
stack, and kernels pass the table's address on. The table never changes while compiled code runs (arrays are replaced
from Python only), which LLVM is told, so what it holds is loaded once and not in every turn of a loop.
"""

import hashlib
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import populate_array

T = TypeVar("T", bound=tuple[Any, ...])
WORD = ir.IntType(64)
WORDS_A_FIELD = 2
"""Address and length."""


class TableOfArrays(types.Type):
    """The type of a NamedTuple of one-dimensional contiguous arrays in compiled code."""

    def __init__(self, name: str, fields: tuple[tuple[str, Any], ...]) -> None:
        self.fields = fields
        digest = hashlib.sha256(repr([(field, str(kind)) for field, kind in fields]).encode()).hexdigest()
        super().__init__(name=f"{name}_{digest[:12]}")  # becomes part of every symbol

    def position(self, name: str) -> int:
        """Where a field stands."""
        return [field for field, _ in self.fields].index(name)


def by_reference(kind: type[T]) -> type[T]:
    """Let instances of ``kind`` be passed by reference. Their arrays must have the same types in all instances."""
    known: list[TableOfArrays] = []

    @typeof_impl.register(kind)
    def type_of(value: Any, context: Any) -> TableOfArrays:
        if not known:
            fields = zip(value._fields, map(cast(Any, numba).typeof, value), strict=True)
            known.append(TableOfArrays(kind.__name__, tuple(fields)))
        return known[0]

    return kind


register_model(TableOfArrays)(models.OpaqueModel)


@infer_getattr
class _Fields(AttributeTemplate):
    """``state.edges`` is the array of that name."""

    key = TableOfArrays

    def generic_resolve(self, kind: TableOfArrays, name: str) -> Any:  # type: ignore[override]  # a constant above
        return dict(kind.fields).get(name)


@lower_getattr_generic(TableOfArrays)
def _load_field(context: Any, builder: Any, kind: TableOfArrays, table: Any, name: str) -> Any:
    array_type = dict(kind.fields)[name]
    first = WORDS_A_FIELD * kind.position(name)
    address, length = (_load(builder, table, first + offset) for offset in range(WORDS_A_FIELD))
    array = context.make_array(array_type)(context, builder)
    itemsize = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    populate_array(
        array,
        data=builder.inttoptr(address, array.data.type),
        shape=[length],
        strides=[WORD(itemsize)],
        itemsize=WORD(itemsize),
        meminfo=None,
    )
    return array._getvalue()


def _load(builder: Any, table: Any, index: int) -> Any:
    words = builder.bitcast(table, WORD.as_pointer())
    value = builder.load(builder.gep(words, [ir.IntType(32)(index)]))
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value


@unbox(TableOfArrays)
def _fill_table(kind: TableOfArrays, value: Any, c: Any) -> NativeValue:
    table = cgutils.alloca_once(c.builder, WORD, size=WORDS_A_FIELD * len(kind.fields))
    is_error = cgutils.false_bit
    for index, (_, array_type) in enumerate(kind.fields):
        native = c.unbox(array_type, c.pyapi.tuple_getitem(value, index))
        is_error = c.builder.or_(is_error, native.is_error)
        array = c.context.make_array(array_type)(c.context, c.builder, native.value)
        for offset, word in enumerate((c.builder.ptrtoint(array.data, WORD), array.nitems)):
            c.builder.store(word, c.builder.gep(table, [ir.IntType(32)(WORDS_A_FIELD * index + offset)]))
    return NativeValue(c.builder.bitcast(table, cgutils.voidptr_t), is_error=is_error)
