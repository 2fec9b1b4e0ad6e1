"""``lnherd compare market``: routing information and priority for sale, against no market and free information."""

import shutil
from pathlib import Path
from typing import Any

import click

WIDE = 150


@click.command()
@click.option("--nodes", type=click.IntRange(min=5), default=30, show_default=True, help="Of the synthetic network.")
@click.option("--seconds", type=click.IntRange(min=1), default=20, show_default=True, help="Length of an episode.")
@click.option("--seeds", type=click.IntRange(min=2), default=10, show_default=True, help="Held-out episodes.")
@click.option("--rehearsals", type=click.IntRange(min=0), default=3, show_default=True,
              help="Episodes in which sellers find their prices first.")  # fmt: skip
@click.option("--slots", type=click.IntRange(min=2), default=3, show_default=True, help="HTLCs a channel takes.")
@click.option("--liars/--no-liars", default=True, show_default=True, help="Sellers that lie, too.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-market"), show_default=True,
              help="Directory for results.json, results.csv and market.svg.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def market(**options: Any) -> None:
    """Compare markets of routing information and priority under congestion, honest sellers and lying ones."""
    from dataclasses import asdict

    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.experiments.directory import claim, read_json
    from lnherd.experiments.market import CONDITIONS, LIARS, MarketStudy, run_condition
    from lnherd.experiments.market_report import COLUMNS, NARROW, finding, publish, table_rows
    from lnherd.experiments.provenance import provenance

    study = MarketStudy(
        n_nodes=options["nodes"],
        duration_ms=options["seconds"] * 1_000,
        seeds=options["seeds"],
        rehearsals=options["rehearsals"],
        slots=options["slots"],
    )
    out = options["out"]
    claim(out, {"kind": "compare market", "study": asdict(study)})
    compile_engine()
    network = study.config(CONDITIONS[0]).forwarding.network()
    conditions, done = (*CONDITIONS, *(LIARS if options["liars"] else ())), 0
    n_sold = sum("sold" in (each.information, each.priority) for each in conditions)
    total = len(conditions) * study.seeds + n_sold * study.rehearsals
    results = {}
    with progress("episodes", total, quiet=options["as_json"]) as advance_to:

        def on_episode() -> None:
            nonlocal done
            done += 1
            advance_to(done)

        for condition in conditions:
            results[condition] = run_condition(study, condition, network, on_episode)
    rows = publish(out, study, results, provenance(command_line(), study.network_seed))
    if options["as_json"]:
        print_json(read_json(out / "results.json"))
        return
    n = len(COLUMNS) if shutil.get_terminal_size().columns >= WIDE else NARROW
    print_table("Per payment; gains over no market", COLUMNS[:n], [row[:n] for row in table_rows(rows)])
    click.echo(finding(rows))
    click.echo(f"Files: {out / 'results.json'}, {out / 'results.csv'}, {out / 'market.svg'}")
