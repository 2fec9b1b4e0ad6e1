"""``lnherd demo``: the whole job in a minute."""

from pathlib import Path

import click

TRAININGS, EPISODES, CHECKPOINTS, SEEDS = 3, 60, 4, 12
"""Sized for a minute on two cores."""
POLICIES = "do-nothing,proportional,rebalance-half,proportional+rebalance,threshold-swap,q-learning"
"""The rules most operators know."""


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("lnherd-demo"), show_default=True,
              help="Directory of the report; an earlier demo there is replaced.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(out: Path, seed: int, as_json: bool) -> None:
    """Train a channel herder and compare it with the rules that operators run.

    Builds a synthetic network of 200 nodes, calibrated to the 2026 mainnet, in which AI agents pay APIs by L402;
    trains a Q-learning herder for one agent's node, lets it and the rules live through the same held-out days,
    and writes an HTML report.
    """
    from lnherd.cli.compare import chosen_policies, run_comparison, show
    from lnherd.experiments.config import CompareConfig

    rules, algorithms = chosen_policies(POLICIES)
    config = CompareConfig(
        rules=rules,
        algorithms=algorithms,
        trainings=TRAININGS,
        train_episodes=EPISODES,
        checkpoints=CHECKPOINTS,
        evaluations=SEEDS,
        seed=seed,
    )
    show(run_comparison(config, out, kind="demo", fresh=True), out, as_json=as_json)
