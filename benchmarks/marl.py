"""Decisions a second with many agents: simulated, and learned from.

    python benchmarks/marl.py [--repeats 3] [--json]

Rows (CPU seconds, kernels compiled before):

* ``simulated``: 1,000 nodes decide by one scoring network run in the loop, by a network for each node, or by one that
  hears its neighbours;
* ``simulated, asked``: they are asked in batches and answered at random, whose drawing is not counted;
* ``trained``: 100 nodes learn together; laying worlds out, playing and gradient steps count.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from forwarding import step_at_random

from lnherd.agents.configs import NetworkConfig
from lnherd.agents.forwarding_learners import hop_ppo
from lnherd.agents.networks import CandidateNetwork
from lnherd.agents.rollout import GreedyBehaviour
from lnherd.agents.team import Team, TeamConfig
from lnherd.control.hop_encode import GLOBAL_FEATURES
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.team_play import ForwardingTeamPlayer, run_team
from lnherd.traffic.demand import mixed

BUSY = ForwardingConfig(n_nodes=1_000, demand=mixed(2_000.0), duration_ms=2_000)
BUSY = replace(BUSY, simulation=replace(BUSY.simulation, decision_interval_ms=500))
LEARNED = ForwardingConfig(n_nodes=100, demand=mixed(200.0), duration_ms=10_000)
PPO = hop_ppo()
TEAMS = {
    "IPPO": TeamConfig(PPO),
    "MAPPO": TeamConfig(PPO, central=True),
    "mean field": TeamConfig(PPO, mean_field=True),
    "IPPO, own policies": TeamConfig(replace(PPO, minibatch=128), sharing="none"),
}
EPISODES = 4


def simulated(team: TeamConfig, seed: int) -> tuple[int, float]:
    network, spaces = BUSY.network(), team.spaces(())
    nets = [
        CandidateNetwork(spaces, NetworkConfig(hidden=(32, 32), wait_logit=3.0), np.random.default_rng(group))
        for group in range(int(team.groups(network).max()) + 1)
    ]
    behaviours = [GreedyBehaviour(each.scorer(), 0.0, 0) for each in nets]
    run_team(team, behaviours, ForwardingTask(replace(BUSY, duration_ms=50), network), seed)
    before = time.process_time()
    simulation = run_team(team, behaviours, ForwardingTask(BUSY, network), seed)
    return int(simulation.state.clock[0].decisions_total), time.process_time() - before


def simulated_asked(seed: int) -> tuple[int, float]:
    n_decisions, _, spent_s = step_at_random(ForwardingTask(replace(BUSY, duration_ms=200)), seed)
    return n_decisions, spent_s


def trained(config: TeamConfig, seed: int) -> tuple[int, float]:
    network = LEARNED.network()
    team = Team(config, int(config.groups(network).max()) + 1, GLOBAL_FEATURES, seed)
    before = time.process_time()
    team.train(ForwardingTeamPlayer(config, lambda _: (LEARNED, network)), EPISODES, range(EPISODES))
    return team.decisions, time.process_time() - before


ROWS: dict[str, Callable[[int], tuple[int, float]]] = {
    "simulated, one network": partial(simulated, TeamConfig(PPO)),
    "simulated, 1,000 networks": partial(simulated, TeamConfig(PPO, sharing="none")),
    "simulated, hearing neighbours": partial(simulated, TeamConfig(PPO, mean_field=True)),
    "simulated, asked": simulated_asked,
    **{f"trained, {name}": partial(trained, team) for name, team in TEAMS.items()},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = {}
    for name, row in ROWS.items():
        runs = [row(seed) for seed in range(arguments.repeats)]
        print(name, [f"{n / spent_s:,.0f}" for n, spent_s in runs], file=sys.stderr)
        speeds = [n / spent_s for n, spent_s in runs]
        found[name] = {"best": max(speeds), "median": statistics.median(speeds), "decisions": runs[0][0]}
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'agent-decisions a CPU-second':<36}{'best':>12}{'median':>12}{'decisions':>12}")
    for name, row in found.items():
        print(f"{name:<36}{row['best']:>12,.0f}{row['median']:>12,.0f}{row['decisions']:>12,}")


if __name__ == "__main__":
    main()
