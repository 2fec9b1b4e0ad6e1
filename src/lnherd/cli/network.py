"""``lnherd network``: statistics, generation and conversion of Lightning networks."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lnherd.errors import InputError

if TYPE_CHECKING:
    from lnherd.network.graph import Network

_FILE = click.Path(path_type=Path)
_LIVE = click.option(
    "--live/--all",
    "live_only",
    default=True,
    show_default=True,
    help="Only what can carry payments, or dead gossip too.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_FORMAT = click.option(
    "--format", "file_format", type=click.Choice(["csv", "describegraph"]), help="Of the output. [default: by suffix]"
)


@click.group()
def command() -> None:
    """Statistics, generation and conversion of Lightning networks."""


@command.command()
@click.argument("snapshot", type=_FILE)
@click.argument("other", type=_FILE, required=False)
@_LIVE
@_JSON
def stats(snapshot: Path, other: Path | None, live_only: bool, as_json: bool) -> None:
    """Print what SNAPSHOT is like, next to OTHER if given."""
    from lnherd.cli.output import print_json, print_table
    from lnherd.network.snapshots import read_network
    from lnherd.network.stats import summarise

    networks = [read_network(path) for path in (snapshot, other) if path is not None]
    networks = [network.live() if live_only else network for network in networks]
    figures = [summarise(network) for network in networks]
    if as_json:
        pairs = zip(networks, figures, strict=True)
        print_json({"live_only": live_only, "networks": [{"name": n.name, "statistics": f} for n, f in pairs]})
        return
    title = f"Networks, {'live part' if live_only else 'dead parts included'}"
    rows = [[_label(key), *(_figure(column[key]) for column in figures)] for key in figures[0]]
    print_table(title, ["", *(network.name for network in networks)], rows)


def _label(key: str) -> str:
    """``degree_p99_9`` -> ``degree p99.9``."""
    return re.sub(r"(?<=\d)_(?=\d)", ".", key).replace("_", " ")


def _figure(value: float) -> str:
    if value != value:
        return "-"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"


@command.command()
@click.option("--nodes", "n_nodes", default=6978, show_default=True, help="Number of nodes; the default is mainnet's.")
@click.option("--seed", default=0, show_default=True, help="Seed of everything random.")
@click.option("--balances", default="bimodal", show_default=True, help="Prior: bimodal, uniform, half or drained.")
@_LIVE
@click.option("--out", type=_FILE, required=True, help="File to write: .csv or .json, also with .gz or .xz.")
@_FORMAT
@_JSON
def generate(
    *, n_nodes: int, seed: int, balances: str, live_only: bool, out: Path, file_format: str | None, as_json: bool
) -> None:
    """Write a synthetic network that looks like mainnet in 2026."""
    from lnherd.network.generate import GeneratorConfig
    from lnherd.network.generate import generate as draw

    file_format = file_format or _format_of(out)
    network = draw(GeneratorConfig(n_nodes=n_nodes, balances=balances, live_only=live_only), seed)
    _write(network, out, file_format, as_json)


@command.command()
@click.argument("source", metavar="IN", type=_FILE)
@click.argument("target", metavar="OUT", type=_FILE)
@click.option("--live/--all", "live_only", default=False, help="Leave out dead gossip, or keep all. [default: all]")
@click.option(
    "--directions-by-key",
    is_flag=True,
    help="Give each policy to the end that announced it, where a compressed gossip map has lost which that is.",
)
@_FORMAT
@_JSON
def convert(
    *, source: Path, target: Path, live_only: bool, directions_by_key: bool, file_format: str | None, as_json: bool
) -> None:
    """Read IN, in any known format, and write OUT: .csv or .json, also with .gz or .xz."""
    from lnherd.network import directions
    from lnherd.network.snapshots import read_network

    file_format = file_format or _format_of(target)
    network = read_network(source)
    if directions_by_key:
        network = directions.directions_by_key(network)
    _write(network.live() if live_only else network, target, file_format, as_json)


def _format_of(path: Path) -> str:
    """What the suffix asks for: our CSV or describegraph JSON."""
    suffix = (path.with_suffix("") if path.suffix in (".gz", ".xz") else path).suffix
    formats = {".csv": "csv", ".json": "describegraph"}
    if suffix not in formats:
        raise InputError(f"{path}: cannot tell the format; call it .csv or .json, or give --format")
    return formats[suffix]


def _write(network: "Network", path: Path, file_format: str, as_json: bool) -> None:
    from lnherd.cli.output import print_json
    from lnherd.network.snapshots import write_csv, write_describegraph

    written = [path]
    if file_format == "csv":
        written = list(write_csv(network, path))
    else:
        write_describegraph(network, path)
        if network.balance_msat is not None:
            click.echo("describegraph has no place for balances: they are not in the file", err=True)
    size = {"nodes": network.n_nodes, "channels": network.n_channels}
    if as_json:
        print_json({"files": [str(file) for file in written], "format": file_format, **size})
    else:
        click.echo(f"{' and '.join(map(str, written))}: {size['nodes']:,} nodes, {size['channels']:,} channels")
