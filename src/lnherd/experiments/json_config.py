"""Frozen dataclasses to JSON and back, every type checked on the way in."""

import dataclasses
import types
import typing
from enum import Enum
from typing import Any, TypeVar

from lnherd.errors import InputError

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """Dataclasses become objects, tuples lists, enums their values; the rest stays."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[T], value: Any, where: str) -> T:
    """Build the dataclass ``kind`` from what :func:`to_json` made of one. Missing fields keep their defaults.

    Raises:
        InputError: naming ``where``, the field and what is wrong with it.
    """
    if not isinstance(value, dict):
        raise InputError(f"{where}: is {value!r} where an object is needed; correct or remove it")
    hints = typing.get_type_hints(kind)
    unknown = [name for name in value if name not in hints]
    if unknown:
        raise InputError(f"{where}: {unknown[0]!r} is not a field of {kind.__name__}; remove it")
    arguments = {name: _decode(hints[name], item, f"{where}: {name}") for name, item in value.items()}
    missing = [field.name for field in dataclasses.fields(kind) if _needed(field) and field.name not in arguments]  # type: ignore[arg-type]
    if missing:
        raise InputError(f"{where}: the field {missing[0]!r} is missing; add it")
    return kind(**arguments)


def _needed(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _decode(kind: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(kind), value, where)
    if origin is tuple:
        return _decode_tuple(typing.get_args(kind), value, where)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return from_json(kind, value, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _decode_enum(kind, value, where)
    return _decode_plain(kind, value, where)


def _decode_union(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    (kind,) = (kind for kind in kinds if kind is not type(None))
    return _decode(kind, value, where)


def _decode_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise InputError(f"{where} is {value!r}; give a list")
    item_kinds = [kinds[0]] * len(value) if kinds[-1] is Ellipsis else list(kinds)
    if len(item_kinds) != len(value):
        raise InputError(f"{where} has {len(value)} entries; give {len(item_kinds)}")
    return tuple(_decode(kind, item, where) for kind, item in zip(item_kinds, value, strict=True))


def _decode_enum(kind: type[Enum], value: Any, where: str) -> Enum:
    try:
        return kind(value)
    except ValueError:
        raise InputError(f"{where} is {value!r}; give one of {', '.join(str(item.value) for item in kind)}") from None


def _decode_plain(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"{where} is {value!r}; give a value of type {kind.__name__}")
    return value
