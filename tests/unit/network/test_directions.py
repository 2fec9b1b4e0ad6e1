import numpy as np
from small_networks import network_of

from lnherd.network.directions import directions_by_key
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.measures.policies import summarise_policies


def test_policies_move_to_the_node_with_the_lesser_key():
    network = network_of(
        [(0, 1, 5, 0), (1, 2, 5, 0)], policies={0: {"fee_ppm": 10}, 1: {"fee_ppm": 11}, 2: {"fee_ppm": 20}}
    )
    network = type(network)(
        np.array(["b", "a", "c"]), network.channels, network.edges, balance_msat=network.balance_msat
    )
    mended = directions_by_key(network)
    assert mended.edges.fee_ppm.tolist() == [11, 10, 20, 100]
    assert mended.balance_msat.tolist() == network.balance_msat.tolist()
    assert network.edges.fee_ppm.tolist() == [10, 11, 20, 100]


def test_doing_it_twice_changes_nothing():
    network = generate(GeneratorConfig(n_nodes=50, directions_lost=True), seed=0)
    assert (directions_by_key(directions_by_key(network)).edges == network.edges).all()


def test_lost_directions_make_nodes_look_erratic():
    kept, lost = (
        summarise_policies(generate(GeneratorConfig(n_nodes=1_500, directions_lost=flag), seed=2))
        for flag in (False, True)
    )
    key = "nodes_with_one_cltv_delta_share"
    assert kept[key] > 0.6
    assert lost[key] < 0.25
    assert lost["fee_ppm_1_share"] == kept["fee_ppm_1_share"]
