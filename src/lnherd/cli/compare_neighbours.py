"""``lnherd compare neighbours``: what models of other nodes bring to forwarding."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--families", default="mixed,flip,churn", show_default=True, help="Of demand, comma-separated.")
@click.option("--nodes", type=click.IntRange(min=10), default=60, show_default=True, help="Of the network.")
@click.option("--seconds", type=click.IntRange(min=1), default=20, show_default=True, help="Length of an episode.")
@click.option("--seeds", type=click.IntRange(min=2), default=10, show_default=True, help="Held-out episodes.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-neighbours"), show_default=True,
              help="Directory of results.json.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def neighbours(families: str, nodes: int, seconds: int, seeds: int, out: Path, as_json: bool) -> None:
    """Compare forwarding without beliefs, by the plain record, and by models of neighbours that forget."""
    from dataclasses import asdict

    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.errors import InputError
    from lnherd.experiments.directory import claim, write_json
    from lnherd.experiments.forwarding.worlds import FAMILIES
    from lnherd.experiments.neighbour_ablation import ablation, n_policies
    from lnherd.experiments.provenance import provenance

    names = tuple(dict.fromkeys(name.strip() for name in families.split(",")))
    for name in names:
        if name not in FAMILIES:
            raise InputError(f"--families: {name!r} is not known; choose from {', '.join(FAMILIES)}")
    sizes = {"nodes": nodes, "seconds": seconds, "seeds": seeds}
    claim(out, {"kind": "compare neighbours", "families": list(names), **sizes})
    compile_engine()
    done = 0
    with progress("policies", len(names) * n_policies(), quiet=as_json) as advance_to:

        def on_done() -> None:
            nonlocal done
            done += 1
            advance_to(done)

        rows = ablation(names, **sizes, on_done=on_done)
    content: dict[str, Any] = {
        "kind": "compare neighbours",
        **sizes,
        "provenance": provenance(command_line(), 0),
        "rows": [asdict(row) for row in rows],
    }
    write_json(out / "results.json", content)
    if as_json:
        print_json(content)
        return
    table = [
        (f"{row.family}: {row.beliefs}", _percent(row.delivered), _percent(row.success), _percent(row.gain))
        for row in rows
    ]
    print_table("Forwarding by belief", ("beliefs", "value, %", "payments, %", "value over the record, points"), table)


def _percent(estimate: Any) -> str:
    return f"{100 * estimate.value:.1f} ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"
