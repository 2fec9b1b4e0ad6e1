"""Episodes of policies whose differences are known, for tests of summaries and reports."""

import numpy as np

from lnherd.experiments.curves import Curve
from lnherd.experiments.episodes import Episode
from lnherd.experiments.results import Results
from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import zero_records
from lnherd.units import MS_PER_DAY

DETAILS = ("revenue", "capital", "rebalance_fees", "swap_fees", "chain_fees", "forward_fees")


def episode(policy, seed, *, value, training=0, fees=10.0, costs=0.0, earned=0.0, actions=None):
    totals = dict.fromkeys(DETAILS, 0.0) | {"S": value, "F": fees, "C": costs, "forward_fees": earned}
    totals |= {"reward": value - fees - costs, "successes": 60.0, "failures": 40.0}
    return Episode(policy, training, seed, totals, actions or {"wait": 48}, 48, 0, 0.48)


def episodes(*, gain=500.0, trainings=3, seeds=10):
    """Doing nothing is worth 1,000 to 1,900; the rule 200 more, the learner ``gain`` more, at a cost of 20."""
    made = []
    for seed in range(seeds):
        base = 1_000.0 + 100.0 * seed
        made.append(episode("do-nothing", seed, value=base))
        made.append(episode("threshold-swap", seed, value=base + 220, costs=20.0, actions={"wait": 40, "swap_in": 8}))
        for number in range(trainings):
            value = base + gain + 20.0 + number
            acts = {"wait": 46, "open": 2}
            made.append(episode("q-learning", seed, value=value, training=number, costs=20.0, actions=acts))
    return made


def results(**options):
    return Results(episodes(**options), episode_ms=MS_PER_DAY)


def curve(trainings=3, seeds=10):
    steps = np.array([4.0, 8.0, 16.0])
    held_out = np.broadcast_to(np.array([1_000.0, 1_400.0, 1_500.0]), (trainings, seeds, 3)).copy()
    return Curve("q-learning", steps, steps * 48, steps * 0.2, held_out)


def ring(n_nodes=12):
    """A ring with a chord, nodes with names that need escaping."""
    ends = [(i, (i + 1) % n_nodes) for i in range(n_nodes)] + [(0, n_nodes // 2)]
    channels = zero_records(len(ends), CHANNEL_DTYPE)
    channels.node1, channels.node2 = np.array(ends).T
    channels.capacity_msat, channels.scid = 2_000_000_000, -1
    edges = empty_edges(len(ends))
    edges.enabled = True
    aliases = np.array([f"<b>peer {i}</b></script>" for i in range(n_nodes)])
    return Network(np.array([f"{i:066x}" for i in range(n_nodes)]), channels, edges, aliases, name="ring")
