"""What a client has bought and may still spend: tokens, payment journal and budgets in one SQLite table.

A row is written *before* its payment is sent (``pending``) and becomes a token when the preimage is there
(``paid``). So the three things that must agree after a crash cannot disagree: what was paid for, what is
still owed an outcome, and what counts against the budgets. Pending rows count with the highest fee they
may cost, paid ones with what they did cost.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from lnherd.errors import InputError
from lnherd.l402 import headers
from lnherd.l402.client_steps import Origin, Reserve
from lnherd.l402.database import MEMORY, Database
from lnherd.l402.headers import Challenge

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS purchases (
    payment_hash BLOB PRIMARY KEY,
    origin TEXT NOT NULL,
    host TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    folder TEXT NOT NULL,
    token TEXT NOT NULL,
    invoice TEXT NOT NULL,
    scheme TEXT NOT NULL,
    amount_msat INTEGER NOT NULL,
    fee_msat INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'paid', 'failed', 'forgotten')),
    created_s REAL NOT NULL,
    authorization TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS purchases_by_place ON purchases (origin, method, folder, state);
CREATE INDEX IF NOT EXISTS purchases_by_time ON purchases (created_s);
"""
_COUNTS: Final = "state IN ('pending', 'paid', 'forgotten')"


class Resource(NamedTuple):
    """What a token was bought for: whom, which method, which path."""

    origin: Origin
    method: str
    path: str

    @property
    def folder(self) -> str:
        """The path up to its last slash; tokens of siblings are worth a try."""
        return self.path.rpartition("/")[0] + "/"


@dataclass(frozen=True)
class Budget:
    """At most ``limit_msat``, routing fees included, in any ``window_s`` seconds; for one ``host`` or all together."""

    limit_msat: int
    window_s: float
    host: str | None = None

    def __post_init__(self) -> None:
        if self.limit_msat < 0 or self.window_s <= 0:
            raise InputError(
                f"a budget of {self.limit_msat} msat in {self.window_s} s makes no sense; give a window above 0"
            )


class Pending(NamedTuple):
    """A purchase whose outcome is not known."""

    payment_hash: bytes
    invoice: str
    challenge: Challenge
    amount_msat: int


class Purchased(NamedTuple):
    """One row for people: ``lnherd l402 tokens``."""

    origin: str
    method: str
    path: str
    state: str
    amount_msat: int
    fee_msat: int
    created_s: float
    payment_hash: str


