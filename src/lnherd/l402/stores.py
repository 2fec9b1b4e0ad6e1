"""Where a server keeps its tokens: one root key for each, in SQLite.

Deleting a token's row voids the token at once (revocation); what a token may still be used for is
counted here too, in single atomic statements, so that two requests never spend the same unit. Rotation
is retirement: every token has a key of its own, so there is no master key to replace, but all tokens
issued up to some time can be given an end.
"""

from pathlib import Path
from typing import Final, NamedTuple, Protocol

from lnherd.l402.database import MEMORY, Database
from lnherd.l402.offers import TokenRecord

UNUSED_TTL_S: Final = 30 * 86_400
"""How long a token without an end that nobody ever used is remembered."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tokens (
    key TEXT PRIMARY KEY,
    root_key BLOB NOT NULL,
    service TEXT NOT NULL,
    price_msat INTEGER NOT NULL,
    created_s REAL NOT NULL,
    expires_s REAL,
    units INTEGER,
    first_used_s REAL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tokens_by_end ON tokens (expires_s);
"""


class TokenStore(Protocol):
    """What a server needs of its token store. Implementations are safe to call from several threads."""

    def find(self, key: str, now_s: float) -> TokenRecord | None:
        """The record of ``key``, unless there is none or it has expired."""

    def save(self, key: str, record: TokenRecord) -> None:
        """Store a new record; returns when it will survive a crash of the program."""

    def spend(self, key: str, units: int) -> int | None:
        """Take ``units``, all or none; the units left, or None when there were too few."""

    def exhaust(self, key: str, units: int) -> bool:
        """Void a token that has at least ``units`` left; of two who try at once, one succeeds."""

    def refund(self, key: str, units: int) -> None:
        """Give back units that a request did not need."""

    def mark_used(self, key: str, now_s: float) -> None:
        """Remember that a token was shown with its preimage, that is: paid for."""

    def revoke(self, key: str) -> bool:
        """Void a token; False when there was none."""

    def prune(self, now_s: float) -> int:
        """Forget what can never be used again; how many tokens."""


class TokenCounts(NamedTuple):
    """How many tokens there are, for metrics."""

    issued: int
    used: int


class SoldToken(NamedTuple):
    """One token for people: ``lnherd l402 tokens list --server``."""

    key: str
    service: str
    price_msat: int
    created_s: float
    expires_s: float | None
    units: int | None
    first_used_s: float | None
    """None: never shown with its preimage, so perhaps never paid for."""


class SqliteTokens:
    """A :class:`TokenStore` in a SQLite file; several processes may share it. Raises :class:`InputError` on opening."""

    def __init__(self, path: Path | str = MEMORY, *, durable: bool = False) -> None:
        self._database = Database(path, _SCHEMA, durable=durable)

    def find(self, key: str, now_s: float) -> TokenRecord | None:
        """The record of ``key``, unless there is none or it has expired."""
        row = self._database.row(
            "SELECT root_key, service, price_msat, created_s, expires_s, units, first_used_s IS NOT NULL FROM tokens"
            " WHERE key = ? AND (expires_s IS NULL OR expires_s > ?)",
            (key, now_s),
        )
        return TokenRecord(*row) if row else None

    def save(self, key: str, record: TokenRecord) -> None:
        """Store a new record."""
        self._database.write("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", (key, *record[:-1]))

    def spend(self, key: str, units: int) -> int | None:
        """Take ``units``, all or none; the units left, or None when there were too few."""
        row = self._database.row(
            "UPDATE tokens SET units = units - ? WHERE key = ? AND units >= ? RETURNING units", (units, key, units)
        )
        return row[0] if row else None

    def exhaust(self, key: str, units: int) -> bool:
        """Void a token that has at least ``units`` left; of two who try at once, one succeeds."""
        changed = self._database.write(
            "DELETE FROM tokens WHERE key = ? AND (units IS NULL OR units >= ?)", (key, units)
        )
        return changed > 0

    def refund(self, key: str, units: int) -> None:
        """Give back units that a request did not need."""
        self._database.write("UPDATE tokens SET units = units + ? WHERE key = ?", (units, key))

    def mark_used(self, key: str, now_s: float) -> None:
        """Remember that a token was shown with its preimage, that is: paid for."""
        self._database.write("UPDATE tokens SET first_used_s = ? WHERE key = ? AND first_used_s IS NULL", (now_s, key))

    def revoke(self, key: str) -> bool:
        """Void a token; False when there was none."""
        return self._database.write("DELETE FROM tokens WHERE key = ?", (key,)) > 0

    def retire(self, *, created_before_s: float, at_s: float, service: str | None = None) -> int:
        """Let tokens issued before a time (of one service, or all) end at ``at_s``; how many that concerns."""
        return self._database.write(
            "UPDATE tokens SET expires_s = ? WHERE created_s < ? AND (expires_s IS NULL OR expires_s > ?)"
            " AND (? IS NULL OR service = ?)",
            (at_s, created_before_s, at_s, service, service),
        )

    def prune(self, now_s: float) -> int:
        """Forget expired tokens and those never used for a month; how many."""
        return self._database.write(
            "DELETE FROM tokens WHERE expires_s <= ? OR (first_used_s IS NULL AND created_s <= ?)",
            (now_s, now_s - UNUSED_TTL_S),
        )

    def sold(self) -> list[SoldToken]:
        """All tokens, newest first, without their root keys."""
        rows = self._database.rows(
            "SELECT key, service, price_msat, created_s, expires_s, units, first_used_s FROM tokens"
            " ORDER BY created_s DESC, key"
        )
        return [SoldToken(*row) for row in rows]

    def counts(self) -> TokenCounts:
        """Tokens in the store, and those among them that were used."""
        row = self._database.row("SELECT count(*), count(first_used_s) FROM tokens")
        return TokenCounts(*(row or (0, 0)))

    def close(self) -> None:
        """Close the file."""
        self._database.close()
