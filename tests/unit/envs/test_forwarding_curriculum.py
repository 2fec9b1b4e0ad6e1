"""Episodes drawn for learning follow from their seed and differ as they are told to."""

import numpy as np
import pytest

from lnherd.envs.forwarding_curriculum import TRAINING_NETWORKS, Curriculum
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.errors import InputError

BASE = ForwardingConfig(n_nodes=20, duration_ms=1_000)


def test_an_episode_follows_from_its_seed():
    curriculum = Curriculum(BASE, n_networks=4, emphasis=(1.0, 9.0), flip_share=0.5, churn_share=0.5)
    first, again = curriculum.draw(3), curriculum.draw(3)
    assert first[0] == again[0] and first[1] is again[1]


def test_loads_traffic_and_topologies_vary_within_their_bounds():
    curriculum = Curriculum(BASE, n_networks=4, load=(0.5, 2.0), emphasis=(1.0, 9.0), flip_share=0.3, churn_share=0.2)
    drawn = [curriculum.draw(seed)[0] for seed in range(200)]
    shares = np.array([[each.rate_per_s for each in config.demand.components] for config in drawn])
    usual = np.array([each.rate_per_s for each in BASE.demand.components])
    load, emphasis = shares[:, 0] / usual[0], shares[:, 1] / usual[1] / (shares[:, 0] / usual[0])
    assert (
        0.5 <= load.min() < 0.6
        and 1.7 < load.max() <= 2.0
        and np.exp(np.log(load).mean()) == pytest.approx(1, abs=0.15)
    )
    assert 1.0 <= emphasis.min() < 1.5 and 7 < emphasis.max() <= 9.0
    assert {config.network_seed for config in drawn} == set(range(TRAINING_NETWORKS, TRAINING_NETWORKS + 4))
    assert np.mean([config.flip_after_ms == 500 for config in drawn]) == pytest.approx(0.3, abs=0.1)
    assert np.mean([config.churn_interval_ms is not None for config in drawn]) == pytest.approx(0.2, abs=0.1)


def test_without_topologies_it_stays_on_that_of_the_problem():
    config, network = Curriculum(BASE, n_networks=0).draw(5)
    assert config.network_seed == BASE.network_seed and network.n_nodes == 20


def test_bounds_that_make_no_sense_are_refused():
    with pytest.raises(InputError, match=r"load is 2\.0 to 1\.0"):
        Curriculum(BASE, load=(2.0, 1.0))
    with pytest.raises(InputError, match="n_networks is -1"):
        Curriculum(BASE, n_networks=-1)
