"""``lnherd compare marl``: teams of learning nodes against rules, with the evaluation of Gorsane et al. (2022)."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--variants", default="ippo,mappo,mean-field-ac", show_default=True,
              help="Comma-separated; also ippo-own, ippo-role, idqn, mean-field-q.")  # fmt: skip
@click.option("--family", default="mixed", show_default=True, help="Of demand.")
@click.option("--nodes", type=click.IntRange(min=10), default=30, show_default=True, help="Of the network.")
@click.option("--episodes", type=click.IntRange(min=1), default=60, show_default=True, help="Of each training.")
@click.option("--trainings", type=click.IntRange(min=1), default=10, show_default=True, help="Of each variant.")
@click.option("--seeds", type=click.IntRange(min=2), default=10, show_default=True, help="Held-out episodes.")
@click.option("--cooperation", type=click.FloatRange(0, 1), default=1.0, show_default=True,
              help="0: each node for itself, 1: all for delivery.")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-marl"), show_default=True,
              help="Directory of the results; an interrupted run goes on there.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def marl(**options: Any) -> None:
    """Compare ways to learn together: independent, with a central critic, mean field, shared or own policies."""
    from dataclasses import asdict

    from lnherd.agents.learners import require_torch
    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.experiments.directory import claim, write_json, write_text
    from lnherd.experiments.marl import MarlStudy, jobs, leaderboard, run
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.report.svg import Bar, intervals

    require_torch()
    out, workers, as_json = options.pop("out"), options.pop("workers"), options.pop("as_json")
    names = tuple(dict.fromkeys(name.strip() for name in options.pop("variants").split(",")))
    study = MarlStudy(variants=names, **options)
    claim(out, {"kind": "compare marl", "study": asdict(study)})
    compile_engine()
    with progress("trainings and rules", len(jobs(study)), quiet=as_json) as advance_to:
        run(study, out, workers, advance_to)
    rows = leaderboard(study, out)
    content = {
        "kind": "compare marl",
        "study": asdict(study),
        "provenance": provenance(command_line(), study.seed),
        "leaderboard": [asdict(row) for row in rows],
    }
    write_json(out / "results.json", content)
    bars = [
        Bar(row.name, 100 * row.delivered.value, 100 * row.delivered.low, 100 * row.delivered.high, row.name in names)
        for row in rows
    ]
    write_text(out / "marl.svg", intervals("Value delivered, % (interquartile mean, 95 % interval)", bars))
    if as_json:
        print_json(content)
        return
    table = [
        (row.name, _percent(row.delivered), _percent(row.success), _percent(row.gain), f"{100 * row.of_limit:.1f} %")
        for row in rows
    ]
    columns = ("policy", "value delivered, %", "payments, %", "over the best rule, points", "of the fluid limit")
    print_table(f"{study.family}, {study.nodes} nodes: interquartile means, 95 % intervals", columns, table)
    click.echo(f"Files: {out / 'results.json'}, {out / 'marl-eval.json'}, {out / 'marl.svg'}")


def _percent(estimate: Any) -> str:
    return f"{100 * estimate.value:.1f} ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"
