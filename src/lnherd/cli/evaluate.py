"""``lnherd evaluate``: one policy on held-out traffic."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lnherd.cli.scenario_options import scenario_from, scenario_options, watch_option

if TYPE_CHECKING:
    from lnherd.experiments.results import PolicySummary


@click.command()
@click.argument("policy")
@scenario_options
@watch_option
@click.option("--seeds", type=int, default=20, show_default=True, help="Held-out seeds, a simulated day each.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed that the held-out seeds come from.")
@click.option("--out", type=click.Path(path_type=Path), help="File for one row per episode (CSV).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(policy: str, **options: Any) -> None:
    """Run POLICY on held-out traffic, beside doing nothing.

    POLICY is the directory of a training, a saved policy (.npz), the name of a rule, or what comes with lnherd:
    shipped-consumer, shipped-provider, shipped-router; with braked: before it for the brake of --watch. It is run
    where it was trained unless options say otherwise.
    """
    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.output import progress
    from lnherd.experiments.config import CompareConfig
    from lnherd.experiments.evaluate import evaluate_policy, find_policy, require_watch
    from lnherd.experiments.publish import write_table
    from lnherd.experiments.results import BASELINE, Results, summarise
    from lnherd.experiments.scenario import build_world

    out: Path | None = options["out"]
    check_table(out)
    candidate, trained_on = find_policy(policy)
    config = CompareConfig(scenario_from(options, trained_on), evaluations=options["seeds"], seed=options["seed"])
    require_watch([candidate], config.scenario)
    world = build_world(config.scenario)
    learned = [candidate.name] if candidate.path else []
    compile_engine()
    n_policies = 1 if candidate.name == BASELINE else 2
    with progress("evaluating, simulated days", config.evaluations * n_policies) as advance_to:
        episodes = evaluate_policy(candidate, config.seeds(), world.task, advance_to)
    results = Results(episodes, episode_ms=world.episode_ms)
    if out is not None:
        write_table(out, episodes)
    _report(summarise(results, learned, seed=config.seed), config.evaluations, as_json=options["as_json"])


def check_table(out: Path | None) -> None:
    """Refuse to write over anything but a table of ours.

    Raises:
        InputError: when ``out`` is a directory or another file.
    """
    from lnherd.errors import InputError
    from lnherd.experiments.publish import is_table

    if out is not None and out.exists() and not is_table(out):
        raise InputError(f"--out {out}: exists and is not a table of lnherd evaluate; choose another file")


def _report(summaries: "tuple[PolicySummary, ...]", n_seeds: int, *, as_json: bool) -> None:
    from lnherd.cli.output import print_json
    from lnherd.experiments.publish import policy_json
    from lnherd.experiments.report import words

    best = summaries[-1]
    if as_json:
        print_json({"seeds": n_seeds, "policies": [policy_json(summary) for summary in summaries]})
        return
    lines = [
        ("R", f"{words.sat(best.reward.value)} sat a day  ({words.interval(best.reward)})"),
        ("over doing nothing", f"{words.signed(best.advantage.value)} sat a day  ({words.interval(best.advantage)})"),
        ("payments that succeed", words.percent(best.success_rate.value)),
        ("net", f"{words.signed(best.net_sat.value)} sat a day"),
        ("S - F - C", " - ".join(words.sat(best.terms[term]) for term in ("S", "F", "C"))),
    ]
    click.echo(f"{best.name} on {n_seeds} held-out seeds, interquartile means with 95 % intervals")
    for label, value in lines:
        click.echo(f"  {label:<22} {value}")
    click.echo(words.acts(best))
