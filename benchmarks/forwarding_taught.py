"""Is there more to learn about forwarding than rules use? The scoring network is told the truth and tries again.

    python benchmarks/forwarding_taught.py [--rounds 3] [--episodes 10] [--attempts 64] [--policies ...]
                                           [--snapshot FILE]

A sample of the decisions of whole training episodes is labelled by somebody who sees every balance: of each possible
channel, the hops of the shortest way over it that has room for the amount now, FAR where there is none. The network of
PPO's policies learns to foretell that from what nodes see, by least squares; nodes then take the channel that promises
least. Later rounds are played by what was learned so far (DAgger, Ross et al. 2011). Printed: what it explains on a
tenth of the sample that it has not seen, and success volume on the suite's training networks, beside rules and LND-like
payers. With ``--snapshot`` also in neighbourhoods of a real network. Needs PyTorch.
"""

import argparse
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch

from lnherd.agents.hop_scorer import HopScorerPolicy
from lnherd.agents.scorer import Scorer
from lnherd.control.hop_encode import CANDIDATE_FEATURES, CONTEXT_FEATURES
from lnherd.engine.hop_beyond import find_open_ways
from lnherd.engine.hops import mark_path
from lnherd.engine.jit import jit
from lnherd.envs.forwarding import ForwardingTask
from lnherd.experiments.config import training_seeds
from lnherd.experiments.forwarding.contenders import contenders
from lnherd.experiments.forwarding.playing import Player
from lnherd.experiments.forwarding.worlds import FAMILIES, Cell, ForwardingSuite, Places
from lnherd.experiments.train_forwarding import ForwardingScenario

FAR, SPLITTING, GIVING_UP = 10.0, 9.0, 30.0
"""In hops: no way, a split (better than no way), the end."""
HIDDEN, EPOCHS, MINIBATCH = 32, 12, 4_096
SAMPLED = 12
"""Decisions of a batch that are labelled."""
SHOWN = ("circulation", "mixed", "one-way")
FIRST_SEED = 500
"""Training episodes of the suite from here on; learners have not seen them on these networks."""


@jit
def open_hops(state, attempt_id, peers, hops):
    """Fill ``hops [C]``: over each of ``peers [C]``. Negative ones are no channels and left alone."""
    mark_path(state, attempt_id)
    find_open_ways(state, attempt_id, True)
    for choice in range(len(peers)):
        if peers[choice] >= 0:
            peer = state.crowd[peers[choice]]
            hops[choice] = peer.open_hops + 1.0 if peer.found == state.hops[0].search else FAR


def labelled(task, batch, row):
    """``(inputs [C, N], hops [C])`` of the possible choices of one decision."""
    possible = batch.mask[row]
    edges, candidates = batch.edges[row][possible], batch.candidates[row][possible]
    peers = np.where(edges >= 0, task.network.edge_target[np.maximum(edges, 0)], -1).astype(np.int64)
    hops = np.full(len(edges), FAR)
    open_hops(task.simulation.state, int(task.simulation.pending[row]), peers, hops)
    hops[candidates[:, CANDIDATE_FEATURES.index("is_split")] > 0] = SPLITTING
    hops[candidates[:, CANDIDATE_FEATURES.index("is_give_up")] > 0] = GIVING_UP
    return np.concatenate([np.repeat(batch.context[row][None], len(edges), axis=0), candidates], axis=1), hops


def collect(policy, scenario, seeds):
    """``(inputs [N, I], hops [N])`` of a sample of what ``policy`` has to decide."""
    curriculum, found, rng = scenario.curriculum(), [], np.random.default_rng(seeds[0])
    for seed in seeds:
        task = ForwardingTask(*curriculum.draw(seed))
        batch = task.reset(seed)
        policy.begin(seed)
        while not batch.is_over:
            rows = rng.choice(len(batch.number), min(len(batch.number), SAMPLED), replace=False)
            found += [labelled(task, batch, row) for row in rows if batch.mask[row].sum() > 1]
            batch = task.step(policy.choose(batch))
    inputs, hops = (np.concatenate(each).astype(np.float32) for each in zip(*found, strict=True))
    return inputs, hops


def taught(inputs, hops):
    """A policy that takes what promises fewest hops, and the share of the variance that it explains elsewhere."""
    torch.manual_seed(0)
    order = torch.randperm(len(inputs))
    x, y = torch.from_numpy(inputs)[order], torch.from_numpy(hops)[order]
    n_seen, sizes = len(x) * 9 // 10, (x.shape[1], HIDDEN, HIDDEN, 1)
    layers = [torch.nn.Linear(*pair) for pair in pairwise(sizes)]
    network = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    optimizer, n_steps = torch.optim.Adam(network.parameters()), EPOCHS * -(-n_seen // MINIBATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=n_steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(n_seen).split(MINIBATCH):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(network(x[rows])[:, 0], y[rows]).backward()
            optimizer.step()
            schedule.step()
    is_channel = x[n_seen:, len(CONTEXT_FEATURES) + CANDIDATE_FEATURES.index("is_channel")] > 0
    with torch.no_grad():
        left, there = (y[n_seen:] - network(x[n_seen:])[:, 0])[is_channel], y[n_seen:][is_channel]
    w1, b1, w2, b2, w3, _ = (each.detach().numpy() for each in network.parameters())
    scorer = Scorer(w1.T.copy(), b1, w2.T.copy(), b2, -w3[0], np.zeros((), dtype=np.float32))
    return HopScorerPolicy(scorer, "taught"), float(1 - left.var() / there.var()), float((there < FAR).float().mean())


def volumes(places, contender, policy=None):
    """Mean success volume by place and family, in the suite's order."""
    found = []
    for place in places.suite.places:
        for family in SHOWN:
            runs = []
            for number in range(places.suite.worlds):
                world = places.world(Cell(place, family), number, "train")
                player = Player(contender, world)
                player.policy = policy or player.policy
                first = FIRST_SEED + number * places.suite.seeds
                seeds = world.training_seeds[first : first + places.suite.seeds]
                runs += [player.play(seed).success_volume for seed in seeds]
            found.append(np.mean(runs))
    return "".join(f"{volume:>13.1%}" for volume in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=10)
    parser.add_argument("--attempts", type=int, default=64)
    parser.add_argument("--policies", default="shortest,careful,patient,lnd")
    parser.add_argument("--snapshot")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    places = ("synthetic", "mainnet") if arguments.snapshot else ("synthetic",)
    suite = replace(ForwardingSuite(attempts=arguments.attempts), snapshot=arguments.snapshot, places=places)
    worlds, scenario = Places(suite), ForwardingScenario(networks=64, families=FAMILIES, attempts=arguments.attempts)
    print(" " * 24 + "".join(f"{family:>13}" for _ in places for family in SHOWN))
    for contender in contenders(arguments.policies):
        print(f"{contender.name:<24}{volumes(worlds, contender)}", flush=True)
    patient = contenders("patient")[0]
    policy, sample = Player(patient, worlds.world(Cell("synthetic", "mixed"), 0, "train")).policy, []
    for number in range(arguments.rounds):
        seeds = training_seeds(number, arguments.episodes)
        sample.append(collect(policy, scenario, seeds))
        policy, explained, share_open = taught(*(np.concatenate(each) for each in zip(*sample, strict=True)))
        print(f"{f'taught, round {number + 1}':<24}{volumes(worlds, patient, policy)}", end="")
        print(f"   {sum(len(hops) for _, hops in sample):,} choices, {share_open:.0%} open, {explained:.0%} explained")


if __name__ == "__main__":
    main()
