"""Columns of outside data turned into integers, every fault named by its place.

A snapshot holds some hundred thousand numbers, so whole columns are converted at once; only when that
fails is the first offending value looked for, and its place (file and line, or channel and field)
worked out by the reader's ``where`` function.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from lnherd.errors import InputError
from lnherd.network.records import Bools, Ints
from lnherd.units import MSAT_PER_BTC, SAT_PER_BTC

INT64_MAX = 2**63 - 1
MAX_SAT = 21_000_000 * SAT_PER_BTC
"""All there will ever be; a larger capacity is a broken file, and would overflow in msat."""
MAX_MSAT = 21_000_000 * MSAT_PER_BTC
UINT16_MAX = 2**16 - 1
UINT32_MAX = 2**32 - 1
"""BOLT 7 gives fees 32 bits and time-lock deltas 16."""

Where: TypeAlias = Callable[[int], str]
"""Index into a column -> the words that name its place."""


def integers(
    values: Sequence[Any], where: Where, *, low: int = 0, high: int = INT64_MAX, saturate: bool = False
) -> Ints:
    """``values [N]``, integers or their decimal text, as ``int64 [N]`` within ``low..high``.

    With ``saturate`` what is above ``high`` is read as ``high`` (BOLT 7 gives HTLC limits 64 bits
    *unsigned*, and "no limit" is announced as the largest of them).

    Raises:
        InputError: naming the place of the first value that is not a whole number or out of range.
    """
    if set(map(type, values)) <= {int, str}:
        try:
            column = _as_int64(values, high if saturate else None)
        except (ValueError, OverflowError):
            raise _first_fault(values, where, low, None if saturate else high) from None
        if not len(column) or (column.min() >= low and column.max() <= high):
            return column
    raise _first_fault(values, where, low, None if saturate else high)


def _as_int64(values: Sequence[Any], ceiling: int | None) -> Ints:
    try:
        column = np.fromiter(map(int, values), np.int64, len(values))
    except OverflowError:
        if ceiling is None:
            raise
        column = np.fromiter((min(int(value), ceiling) for value in values), np.int64, len(values))
    return column if ceiling is None else np.minimum(column, ceiling)


def _first_fault(values: Sequence[Any], where: Where, low: int, high: int | None) -> InputError:
    for index, value in enumerate(values):
        try:
            number = int(value) if type(value) in (int, str) else None
        except ValueError:
            number = None
        if number is None:
            return InputError(f"{where(index)} is {quoted(value)}, not a whole number; correct it")
        if number < low:
            return InputError(f"{where(index)} is {number}, below {low}; correct it")
        if high is not None and number > high:
            return InputError(f"{where(index)} is {number}, above {high}; correct it")
    raise AssertionError("every value is a whole number in range")


def clean(text: str) -> str:
    """``text`` without what no file can hold again: unpaired surrogates and padding zeros at its end.

    Aliases are free text by strangers; JSON escapes let unpaired surrogates in, BOLT 7 pads with zeros,
    which NumPy strips from its strings anyway.
    """
    if not text.isascii():
        text = text.encode("utf-8", errors="replace").decode("utf-8")
    return text.rstrip("\0")


def quoted(value: object) -> str:
    """``value`` as it may stand in a one-line message: its Python form, long ones cut."""
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def reject_repeated(names: Sequence[str], where: Where) -> None:
    """Every name occurs once.

    Raises:
        InputError: naming the place of the first repetition.
    """
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            raise InputError(f"{where(index)} occurs twice ({quoted(name)}); remove one of them")
        seen.add(name)


@dataclass(frozen=True)
class Table:
    """A CSV file with a header, as columns of text, remembering where each row stood."""

    source: str
    """The file, as messages name it."""
    text: str
    """The whole file; consulted again only to find the line of an offending row."""
    columns: Mapping[str, Sequence[str]]
    """Column name -> its text ``[N]``."""

    @cached_property
    def n_rows(self) -> int:
        """Number of rows below the header."""
        return len(next(iter(self.columns.values())))

    def where(self, column: str) -> Where:
        """How messages name the values of ``column``."""
        return lambda row: f"{self.source}, line {self.line(row)}: {column}"

    def line(self, row: int) -> int:
        """The line of the file on which ``row`` ends (quoted fields may span lines)."""
        reader = csv.reader(io.StringIO(self.text, newline=""))
        seen = -1
        for fields in reader:
            seen += bool(fields)
            if seen > row:
                break
        return reader.line_num

    def integers(self, column: str, **limits: Any) -> Ints:
        """``column`` as integers; ``limits`` as for :func:`integers`."""
        return integers(self.columns[column], self.where(column), **limits)

    def reject(self, wrong: Bools, problem: str) -> None:
        """No row ``[N]`` is ``wrong``; ``problem`` may quote the row's fields as ``{column}``.

        Raises:
            InputError: naming the first line that is.
        """
        if wrong.any():
            row = int(np.argmax(wrong))
            fields = {name: values[row] for name, values in self.columns.items()}
            raise InputError(f"{self.source}, line {self.line(row)}: {problem.format_map(fields)}")


def read_table(text: str, source: str, required: Sequence[str]) -> Table:
    """Parse CSV ``text`` whose header names at least the ``required`` columns; blank lines are skipped.

    Raises:
        InputError: for a missing or repeated column, no rows, or a row of another length.
    """
    try:
        rows = list(filter(None, csv.reader(io.StringIO(text, newline=""))))
    except csv.Error as error:
        raise InputError(f"{source}: not a CSV file ({error}); check what it is") from None
    header = [name.strip() for name in rows[0]] if rows else []
    missing = [name for name in required if name not in header]
    if missing:
        raise InputError(f"{source}: has no column {missing[0]!r}; it needs {', '.join(required)}")
    reject_repeated(header, lambda index: f"{source}: column {index + 1} of the header")
    table = Table(source, text, dict(zip(header, zip(*rows[1:], strict=False), strict=False)))
    if len(rows) == 1:
        raise InputError(f"{source}: has a header but no rows; fetch the file again")
    lengths = np.fromiter(map(len, rows[1:]), np.int64, len(rows) - 1)
    if (lengths != len(header)).any():
        row = int(np.argmax(lengths != len(header)))
        problem = f"has {lengths[row]} fields where the header names {len(header)}; the file may be cut short"
        raise InputError(f"{source}, line {table.line(row)}: {problem}")
    return table
