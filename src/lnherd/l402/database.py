"""One SQLite connection shared by threads: the plumbing below the token stores."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from lnherd.errors import InputError

MEMORY: Final = ":memory:"
_BUSY_TIMEOUT_S: Final = 10.0


class Database:
    """A SQLite file (or ``:memory:``) with ``schema`` applied; safe to use from any thread and process.

    Readers do not block writers (write-ahead log). With ``durable`` every commit reaches the disk before it
    returns; without, a power failure (not a crash of the program) may lose the last moments. Raises
    :class:`InputError` when the file cannot be opened or is something else.
    """

    def __init__(self, path: Path | str, schema: str, *, durable: bool) -> None:
        self.path = path
        self._lock = threading.RLock()
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=64
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._connection.executescript(schema)
        except sqlite3.Error as error:
            raise InputError(
                f"{path}: cannot be used as a token database ({error}); give a writable new file"
            ) from None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; writers of other threads and processes wait."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, query: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a read."""
        with self._lock:
            return self._connection.execute(query, parameters).fetchall()

    def row(self, query: str, parameters: tuple[object, ...] = ()) -> tuple[Any, ...] | None:
        """The first row of a read or of a writing statement with RETURNING."""
        with self._lock:
            found: tuple[Any, ...] | None = self._connection.execute(query, parameters).fetchone()
            return found

    def write(self, query: str, parameters: tuple[object, ...] = ()) -> int:
        """Run one statement in a transaction of its own; gives the number of rows it changed."""
        with self._lock:
            return self._connection.execute(query, parameters).rowcount

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
