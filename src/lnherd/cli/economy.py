"""``lnherd economy``: services and agents that buy their calls over Lightning."""

from pathlib import Path
from typing import Any

import click

SEEDS = click.IntRange(0, 2**63 - 1)
SHOWN = (
    "calls", "served_share", "payments", "payment_success", "latency_p50_s", "cost_per_call_sat",
    "fee_share_of_price", "welfare_sat", "gini_service_revenue", "drained_share_at_first", "drained_share",
    "cpu_s", "calls_per_cpu_s",
)  # fmt: skip


@click.group()
def command() -> None:
    """Services and agents that trade API calls over Lightning: run an economy, see its cliffs."""


@command.command()
@click.option("--preset", default="agent-swarm", show_default=True,
              help="inference, data-feeds, agent-swarm or mixed-mainnet.")  # fmt: skip
@click.option("--network", help="Snapshot (any format), its live part is used, instead of a synthetic network.")
@click.option("--nodes", type=click.IntRange(min=100), default=500, show_default=True, help="Of a synthetic network.")
@click.option("--hours", type=float, default=24.0, show_default=True, help="Simulated time.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Factor on the number of agents.")
@click.option("--balances", default="bimodal", show_default=True, help="Prior: bimodal, uniform, half or drained.")
@click.option("--seed", type=SEEDS, default=0, show_default=True, help="Seed of everything random.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-economy"), show_default=True,
              help="Directory for tables and report.")  # fmt: skip
@click.option("--calls", "every_call", is_flag=True, help="Write calls.csv too: one row a call.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(**options: Any) -> None:
    """Run an economy and report who was served, at what cost, and what it did to the channels."""
    from dataclasses import asdict

    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.experiments.directory import claim
    from lnherd.experiments.economy import EconomyRunConfig, load_network, publish, run_economy
    from lnherd.experiments.provenance import provenance
    from lnherd.units import MS_PER_HOUR

    out, every_call, as_json = options.pop("out"), options.pop("every_call"), options.pop("as_json")
    config = EconomyRunConfig(**options)
    network = load_network(config)
    claim(out, {"kind": "economy run", **asdict(config)})
    with progress("simulated ms", round(config.hours * MS_PER_HOUR), quiet=as_json) as advance_to:
        finished = run_economy(config, network, advance_to)
    summary = publish(out, config, finished, provenance(command_line(), config.seed), every_call=every_call)
    if as_json:
        print_json(summary)
        return
    rows = [(name.replace("_", " "), f"{summary[name]:,.4g}") for name in SHOWN if summary[name] is not None]
    print_table(f"Economy {config.preset}", ("figure", "value"), rows)
    click.echo(f"Report: {out / 'report.html'}")


@command.command()
@click.option("--network", help="Snapshot for the last panel (any format) instead of a synthetic network.")
@click.option("--nodes", type=click.IntRange(min=100), default=500, show_default=True, help="Of a synthetic network.")
@click.option("--balances", default="bimodal", show_default=True, help="Prior: bimodal, uniform, half or drained.")
@click.option("--seed", type=SEEDS, default=0, show_default=True, help="Seed of everything random.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-cliffs"), show_default=True,
              help="Directory for cliffs.csv and report.html.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def cliffs(**options: Any) -> None:
    """Show where prices, fees, load and one-way flow end the trade: the standard experiment."""
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.experiments.cliffs import COLUMNS, all_cliffs, rows, where_rows
    from lnherd.experiments.directory import claim, write_csv, write_text
    from lnherd.experiments.economy import EconomyRunConfig, load_network
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.report.cliffs_page import render

    out, as_json = options.pop("out"), options.pop("as_json")
    network = load_network(EconomyRunConfig(**options))
    claim(out, {"kind": "economy cliffs", **options})
    with progress("panels", 6, quiet=as_json) as advance_to:
        found = all_cliffs(network, options["seed"], advance_to)
        advance_to(6)
    record = provenance(command_line(), options["seed"])
    facts = {name: str(record[name]) for name in ("command", "seed", "lnherd", "commit", "python")}
    where = where_rows(found)
    write_csv(out / "cliffs.csv", COLUMNS, rows(found))
    write_text(out / "report.html", render(found, where, facts))
    if as_json:
        print_json({"cliffs": [dict(zip(("panel", "line", "expected", "found"), row, strict=True)) for row in where]})
        return
    print_table("Cliffs", ("panel", "line", "arithmetic says", "falls below half between"), where)
    click.echo(f"Report: {out / 'report.html'}")


@command.command()
@click.option("--seeds", type=click.IntRange(min=2), default=10, show_default=True, help="Held-out episodes.")
@click.option("--trainings", type=click.IntRange(min=1), default=4, show_default=True, help="Of each learner.")
@click.option("--episodes", type=click.IntRange(min=1), default=60, show_default=True, help="Of each training.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-pricing"), show_default=True,
              help="Directory for pricing.csv and report.html.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def pricing(seeds: int, trainings: int, episodes: int, out: Path, as_json: bool) -> None:
    """Let a service learn its price (lnherd/Pricing-v0) and compare it with fixed, cost-plus and surge prices."""
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.envs.pricing_env import MULTIPLES, PricingConfig
    from lnherd.experiments.directory import claim, write_csv, write_text
    from lnherd.experiments.pricing import RULES, compare
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.report.pricing_page import COLUMNS, render, table_rows

    claim(out, {"kind": "economy pricing", "seeds": seeds, "trainings": trainings, "episodes": episodes})
    done: list[str] = []
    with progress("policies", len(RULES) + len(MULTIPLES) + 2, quiet=as_json) as advance_to:

        def on_done(name: str) -> None:
            done.append(name)
            advance_to(len(done))

        results = compare(PricingConfig(), seeds=range(seeds), trainings=trainings, episodes=episodes, on_done=on_done)
    write_csv(out / "pricing.csv", ("policy", "training", "seed", "profit_sat"),
              [(each.policy, training, seed, profit) for each in results
               for training, row in enumerate(each.profit_sat) for seed, profit in enumerate(row)])  # fmt: skip
    record = provenance(command_line(), 0)
    facts = {name: str(record[name]) for name in ("command", "lnherd", "commit", "python")}
    write_text(out / "report.html", render(results, facts))
    if as_json:
        names = ("mean", "against_fixed", "against_best")
        print_json({each.policy: {name: vars(getattr(each, name)) for name in names} for each in results})
        return
    print_table("Profit of an episode, sat", COLUMNS, table_rows(results))
    click.echo(f"Report: {out / 'report.html'}")
