"""``lnherd simulate``: send payments through a network and report what became of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lnherd.errors import InputError

if TYPE_CHECKING:
    from lnherd.engine import Simulation, SimulationConfig
    from lnherd.network.graph import Network
    from lnherd.network.records import Records
    from lnherd.traffic.demand import Demand

OWN_FILES = {"payments.csv", "summary.json"}
SEEDS = click.IntRange(0, 2**63 - 1)


@click.command()
@click.option(
    "--network", "network_path", type=click.Path(path_type=Path), help="Snapshot to simulate on (any format)."
)
@click.option("--nodes", type=click.IntRange(min=10), help="Generate a synthetic network of about this many nodes.")
@click.option("--payments", "n_payments", type=click.IntRange(min=1), help="How many payments to draw. [default: 1000]")
@click.option("--payments-file", type=click.Path(path_type=Path), help="Payments (CSV or Parquet) to replay instead.")
@click.option("--traffic", default="mixed", show_default=True, help="l402, retail, mixed, or a fitted demand (JSON).")
@click.option("--rate", default=10.0, show_default=True, help="Payments per second.")
@click.option("--balances", default=None, help="Prior for unknown balances: bimodal, uniform, half, drained.")
@click.option("--sender", default=None, help="lnd, cheapest, shortest or mincostflow. [default: lnd]")
@click.option("--estimator", default=None, help="Chances of a hop: apriori or bimodal (LND). [default: apriori]")
@click.option("--mpp/--no-mpp", default=None, help="Whether payments may be split. [default: --mpp]")
@click.option(
    "--profile", default="default", show_default=True, help="default (LND today) or cloth (CLoTH's semantics)."
)
@click.option("--seed", type=SEEDS, default=0, show_default=True, help="Seed of everything random.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for payments.csv and summary.json.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(**options: Any) -> None:
    """Send payments through a network, in event time, and report what became of them."""
    from lnherd.experiments.simulate import summarise

    out: Path | None = options["out"]
    if out is not None:
        check_out(out)
    simulation = _build(options)
    cpu_s = _run(simulation, quiet=options["as_json"])
    summary = {"seed": options["seed"], "profile": options["profile"], **summarise(simulation, cpu_s)}
    if out is not None:
        _save(simulation, summary, out)
    _report(summary, options["as_json"], out)


def check_out(out: Path) -> None:
    """Refuse an output folder that holds files of somebody else's.

    Raises:
        InputError: naming the folder and a file in it.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file; give a folder")
    foreign = sorted(path.name for path in out.iterdir() if path.name not in OWN_FILES) if out.exists() else []
    if foreign:
        raise InputError(f"--out {out} already holds {foreign[0]!r}; give a new or empty folder")


def _build(options: dict[str, Any]) -> "Simulation":
    import numpy as np

    from lnherd.engine import Simulation

    network_seed, traffic_seed, balance_seed = np.random.SeedSequence(options["seed"]).spawn(3)
    network = _network(options, network_seed)
    payments = _payments(options, network, traffic_seed)
    balance_msat = network.balance_msat
    if balance_msat is None or options["balances"] is not None:
        from lnherd.network.balances import draw_balances

        balance_msat = draw_balances(network, options["balances"] or "bimodal", np.random.default_rng(balance_seed))
    return Simulation(network, payments, config=_config(options), seed=options["seed"], balance_msat=balance_msat)


def _network(options: dict[str, Any], seed: Any) -> "Network":
    if (options["network_path"] is None) == (options["nodes"] is None):
        raise InputError("give either --network PATH or --nodes N")
    if options["network_path"] is not None:
        from lnherd.network.snapshots import read_network

        return read_network(options["network_path"])
    from lnherd.network.generate import GeneratorConfig, generate

    return generate(GeneratorConfig(n_nodes=options["nodes"]), int(seed.generate_state(1)[0]))


def _payments(options: dict[str, Any], network: "Network", seed: Any) -> "Records":
    import numpy as np

    from lnherd.traffic.traces import read_payments

    if options["payments_file"] is not None:
        if options["n_payments"] is not None:
            raise InputError("--payments and --payments-file exclude each other; drop one")
        return read_payments(options["payments_file"], network)
    if not 0 < options["rate"] < float("inf"):
        raise InputError(f"--rate must be a positive number, got {options['rate']}")
    demand = _demand(options)
    n_payments = options["n_payments"] or 1000
    return demand.sample(network, n_payments=n_payments, rng=np.random.default_rng(seed))


def _demand(options: dict[str, Any]) -> "Demand":
    if not options["traffic"].endswith(".json"):
        from lnherd.traffic.demand import preset

        return preset(options["traffic"], options["rate"])
    from lnherd.traffic.demand_file import read_demand

    return read_demand(options["traffic"])


def _config(options: dict[str, Any]) -> "SimulationConfig":
    from lnherd.engine.config import profile

    changes = {name: options[name] for name in ("sender", "estimator", "mpp") if options[name] is not None}
    return profile(options["profile"], **changes)


def _run(simulation: "Simulation", *, quiet: bool) -> float:
    from lnherd.cli.output import progress
    from lnherd.experiments.simulate import run_to_end, warm_up

    warm_up()
    with progress("payments", len(simulation.payments), quiet=quiet) as advance_to:
        return run_to_end(simulation, advance_to)


def _save(simulation: "Simulation", summary: dict[str, Any], out: Path) -> None:
    import json

    from lnherd.experiments.simulate import write_payments

    out.mkdir(parents=True, exist_ok=True)
    write_payments(simulation.payments, out / "payments.csv")
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


def _report(summary: dict[str, Any], as_json: bool, out: Path | None) -> None:
    from lnherd.cli.output import print_json, print_table

    if as_json:
        print_json(summary)
        return
    failures = summary.pop("failures")
    rows = [(name, f"{value:,.4g}" if isinstance(value, float) else f"{value}") for name, value in summary.items()]
    rows += [(f"failed: {name}", str(count)) for name, count in failures.items()]
    print_table("Simulation", ("figure", "value"), rows)
    if out is not None:
        click.echo(f"One row per payment: {out / 'payments.csv'}")
