import pytest

from lnherd.errors import InputError
from lnherd.l402.limits import Buckets, client_network


def test_burst_then_refill():
    buckets = Buckets(0.5, 2)
    assert [buckets.take("a", 100.0) for _ in range(3)] == [0.0, 0.0, 2.0]
    assert buckets.take("a", 101.0) == 1.0
    assert buckets.take("a", 102.0) == 0.0
    assert buckets.take("b", 102.0) == 0.0
    assert [buckets.take("a", 10_000.0) for _ in range(3)] == [0.0, 0.0, 2.0]


def test_a_clock_that_runs_backwards_gives_nothing():
    buckets = Buckets(1, 1)
    assert buckets.take("a", 100.0) == 0.0
    assert buckets.take("a", 50.0) == 1.0


def test_memory_is_bounded():
    buckets = Buckets(1, 1, max_keys=10)
    for number in range(1_000):
        buckets.take(str(number), 0.0)
    assert len(buckets._levels) == 10


def test_limits_that_let_nobody_through():
    for per_s, burst in ((0, 1), (1, 0), (-1, 1)):
        with pytest.raises(InputError):
            Buckets(per_s, burst)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/56"),
        ("testclient", "testclient"),
        (None, "unknown"),
        ("", "unknown"),
    ],
)
def test_networks_of_peers(address, network):
    assert client_network(address) == network
