"""``lnherd traffic``: demands from a node's forwarding history, payments from demands."""

from pathlib import Path

import click

_FILE = click.Path(path_type=Path)
_NETWORK = click.option("--network", required=True, type=_FILE, help="Snapshot (any format) with the node's channels.")


@click.group()
def command() -> None:
    """Fit a demand to what a node forwarded, and draw payments from a demand."""


@command.command()
@click.argument("history", type=_FILE)
@_NETWORK
@click.option("--node", required=True, help="Whose history it is: public key, alias or index.")
@click.option("--out", type=_FILE, default=Path("demand.json"), show_default=True, help="Where the demand goes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def fit(history: Path, network: Path, node: str, out: Path, as_json: bool) -> None:
    """Fit a demand to HISTORY, LND's fwdinghistory or Core Lightning's listforwards as JSON.

    The demand has the history's rate by hour, amounts and matrix of who sends to whom.
    """
    from lnherd.cli.output import print_json, print_table
    from lnherd.network.snapshots import read_network
    from lnherd.traffic.demand_file import write_demand
    from lnherd.traffic.fitting import fit_demand
    from lnherd.traffic.history import read_forwards
    from lnherd.units import MS_PER_HOUR

    graph = read_network(network)
    found = fit_demand(read_forwards(history, graph), graph, graph.node_index(node))
    write_demand(found.demand, out)
    figures = {
        "forwards": found.n_forwards,
        "circular_left_out": found.n_circular,
        "hours": found.duration_ms / MS_PER_HOUR,
        "per_hour": found.demand.rate_per_s * 3600,
        "pairs_of_peers": len(found.demand.components),
    }
    if as_json:
        print_json(figures)
        return
    rows = [(name.replace("_", " "), f"{value:,.4g}") for name, value in figures.items()]
    print_table("Fitted demand", ("figure", "value"), rows)
    click.echo(f"Demand: {out}")


@command.command()
@click.argument("demand", type=_FILE)
@_NETWORK
@click.option("--hours", type=click.FloatRange(min=0), default=24.0, show_default=True, help="Length of the traffic.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of everything random.")
@click.option("--out", type=_FILE, default=Path("payments.csv"), show_default=True, help="Where the payments go.")
def sample(demand: Path, network: Path, hours: float, seed: int, out: Path) -> None:
    """Draw payments from DEMAND for lnherd simulate --payments-file."""
    import numpy as np

    from lnherd.network.snapshots import read_network
    from lnherd.traffic.demand_file import read_demand
    from lnherd.traffic.traces import write_payments
    from lnherd.units import MS_PER_HOUR

    rng = np.random.default_rng(seed)
    payments = read_demand(demand).sample(read_network(network), duration_ms=round(hours * MS_PER_HOUR), rng=rng)
    write_payments(payments, out)
    click.echo(f"{len(payments)} payments: {out}")
