"""Decisions a second with many agents: simulated, and learned from.

    python benchmarks/marl.py [--repeats 3] [--json]

Rows (CPU seconds, kernels compiled before):

* ``simulated, compiled``: 1,000 nodes decide by one scoring network run in the loop;
* ``simulated, asked``: 1,000 nodes are asked in batches and answered at random, whose drawing is not counted;
* ``trained, compiled``: 100 nodes learn one policy by PPO, playing in the loop; playing and gradient steps count;
* ``trained, asked``: the same through a team, as central critics and mean fields need it.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from forwarding import step_at_random

from lnherd.agents.forwarding_learners import hop_ppo
from lnherd.agents.ppo import PPOLearner
from lnherd.agents.scorer import Scorer
from lnherd.agents.team import Team, TeamConfig
from lnherd.engine.hop_network import ScoringNetwork
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_play import ForwardingPlayer, run_compiled
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.global_state import GLOBAL_FEATURES
from lnherd.envs.team_play import ForwardingTeamPlayer
from lnherd.traffic.demand import mixed

HIDDEN = 32
BUSY = ForwardingConfig(n_nodes=1_000, demand=mixed(2_000.0), duration_ms=5_000)
BUSY = replace(BUSY, simulation=replace(BUSY.simulation, decision_interval_ms=500))
LEARNED = ForwardingConfig(n_nodes=100, demand=mixed(200.0), duration_ms=10_000)


def simulated_compiled(seed: int) -> tuple[int, float]:
    network, scorer = BUSY.network(), ScoringNetwork.random(HIDDEN, np.random.default_rng(1))
    weights = Scorer(scorer.w1, scorer.b1, scorer.w2, scorer.b2, scorer.w3, np.zeros((), dtype=np.float32))
    run_compiled(replace(BUSY, duration_ms=50), network, seed, weights)
    before = time.process_time()
    simulation = run_compiled(BUSY, network, seed, weights)
    return int(simulation.state.clock[0].decisions_total), time.process_time() - before


def simulated_asked(seed: int) -> tuple[int, float]:
    n_decisions, _, spent_s = step_at_random(ForwardingTask(BUSY), seed)
    return n_decisions, spent_s


def trained_compiled(seed: int) -> tuple[int, float]:
    network, learner, n = LEARNED.network(), PPOLearner(hop_ppo(), seed), 0

    def count(progress) -> None:
        nonlocal n
        n += int(progress.totals["decisions"])

    before = time.process_time()
    learner.train(ForwardingPlayer(lambda _: (LEARNED, network)), 8, range(8), count)
    return n, time.process_time() - before


def trained_asked(seed: int) -> tuple[int, float]:
    network, config = LEARNED.network(), TeamConfig(replace(hop_ppo(), credit="own"))
    team = Team(config, 1, GLOBAL_FEATURES, seed)
    before = time.process_time()
    team.train(ForwardingTeamPlayer(config, lambda _: (LEARNED, network)), 4, range(4))
    return team.decisions, time.process_time() - before


ROWS: dict[str, Callable[[int], tuple[int, float]]] = {
    "simulated, compiled, 1,000 nodes": simulated_compiled,
    "simulated, asked, 1,000 nodes": simulated_asked,
    "trained, compiled, 100 nodes": trained_compiled,
    "trained, asked, 100 nodes": trained_asked,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = {}
    for name, row in ROWS.items():
        runs = [row(seed) for seed in range(arguments.repeats)]
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
