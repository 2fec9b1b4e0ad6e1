"""``lnherd compare herding --suite ...``: whole benchmarks by one command."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from lnherd.experiments.forwarding.worlds import ForwardingSuite
    from lnherd.experiments.suites import SuiteConfig

SUITES = ("standard", "relay-node", "drift")
DEFAULT_OUT = {name: Path(f"lnherd-{name}") for name in SUITES}


def run_suite(name: str, options: dict[str, Any]) -> None:
    """Run one of SUITES with the options of the command."""
    out: Path = options["out"] or DEFAULT_OUT[name]
    {"standard": _standard, "relay-node": _relay_node, "drift": _drift}[name](out, options)


def _drift(out: Path, options: dict[str, Any]) -> None:
    from dataclasses import replace

    from lnherd.cli.compare import chosen_policies
    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table
    from lnherd.cli.scenario_options import scenario_from
    from lnherd.errors import InputError
    from lnherd.experiments import drift_report
    from lnherd.experiments.drift import QUICK, DriftConfig, Found, run
    from lnherd.experiments.provenance import provenance

    algorithms = chosen_policies(options["policies"] or "ppo")[1]
    if len(algorithms) != 1:
        raise InputError("--policies: the suite drift takes one learner: dqn or ppo")
    config = QUICK if options["quick"] else DriftConfig()
    config = replace(config, role=scenario_from(options).role, algorithm=algorithms[0], seed=options["seed"])
    given = {"nodes": options["nodes"], "trainings": options["trainings"], "episodes": options["budget"]}
    config = replace(config, **{name: value for name, value in given.items() if value is not None})
    drift_report.claim_directory(out, config)
    compile_engine()
    measured = run(config, lambda what: click.echo(what, err=True))
    files = drift_report.publish(out, config, measured, provenance(command_line(), config.seed))
    found = Found(config, measured)
    if options["as_json"]:
        print_json({**drift_report.as_json(found), "files": [str(path) for path in files]})
        return
    print_table("Regret against retraining, sat a day", drift_report.columns(config), drift_report.table(found))
    click.echo(f"Written: {', '.join(str(path) for path in files)}")


def _relay_node(out: Path, options: dict[str, Any]) -> None:
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table
    from lnherd.experiments import relay_report
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.relay_node import QUICK, RelayNodeConfig, run

    config = QUICK if options["quick"] else RelayNodeConfig(seed=options["seed"])
    relay_report.claim_directory(out, config)
    rows, lives = run(config, lambda what: click.echo(what, err=True))
    files = relay_report.publish(out, config, rows, lives, provenance(command_line(), config.seed))
    if options["as_json"]:
        print_json({**relay_report.as_json(config, rows), "files": [str(path) for path in files]})
        return
    print_table("Profit of the relay node, in coins", relay_report.COLUMNS, relay_report.table(rows))
    click.echo(f"Written: {', '.join(str(path) for path in files)}")


def _standard(out: Path, options: dict[str, Any]) -> None:
    from dataclasses import replace

    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.experiments import standard_report
    from lnherd.experiments.directory import claim
    from lnherd.experiments.json_config import to_json
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.standard import jobs, run, stored
    from lnherd.experiments.suites import QUICK, SuiteConfig

    config = QUICK if options["quick"] else SuiteConfig()
    config = replace(config, seed=options["seed"], snapshot=options["snapshot"])
    given = {name: options[name] for name in ("nodes", "trainings", "budget") if options[name] is not None}
    config = replace(config, **given)
    wanted = chosen(options["policies"])
    cells = chosen_cells(config, options["cells"])
    planned = [job for job in jobs(config, wanted) if job.cell.name in cells]
    claim(out, {"kind": "compare standard", "config": to_json(config)})
    compile_engine()
    with progress("cells, policies, trainings", len(planned)) as advance_to:
        run(config, planned, out, options["workers"], advance_to)
    board = standard_report.board(config, list(stored(out, config, wanted)))
    files = standard_report.publish(out, config, board, provenance(command_line(), config.seed))
    if options["as_json"]:
        print_json({**standard_report.as_json(board), "files": [str(path) for path in files]})
        return
    print_table("Normalised scores: 0 does nothing, 1 is the best heuristic of each cell in hindsight",
                standard_report.BOARD_COLUMNS, standard_report.board_table(board))  # fmt: skip
    click.echo(f"Written: {', '.join(str(path) for path in files)}")


def chosen_cells(suite: "SuiteConfig | ForwardingSuite", names: str | None) -> list[str]:
    """Cells of a suite: all, or those named.

    Raises:
        InputError: for an unknown name.
    """
    from lnherd.errors import InputError

    known = [cell.name for cell in suite.cells()]
    asked = known if names is None else [name.strip() for name in names.split(",")]
    for name in asked:
        if name not in known:
            raise InputError(f"--cells: {name!r} is not in the suite; choose from {', '.join(known)}")
    return asked


def chosen(names: str | None) -> list[str]:
    """Policies of the standard suite: all, or those named beside doing nothing.

    Raises:
        InputError: for an unknown name.
    """
    from lnherd.errors import InputError
    from lnherd.experiments.results import BASELINE
    from lnherd.experiments.standard import standard_policies

    known = standard_policies()
    if names is None:
        return known
    asked = [name.strip() for name in names.split(",")]
    for name in asked:
        if name not in known:
            raise InputError(f"--policies: {name!r} is not in the suite; choose from {', '.join(known)}")
    return [name for name in known if name in asked or name == BASELINE]
