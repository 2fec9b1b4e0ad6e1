"""``lnherd l402 tokens``: what was bought, what was sold, and an end to either."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lnherd.cli.l402_purses import open_purse
from lnherd.errors import InputError

if TYPE_CHECKING:
    from lnherd.l402.stores import SqliteTokens

_PURSE = click.option(
    "--purse", type=click.Path(path_type=Path), help="File of tokens bought. [default: the user's own]"
)
_SERVER = click.option(
    "--server", type=click.Path(path_type=Path), help="File of tokens sold (serve --tokens) instead."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_SHORT = 16


@click.group(invoke_without_command=True)
@click.pass_context
def tokens(context: click.Context) -> None:
    """List and revoke tokens, bought (the purse) or sold (--server)."""
    if context.invoked_subcommand is None:
        context.invoke(list_tokens)


@tokens.command("list")
@_PURSE
@_SERVER
@_JSON
def list_tokens(purse: Path | None = None, server: Path | None = None, as_json: bool = False) -> None:
    """Tokens bought, or sold with --server; never what opens them."""
    from lnherd.cli.output import print_json

    rows = _rows(purse, server)
    if as_json:
        print_json({"tokens": rows})
        return
    for row in rows:
        click.echo(_sold_line(row) if server else _bought_line(row))
    if not rows:
        click.echo("no tokens")


@tokens.command()
@click.argument("identifier", metavar="ID")
@_PURSE
@_SERVER
@_JSON
def revoke(identifier: str, purse: Path | None, server: Path | None, as_json: bool) -> None:
    """Void the token ID (its beginning will do): sold, it opens nothing any more; bought, it is not used again."""
    from lnherd.cli.output import print_json

    found = [row["id"] for row in _rows(purse, server) if row["id"].startswith(identifier.lower())]
    if len(found) != 1 or not identifier:
        what = "no token" if not found else f"{len(found)} tokens"
        raise InputError(f"{what} with an id that begins with {identifier!r}; see lnherd l402 tokens list")
    done = _revoke(found[0], purse, server)
    if as_json:
        print_json({"id": found[0], "revoked": done})
    else:
        click.echo(f"{found[0]} {'revoked' if done else 'was no longer in use'}")


def _revoke(identifier: str, purse: Path | None, server: Path | None) -> bool:
    if server:
        store = _open_server(server)
        try:
            return store.revoke(identifier)
        finally:
            store.close()
    owned = open_purse(purse, must_exist=True)
    try:
        return owned.discard(bytes.fromhex(identifier))
    finally:
        owned.close()


def _rows(purse: Path | None, server: Path | None) -> list[dict[str, Any]]:
    if server and purse:
        raise InputError("give --purse for tokens bought or --server for tokens sold, not both")
    if server:
        store = _open_server(server)
        try:
            return [{"id": sold.key, **dict(list(sold._asdict().items())[1:])} for sold in store.sold()]
        finally:
            store.close()
    owned = open_purse(purse, must_exist=True)
    try:
        return [_bought(row._asdict()) for row in owned.purchases()]
    finally:
        owned.close()


def _bought(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": row.pop("payment_hash"), **row}


def _open_server(path: Path) -> "SqliteTokens":
    from lnherd.l402.stores import SqliteTokens

    if not path.is_file():
        raise InputError(f"--server {path}: there is no such file; name the one given to lnherd l402 serve --tokens")
    return SqliteTokens(path)


def _sold_line(row: dict[str, Any]) -> str:
    ends = f"ends {_date(row['expires_s'])}" if row["expires_s"] is not None else "no end"
    left = "" if row["units"] is None else f", {row['units']} units left"
    used = f"used since {_date(row['first_used_s'])}" if row["first_used_s"] is not None else "never used"
    return f"{row['id'][:_SHORT]}  {row['price_msat']:>10} msat  {row['service']}  {used}, {ends}{left}"


def _bought_line(row: dict[str, Any]) -> str:
    what = f"{row['method']} {row['origin']}{row['path']}"
    return f"{row['id'][:_SHORT]}  {row['amount_msat']:>10} msat  {_date(row['created_s'])}  {row['state']:<9}  {what}"


def _date(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M")
