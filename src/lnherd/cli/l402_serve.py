"""``lnherd l402 serve``: sell the demo API, or any HTTP API as a reverse proxy."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lnherd.cli.l402_wallets import DEMO, DEMO_ORIGIN, NAMES, open_node
from lnherd.cli.listening import answer, listen, url_of
from lnherd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lnherd.l402.gate import AuditEvent
    from lnherd.l402.pricing import Price
    from lnherd.l402.server import ASGIApp
    from lnherd.l402.shop import Shop
    from lnherd.l402.wallet import Wallet

UNLIMITED_PER_S = 1e6
"""Invoices a second on a demo: everyone there is the same client, 127.0.0.1."""


@click.command()
@click.option("--demo", is_flag=True, help="Sell three demo routes for play money; works at once.")
@click.option("--upstream", metavar="URL", help="Sell the HTTP API at URL instead, as a reverse proxy.")
@click.option(
    "--price",
    "prices",
    multiple=True,
    metavar="'[METHOD] PATH=SAT'",
    help="Price of a route of the upstream, e.g. 'GET /news/*=10' or '/ask=1500msat'. Repeatable; first fit decides.",
)
@click.option(
    "--free",
    multiple=True,
    metavar="'[METHOD] PATH'",
    help="Free route of the upstream. What has no price and is not free is 404.",
)
@click.option(
    "--valid-for", type=click.IntRange(1), metavar="SECONDS", help="How long a token is good. [default: for ever]"
)
@click.option("--units", type=click.IntRange(1), help="How many requests a token is good for. [default: without limit]")
@click.option("--wallet", help=f"Who gets the money: {', '.join(NAMES)}. [default with --demo: demo]")
@click.option("--tokens", type=click.Path(path_type=Path), help="SQLite file of the tokens sold. [default: in memory]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8402, show_default=True, help="Port; 0 takes a free one."
)
@click.option("--payment-scheme", is_flag=True, help="Also offer the HTTP scheme Payment (MPP, intent charge).")
@click.option(
    "--invoice-rate",
    type=float,
    metavar="PER_S",
    help="Unpaid invoices per client network. [default: 1; on a demo: any]",
)
@click.option("--check-settlement", is_flag=True, help="Ask the wallet about each payment, besides the preimage.")
@click.option("--audit", type=click.Path(path_type=Path), help="File to append one JSON line per decision to.")
@click.option("--metrics", is_flag=True, help="Serve Prometheus counters at /metrics.")
@click.option("--name", default="lnherd", show_default=True, help="Provider's name in the manifest.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when ready.")
def serve(**options: Any) -> None:
    """Sell HTTP requests for Lightning payments.

    With --demo there is something to buy at once, and a wallet with play money to buy it: lnherd l402 get --wallet
    demo URL. With --upstream it is a reverse proxy that asks for payment.
    """
    shop = build_shop(options)
    listener = listen(options["host"], options["port"])
    _announce(url_of(listener), options)
    answer(shop, listener)


def build_shop(options: dict[str, Any]) -> "Shop":
    """The application that the options describe. Raises :class:`InputError`."""
    import secrets
    import time

    from lnherd.l402.database import MEMORY
    from lnherd.l402.demo import wallet_app
    from lnherd.l402.discovery import Provider
    from lnherd.l402.limits import Buckets
    from lnherd.l402.memory_wallet import MemoryNetwork
    from lnherd.l402.server import make_gate
    from lnherd.l402.server_flow import ServerConfig
    from lnherd.l402.shop import Shop
    from lnherd.l402.stores import SqliteTokens

    app, prices = _goods(options)
    name = options["wallet"] or (DEMO if options["demo"] else None)
    if name is None:
        raise InputError(f"--upstream needs a wallet to be paid to; give --wallet with one of {', '.join(NAMES)}")
    world = MemoryNetwork(time.time, secrets.token_bytes) if name == DEMO else None
    wallet: Wallet = world.wallet() if world else open_node(name)
    rate = options["invoice_rate"] or (UNLIMITED_PER_S if world else None)
    secret = secrets.token_bytes(32) if options["payment_scheme"] else None
    gate = make_gate(
        wallet,
        prices,
        tokens=SqliteTokens(options["tokens"] or MEMORY),
        config=ServerConfig(check_settlement=options["check_settlement"], payment_secret=secret),
        invoices=Buckets(rate, max(1, int(60 * rate))) if rate is not None else None,
        audit=_auditor(options["audit"]) if options["audit"] else None,
    )
    demo_wallet = wallet_app(world) if world else None
    return Shop(app, gate, provider=Provider(options["name"]), demo_wallet=demo_wallet, metrics=options["metrics"])


def _goods(options: dict[str, Any]) -> "tuple[ASGIApp, dict[str, Price]]":
    """What is sold, and for how much."""
    if options["demo"] == bool(options["upstream"]):
        raise InputError("give either --demo, to sell the demo API, or --upstream URL, to sell another one")
    if options["demo"]:
        from lnherd.l402.demo import PRICES, demo_app

        for flag in ("prices", "free", "valid_for", "units"):
            if options[flag]:
                name = flag.removesuffix("s").replace("_", "-") if flag == "prices" else flag.replace("_", "-")
                raise InputError(f"--{name} has no effect with --demo, whose prices are fixed; use --upstream")
        return demo_app(), dict(PRICES)
    from lnherd.l402.proxy import ReverseProxy

    if not options["prices"]:
        raise InputError("--upstream without --price sells nothing; give for instance --price 'GET /news/*=10'")
    prices = dict(read_price(text, options["valid_for"], options["units"]) for text in options["prices"])
    return ReverseProxy(options["upstream"], free=options["free"]), prices


def read_price(text: str, valid_for_s: int | None = None, units: int | None = None) -> "tuple[str, Price]":
    """Pattern and offer of ``'GET /news=10'`` (satoshis) or ``'/news=1500msat'``. Raises :class:`InputError`."""
    from lnherd.l402.offers import Offer
    from lnherd.l402.pricing import Pricing
    from lnherd.units import MSAT_PER_SAT

    pattern, equals, amount = text.rpartition("=")
    digits, scale = (amount[:-4], 1) if amount.endswith("msat") else (amount.removesuffix("sat"), MSAT_PER_SAT)
    if not equals or not digits.isascii() or not digits.isdigit() or len(digits) > 15 or int(digits) == 0:
        raise InputError(f"--price {text!r} is not 'METHOD /path=SAT'; write for instance 'GET /news/*=10'")
    service = Pricing({pattern.strip(): 1}).routes[0].service
    return pattern.strip(), Offer(int(digits) * scale, service, valid_for_s=valid_for_s, units=units)


def _auditor(path: Path) -> "Callable[[AuditEvent], None]":
    """Appends each event to ``path``; tokens appear by their key only, which opens nothing."""
    import json

    try:
        log = path.open("a", buffering=1, encoding="utf-8")
    except OSError as error:
        raise InputError(f"--audit {path}: cannot be written ({error.strerror}); choose another file") from None

    def note(event: "AuditEvent") -> None:
        log.write(json.dumps(event._asdict()) + "\n")

    return note


def _announce(url: str, options: dict[str, Any]) -> None:
    from lnherd.cli.output import print_json

    wallet = options["wallet"] or DEMO
    if options["as_json"]:
        print_json({"url": url, "wallet": wallet, "manifest": f"{url}/.well-known/l402.json"})
    else:
        click.echo(f"selling at {url}, prices at {url}/.well-known/l402.json; Ctrl-C ends")
        if wallet == DEMO:
            origin = "" if url == DEMO_ORIGIN else f"  (lnherd l402 pay needs LNHERD_DEMO_URL={url})"
            click.echo(f"demo wallet with play money: lnherd l402 get --wallet demo {url}/api/dispatches{origin}")
    sys.stdout.flush()
