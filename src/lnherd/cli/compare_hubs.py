"""``lnherd compare hubs``: which nodes come to forward most, stage by stage of a training."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from lnherd.cli.compare_forwarding import FAMILIES


@click.command()
@click.option("--policies", help="Stages in order, comma-separated: names, or NAME=PATH of what a training kept. "
              "[default: q-routing while it learns]")  # fmt: skip
@click.option("--family", type=click.Choice(FAMILIES), default="mixed", show_default=True, help="Kind of demand.")
@click.option("--nodes", type=int, default=100, show_default=True, help="Of the network.")
@click.option("--duration", type=int, default=30, show_default=True, help="Seconds within which payments start.")
@click.option("--rate", type=float, default=20.0, show_default=True, help="Payments a second.")
@click.option("--seeds", type=int, default=10, show_default=True, help="Held-out episodes of each stage.")
@click.option("--snapshot", type=click.Path(exists=True), help="A real network: a neighbourhood is cut out of it.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-hubs"), show_default=True,
              help="Directory of the page.")  # fmt: skip
def hubs(**options: Any) -> None:
    """Watch hubs emerge: a map of the network with a slider over the stages of a training."""
    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_table, progress
    from lnherd.experiments.directory import claim, write_json, write_text
    from lnherd.experiments.forwarding.contenders import contenders
    from lnherd.experiments.forwarding.hubs import STOPS, learning_stages, saved_stages
    from lnherd.experiments.forwarding.worlds import PLACES, Cell, ForwardingSuite, Places
    from lnherd.experiments.json_config import to_json
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.report.hubs_page import COLUMNS, render, stage_rows

    out, learner = options["out"], options["policies"] is None
    names = ("nodes", "seeds", "snapshot", "seed")
    sizes = {"duration_s": options["duration"], "payments_per_s": options["rate"], "worlds": 1}
    suite = replace(ForwardingSuite(), **sizes, **{name: options[name] for name in names})
    stages_of = contenders("q-routing" if learner else options["policies"])
    config = {**to_json(suite), "family": options["family"], "policies": options["policies"]}
    claim(out, {"kind": "compare hubs", "config": config})
    compile_engine()
    world = Places(suite).world(Cell(PLACES[options["snapshot"] is not None], options["family"]), 0)
    seeds = [seed for _, seed in suite.held_out()]
    with progress("stages", len(STOPS) if learner else len(stages_of)) as advance_to:
        made = (
            learning_stages(stages_of[0], world, seeds, on_progress=advance_to)
            if learner
            else saved_stages(stages_of, world, seeds, advance_to)
        )
        stages = list(made)
    about = provenance(command_line(), suite.seed)
    setting = f"{world.network.name}, {options['family']} demand, means of {len(seeds)} held-out episodes a stage."
    facts = {name: str(about[name]) for name in ("command", "lnherd", "commit", "seed")}
    write_text(out / "hubs.html", render("Who forwards", setting, world.network, stages, facts))
    stored = [asdict(stage) | {"volume_sat": stage.volume_sat.tolist()} for stage in stages]
    write_json(out / "hubs.json", {"config": config, "provenance": about, "stages": stored})
    print_table("Who forwards", COLUMNS, stage_rows(stages))
    click.echo(f"Written: {out / 'hubs.html'}, {out / 'hubs.json'}")
