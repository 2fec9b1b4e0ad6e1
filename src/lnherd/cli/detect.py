"""``lnherd detect``: how soon the watch notices shocks, and how often it cries wolf."""

from pathlib import Path
from typing import Any

import click

from lnherd.cli.scenario_options import scenario_from, scenario_options


@click.command()
@scenario_options
@click.option("--policy", default="proportional+rebalance", show_default=True, help="Rule the node runs meanwhile.")
@click.option("--cases", help="Which shocks, comma-separated. [default: all]")
@click.option("--calm-weeks", type=int, default=10, show_default=True,
              help="Weeks to calibrate on, and as many to measure false alarms on.")  # fmt: skip
@click.option("--calm-days", type=int, default=7, show_default=True, help="Length of such a week.")
@click.option("--alarms-a-week", type=float, help="False alarms that the watch is calibrated to. [default: 0.1]")
@click.option("--seeds", type=int, default=10, show_default=True, help="Shocks of each kind.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-detect"), show_default=True,
              help="Directory for recordings and report; an interrupted evaluation goes on there.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(**options: Any) -> None:
    """How soon does the watch notice a shock, and how often does it cry wolf?"""
    from lnherd.agents.rules import RULES
    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.errors import InputError
    from lnherd.experiments.config import describe
    from lnherd.experiments.detection.config import SHOCKS, DetectionConfig
    from lnherd.experiments.detection.publish import publish, table_rows
    from lnherd.experiments.detection.runs import record_all
    from lnherd.experiments.detection.summary import summarise
    from lnherd.experiments.directory import claim
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.scenario import build_world

    if options["policy"] not in RULES:
        raise InputError(f"--policy {options['policy']!r} is not a rule; choose from {', '.join(RULES)}")
    cases = SHOCKS if options["cases"] is None else tuple(name.strip() for name in options["cases"].split(","))
    numbers = {name: options[name] for name in ("policy", "calm_weeks", "calm_days", "alarms_a_week", "seeds", "seed")}
    numbers = {name: value for name, value in numbers.items() if value is not None}
    config = DetectionConfig(scenario_from(options), cases=cases, **numbers)
    out: Path = options["out"]
    world = build_world(config.scenario)
    claim(out, describe("detect", config, world.config))
    compile_engine()
    try:
        with progress("calm weeks and shocks", len(config.jobs())) as advance_to:
            record_all(config, world, out, advance_to)
    except KeyboardInterrupt:
        click.echo(f"What is done so far is in {out}; the same command goes on with it.", err=True)
        raise
    detection = summarise(config, out)
    content, files = publish(out, config, detection, world.origin, provenance(command_line(), config.seed))
    if options["as_json"]:
        print_json({**content, "files": [str(path) for path in files]})
        return
    head = ("detector", "sensitivity", "false alarms a week", "severe shocks in time", "precision")
    print_table("Operating points on held-out weeks and shocks", head, table_rows(detection))
    click.echo(f"Report: {files[-1]}")
