"""The generator against mainnet's published figures (``verification/generator.py``) and its own promises."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.stats import summarise

ROOT = Path(__file__).parents[3]
SNAPSHOT = ROOT / "../shared/data/mainnet-2026-02-03-edges.csv.xz"
SEEDS = range(3)


@pytest.fixture(scope="module")
def verification():
    spec = importlib.util.spec_from_file_location("generator_verification", ROOT / "verification" / "generator.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def mainnets():
    return [generate(GeneratorConfig(n_nodes=7_000), seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def figures(mainnets):
    return [summarise(network) for network in mainnets]


@pytest.mark.parametrize("seed", SEEDS)
def test_marginals_are_those_published(verification, mainnets, seed):
    distances = verification.published_distances(mainnets[seed])
    assert len(distances) == 8
    assert {field: distance for field, distance in distances.items() if distance > 0.015} == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_figures_are_those_published(verification, figures, seed):
    off = {
        key: (figures[seed][key], target)
        for key, (target, tolerance) in verification.FIGURES.items()
        if not abs(figures[seed][key] - target) <= tolerance
    }
    assert off == {}


@pytest.mark.mainnet
def test_marginals_are_those_of_the_snapshot(verification, mainnets):
    if not SNAPSHOT.exists():
        pytest.skip(f"no snapshot at {SNAPSHOT}")
    from lnherd.network.snapshots import read_network

    real = verification.attributed(read_network(SNAPSHOT).live())
    for network in mainnets:
        distances = verification.distances(network, real)
        assert {field: distance for field, distance in distances.items() if distance > 0.03} == {}


def test_the_verification_can_fail(verification):
    """A small network of equal channels and fees leaves tolerances of every kind."""
    network = generate(GeneratorConfig(n_nodes=300), 0)
    network.channels.capacity_msat[:] = 10**9
    network.edges.fee_ppm[:] = 77
    held = {what: ok for what, *_, ok in verification.report([network], None)}
    assert not held["KS distance of capacity_sat"]
    assert not held["KS distance of fee_ppm"]
    assert not held["path_2_share"]
    assert not held["channels"]


def test_quantile_gaps_allow_for_point_masses(verification):
    sample = np.array([0, 0, 0, 0, 5, 5, 9, 9, 9, 9])
    assert verification.quantile_gap(sample, (0.2, 0.4, 0.5, 0.9), (0, 0, 5, 9)) == 0
    assert verification.quantile_gap(sample, (0.5,), (0,)) == pytest.approx(0.1)
    assert verification.quantile_gap(sample, (0.1,), (9,)) == pytest.approx(0.5)


def test_nodes_are_in_order_of_size_and_named_in_it(mainnets):
    network = mainnets[0]
    assert network.node_ids[0] == "n0000"
    assert network.node_ids[-1] == "n6999"
    assert (np.diff(network.degree[:50]) <= 1).all()
    assert (network.channels.node1 < network.channels.node2).all()


def test_the_name_tells_where_it_came_from():
    assert generate(GeneratorConfig(n_nodes=30), 12).name == "generated-30-seed-12"


@pytest.mark.parametrize("prior", ["bimodal", "uniform", "half", "drained"])
def test_only_balances_depend_on_the_prior(prior):
    plain = generate(GeneratorConfig(n_nodes=100), 5)
    network = generate(GeneratorConfig(n_nodes=100, balances=prior), 5)
    assert (network.edges == plain.edges).all()
    assert (network.channels == plain.channels).all()
    assert (network.balance_msat == plain.balance_msat).all() == (prior == "bimodal")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"n_nodes": 2}, "number of nodes 2 is out of range; give 3 to 10000000"),
        ({"n_nodes": 10**8}, "number of nodes 100000000 is out of range"),
        ({"balances": "rich"}, "balance prior 'rich' is unknown; choose one of bimodal, uniform, half, drained"),
    ],
)
def test_nonsense_is_refused(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        GeneratorConfig(**fields)
