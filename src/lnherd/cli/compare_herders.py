"""``lnherd compare marl --world herding``: teams of herders against rules that know their role."""

from pathlib import Path
from typing import Any

import click


def compare_herders(options: dict[str, Any], out: Path, workers: int, *, as_json: bool) -> None:
    """Run the comparison and write its files; ``options`` are sizes as given on the command line.

    Raises:
        InputError: for a cooperation that is no number, or sizes without sense.
    """
    from dataclasses import asdict

    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.experiments.directory import claim, write_json, write_text
    from lnherd.experiments.marl_herding import HerdStudy, jobs, leaderboard, run
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.report.svg import Bar, intervals

    if "variants" in options:
        options["variants"] = tuple(dict.fromkeys(name.strip() for name in options["variants"].split(",")))
    if "cooperation" in options:
        options["cooperation"] = _number(options["cooperation"])
    study = HerdStudy(**options)
    claim(out, {"kind": "compare marl herding", "study": asdict(study)})
    compile_engine()
    with progress("trainings and rules", len(jobs(study)), quiet=as_json) as advance_to:
        run(study, out, workers, advance_to)
    rows = leaderboard(study, out)
    content = {
        "kind": "compare marl herding",
        "study": asdict(study),
        "provenance": provenance(command_line(), study.seed),
        "leaderboard": [asdict(row) for row in rows],
    }
    write_json(out / "results.json", content)
    bars = [Bar(row.name, row.gain.value, row.gain.low, row.gain.high, row.name in study.variants) for row in rows]
    title = "Gain over doing nothing, sat a day and herder (interquartile mean, 95 % interval)"
    write_text(out / "marl.svg", intervals(title, bars, [(0.0, "0")]))
    if as_json:
        print_json(content)
        return
    table = [
        (row.name, _sat(row.reward), f"{row.success.value:.1%}", _sat(row.gain), _sat(row.over_rules)) for row in rows
    ]
    columns = ("policy", "R", "payments", "over doing nothing", "over the rules of the roles")
    print_table(f"{study.herders} herders, {study.nodes} nodes: sat a day and herder, 95 % intervals", columns, table)
    click.echo(f"Files: {out / 'results.json'}, {out / 'marl-eval.json'}, {out / 'marl.svg'}")


def _number(given: str) -> float:
    from lnherd.errors import InputError

    try:
        return float(given)
    except ValueError:
        raise InputError(f"--cooperation is {given!r}; give one number from 0 to 1 in a herding world") from None


def _sat(estimate: Any) -> str:
    return f"{estimate.value:,.0f} ({estimate.low:,.0f} to {estimate.high:,.0f})"
