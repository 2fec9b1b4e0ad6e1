"""Whatever the size and the seed, what the generator draws is a network, and the same one every time."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from lnherd.network.balances import PRIORS
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.measures.cohesion import pair_adjacency
from lnherd.network.neighbourhood import neighbourhood
from lnherd.network.stats import connected_pairs
from lnherd.network.synthetic.marginals import Marginal

SIZES = st.integers(min_value=3, max_value=400)
SEEDS = st.integers(min_value=0, max_value=2**32)


def everything_in(network):
    return b"".join(
        part.tobytes() for part in (network.node_ids, network.channels, network.edges, network.balance_msat)
    )


def is_one_piece(network):
    low, high, _ = connected_pairs(network)
    return connected_components(pair_adjacency(low, high, network.n_nodes), directed=False)[0] == 1


@settings(max_examples=60, deadline=None)
@given(n_nodes=SIZES, seed=SEEDS, prior=st.sampled_from(PRIORS))
def test_it_is_one_live_network_with_balances(n_nodes, seed, prior):
    """Construction has validated ends, capacities, policies and balances already."""
    network = generate(GeneratorConfig(n_nodes=n_nodes, balances=prior), seed)
    assert network.n_nodes == n_nodes
    assert is_one_piece(network)
    assert network.live_channels.all()
    assert (network.channels.capacity_msat % 1000 == 0).all()
    assert network.balance_msat.sum() == network.channels.capacity_msat.sum()
    enabled = network.edges[network.edges.enabled]
    capacity = np.repeat(network.channels.capacity_msat, 2)[network.edges.enabled]
    assert (enabled.htlc_min_msat <= enabled.htlc_max_msat).all()
    assert (enabled.htlc_max_msat <= capacity).all()


@settings(max_examples=20, deadline=None)
@given(n_nodes=SIZES, seed=SEEDS, live_only=st.booleans())
def test_one_seed_one_network(n_nodes, seed, live_only):
    config = GeneratorConfig(n_nodes=n_nodes, live_only=live_only)
    assert everything_in(generate(config, seed)) == everything_in(generate(config, seed))
    assert everything_in(generate(config, seed)) != everything_in(generate(config, seed + 1))


@settings(max_examples=30, deadline=None)
@given(n_nodes=st.integers(min_value=10, max_value=600), seed=SEEDS)
def test_dead_nodes_are_connected_to_something(n_nodes, seed):
    network = generate(GeneratorConfig(n_nodes=n_nodes, live_only=False), seed)
    assert network.n_nodes == n_nodes
    assert (network.degree > 0).all()


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, node=st.integers(min_value=0, max_value=199), n_nodes=st.integers(min_value=2, max_value=250))
def test_a_neighbourhood_is_one_piece_around_its_node(seed, node, n_nodes):
    network = generate(GeneratorConfig(n_nodes=200), seed % 8)
    part = neighbourhood(network, node, n_nodes)
    assert part.n_nodes == min(n_nodes, 200)
    assert is_one_piece(part)
    here = part.node_index(str(network.node_ids[node]))
    assert part.degree[here] >= 1
    if n_nodes > len(np.unique(network.edge_target[network.out_edges(node)])):
        assert part.degree[here] == network.degree[node]


@settings(max_examples=100, deadline=None)
@given(
    atoms=st.dictionaries(st.integers(0, 10**6), st.floats(0.01, 0.2), max_size=4),
    knots=st.lists(st.integers(0, 10**9), min_size=2, max_size=6).map(sorted),
)
def test_marginals_ascend_and_stay_between_their_extremes(atoms, knots):
    levels = tuple(np.linspace(0, 1, len(knots)).tolist())
    marginal = Marginal(tuple(sorted(atoms.items())), tuple(knots), levels)
    values = marginal.quantile(np.linspace(0, 1, 501))
    assert (np.diff(values) >= 0).all()
    assert values[0] >= min([*atoms, *knots])
    assert values[-1] <= max([*atoms, *knots])
