"""Records of the hop-by-hop mode: the running choice, what nodes remember, outcomes, recorded choices."""

import numpy as np

from lnherd.control.hop_encode import GLOBAL_FEATURES, MEAN_ACTIONS, N_CONTEXT, N_FEATURES

MAX_CANDIDATES = 64
"""Most channels a choice is described for."""
N_REGIONS = 16
"""Parts of the network told apart as destinations: those nearest to each of the best connected nodes."""
N_MEAN_ACTIONS, N_GLOBAL = len(MEAN_ACTIONS), len(GLOBAL_FEATURES)

HOPS_DTYPE = np.dtype(
    [
        ("stamp", "i8"),
        ("n_candidates", "i8"),
        ("distance_here", "i8"),
        ("position", "i4", (MAX_CANDIDATES,)),
        ("distance", "i4", (MAX_CANDIDATES,)),
        ("onward_msat", "i8", (MAX_CANDIDATES,)),
        ("fee_msat", "i8", (MAX_CANDIDATES,)),
        # scoring networks: widths, numbers each, where the running one's weights and where the scratch begin
        ("n_shared", "i8"),
        ("hidden1", "i8"),
        ("hidden2", "i8"),
        ("n_weights", "i8"),
        ("weights", "i8"),
        ("scratch", "i8"),
        ("score", "f8", (MAX_CANDIDATES + 2,)),
        # exploration and recording
        ("draws", "u1"),
        ("epsilon", "f8"),
        ("draw_seed", "i8"),
        ("is_recording", "?"),
        ("n_logged", "i8"),
        ("n_rows", "i8"),
        # what goes beyond a node's own view
        ("hears_neighbours", "?"),
        ("sees_all", "?"),
        ("beyond", "f4", (N_GLOBAL,)),
        ("next_look_ms", "i8"),
        ("search", "i8"),
    ]
)
"""Scratch of the running choice. Nodes whose ``visit`` equals ``stamp`` are on the path already. ``n_shared``
counts the inputs that all choices of a decision have in common."""

CROWD_DTYPE = np.dtype(
    [
        ("network", "i4"),
        ("actions", "f4", (N_MEAN_ACTIONS,)),
        ("found", "i8"),
        ("open_hops", "i4"),
        ("queue", "i4"),
    ]
)
"""Of each node: the number of the scoring network it runs, the fading mean of its own actions, and scratch of the
search for open ways."""

DESTINATION_DTYPE = np.dtype([("row", "i4"), ("offset", "u1"), ("region", "u1")])
"""Where distances to a node are: ``distances[row * N + v] + offset`` hops from node v."""

TRACK_DTYPE = np.dtype(
    [
        ("passed_msat", "i8"),
        ("passed_ms", "i8"),
        ("failed_msat", "i8"),
        ("failed_ms", "i8"),
        ("failed_payment", "i4"),
        ("successes", "u1"),
        ("failures", "u1"),
    ]
)
"""What became of the HTLCs a node sent over an edge towards a region: the last that passed and the last that failed (0
msat if none), and how many lately; both counts are halved when they reach 64."""

CHOICE_DTYPE = np.dtype(
    [
        ("decision", "i8"),
        ("payment", "i4"),
        ("attempt", "i4"),
        ("node", "i4"),
        ("n_choices", "i2"),
        ("chosen", "i2"),
        ("log_probability", "f8"),
        ("context", "f4", (N_CONTEXT,)),
        ("neighbours", "f4", (N_MEAN_ACTIONS,)),
        ("beyond", "f4", (N_GLOBAL,)),
    ]
)
"""A recorded choice of a scoring network: its number, whose and about what (the ``attempt`` by its number within the
payment), how many choices were possible and which of these, counted from 0, was taken with what probability; what the
neighbours did and what no node sees, where that is looked at."""

CHOICE_ROW_DTYPE = np.dtype([("features", "f4", (N_FEATURES,))])
"""One possible choice of those recorded, described."""

OUTCOME_DTYPE = np.dtype(
    [
        ("decision", "i8"),
        ("latency_ms", "i8"),
        ("fee_msat", "i8"),
        ("amount_msat", "i8"),
        ("node", "i4"),
        ("succeeded", "?"),
    ]
)
"""What came of a choice that was made from outside or recorded: its number, the time until it was known, the fee its
node earned, the amount of the part."""
