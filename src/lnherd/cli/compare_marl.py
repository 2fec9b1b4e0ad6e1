"""``lnherd compare marl``: teams of learning nodes against rules, with the evaluation of Gorsane et al. (2022)."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

SETTINGS = ("world", "out", "workers", "as_json")
FORWARDING_ONLY = ("rules", "family", "seconds", "networks", "same_network", "shares")
HERDING_ONLY = ("herders",)


@click.command()
@click.option("--world", type=click.Choice(["forwarding", "herding"]), default="forwarding", show_default=True,
              help="Nodes that forward payments, or herders that manage their channels. Herding has smaller defaults: "
              "60 nodes, 120 episodes, 3 trainings, 3 steps, --variants ippo,mappo,idqn,vdn,qmix.")  # fmt: skip
@click.option("--herders", type=click.IntRange(min=2), default=4, show_default=True, help="Of a herding world.")
@click.option("--variants", default="ippo,mappo,mean-field-ac", show_default=True,
              help="Comma-separated; also ippo-own, ippo-role, idqn, mean-field-q; herding: vdn, qmix, iql, "
              "mf-q.")  # fmt: skip
@click.option("--rules", default="random,shortest,cheapest,balance", show_default=True,
              help="Whom they are compared with; also q-routing, lnd and others of compare forwarding.")  # fmt: skip
@click.option("--family", default="circulation", show_default=True, help="Of demand.")
@click.option("--nodes", type=click.IntRange(min=10), default=100, show_default=True, help="Of every network.")
@click.option("--seconds", type=click.IntRange(min=1), default=10, show_default=True, help="Length of an episode.")
@click.option("--episodes", type=click.IntRange(min=1), default=200, show_default=True, help="Of each training.")
@click.option("--trainings", type=click.IntRange(min=1), default=5, show_default=True, help="Of each variant.")
@click.option("--steps", type=click.IntRange(min=1), default=4, show_default=True, help="Evaluations of a training.")
@click.option("--seeds", type=click.IntRange(min=2), default=10, show_default=True, help="Held-out episodes.")
@click.option("--networks", type=click.IntRange(min=1), default=5, show_default=True, help="Held-out networks.")
@click.option("--same-network", is_flag=True, help="Learn and be measured in one network, as ippo-own has to.")
@click.option("--shares", default="1", show_default=True,
              help="Shares of the nodes that learn, comma-separated; the others follow shortest.")  # fmt: skip
@click.option("--cooperation", default="1", show_default=True,
              help="0: each node for itself, 1: all for delivery; several, comma-separated.")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-marl"), show_default=True,
              help="Directory of the results; an interrupted run goes on there.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def marl(**options: Any) -> None:
    """Compare ways to learn together: independent, with a central critic, mixed values, mean field, shared or own
    policies."""
    from lnherd.agents.learners import require_torch

    require_torch()
    from dataclasses import asdict

    from lnherd.cli.compare_herders import compare_herders
    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.experiments.directory import claim
    from lnherd.experiments.marl import MarlStudy, jobs, run
    from lnherd.experiments.marl_board import Finished
    from lnherd.experiments.marl_publish import COLUMNS, SHOWN, board_table, publish
    from lnherd.experiments.provenance import provenance

    out, workers, as_json = options.pop("out"), options.pop("workers"), options.pop("as_json")
    given = _given(options.pop("world"))
    if given is not None:
        compare_herders({name: options[name] for name in given}, out, workers, as_json=as_json)
        return
    options.pop("herders")
    lists: dict[str, Any] = {name: _names(options.pop(name)) for name in ("variants", "rules")}
    lists["shares"] = _numbers("--shares", options.pop("shares"))
    lists["cooperations"] = _numbers("--cooperation", options.pop("cooperation"))
    study = MarlStudy(**lists, **options)
    claim(out, {"kind": "compare marl", "study": asdict(study)})
    compile_engine()
    with progress("trainings and rules", len(jobs(study)), quiet=as_json) as advance_to:
        run(study, out, workers, advance_to)
    finished = Finished(study, out)
    content = publish(finished, out, provenance(command_line(), study.seed))
    if as_json:
        print_json(content)
        return
    title = f"{study.family}, {study.nodes} nodes: interquartile means, 95 % intervals"
    shown = [[row[place] for place in SHOWN] for row in board_table(finished.rows)]
    print_table(title, [COLUMNS[place] for place in SHOWN], shown)
    names = ("leaderboard.md", "results.json", "marl-eval.json", "marl.svg", "curves.svg")
    click.echo(f"Files: {', '.join(str(out / name) for name in names)}")


def _given(world: str) -> list[str] | None:
    """Sizes that were asked for in a herding world, where defaults are its own; None in a forwarding world.

    Raises:
        InputError: for an option of the other world.
    """
    from lnherd.errors import InputError

    context = click.get_current_context()
    given = [name for name in context.params if context.get_parameter_source(name) is not ParameterSource.DEFAULT]
    other = FORWARDING_ONLY if world == "herding" else HERDING_ONLY
    for name in given:
        if name in other:
            raise InputError(f"--{name.replace('_', '-')} means nothing to --world {world}; leave it out")
    return [name for name in given if name not in SETTINGS] if world == "herding" else None


def _names(listed: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in listed.split(",")))


def _numbers(option: str, listed: str) -> tuple[float, ...]:
    from lnherd.errors import InputError

    try:
        return tuple(dict.fromkeys(float(number) for number in listed.split(",")))
    except ValueError:
        raise InputError(f"{option} is {listed!r}; give numbers with commas between, as in 0.1,0.5,1") from None
