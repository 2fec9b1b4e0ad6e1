"""``lnherd stress``: policies through the stress suite, each run beside its calm twin."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lnherd.cli.scenario_options import scenario_from, scenario_options, watch_option

if TYPE_CHECKING:
    from lnherd.experiments.stress.config import StressConfig


DEFAULT_POLICIES = ("do-nothing", "proportional", "proportional+rebalance", "threshold-swap")
"""What operators run most."""


@click.command()
@scenario_options
@watch_option
@click.option(
    "--policies",
    help="Rules, saved policies or training directories, comma-separated; braked:NAME puts on the brake of --watch. "
    "[default: four rules]",
)
@click.option("--cases", help="Which shocks, comma-separated; the control always runs. [default: all]")
@click.option("--seeds", type=int, default=10, show_default=True, help="Simulated days for each policy and case.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed that the days come from.")
@click.option("--budget", type=int, default=10_000, show_default=True, help="Sat a day for managing channels.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-stress"), show_default=True,
              help="Directory for results and report; an interrupted test goes on there.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(**options: Any) -> None:
    """What do sudden shifts of liquidity, attacks and outages do to a herder?"""
    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import progress
    from lnherd.experiments.config import describe
    from lnherd.experiments.directory import claim, write_json
    from lnherd.experiments.evaluate import require_watch
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.scenario import build_world
    from lnherd.experiments.stress.publish import publish
    from lnherd.experiments.stress.runs import play_all
    from lnherd.experiments.training import PROVENANCE_FILE

    config, candidates = _config(options), _candidates(options["policies"])
    require_watch(candidates, config.scenario)
    out: Path = options["out"]
    world = build_world(config.scenario)
    about = provenance(command_line(), config.seed)
    claim(out, describe("stress", config, world.config))
    write_json(out / PROVENANCE_FILE, about)
    compile_engine()
    try:
        with progress("stress test, policies by cases", len(candidates) * (len(config.cases) + 1)) as advance_to:
            runs = play_all(config, candidates, out, world.task, advance_to)
    except KeyboardInterrupt:
        click.echo(f"What is done so far is in {out}; the same command goes on with it.", err=True)
        raise
    summaries, content, files = publish(out, config, world, runs, about)
    _show(summaries, content, [str(path) for path in files], as_json=options["as_json"])


def _config(options: dict[str, Any]) -> "StressConfig":
    from lnherd.experiments.stress.config import StressConfig
    from lnherd.traffic.shocks import CASES, CONTROL

    cases = tuple(CASES) if options["cases"] is None else _listed(options["cases"])
    return StressConfig(
        scenario=scenario_from(options),
        policies=_policies(options["policies"]),
        cases=tuple(dict.fromkeys((CONTROL, *cases))),
        seeds=options["seeds"],
        seed=options["seed"],
        budget_sat=options["budget"],
    )


def _listed(names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in names.split(",")))


def _policies(names: str | None) -> tuple[str, ...]:
    return DEFAULT_POLICIES if names is None else _listed(names)


def _candidates(names: str | None) -> Any:
    """Policies by reference; two of the same name are told apart by a number."""
    from dataclasses import replace

    from lnherd.experiments.evaluate import find_policy

    found: dict[str, Any] = {}
    for name in _policies(names):
        candidate, _ = find_policy(name)
        number = sum(other.partition(" ")[0] == candidate.name for other in found)
        named = candidate.name if number == 0 else f"{candidate.name} {number + 1}"
        found[named] = replace(candidate, name=named) if candidate.path else candidate
    return tuple(found.values())


def _show(summaries: Any, content: dict[str, Any], files: list[str], *, as_json: bool) -> None:
    import shutil

    from lnherd.cli.compare import NARROW_COLUMNS, WIDE
    from lnherd.cli.output import print_json, print_table
    from lnherd.experiments.stress.publish import TABLE_COLUMNS, table_rows

    if as_json:
        print_json({**content, "files": files})
        return
    columns = len(TABLE_COLUMNS) if shutil.get_terminal_size().columns >= WIDE else NARROW_COLUMNS
    rows = [row[:columns] for row in table_rows(summaries)]
    print_table("What the shocks change, against the same day without; sat a day", TABLE_COLUMNS[:columns], rows)
    click.echo(f"Report: {files[-1]}  (and {', '.join(Path(file).name for file in files[:-1])} beside it)")