class Purse:
    """A client's purchases in a SQLite file, shared by threads and processes. Raises :class:`InputError` on opening."""

    def __init__(self, path: Path | str = MEMORY, *, durable: bool = True) -> None:
        self._database = Database(path, _SCHEMA, durable=durable)

    def find(self, resource: Resource, *, besides: Collection[str | None] = ()) -> str | None:
        """The ``Authorization`` of the best token for ``resource``: its own, else the newest sibling's."""
        rows = self._database.rows(
            "SELECT authorization FROM purchases WHERE origin = ? AND method = ? AND folder = ? AND state = 'paid'"
            " ORDER BY path = ? DESC, created_s DESC",
            (str(resource.origin), resource.method, resource.folder, resource.path),
        )
        return next((str(row[0]) for row in rows if row[0] not in besides), None)

    def reserve(self, step: Reserve, resource: Resource, budgets: Sequence[Budget], now_s: float) -> str | None:
        """Journal a payment to come, if every budget allows it; otherwise why not. One transaction."""
        cost_msat = step.amount_msat + step.max_fee_msat
        with self._database.transaction() as connection:
            for budget in budgets:
                if budget.host is not None and budget.host != resource.origin.host:
                    continue
                (spent,) = connection.execute(
                    f"SELECT coalesce(sum(amount_msat + fee_msat), 0) FROM purchases WHERE {_COUNTS} AND created_s > ?"
                    " AND (? IS NULL OR host = ?)",
                    (now_s - budget.window_s, budget.host, budget.host),
                ).fetchone()
                if spent + cost_msat > budget.limit_msat:
                    return _refusal(budget, spent, cost_msat)
            connection.execute(
                "INSERT INTO purchases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, NULL)"
                " ON CONFLICT (payment_hash) DO UPDATE SET state = 'pending',"
                " created_s = excluded.created_s, fee_msat = excluded.fee_msat WHERE state = 'failed'",
                (
                    step.payment_hash, str(resource.origin), resource.origin.host, resource.method, resource.path,
                    resource.folder, *step.challenge, step.amount_msat, step.max_fee_msat, now_s,
                ),
            )  # fmt: skip
        return None

    def state(self, payment_hash: bytes) -> str | None:
        """``pending``, ``paid``, ``failed``, ``forgotten``, or None for a payment never journalled."""
        row = self._database.row("SELECT state FROM purchases WHERE payment_hash = ?", (payment_hash,))
        return str(row[0]) if row else None

    def keep(self, payment_hash: bytes, authorization: str, fee_msat: int) -> None:
        """The payment went through: from now on it is a token."""
        self._database.write(
            "UPDATE purchases SET state = 'paid', authorization = ?, fee_msat = ? WHERE payment_hash = ?",
            (authorization, fee_msat, payment_hash),
        )

    def fail(self, payment_hash: bytes) -> None:
        """The payment did not go through and never will: give its money back to the budgets."""
        self._database.write(
            "UPDATE purchases SET state = 'failed' WHERE payment_hash = ? AND state = 'pending'", (payment_hash,)
        )

    def forget(self, authorization: str, resource: Resource) -> bool:
        """Stop using a token where it was bought; a sibling's is left alone. It still counts as spent."""
        changed = self._database.write(
            "UPDATE purchases SET state = 'forgotten'"
            " WHERE authorization = ? AND origin = ? AND method = ? AND path = ?",
            (authorization, str(resource.origin), resource.method, resource.path),
        )
        return changed > 0

    def discard(self, payment_hash: bytes) -> bool:
        """Stop using the token of one payment; False when there is none. It still counts as spent."""
        changed = self._database.write(
            "UPDATE purchases SET state = 'forgotten', authorization = NULL WHERE payment_hash = ? AND state = 'paid'",
            (payment_hash,),
        )
        return changed > 0

    def pending(self, resource: Resource | None = None) -> list[Pending]:
        """Purchases without an outcome, of one resource or all, oldest first."""
        origin, method, path = (
            (str(resource.origin), resource.method, resource.path) if resource else (None, None, None)
        )
        rows = self._database.rows(
            "SELECT payment_hash, invoice, token, scheme, amount_msat FROM purchases WHERE state = 'pending'"
            " AND (? IS NULL OR (origin = ? AND method = ? AND path = ?)) ORDER BY created_s",
            (origin, origin, method, path),
        )
        return [
            Pending(payment_hash, invoice, Challenge(token, invoice, scheme), amount_msat)
            for payment_hash, invoice, token, scheme, amount_msat in rows
        ]

    def spent_msat(self, since_s: float, host: str | None = None) -> int:
        """What was spent (or is being spent) since a time, routing fees included."""
        row = self._database.row(
            f"SELECT coalesce(sum(amount_msat + fee_msat), 0) FROM purchases WHERE {_COUNTS} AND created_s > ?"
            " AND (? IS NULL OR host = ?)",
            (since_s, host, host),
        )
        return row[0] if row else 0

    def purchases(self) -> list[Purchased]:
        """All rows, newest first."""
        rows = self._database.rows(
            "SELECT origin, method, path, state, amount_msat, fee_msat, created_s, lower(hex(payment_hash))"
            " FROM purchases ORDER BY created_s DESC"
        )
        return [Purchased(*row) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def authorization_of(pending: Pending, preimage: bytes) -> str:
    """The credential that a resumed payment turns into."""
    return headers.authorization(pending.challenge.token, preimage, pending.challenge.scheme)


def _refusal(budget: Budget, spent: int, cost_msat: int) -> str:
    whose = f" for {budget.host}" if budget.host else ""
    return (
        f"paying up to {cost_msat} msat would exceed the budget of {budget.limit_msat} msat{whose} "
        f"in {budget.window_s:g} s, of which {spent} are spent"
    )
