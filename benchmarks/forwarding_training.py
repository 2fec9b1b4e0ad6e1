"""Learning to forward: decisions in a second of CPU, playing and updating apart and together.

    python benchmarks/forwarding_training.py [--episodes 8] [--json]

``compiled``: networks are scored, drawn from and recorded inside the loop. ``asked``: the same world asks Python batch
by batch, where NumPy scores. ``update``: four epochs of PPO on what was played, PyTorch on one thread; ``critic``: its
values before. End to end is the whole training loop, saving left out. The best of three.
"""

import argparse
import json
import time
from dataclasses import replace

from lnherd.agents.forwarding_learners import hop_ppo
from lnherd.agents.hop_trajectory import HopTrajectory
from lnherd.agents.ppo import PPOLearner
from lnherd.agents.rollout import EpisodeKey
from lnherd.envs.forwarding_curriculum import Curriculum
from lnherd.envs.forwarding_play import ForwardingPlayer, play_asking
from lnherd.experiments.train_forwarding import ForwardingScenario

REPEATS = 3


def timed(play, n_decisions=None):
    """Decisions a CPU-second of ``play``, the best of a few."""
    best = 0.0
    for _ in range(REPEATS):
        before = time.process_time()
        played = play()
        count = n_decisions or sum(len(each) for each in played)
        best = max(best, count / (time.process_time() - before))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    curriculum = ForwardingScenario().curriculum()
    learner, player = PPOLearner(hop_ppo(), seed=0), ForwardingPlayer(curriculum.draw)
    behaviour = learner.behaviour(0.0)
    keys = [EpisodeKey((1 << 31) + k, (0, k)) for k in range(arguments.episodes)]
    played: list[HopTrajectory] = player.collect(behaviour, keys)
    n_decisions = sum(len(each) for each in played)
    rows = {
        "played, compiled": timed(lambda: player.collect(behaviour, keys)),
        "played, asked": timed(lambda: [play_asking(*curriculum.draw(key.seed), behaviour, key) for key in keys]),
        "critic": timed(lambda: learner.experience(played), n_decisions),
        "update, 4 epochs": timed(lambda: learner.learn(played, 0.0), n_decisions),
    }
    for hidden in (32, 64):
        config = replace(hop_ppo(), network=replace(hop_ppo().network, hidden=(hidden, hidden)))
        rows[f"end to end, {hidden}x{hidden}"] = end_to_end(config, curriculum, arguments.episodes)
    if arguments.json:
        print(json.dumps({"decisions": n_decisions, **rows}, indent=2))
        return
    print(
        f"{n_decisions:,} decisions in {arguments.episodes} episodes, "
        f"{played[0].decisions.counts.mean():.1f} choices each"
    )
    for name, rate in rows.items():
        print(f"{name:<24}{rate:>12,.0f} decisions/CPU-s")


def end_to_end(config, curriculum: Curriculum, episodes: int) -> float:
    learner, decisions = PPOLearner(config, seed=0), 0.0

    def count(progress):
        nonlocal decisions
        decisions += progress.totals["decisions"]

    before = time.process_time()
    learner.train(ForwardingPlayer(curriculum.draw), episodes, [(1 << 31) + k for k in range(episodes)], count)
    return decisions / (time.process_time() - before)


if __name__ == "__main__":
    main()
