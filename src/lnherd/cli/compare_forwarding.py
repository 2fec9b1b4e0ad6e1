"""``lnherd compare forwarding``: who chooses the next channel best, on the same held-out networks and traffic."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from lnherd.experiments.forwarding.worlds import ForwardingSuite

SUITES = ("standard", "scale")
FAMILIES = ("circulation", "mixed", "one-way", "flip", "churn")


@click.command()
@click.option("--suite", type=click.Choice(SUITES),
              help="standard: all families of demand in two kinds of places; scale: ever larger networks.")  # fmt: skip
@click.option("--family", type=click.Choice(FAMILIES), default="mixed", show_default=True, help="Kind of demand.")
@click.option("--policies", help="Names, comma-separated, or label=PATH of a trained policy. [default: every rule]")
@click.option("--nodes", type=int, help="Of every network. [default: 100]")
@click.option("--duration", type=int, help="Seconds within which payments start. [default: 30]")
@click.option("--rate", type=float, help="Payments a second. [default: 20]")
@click.option("--worlds", type=int, help="Held-out networks of each cell. [default: 5]")
@click.option("--seeds", type=int, help="Held-out seeds of each network. [default: 2]")
@click.option("--snapshot", type=click.Path(exists=True), help="A real network: neighbourhoods are cut out of it.")
@click.option("--cells", help="With --suite: only these, comma-separated, such as synthetic-flip.")
@click.option("--quick", is_flag=True, help="A small size that shows that everything runs.")
@click.option("--bound/--no-bound", default=True, show_default=True, help="Work out the fluid limit of every episode.")
@click.option("--learner", type=click.Choice(["all", "hub"]), default="all", show_default=True,
              help="Who follows each policy: all nodes, or the best connected one among nodes on shortest "
              "paths.")  # fmt: skip
@click.option("--attempts", type=int, help="Most that a payment may make hop by hop. [default: 16]")
@click.option("--workers", type=int, default=2, show_default=True, help="Processes.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-forwarding"), show_default=True,
              help="Directory of the results; an interrupted run goes on there.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def forwarding(**options: Any) -> None:
    """Compare forwarding: which rule delivers most of the value, at what fees and in what time?"""
    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.cli.suites import chosen_cells
    from lnherd.experiments.directory import claim
    from lnherd.experiments.forwarding import publish
    from lnherd.experiments.forwarding.board import Episodes, board
    from lnherd.experiments.forwarding.contenders import contenders
    from lnherd.experiments.forwarding.suite import jobs, run, stored
    from lnherd.experiments.json_config import to_json
    from lnherd.experiments.provenance import provenance

    suite, out = suite_from(options), options["out"]
    wanted, cells = contenders(options["policies"]), chosen_cells(suite, options["cells"])
    claim(out, {"kind": "compare forwarding", "config": to_json(suite)})
    compile_engine()
    try:
        with progress("cells, networks, policies", len(jobs(suite, wanted, cells))) as advance_to:
            run(suite, wanted, out, options["workers"], advance_to, cells=cells)
    except KeyboardInterrupt:
        click.echo(f"What is done so far is in {out}; the same command goes on with it.", err=True)
        raise
    played = stored(suite, wanted, out)
    episodes = Episodes(played)
    found = board(episodes, seed=suite.seed)
    content, files = publish.publish(out, suite, played, found, episodes, provenance(command_line(), suite.seed))
    if options["as_json"]:
        print_json({**content, "files": [str(path) for path in files]})
        return
    print_table("Forwarding: share of the fluid limit, and of the offered value", publish.BOARD_COLUMNS,
                publish.board_table(found))  # fmt: skip
    click.echo(f"Written: {', '.join(str(path) for path in files)}")


def suite_from(options: dict[str, Any]) -> "ForwardingSuite":
    """The suite that the options of the command describe.

    Raises:
        InputError: for a size that makes no sense.
    """
    from lnherd.experiments.forwarding.worlds import PLACES, QUICK, SCALE, ForwardingSuite

    if options["suite"] == "scale":
        return replace(SCALE, snapshot=options["snapshot"], seed=options["seed"], **_given(options))
    suite = QUICK if options["quick"] else ForwardingSuite()
    if options["suite"] is None:
        place = PLACES[1] if options["snapshot"] else PLACES[0]
        suite = replace(suite, families=(options["family"],), places=(place,))
    changes = _given(options) | {name: options[name] for name in ("bound", "seed", "learner")}
    return replace(suite, **changes, snapshot=options["snapshot"])


def _given(options: dict[str, Any]) -> dict[str, Any]:
    names = {"nodes": "nodes", "duration": "duration_s", "rate": "payments_per_s", "worlds": "worlds", "seeds": "seeds",
             "attempts": "attempts"}  # fmt: skip
    return {field: options[name] for name, field in names.items() if options[name] is not None}
