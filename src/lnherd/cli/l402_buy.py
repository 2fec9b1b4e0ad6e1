"""``lnherd l402 get`` and ``pay``: buy from paid APIs, pay invoices."""

import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from lnherd.cli.l402_purses import open_purse
from lnherd.cli.l402_wallets import NAMES, payer
from lnherd.errors import InputError

if TYPE_CHECKING:
    import httpx

    from lnherd.l402.client import L402Auth
    from lnherd.l402.purse import Purse

DAY_S = 86_400.0
FAILED = 1
BAD_REQUEST = 400
TIMEOUT_S = 60.0
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization", "x-api-key")
_WALLET = click.option("--wallet", default="demo", show_default=True, help=f"Who pays: {', '.join(NAMES)}.")
_PURSE = click.option(
    "--purse", type=click.Path(path_type=Path), help="File of tokens and payments. [default: the user's own]"
)


class NotDoneError(click.ClickException):
    """The command was understood and its purpose not reached: one sentence, exit code 1."""

    exit_code = FAILED

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence."""
        click.echo(f"lnherd: {self.message}", err=True)


@click.command()
@click.argument("url")
@click.option("--method", "-X", help="GET, POST, ... [default: GET, or POST with --data]")
@click.option("--data", "-d", help="Body to send, or @FILE.")
@click.option(
    "--header", "-H", "headers", multiple=True, metavar="'NAME: VALUE'", help="Header to send, or @FILE of headers."
)
@_WALLET
@_PURSE
@click.option(
    "--max-price", type=click.IntRange(0), default=1_000, show_default=True, help="Most to pay for it, in sat."
)
@click.option(
    "--max-fee", type=click.IntRange(0), default=10, show_default=True, help="Most to pay for routing, in sat."
)
@click.option(
    "--budget",
    type=click.IntRange(0),
    default=10_000,
    show_default=True,
    help="Most to pay in 24 hours, fees included, in sat.",
)
@click.option("--out", type=click.Path(path_type=Path), help="File for the body. [default: standard output]")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object about what happened, the body in it unless --out is given.",
)
def get(url: str, **options: Any) -> None:
    """Fetch URL, paying for it if it asks for money and the limits allow it.

    A token that was bought is kept in the purse and used again. Nothing is paid twice, not even after a crash.
    Exit code 1: the server did not deliver, or it was not paid.
    """
    import httpx

    from lnherd.l402.client import L402Auth, PaymentRefused
    from lnherd.l402.client_flow import ClientPolicy
    from lnherd.l402.purse import Budget
    from lnherd.l402.wallet import WalletError
    from lnherd.units import MSAT_PER_SAT

    request = _request(url, options)
    try:
        with closing(open_purse(options["purse"])) as purse, payer(options["wallet"], url) as wallet:
            policy = ClientPolicy(
                wallet.network, options["max_price"] * MSAT_PER_SAT, options["max_fee"] * MSAT_PER_SAT
            )
            budget = Budget(options["budget"] * MSAT_PER_SAT, DAY_S)
            auth = L402Auth(wallet, policy=policy, budgets=[budget], purse=purse)
            status = _fetch(request, auth, options)
    except PaymentRefused as error:
        raise NotDoneError(f"not paid ({error.code}): {error}") from None
    except (WalletError, httpx.HTTPError) as error:
        raise NotDoneError(f"{url}: {error or type(error).__name__}") from None
    if status >= BAD_REQUEST:
        raise NotDoneError(f"{url} answered with status {status}")


def _fetch(request: "httpx.Request", auth: "L402Auth", options: dict[str, Any]) -> int:
    """Send, pay, show; the status of the response."""
    import httpx

    purse = auth.cashier.purse
    before_msat = purse.spent_msat(0)
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client:
        response = client.send(request, auth=auth, stream=True)
        try:
            _show(response, options, purse, before_msat)
        finally:
            response.close()
    return response.status_code


def _request(url: str, options: dict[str, Any]) -> "httpx.Request":
    import httpx

    body = _bytes_of(options["data"])
    method = (options["method"] or ("POST" if body is not None else "GET")).upper()
    try:
        headers = [line for text in options["headers"] for line in _header_lines(text)]
        request = httpx.Request(method, url, headers=headers, content=body)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{url!r} cannot be requested ({error}); give a URL like https://api.example.org/news"
        ) from None
    if request.url.scheme not in ("http", "https") or not request.url.host:
        raise InputError(f"{url!r} is not an http or https URL; give one like https://api.example.org/news")
    if not method.isascii() or not method.isalpha():
        raise InputError(f"--method {method!r} is not an HTTP method; use for instance GET or POST")
    if body is not None and "content-type" not in request.headers:
        request.headers["content-type"] = "application/json"
    return request


def _bytes_of(data: str | None) -> bytes | None:
    if data is None or not data.startswith("@"):
        return None if data is None else data.encode()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise InputError(f"--data {data}: cannot be read ({error.strerror}); name an existing file after @") from None


def _header_lines(text: str) -> list[tuple[str, str]]:
    """Headers of one option; secret ones only from a file, since everybody can read command lines."""
    from_file = text.startswith("@")
    lines = (_bytes_of(text) or b"").decode("latin-1").splitlines() if from_file else [text]
    pairs = []
    for line in filter(str.strip, lines):
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not line.isprintable():
            raise InputError("--header is not 'NAME: VALUE'; write for instance 'Accept: text/plain'")
        if not from_file and name.strip().lower() in _SECRET_HEADERS:
            raise InputError(
                f"--header {name.strip()} is a secret and command lines are public; put it into a file: -H @FILE"
            )
        pairs.append((name.strip(), value.strip()))
    return pairs


def _show(response: "httpx.Response", options: dict[str, Any], purse: "Purse", before_msat: int) -> None:
    """The body as it comes in; with ``--json`` a summary at the end."""
    from lnherd.cli.output import print_json

    out: Path | None = options["out"]
    body = bytearray()
    with ExitStack() as stack:
        try:
            file = stack.enter_context(out.open("wb")) if out else None
        except OSError as error:
            raise InputError(f"--out {out}: cannot be written ({error.strerror}); choose another file") from None
        for part in response.iter_bytes():
            if file:
                file.write(part)
            elif options["as_json"]:
                body += part
            else:
                sys.stdout.buffer.write(part)
                sys.stdout.buffer.flush()
    if options["as_json"]:
        summary: dict[str, Any] = {
            "url": str(response.url),
            "status": response.status_code,
            "spent_msat": purse.spent_msat(0) - before_msat,
            "content_type": response.headers.get("content-type"),
        }
        print_json(
            summary | ({"out": str(out)} if out else {"body": body.decode(response.encoding or "utf-8", "replace")})
        )


@click.command()
@click.argument("invoice")
@_WALLET
@click.option("--max-price", type=click.IntRange(0), default=1_000, show_default=True, help="Most to pay, in sat.")
@click.option(
    "--max-fee", type=click.IntRange(0), default=10, show_default=True, help="Most to pay for routing, in sat."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def pay(invoice: str, wallet: str, max_price: int, max_fee: int, as_json: bool) -> None:
    """Pay INVOICE (BOLT 11) and print the preimage, which proves the payment.

    Paying the same invoice again moves no money again.
    """
    from lnherd.cli.output import print_json
    from lnherd.l402 import bolt11
    from lnherd.l402.client_steps import PaymentFailed
    from lnherd.l402.wallet import WalletError
    from lnherd.units import MSAT_PER_SAT

    read = bolt11.decode(invoice)
    amount_msat = read.amount_msat
    if amount_msat is None:
        raise InputError("the invoice names no amount; ask for one that does")
    if amount_msat > max_price * MSAT_PER_SAT:
        raise InputError(f"the invoice asks for {amount_msat} msat, more than --max-price {max_price}; raise it to pay")
    try:
        with payer(wallet) as from_:
            if read.network is not from_.network:
                here = from_.network.name.lower()
                raise InputError(f"the invoice is for {read.network.name.lower()}, the wallet on {here}; use another")
            if read.expired(time.time()) and from_.find_payment(read.payment_hash) is None:
                raise InputError("the invoice has expired; ask for a new one")
            outcome = from_.pay(invoice, amount_msat, max_fee * MSAT_PER_SAT)
    except WalletError as error:
        raise NotDoneError(f"the outcome is not known: {error}") from None
    if isinstance(outcome, PaymentFailed):
        raise NotDoneError(f"{'still under way' if outcome.pending else 'not paid'}: {outcome.message}")
    if as_json:
        print_json({"preimage": outcome.preimage.hex(), "payment_hash": read.payment_hash.hex(),
                    "amount_msat": amount_msat, "fee_msat": outcome.fee_msat})  # fmt: skip
    else:
        click.echo(outcome.preimage.hex())
