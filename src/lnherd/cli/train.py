"""``lnherd train``: train a learner and save its policy."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lnherd.cli.scenario_options import scenario_from, scenario_options, watch_option

if TYPE_CHECKING:
    from lnherd.experiments.training import Training


ABBREVIATIONS = {"q": "qlearning", "q-learning": "qlearning"}
"""Other names of learners."""


@click.group()
def command() -> None:
    """Train a learner and save its policy."""


@command.command()
@scenario_options
@watch_option
@click.option("--algo", "--algorithm", "algorithm", default="qlearning", show_default=True,
              help="Learner: q (Q-learning), dqn or ppo.")  # fmt: skip
@click.option("--device", default="cpu", show_default=True, help="Where networks are trained: cpu or cuda.")
@click.option("--workers", type=click.IntRange(1), help="Processes that play for dqn and ppo. [default: one a core]")
@click.option("--episodes", type=int, default=100, show_default=True, help="Episodes to play, a simulated day each.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the learner and its traffic.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Directory of the training.")
@click.option("--resume", is_flag=True, help="Go on with the training in --out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def herding(**options: Any) -> None:
    """Train a herder and save its policy, its learning curve and where they come from.

    An interrupted training goes on with --resume as if nothing had happened. Curves and losses are written for
    TensorBoard too.
    """
    from lnherd.cli.invocation import command_line
    from lnherd.experiments.config import TrainConfig
    from lnherd.experiments.directory import kind_of
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.scenario import build_world
    from lnherd.experiments.training import Training

    out: Path = options["out"]
    algorithm = ABBREVIATIONS.get(options["algorithm"], options["algorithm"])
    config = TrainConfig(scenario_from(options), algorithm, options["episodes"], options["seed"], options["device"])
    kind_of(out)
    world = build_world(config.scenario)
    about = provenance(command_line(), config.seed)
    training = Training.start(out, config, world.config, about, resume=options["resume"])
    _play(training, world.task, options["workers"])
    _report(training, as_json=options["as_json"])


def _play(training: "Training", make_task: Any, n_workers: int | None) -> None:
    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.output import progress
    from lnherd.experiments.workers import n_cores

    compile_engine()
    try:
        with progress("training, simulated days", training.config.episodes) as advance_to:
            advance_to(training.episodes)
            training.advance(training.config.episodes, make_task, advance_to, n_workers=n_workers or n_cores())
    except KeyboardInterrupt:
        click.echo(f"The training so far is in {training.directory}; go on with --resume.", err=True)
        raise


def _report(training: "Training", *, as_json: bool) -> None:
    from lnherd.cli.output import print_json
    from lnherd.experiments.training import METRICS_FILE, POLICY_FILE

    rewards = [float(row[5]) for row in training.rows]
    tenth = max(1, len(rewards) // 10)
    summary = {
        "directory": str(training.directory),
        "policy": str(training.directory / POLICY_FILE),
        "metrics": str(training.directory / METRICS_FILE),
        "algorithm": training.config.algorithm,
        "role": training.config.scenario.role.value,
        "episodes": training.episodes,
        "decisions": int(training.rows[-1][3]),
        "reward_first_tenth": sum(rewards[:tenth]) / tenth,
        "reward_last_tenth": sum(rewards[-tenth:]) / tenth,
        "wall_s": float(training.rows[-1][4]),
    }
    if as_json:
        print_json(summary)
        return
    first, last = summary["reward_first_tenth"], summary["reward_last_tenth"]
    click.echo(
        f"Trained {training.episodes} episodes, exploration included: {first:,.0f} sat an episode in the first tenth, "
        f"{last:,.0f} in the last."
    )
    click.echo(f"Policy: {summary['policy']}")
    click.echo(f"Measure it on held-out traffic: lnherd evaluate {training.directory}")
