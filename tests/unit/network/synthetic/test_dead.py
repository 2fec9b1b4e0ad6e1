import numpy as np
import pytest

from lnherd.network.generate import GeneratorConfig, generate


@pytest.fixture(scope="module")
def network():
    return generate(GeneratorConfig(n_nodes=4_000, live_only=False), seed=1)


def test_dead_shares_are_those_of_mainnet(network):
    live = network.live()
    assert network.n_nodes == 4_000
    assert live.n_nodes / network.n_nodes == pytest.approx(6_978 / 17_324, abs=0.001)
    assert network.live_channels.mean() == pytest.approx(0.667, abs=0.05)


def test_every_dead_node_has_a_channel_and_none_that_works(network):
    assert (network.degree > 0).all()
    n_live = network.live().n_nodes
    on = network.edge_source[network.edges.enabled]
    assert on.max() < n_live


def test_dead_channels_say_nothing(network):
    dead = np.repeat(~network.live_channels, 2)
    assert not any(network.edges[name][dead].any() for name in network.edges.dtype.names)


def test_the_live_part_does_not_depend_on_the_dead(network):
    alone = generate(GeneratorConfig(n_nodes=network.live().n_nodes), seed=1)
    part = network.live()
    assert (part.channels.node1 == alone.channels.node1).all()
    assert (part.edges == alone.edges).all()
