"""``lnherd train``: train a learner and save its policy."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lnherd.cli.scenario_options import scenario_from, scenario_options, watch_option

if TYPE_CHECKING:
    from lnherd.experiments.training import Training


ABBREVIATIONS = {"q": "qlearning", "q-learning": "qlearning"}
"""Other names of learners."""
SCENARIO = ("nodes", "networks", "traffic", "rate_per_s", "seconds", "learner", "others", "flip_share", "churn_share",
            "attempts", "locked_sat_per_s")  # fmt: skip
"""Options of the forwarding scenario."""


@click.group()
def command() -> None:
    """Train a learner and save its policy."""


@command.command()
@scenario_options
@watch_option
@click.option("--algo", "--algorithm", "algorithm", default="qlearning", show_default=True,
              help="Learner: q (Q-learning), dqn or ppo.")  # fmt: skip
@click.option(
    "--worlds",
    type=int,
    default=1,
    show_default=True,
    help="Train in so many worlds in turn: other networks, traffic and states of the channels.",
)
@click.option("--start", type=click.Path(), help="Saved policy (.npz) of dqn or ppo to start from.")  # fmt: skip
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
    from dataclasses import replace
    from functools import partial

    from lnherd.agents.learners import looks_widely
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json
    from lnherd.control.wide import wide_task
    from lnherd.experiments.config import TrainConfig
    from lnherd.experiments.directory import kind_of
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.randomised import many_worlds
    from lnherd.experiments.scenario import build_world
    from lnherd.experiments.training import Training

    out: Path = options["out"]
    algorithm = ABBREVIATIONS.get(options["algorithm"], options["algorithm"])
    scenario = replace(scenario_from(options), worlds=options["worlds"])
    is_wide = scenario.worlds > 1 if options["start"] is None else looks_widely(options["start"])
    is_wide = is_wide and algorithm in ("dqn", "ppo")
    config = TrainConfig(
        scenario, algorithm, options["episodes"], options["seed"], options["device"], options["start"], is_wide
    )
    kind_of(out)
    world = build_world(scenario) if scenario.worlds == 1 else many_worlds(scenario, is_wide=is_wide)
    about = provenance(command_line(), config.seed)
    training = Training.start(out, config, world.config, about, resume=options["resume"], policy=config.start)
    make_task = partial(wide_task, world.task) if is_wide and scenario.worlds == 1 else world.task
    _play(training, make_task, "training, simulated days", options["workers"])
    summary = {"role": config.scenario.role.value, **_summary(training)}
    if options["as_json"]:
        print_json(summary)
        return
    click.echo(
        f"Trained {training.episodes} episodes, exploration included: {summary['reward_first_tenth']:,.0f} sat an "
        f"episode in the first tenth, {summary['reward_last_tenth']:,.0f} in the last."
    )
    click.echo(f"Policy: {summary['policy']}")
    click.echo(f"Measure it on held-out traffic: lnherd evaluate {training.directory}")


@command.command()
@click.option("--nodes", type=int, default=100, show_default=True, help="Nodes of the synthetic networks.")
@click.option("--networks", type=int, default=32, show_default=True,
              help="Different topologies to learn on; 0: one.")  # fmt: skip
@click.option("--traffic", default="mixed", show_default=True, help="Traffic: mixed, l402 or retail.")
@click.option("--families", help="Families of the standard suite to learn on instead of --traffic, by turns: any of "
              "circulation,mixed,one-way,flip,churn.")  # fmt: skip
@click.option("--rate", "rate_per_s", type=float, default=20.0, show_default=True,
              help="Payments a second over the whole network; episodes have half to twice as many.")  # fmt: skip
@click.option("--seconds", type=int, default=30, show_default=True, help="Simulated seconds of an episode.")
@click.option("--learner", type=click.Choice(["all", "hub"]), default="all", show_default=True,
              help="Who learns: all nodes share one policy, or the best connected one among naive nodes.")  # fmt: skip
@click.option("--others", default="shortest", show_default=True, help="Policy of the naive nodes, with --learner hub.")
@click.option("--flip-share", type=float, default=0.0, show_default=True,
              help="Share of episodes in which the traffic turns round half way.")  # fmt: skip
@click.option("--churn-share", type=float, default=0.0, show_default=True,
              help="Share of episodes with channels that go offline and come back.")  # fmt: skip
@click.option("--attempts", type=int, default=16, show_default=True, help="Most that a payment may make.")
@click.option("--locked-cost", "locked_sat_per_s", type=float, default=0.1, show_default=True,
              help="Sat lost for each second that money is locked, where an arrival is worth 1.")  # fmt: skip
@click.option("--algo", "--algorithm", "algorithm", default="ppo", show_default=True,
              help="Learner: q (Q-learning), dqn or ppo.")  # fmt: skip
@click.option("--credit", type=click.Choice(["own", "path", "payment", "stream"]),
              help="Which later decisions one answers for. [default: the learner's]")  # fmt: skip
@click.option("--begin-as", type=click.Choice(["nothing", "shortest", "careful", "patient"]), default="nothing",
              show_default=True, help="Rule that the untrained network is: shortest path; careful: avoids what failed; "
              "patient: splits where all failed.")  # fmt: skip
@click.option("--blind", is_flag=True, help="Let the policy see no balances: for a sender that rolls it out over "
              "gossip.")  # fmt: skip
@click.option(
    "--keep-every", type=click.IntRange(1), help="Keep the policy after every so many episodes, in policies/."
)
@click.option("--device", default="cpu", show_default=True, help="Where networks are trained: cpu or cuda.")
@click.option("--workers", type=click.IntRange(1), help="Threads that play. [default: one a core]")
@click.option("--episodes", type=int, default=400, show_default=True, help="Episodes to play.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the learner and its episodes.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Directory of the training.")
@click.option("--resume", is_flag=True, help="Go on with the training in --out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def forwarding(**options: Any) -> None:
    """Train nodes to choose the next channel of payments.

    Every episode has a topology, a load and traffic of its own, drawn from its seed. An interrupted training goes on
    with --resume as if nothing had happened. Curves and losses are written for TensorBoard too.
    """
    from lnherd.cli.invocation import command_line
    from lnherd.cli.output import print_json
    from lnherd.experiments.directory import kind_of
    from lnherd.experiments.provenance import provenance
    from lnherd.experiments.train_forwarding import ForwardingScenario, ForwardingTrainConfig
    from lnherd.experiments.training import Training
    from lnherd.experiments.workers import n_cores

    out: Path = options["out"]
    algorithm = ABBREVIATIONS.get(options["algorithm"], options["algorithm"])
    families = tuple(name.strip() for name in options["families"].split(",")) if options["families"] else ()
    scenario = ForwardingScenario(**{name: options[name] for name in SCENARIO}, families=families)
    own = {name: options[name] for name in ("episodes", "seed", "device", "credit", "begin_as", "blind")}
    config = ForwardingTrainConfig(scenario, algorithm, **own)
    kind_of(out)
    about = provenance(command_line(), config.seed)
    training = Training.start(out, config, scenario.curriculum(), about, resume=options["resume"])
    n_workers = options["workers"] or n_cores()
    _play(training, config.player(n_workers), "training, episodes", n_workers, options["keep_every"])
    shares = [float(row[-1]) for row in training.rows]
    tenth = max(1, len(shares) // 10)
    summary = {
        **_summary(training),
        "success_volume_first_tenth": sum(shares[:tenth]) / tenth,
        "success_volume_last_tenth": sum(shares[-tenth:]) / tenth,
    }
    if options["as_json"]:
        print_json(summary)
        return
    click.echo(
        f"Trained {training.episodes} episodes, {summary['decisions']:,} decisions in {summary['wall_s']:,.0f} s; of "
        f"the volume {summary['success_volume_first_tenth']:.1%} arrived in the first tenth, "
        f"{summary['success_volume_last_tenth']:.1%} in the last, exploration included."
    )
    click.echo(f"Policy: {summary['policy']}")


def _play(
    training: "Training[Any]", world: Any, what: str, n_workers: int | None, keep_every: int | None = None
) -> None:
    from lnherd.cli.first_run import compile_engine
    from lnherd.cli.output import progress
    from lnherd.experiments.workers import n_cores

    compile_engine()
    last = training.config.episodes
    try:
        with progress(what, last) as advance_to:
            advance_to(training.episodes)
            for stop in [last] if keep_every is None else [*range(0, last, keep_every), last]:
                training.advance(stop, world, advance_to, n_workers=n_workers or n_cores())
                if keep_every is not None and not training.kept_path(stop).exists():
                    training.keep()
    except KeyboardInterrupt:
        click.echo(f"The training so far is in {training.directory}; go on with --resume.", err=True)
        raise


def _summary(training: "Training[Any]") -> dict[str, Any]:
    from lnherd.experiments.training import METRICS_FILE, POLICY_FILE

    rewards = [float(row[5]) for row in training.rows]
    tenth = max(1, len(rewards) // 10)
    return {
        "directory": str(training.directory),
        "policy": str(training.directory / POLICY_FILE),
        "metrics": str(training.directory / METRICS_FILE),
        "algorithm": training.config.algorithm,
        "episodes": training.episodes,
        "decisions": int(training.rows[-1][3]),
        "reward_first_tenth": sum(rewards[:tenth]) / tenth,
        "reward_last_tenth": sum(rewards[-tenth:]) / tenth,
        "wall_s": float(training.rows[-1][4]),
    }
