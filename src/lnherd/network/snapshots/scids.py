"""Short channel ids (BOLT 7): block << 40 | transaction << 16 | output, spoken ``block x tx x output``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lnherd.errors import InputError
from lnherd.network.records import Ints
from lnherd.network.snapshots.columns import INT64_MAX, UINT16_MAX, Where, integers, quoted

FIRST_REAL_SCID = 1 << 40
"""Nothing confirms in block 0: smaller numbers are made-up ids, which we read as unknown and write for unknown."""
UNKNOWN_SCID = -1
_UINT24_MAX = 2**24 - 1
_MAX_REAL_BLOCK = INT64_MAX >> 40


def parse_scids(values: Sequence[Any], where: Where) -> Ints:
    """``505149x622x0`` (or ``:`` between, as in 2018) or the plain number, as integers ``[N]``; empty is -1.

    Raises:
        InputError: naming the place of the first value that is neither.
    """
    return integers([_number(value, index, where) for index, value in enumerate(values)], where, low=UNKNOWN_SCID)


def _number(value: Any, index: int, where: Where) -> Any:
    if value == "":
        return UNKNOWN_SCID
    parts = value.replace(":", "x").split("x") if isinstance(value, str) else ()
    if len(parts) != 3:
        return value
    try:
        block, transaction, output = map(int, parts)
    except ValueError:
        block = transaction = output = -1
    if not (0 <= block <= _MAX_REAL_BLOCK and 0 <= transaction <= _UINT24_MAX and 0 <= output <= UINT16_MAX):
        raise InputError(f"{where(index)} is {quoted(value)}, not block x transaction x output; correct it")
    return block << 40 | transaction << 16 | output


def real_scids(scids: Ints) -> Ints:
    """``scids [N]`` with those that cannot be on a chain replaced by -1, "unknown"."""
    return np.where(scids >= FIRST_REAL_SCID, scids, UNKNOWN_SCID)


def scid_text(scid: int) -> str:
    """``block x transaction x output``; empty when unknown."""
    return f"{scid >> 40}x{(scid >> 16) & _UINT24_MAX}x{scid & UINT16_MAX}" if scid >= 0 else ""
