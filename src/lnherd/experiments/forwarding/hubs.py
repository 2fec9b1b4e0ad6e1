"""Hubs that emerge: who forwards how much, after one stage of training and the next, on the same held-out traffic."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lnherd.engine import Simulation
from lnherd.experiments.forwarding.contenders import Contender
from lnherd.experiments.forwarding.measuring import node_volume_sat
from lnherd.experiments.forwarding.playing import Player, episode
from lnherd.experiments.forwarding.worlds import ForwardingWorld
from lnherd.network.graph import Network
from lnherd.network.measures.centrality import betweenness
from lnherd.network.measures.distributions import correlation
from lnherd.network.records import Floats

STOPS = (0, 1, 2, 5, 10, 20)
"""Episodes of learning after which an online learner is looked at."""


@dataclass(frozen=True, eq=False)
class HubStage:
    """One stage of a training: means over the held-out episodes."""

    label: str
    volume_sat: Floats
    """``[N]`` what each node forwarded."""
    success_volume: float
    hub_gini: float
    hub_share: float
    centrality: float
    """Correlation of the volume with betweenness, the share of shortest paths a node is on."""


def learning_stages(
    contender: Contender,
    world: ForwardingWorld,
    seeds: Sequence[int],
    stops: Sequence[int] = STOPS,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Iterator[HubStage]:
    """An online learner after so many episodes of ``world``'s training traffic; it learns nothing between the stops."""
    player, learned = Player(contender, world), 0
    for number, stop in enumerate(stops, 1):
        for seed in world.training_seeds[learned:stop]:
            episode(player.task, player.policy, seed)
            contender.keep(player.policy)
        learned = stop
        yield _stage("1 episode" if stop == 1 else f"{stop} episodes", player, world.network, seeds)
        on_progress(number)


def saved_stages(
    contenders: Sequence[Contender],
    world: ForwardingWorld,
    seeds: Sequence[int],
    on_progress: Callable[[int], None] = lambda _: None,
) -> Iterator[HubStage]:
    """Policies one after the other: rules, or what a training kept on its way."""
    for number, contender in enumerate(contenders, 1):
        yield _stage(contender.name, Player(contender, world), world.network, seeds)
        on_progress(number)


def _stage(label: str, player: Player, network: Network, seeds: Sequence[int]) -> HubStage:
    volumes: list[Floats] = []

    def note(simulation: Simulation) -> None:
        volumes.append(node_volume_sat(simulation))

    runs = [player.play(seed, note) for seed in seeds]
    volume: Floats = np.mean(volumes, axis=0)
    return HubStage(
        label=label,
        volume_sat=volume,
        success_volume=float(np.mean([run.success_volume for run in runs])),
        hub_gini=float(np.mean([run.hub_gini for run in runs])),
        hub_share=float(np.mean([run.hub_share for run in runs])),
        centrality=correlation(volume, betweenness(network, network.n_nodes, seed=0)),
    )
