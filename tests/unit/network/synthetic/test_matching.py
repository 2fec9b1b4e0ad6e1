import numpy as np
import pytest

from lnherd.network.synthetic import mainnet2026
from lnherd.network.synthetic.matching import match_stubs, stub_classes, stub_places


@pytest.fixture
def stubs():
    return np.sort(np.random.default_rng(3).zipf(2.0, 5_000).clip(1, 1_000))[::-1].copy()


def test_places_follow_size_and_fill_the_unit_interval(stubs):
    place = stub_places(stubs)
    assert (np.diff(place[np.argsort(stubs, kind="stable")]) > 0).all()
    assert place.min() > 0
    assert place.max() < 1
    assert np.average(place, weights=stubs) == pytest.approx(0.5)


def test_places_do_not_depend_on_the_number_of_nodes():
    assert stub_places(np.array([4, 2, 2])).tolist() == pytest.approx(stub_places(np.array([40, 20, 20])).tolist())


@pytest.mark.parametrize("role_share", [0.0, 0.5, 1.0])
def test_every_stub_is_used_once(stubs, role_share):
    near, far = match_stubs(stubs, role_share, np.random.default_rng(0))
    used = np.bincount(np.concatenate([near, far]), minlength=len(stubs))
    assert stubs.sum() - used.sum() == stubs.sum() % 2
    assert (used <= stubs).all()


def test_an_odd_or_empty_number_of_stubs():
    for stubs in ([0, 0], [1, 0], [2, 1], [1, 1, 1]):
        near, far = match_stubs(np.array(stubs), 0.3, np.random.default_rng(0))
        assert len(near) == len(far) == sum(stubs) // 2


def test_classes_meet_as_often_as_mainnet_has_it(stubs):
    near, far = match_stubs(stubs, 0.3, np.random.default_rng(1))
    label = stub_classes(stubs)
    count = np.zeros_like(np.asarray(mainnet2026.MIXING))
    np.add.at(count, (label[near], label[far]), 1)
    count += count.T
    total = count.sum(axis=1)
    preference = count * total.sum() / np.outer(total, total)
    frequent = count > 200
    assert frequent.sum() > 30
    assert np.abs(np.log(preference / mainnet2026.MIXING))[frequent].max() < 0.35


def test_roles_part_nodes_of_one_size(stubs):
    def spread(role_share):
        near, far = match_stubs(stubs, role_share, np.random.default_rng(2))
        node, partner = np.concatenate([near, far]), np.concatenate([far, near])
        mean = np.bincount(node, np.log(stubs[partner])) / stubs
        return np.std(mean[(stubs > 20) & (stubs < 60)])

    assert spread(0.5) > 1.5 * spread(0.0)
