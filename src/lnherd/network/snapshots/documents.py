"""JSON documents of nodes: lists of objects read field by field, every fault named by its place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lnherd.errors import InputError
from lnherd.network.records import Bools, Ints
from lnherd.network.snapshots.columns import Where, clean, integers, quoted, reject_repeated

_NO_DEFAULT: Any = object()


@dataclass(frozen=True)
class Entries:
    """A list of JSON objects, with the words that name each of them."""

    items: list[dict[str, Any]]
    """The objects ``[N]``."""
    label: Callable[[int], str]
    """Index -> what messages say before the name of a field: file, kind of object, its own name."""

    def __len__(self) -> int:
        return len(self.items)

    def where(self, field: str) -> Where:
        """How messages name the values of ``field``."""
        return lambda index: self.label(index) + field

    def values(self, field: str, default: Any = _NO_DEFAULT) -> list[Any]:
        """The values ``[N]`` of ``field``, ``default`` where an object has none.

        Raises:
            InputError: naming the first object without it, if there is no default.
        """
        if default is not _NO_DEFAULT:
            return [item.get(field, default) for item in self.items]
        try:
            return [item[field] for item in self.items]
        except KeyError:
            index = next(i for i, item in enumerate(self.items) if field not in item)
            raise InputError(f"{self.label(index)}{field} is missing; fetch the file again") from None

    def integers(self, field: str, default: Any = _NO_DEFAULT, **limits: Any) -> Ints:
        """``field`` as integers ``[N]``; ``limits`` as for :func:`lnherd.network.snapshots.columns.integers`."""
        return integers(self.values(field, default), self.where(field), **limits)

    def strings(self, field: str, default: Any = _NO_DEFAULT) -> list[str]:
        """``field`` as strings ``[N]``, cleaned by :func:`lnherd.network.snapshots.columns.clean`.

        Raises:
            InputError: naming the first value that is not a string.
        """
        values = self.values(field, default)
        self._require_type(values, str, field, "not a string")
        return [clean(value) for value in values]

    def flags(self, field: str, default: bool) -> Bools:
        """``field`` as truth values ``[N]``.

        Raises:
            InputError: naming the first value that is neither true nor false.
        """
        values = self.values(field, default)
        self._require_type(values, bool, field, "neither true nor false")
        return np.array(values, dtype=np.bool_)

    def reject(self, wrong: Bools, field: str, problem: str) -> None:
        """No entry ``[N]`` is ``wrong``.

        Raises:
            InputError: naming the first that is.
        """
        if wrong.any():
            raise InputError(f"{self.label(int(np.argmax(wrong)))}{field} {problem}")

    def reject_repeated(self, field: str) -> None:
        """Every value of ``field`` occurs once.

        Raises:
            InputError: naming the first repetition.
        """
        reject_repeated([str(value) for value in self.values(field)], self.where(field))

    def kept(self, keep: Bools) -> "Entries":
        """The marked entries, under the names they had."""
        kept = np.flatnonzero(keep).tolist()
        return Entries([self.items[index] for index in kept], lambda position: self.label(kept[position]))

    def inner(self, field: str) -> tuple[Ints, "Entries"]:
        """The objects under ``field`` where it is neither absent, null nor empty, and the indices that have one.

        Raises:
            InputError: naming the first that is something else than an object.
        """
        indices = [index for index, item in enumerate(self.items) if item.get(field)]
        found = [self.items[index][field] for index in indices]
        inner = Entries(found, lambda position: f"{self.label(indices[position])}{field}.")
        for index, value in zip(indices, found, strict=True):
            if not isinstance(value, dict):
                raise InputError(f"{self.label(index)}{field} is {quoted(value)}, not an object; correct it")
        return np.array(indices, dtype=np.int64), inner

    def _require_type(self, values: list[Any], kind: type, field: str, problem: str) -> None:
        if not set(map(type, values)) <= {kind}:
            index = next(i for i, value in enumerate(values) if type(value) is not kind)
            raise InputError(f"{self.label(index)}{field} is {quoted(values[index])}, {problem}; correct it")


def entries(document: dict[str, Any], key: str, source: str, noun: str, named_by: str) -> Entries:
    """The list of objects under ``key``; messages call them ``noun`` and the value of ``named_by``.

    Raises:
        InputError: when it is missing or holds anything but objects.
    """
    found = document.get(key)
    if not isinstance(found, list):
        raise InputError(f"{source}: {key!r} is {quoted(found)}, not a list; fetch the file again")
    for index, item in enumerate(found):
        if not isinstance(item, dict):
            raise InputError(f"{source}: entry {index} of {key!r} is {quoted(item)}, not an object; remove it")

    def label(index: int) -> str:
        name = quoted(found[index].get(named_by, index)).strip("'")
        return f"{source}: {noun} {name}: "

    return Entries(found, label)
