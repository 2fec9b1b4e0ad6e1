"""``lnherd compare fees``: fees that nodes learn to set, for themselves or for all, and the price of anarchy."""

from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--nodes", type=click.IntRange(min=10), default=100, show_default=True, help="Of the network.")
@click.option("--intervals", type=click.IntRange(min=32), default=120, show_default=True, help="Moves of ten minutes.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=0.1, show_default=True,
              help="Retail payments a second.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(min=2), default=10, show_default=True, help="Episodes.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-fees"), show_default=True,
              help="Directory of results.json.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def fees(nodes: int, intervals: int, rate: float, seeds: int, out: Path, as_json: bool) -> None:
    """Let 1 %, 10 %, 50 % or all nodes learn their fees: success, fees, concentration, stability."""
    from dataclasses import asdict

    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json, print_table, progress
    from lnherd.envs.fee_game import FeeGameConfig
    from lnherd.experiments.directory import claim, write_json
    from lnherd.experiments.fee_competition import SOCIETIES, compare, estimates, price_of_anarchy
    from lnherd.experiments.provenance import provenance
    from lnherd.traffic.demand import retail

    sizes = {"nodes": nodes, "intervals": intervals, "rate": rate, "seeds": seeds}
    claim(out, {"kind": "compare fees", **sizes})
    compile_engine()
    done = 0
    with progress("episodes", len(SOCIETIES) * seeds, quiet=as_json) as advance_to:

        def on_done() -> None:
            nonlocal done
            done += 1
            advance_to(done)

        config = FeeGameConfig(n_nodes=nodes, n_intervals=intervals, demand=retail(rate))
        results = compare(config, seeds=seeds, on_done=on_done)
    figures = {society.name: estimates(episodes) for society, episodes in results.items()}
    anarchy = price_of_anarchy(results)
    content: dict[str, Any] = {
        "kind": "compare fees",
        **sizes,
        "provenance": provenance(command_line(), 0),
        "price_of_anarchy": asdict(anarchy),
        "societies": {name: {key: asdict(each) for key, each in of.items()} for name, of in figures.items()},
    }
    write_json(out / "results.json", content)
    if as_json:
        print_json(content)
        return
    rows = [
        (
            name,
            f"{100 * of['delivered'].value:.1f} %",
            f"{of['fee_ppm'].value:,.0f}",
            f"{of['welfare_sat'].value:,.0f}",
            f"{of['concentration'].value:.2f}",
            f"{100 * of['changes'].value:.0f} %",
            f"{100 * of['oscillating'].value:.1f} %",
        )
        for name, of in figures.items()
    ]
    columns = ("who learns", "value delivered", "fees, ppm", "welfare, sat", "concentration", "changes", "oscillate")
    print_table("Second half of each episode, means", columns, rows)
    click.echo(f"Price of anarchy {anarchy.value:.3f} (95 % interval {anarchy.low:.3f} to {anarchy.high:.3f})")
