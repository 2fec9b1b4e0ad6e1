"""``lnherd serve routes``: sell route quotes and liquidity estimates of a network file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lnherd.cli.l402_wallets import DEMO, NAMES, open_node
from lnherd.cli.listening import answer, listen, url_of
from lnherd.errors import InputError

if TYPE_CHECKING:
    from lnherd.bridges.liquidity_estimates import LiquidityEstimates
    from lnherd.l402.shop import Shop

DEMO_INVOICES_PER_S = 1e6


@click.command()
@click.option(
    "--network",
    "network_path",
    type=click.Path(path_type=Path),
    required=True,
    help="Snapshot to know about (any format).",
)
@click.option("--worlds", default=16, show_default=True, help="Simulated worlds, samples of each balance.")
@click.option("--payments", default=1000, show_default=True, help="Payments simulated in each world.")
@click.option("--traffic", default="mixed", show_default=True, help="What they are: l402, retail or mixed.")
@click.option("--balances", default="bimodal", show_default=True, help="Prior: bimodal, uniform, half, drained.")
@click.option("--seed", default=0, show_default=True, help="Seed of the worlds.")
@click.option("--route-price", type=click.IntRange(1), default=10, show_default=True, metavar="SAT", help="A quote.")
@click.option(
    "--liquidity-price",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="SAT",
    help="Estimates around a node.",
)
@click.option("--wallet", default=DEMO, show_default=True, help=f"Who gets the money: {', '.join(NAMES)}.")
@click.option("--tokens", type=click.Path(path_type=Path), help="SQLite file of the tokens sold. [default: in memory]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8403, show_default=True, help="Port; 0 takes any.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when ready.")
def routes(**options: Any) -> None:
    """Sell route quotes and liquidity estimates, computed by simulating the network of a file.

    GET / says what can be asked. Answers load into Core Lightning (askrene layers) and LND (mission control).
    """
    shop = build_shop(options, _estimates(options))
    listener = listen(options["host"], options["port"])
    _announce(url_of(listener), options)
    answer(shop, listener)


def _estimates(options: dict[str, Any]) -> "LiquidityEstimates":
    from lnherd.bridges.liquidity_estimates import EstimateConfig, estimate
    from lnherd.cli.output import progress
    from lnherd.network.snapshots import read_network

    config = EstimateConfig(
        n_worlds=options["worlds"],
        n_payments=options["payments"],
        prior=options["balances"],
        traffic=options["traffic"],
    )
    if options["seed"] < 0:
        raise InputError(f"--seed must not be negative, got {options['seed']}")
    network = read_network(options["network_path"]).live()
    with progress("worlds", config.n_worlds, quiet=options["as_json"]) as tell:
        return estimate(network, config, options["seed"], tell)


def build_shop(options: dict[str, Any], estimates: "LiquidityEstimates") -> "Shop":
    """The service behind its prices. Raises :class:`InputError`."""
    import secrets
    import time

    from lnherd.bridges.route_app import RouteService, prices, route_app
    from lnherd.l402.database import MEMORY
    from lnherd.l402.demo import wallet_app
    from lnherd.l402.limits import Buckets
    from lnherd.l402.memory_wallet import MemoryNetwork
    from lnherd.l402.server import make_gate
    from lnherd.l402.shop import Shop
    from lnherd.l402.stores import SqliteTokens
    from lnherd.units import msat_from_sat

    world = MemoryNetwork(time.time, secrets.token_bytes) if options["wallet"] == DEMO else None
    gate = make_gate(
        world.wallet() if world else open_node(options["wallet"]),
        prices(msat_from_sat(options["route_price"]), msat_from_sat(options["liquidity_price"])),
        tokens=SqliteTokens(options["tokens"] or MEMORY),
        invoices=Buckets(DEMO_INVOICES_PER_S, int(DEMO_INVOICES_PER_S)) if world else None,
    )
    return Shop(route_app(RouteService(estimates)), gate, demo_wallet=wallet_app(world) if world else None)


def _announce(url: str, options: dict[str, Any]) -> None:
    from lnherd.cli.output import print_json

    if options["as_json"]:
        print_json({"url": url, "wallet": options["wallet"], "manifest": f"{url}/.well-known/l402.json"})
    else:
        click.echo(f"selling routes at {url}, prices at {url}/.well-known/l402.json; Ctrl-C ends")
    sys.stdout.flush()
