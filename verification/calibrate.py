"""Measure the tables of ``src/lnherd/network/synthetic/mainnet2026.py`` on a snapshot and print them as Python.

    python verification/calibrate.py SNAPSHOT [--directions-by-key]

Nothing of the snapshot itself is kept: point masses, quantiles and shares of classes only.
"""

import argparse
from collections import Counter
from collections.abc import Sequence

import numpy as np

from lnherd.network.directions import directions_by_key
from lnherd.network.graph import Network
from lnherd.network.records import Bools, Ints
from lnherd.network.snapshots import read_network
from lnherd.network.synthetic.mainnet2026 import PLACE_EDGES, PPM_CLASS_EDGES
from lnherd.network.synthetic.matching import N_CLASSES, stub_classes, stub_places

LEVELS = (0, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995, 1)
STAR_PURITY = 0.9


def marginal(name: str, values: Ints, smallest_atom: float, levels: Sequence[float] = LEVELS) -> None:
    counts = Counter(values.tolist())
    atoms = [(value, count / len(values)) for value, count in counts.items() if count >= smallest_atom * len(values)]
    rest = values[~np.isin(values, [value for value, _ in atoms])]
    knots = np.quantile(rest, levels, method="nearest").astype(np.int64).tolist() if len(rest) else []
    print(f"{name} = Marginal(\n    atoms=(")
    for value, share in sorted(atoms):
        print(f"        ({value}, {share:.4f}),")
    print("    ),")
    if knots:
        print(f"    knots={tuple(knots)},\n    levels={tuple(levels)},")
    print(")")


def mixing(network: Network) -> None:
    degree = network.degree
    leaf = np.bincount(network.edge_source, degree[network.edge_target] == 1, minlength=network.n_nodes)
    star = (leaf > STAR_PURITY * degree) & (degree >= 100)
    node1, node2 = network.channels.node1, network.channels.node2
    plain = ~(star[node1] | star[node2])
    ends = np.stack([node1[plain], node2[plain]])
    label = stub_classes(np.bincount(ends.reshape(-1), minlength=network.n_nodes))
    stubs = np.zeros((N_CLASSES, N_CLASSES))
    np.add.at(stubs, (label[ends[0]], label[ends[1]]), 1)
    np.add.at(stubs, (label[ends[1]], label[ends[0]]), 1)
    total = stubs.sum(axis=1)
    print("MIXING = (")
    for row in stubs * total.sum() / np.outer(total, total):
        print("    (" + ", ".join(f"{value:.3f}" for value in row) + "),")
    print(")")


def shares_by_place(network: Network, default: Bools, owner: Ints) -> None:
    """How common default fees and silent directions are, by a node's place among all stubs, per channel."""
    count = np.bincount(owner, minlength=network.n_nodes)
    of_node = np.bincount(owner, default, minlength=network.n_nodes) / np.maximum(count, 1)
    off = ~network.edges.enabled
    place = np.searchsorted(PLACE_EDGES, stub_places(network.degree))
    print("#  all default  some default  share of some  off")
    for klass in range(len(PLACE_EDGES) + 1):
        weight = count * (place == klass)
        some = weight * ((of_node > 0) & (of_node < 1))
        shares = (
            weight[of_node == 1].sum() / weight.sum(),
            some.sum() / weight.sum(),
            (of_node * some).sum() / max(some.sum(), 1),
            off[place[network.edge_source] == klass].mean(),
        )
        print("    (" + ", ".join(f"{share:.3f}" for share in shares) + "),")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("snapshot")
    parser.add_argument("--directions-by-key", action="store_true", help="the file came from a compressed gossip map")
    arguments = parser.parse_args()
    everything = read_network(arguments.snapshot)
    if arguments.directions_by_key:
        everything = directions_by_key(everything)
    network = everything.live()
    enabled = np.flatnonzero(network.edges.enabled)
    policy, owner = network.edges[enabled], network.edge_source[enabled]
    default = (policy.base_fee_msat == 1000) & (policy.fee_ppm == 1)
    mixing(network)
    marginal("CAPACITY_SAT", network.channels.capacity_msat // 1000, 0.0035)
    marginal("DEAD_CAPACITY_SAT", everything.channels.capacity_msat[~everything.live_channels] // 1000, 0.01)
    marginal("FEE_PPM", policy.fee_ppm[~default], 0.0035)
    of_class = np.searchsorted(PPM_CLASS_EDGES, policy.fee_ppm, side="right")
    few = LEVELS[::3]
    for klass in range(len(PPM_CLASS_EDGES) + 1):
        marginal(f"BASE_FEE_{klass}", policy.base_fee_msat[~default & (of_class == klass)], 0.01, few)
    marginal("CLTV_DEFAULT", policy.cltv_delta[default], 0.003, few)
    marginal("CLTV_OTHER", policy.cltv_delta[~default], 0.003)
    for name, inside in (
        ("34", policy.cltv_delta == 34),
        ("144", policy.cltv_delta == 144),
        ("OTHER", ~np.isin(policy.cltv_delta, (34, 144))),
    ):
        marginal(f"HTLC_MIN_{name}", policy.htlc_min_msat[inside], 0.01, few)
    ratio = policy.htlc_max_msat * 1_000_000 // network.channels.capacity_msat[enabled >> 1]
    marginal("HTLC_MAX_PPM", np.where(ratio < 10_000, ratio, np.rint(ratio / 100).astype(np.int64) * 100), 0.0035)
    shares_by_place(network, default, owner)


if __name__ == "__main__":
    main()
