"""What full knowledge would be worth in the worlds of the forwarding suite: a ceiling below the fluid limit.

    python benchmarks/forwarding_ceiling.py [--worlds 5] [--episodes 2] [--parts 16] [--split eval] [--snapshot FILE]
                                            [--balanced 0]

One payment after another, in the order in which they start, is routed over the fewest hops by somebody who sees every
balance: whole if it fits, else in halves, quarters or parts of 10,000 sat, all or nothing. A channel on which nothing
is left counts as ``--balanced`` hops more, in proportion, so that ways spare what is scarce. No time passes, nothing is
locked, no fees move. Rules and learners meet the same payments in the engine; no channel goes offline here. With
``--snapshot`` networks are neighbourhoods of a real one.
"""

import argparse
import heapq

import numpy as np

from lnherd.envs.forwarding_scenario import build_simulation
from lnherd.experiments.forwarding.contenders import Contender
from lnherd.experiments.forwarding.fluid import episode_limit
from lnherd.experiments.forwarding.playing import Player
from lnherd.experiments.forwarding.worlds import FAMILIES, SPLITS, Cell, ForwardingSuite, Places
from lnherd.network.records import plain

LEAST_MSAT = 10_000_000
FIRST_TRAINING_SEED = 500
"""Training episodes from here on; learners have not seen them on these networks."""


class Channels:
    """What somebody knows who sees all: where edges lead, what they can send, and at most in one HTLC."""

    def __init__(self, network, simulation, balanced):
        edges = plain(simulation.state.edges)
        self.room = np.where(edges["enabled"], np.maximum(edges["balance_msat"] - edges["reserve_msat"], 0), 0).tolist()
        self.most = edges["htlc_max_msat"].tolist()
        self.capacity = np.repeat(network.channels.capacity_msat, 2).tolist()
        self.out = [network.out_edges(node).tolist() for node in range(network.n_nodes)]
        self.target, self.balanced = network.edge_target.tolist(), balanced

    def way(self, room, sender, receiver, amount_msat):
        """Edges of the best way with room for the amount, the last first; None without one (Dijkstra 1959)."""
        cost, via, waiting, target = {sender: 0.0}, {sender: -1}, [(0.0, sender)], self.target
        while waiting:
            so_far, node = heapq.heappop(waiting)
            if node == receiver:
                break
            if so_far > cost[node]:
                continue
            for edge in self.out[node]:
                if min(room[edge], self.most[edge]) < amount_msat:
                    continue
                then = so_far + 1.0 + self.balanced * (1.0 - room[edge] / self.capacity[edge])
                if then < cost.get(target[edge], np.inf):
                    cost[target[edge]], via[target[edge]] = then, edge
                    heapq.heappush(waiting, (then, target[edge]))
        if receiver not in via:
            return None
        way, node = [], receiver
        while via[node] >= 0:
            way.append(via[node])
            node = target[via[node] ^ 1]
        return way


def delivers(channels, sender, receiver, amount_msat, n_parts):
    """Whether the whole payment gets through; the room on its way changes if it does."""
    room = channels.room
    left_msat, tried, moves = amount_msat, list(room), []
    while left_msat > 0 and len(moves) < n_parts:
        sizes = [left_msat, *(min(left_msat, max(left_msat // share, LEAST_MSAT)) for share in (2, 4, 1 << 40))]
        for size_msat in sizes:
            way = channels.way(tried, sender, receiver, size_msat)
            if way is not None:
                break
        else:
            return False
        for edge in way:
            tried[edge] -= size_msat
        moves.append((size_msat, way))
        left_msat -= size_msat
    if left_msat > 0:
        return False
    for size_msat, way in moves:
        for edge in way:
            room[edge] -= size_msat
            room[edge ^ 1] += size_msat
    return True


def ceiling(config, network, seed, n_parts, balanced):
    """Success volume of the episode."""
    simulation = build_simulation(config, network, seed)
    payments, channels = plain(simulation.payments), Channels(network, simulation, balanced)
    delivered_msat = 0
    for payment in np.argsort(payments["start_ms"], kind="stable"):
        ends = (int(payments[name][payment]) for name in ("sender", "receiver", "amount_msat"))
        if delivers(channels, *ends, n_parts):
            delivered_msat += int(payments["amount_msat"][payment])
    return delivered_msat / int(payments["amount_msat"].sum())


def episodes(suite, world, number, split, n):
    """Seeds of ``n`` episodes of a world."""
    if split == "eval":
        return [seed for position, seed in suite.held_out() if position == number][:n]
    first = FIRST_TRAINING_SEED + number * n
    return world.training_seeds[first : first + n]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=2)
    parser.add_argument("--parts", type=int, default=16)
    parser.add_argument("--split", choices=SPLITS, default="eval")
    parser.add_argument("--snapshot")
    parser.add_argument("--balanced", type=float, default=0.0)
    arguments = parser.parse_args()
    suite, place = ForwardingSuite(snapshot=arguments.snapshot), "mainnet" if arguments.snapshot else "synthetic"
    places = Places(suite)
    print(f"{'demand':<14}{'shortest':>10}{'careful':>10}{'knows all':>11}{'fluid limit':>13}")
    for family in FAMILIES:
        rows = []
        for number in range(arguments.worlds):
            world = places.world(Cell(place, family), number, arguments.split)
            players = [Player(Contender(name), world) for name in ("shortest", "careful")]
            for seed in episodes(suite, world, number, arguments.split, arguments.episodes):
                rules = [player.play(seed).success_volume for player in players]
                known = ceiling(world.config, world.network, seed, arguments.parts, arguments.balanced)
                rows.append([*rules, known, episode_limit(world.config, world.network, seed)[0]])
        shortest, careful, known, limit = np.mean(rows, axis=0)
        print(f"{family:<14}{shortest:>10.1%}{careful:>10.1%}{known:>11.1%}{limit:>13.1%}", flush=True)


if __name__ == "__main__":
    main()
