"""``lnherd compare``: learners against rules on the same traffic, with intervals and a report."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lnherd.cli.compare_fees import fees
from lnherd.cli.compare_forwarding import forwarding
from lnherd.cli.compare_hubs import hubs
from lnherd.cli.compare_market import market
from lnherd.cli.compare_marl import marl
from lnherd.cli.compare_neighbours import neighbours
from lnherd.cli.scenario_options import scenario_from, scenario_options
from lnherd.cli.suites import SUITES, run_suite

if TYPE_CHECKING:
    from lnherd.experiments.config import CompareConfig
    from lnherd.experiments.publish import Published

WIDE, NARROW_COLUMNS = 110, 5
"""Terminals of less than WIDE columns get the first columns of the table only."""


@click.group()
def command() -> None:
    """Compare learners with rules on the same held-out traffic."""


command.add_command(fees)
command.add_command(market)
command.add_command(forwarding)
command.add_command(hubs)
command.add_command(marl)
command.add_command(neighbours)


@command.command()
@scenario_options
@click.option("--policies", help="Which policies, comma-separated. [default: every rule but random, and q-learning; "
              "also: dqn, ppo]")  # fmt: skip
@click.option("--train-episodes", type=int, default=100, show_default=True, help="Episodes of each training.")
@click.option("--trainings", type=int, help="Independent trainings of each learner. [default: 4, in suites 3]")
@click.option("--seeds", type=int, default=20, show_default=True, help="Held-out seeds, a simulated day each.")
@click.option("--checkpoints", type=int, default=5, show_default=True, help="Points of the learning curve.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option("--tuned", is_flag=True, help="Let each rule also run tuned, with as many episodes as a learner trains.")
@click.option("--suite", type=click.Choice(SUITES), help="Run a whole benchmark instead (docs/herding-benchmarks.md).")
@click.option("--quick", is_flag=True, help="With --suite: a small size that shows that everything runs.")
@click.option("--budget", type=int, help="With --suite standard or drift: episodes of each training.")
@click.option("--cells", help="With --suite standard: only these, comma-separated, such as router-drained.")
@click.option("--snapshot", type=click.Path(exists=True), help="With --suite standard: a real network.")
@click.option("--workers", type=int, default=2, show_default=True, help="With --suite standard: processes.")
@click.option("--out", type=click.Path(path_type=Path),
              help="Directory of the results; an interrupted run goes on there. [default: lnherd-compare]")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def herding(**options: Any) -> None:
    """Compare herders: who earns most, R = S - F - C, with one node's channels?"""
    if options["suite"]:
        run_suite(options["suite"], options)
        return
    from lnherd.experiments.config import CompareConfig

    rules, algorithms = chosen_policies(options["policies"])
    config = CompareConfig(
        scenario=scenario_from(options),
        rules=rules,
        tuned=options["tuned"],
        algorithms=algorithms,
        trainings=4 if options["trainings"] is None else options["trainings"],
        train_episodes=options["train_episodes"],
        checkpoints=options["checkpoints"],
        evaluations=options["seeds"],
        seed=options["seed"],
    )
    out: Path = options["out"] or Path("lnherd-compare")
    published = run_comparison(config, out, kind="compare herding", fresh=False)
    show(published, out, as_json=options["as_json"])


def chosen_policies(names: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """``(rules, algorithms)`` of a comma-separated list; doing nothing comes first, asked for or not.

    Raises:
        InputError: for a name that is neither a rule nor a learner.
    """
    from lnherd.agents.rules import RULES
    from lnherd.errors import InputError
    from lnherd.experiments.config import LEARNED_NAMES, TABULAR
    from lnherd.experiments.results import BASELINE

    if names is None:
        return tuple(name for name in RULES if name != "random"), TABULAR
    asked = list(dict.fromkeys(name.strip() for name in names.split(",")))
    learners = {name: algorithm for algorithm in LEARNED_NAMES for name in (algorithm, LEARNED_NAMES[algorithm])}
    for name in asked:
        if name not in RULES and name not in learners:
            known = ", ".join((*RULES, *LEARNED_NAMES.values()))
            raise InputError(f"--policies: {name!r} is not known; choose from {known}")
    rules = dict.fromkeys((BASELINE, *(name for name in asked if name in RULES)))
    return tuple(rules), tuple(dict.fromkeys(learners[name] for name in asked if name in learners))


def run_comparison(config: "CompareConfig", out: Path, *, kind: str, fresh: bool) -> "Published":
    """Play a comparison under a progress bar and write its files."""
    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import progress
    from lnherd.experiments.compare import n_episodes, prepare, run
    from lnherd.experiments.directory import kind_of
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.publish import publish
    from lnherd.experiments.scenario import build_world

    kind_of(out)
    world = build_world(config.scenario)
    about = provenance(command_line(), config.seed)
    click.echo(f"The herder has {world.n_channels} live channels in {world.origin}.", err=True)
    trainings = prepare(config, out, world.config, about, kind=kind, fresh=fresh)
    compile_engine()
    try:
        with progress("training and comparing, simulated days", n_episodes(config)) as advance_to:
            findings = run(config, trainings, world.task, advance_to, out=out, days=world.days)
    except KeyboardInterrupt:
        click.echo(f"The trainings so far are in {out}; the same command goes on with them.", err=True)
        raise
    return publish(out, config, world, findings, about)


def show(published: "Published", out: Path, *, as_json: bool) -> None:
    """Print the result: one JSON object, or a table, the finding and the files."""
    from lnherd.cli.output import print_json, print_table
    from lnherd.experiments.publish import TABLE_COLUMNS, table_rows

    files = [str(path) for path in published.files]
    if as_json:
        print_json({**published.content, "files": files})
        return
    columns = len(TABLE_COLUMNS) if shutil.get_terminal_size().columns >= WIDE else NARROW_COLUMNS
    rows = [row[:columns] for row in table_rows(published.comparison.summaries)]
    print_table("Sat a day on held-out traffic; gain: over doing nothing", TABLE_COLUMNS[:columns], rows)
    click.echo(published.content["headline"])
    click.echo(f"Report: {files[-1]}  (and {', '.join(Path(file).name for file in files[:-1])} beside it)")
