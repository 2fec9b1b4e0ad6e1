"""Tables with a row for each destination that was ever asked for: nobody pays most nodes of a large network."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lnherd.network.records import Ints

Numbers = NDArray[np.float32]
FIRST_ROWS = 16


class DestinationRows:
    """Rows of one width, made by ``new_row(key)`` when a key is first met."""

    def __init__(self, n_keys: int, new_row: Callable[[int], Numbers]) -> None:
        self._new_row = new_row
        self._row_of: Ints = np.full(n_keys, -1, dtype=np.int64)
        self._n_rows = 0
        self.table: Numbers = np.zeros((0, 0), dtype=np.float32)
        """``[at least as many rows as there are, width]``; valid until the next call of :meth:`of`."""

    def copy(self) -> "DestinationRows":
        """The same rows, to be changed independently."""
        twin = DestinationRows(0, self._new_row)
        twin._row_of, twin._n_rows, twin.table = self._row_of.copy(), self._n_rows, self.table.copy()
        return twin

    def of(self, keys: Ints) -> Ints:
        """``[B]`` rows of ``keys [B]``."""
        rows: Ints = self._row_of[keys]
        if (rows < 0).any():
            for key in np.unique(keys[rows < 0]).tolist():
                self._add(key)
            rows = self._row_of[keys]
        return rows

    def _add(self, key: int) -> None:
        row = self._new_row(key)
        if self._n_rows == len(self.table):
            longer = np.zeros((max(FIRST_ROWS, 2 * self._n_rows), len(row)), dtype=np.float32)
            longer[: self._n_rows] = self.table[: self._n_rows].reshape(-1, len(row))
            self.table = longer
        self.table[self._n_rows] = row
        self._row_of[key] = self._n_rows
        self._n_rows += 1
