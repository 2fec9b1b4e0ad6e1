import numpy as np
import pytest

from lnherd.errors import InputError
from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import zero_records
from lnherd.traffic.amounts import FixedAmount, LogNormal
from lnherd.traffic.arrivals import Mmpp, Poisson, ToolLoops
from lnherd.traffic.demand import L402_AMOUNTS, Component, Demand, draw_pairs, l402, mixed, preset
from lnherd.traffic.endpoints import CapacityWeighted, DegreeWeighted, FixedNodes, Uniform, ZipfSinks


def star(n_leaves=5, dead=()):
    """Node 0 joined to each leaf; leaf k's channel holds k million sat; channels in ``dead`` are disabled."""
    channels = zero_records(n_leaves, CHANNEL_DTYPE)
    channels.node2 = np.arange(1, n_leaves + 1)
    channels.capacity_msat = np.arange(1, n_leaves + 1) * 10**9
    channels.scid = -1
    edges = empty_edges(n_leaves)
    edges.enabled = True
    for channel in dead:
        edges.enabled[2 * channel : 2 * channel + 2] = False
    return Network(np.array([f"n{i}" for i in range(n_leaves + 1)]), channels, edges)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_payments_are_sorted_within_the_span_and_never_to_oneself():
    payments = mixed(5.0).sample(star(), duration_ms=600_000, rng=rng())
    assert np.all(np.diff(payments.start_ms) >= 0)
    assert payments.start_ms[0] >= 0 and payments.start_ms[-1] < 600_000
    assert np.all(payments.sender != payments.receiver)


def test_same_generator_same_payments_other_generator_others():
    demand, network = mixed(5.0), star()
    first, again, other = (demand.sample(network, duration_ms=300_000, rng=rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", ["l402", "retail", "mixed"])
def test_presets_have_the_rate_they_are_asked_for(name):
    payments = preset(name, 10.0).sample(star(), duration_ms=4 * 3_600_000, rng=rng(3))
    assert len(payments) / (4 * 3_600) == pytest.approx(10.0, rel=0.06)


def test_number_of_payments_is_exact_and_a_prefix_in_time():
    payments = l402(2.0).sample(star(), n_payments=1_000, rng=rng())
    assert len(payments) == 1_000
    assert np.all(np.diff(payments.start_ms) >= 0)


def test_mixture_keeps_its_proportions_and_its_amounts():
    payments = mixed(10.0).sample(star(), duration_ms=6 * 3_600_000, rng=rng(4))
    share = np.bincount(payments.kind, minlength=3) / len(payments)
    assert share == pytest.approx([0.9, 0.09, 0.01], abs=0.01)
    sat = payments.amount_msat / 1_000
    for kind, (low, high) in enumerate([(1, 1_000), (1_000, 100_000), (100_000, 10_000_000)]):
        assert sat[payments.kind == kind].min() >= low
        assert sat[payments.kind == kind].max() <= high


def test_l402_amounts_have_a_median_of_ten_sat():
    amounts = L402_AMOUNTS.sample(200_000, rng())
    assert 9_000 <= np.median(amounts) <= 13_000  # truncation below 1 sat moves it up a little
    assert np.all(amounts % 1_000 == 0)


def test_adding_a_component_leaves_the_others_as_they_were():
    network, small = star(), Component(1.0, FixedAmount(7), Poisson(), kind=1)
    alone = Demand((small,)).sample(network, duration_ms=100_000, rng=rng(5))
    both = Demand((small, Component(3.0))).sample(network, duration_ms=100_000, rng=rng(5))
    assert np.array_equal(alone, both[both.kind == 1])


def test_poisson_counts_have_the_variance_of_poisson_and_bursts_more():
    def dispersion(process):
        times, _ = process.sample(1.0, 20_000_000, rng(6))
        counts = np.bincount(times // 60_000, minlength=333)[:333]
        return counts.var() / counts.mean()

    assert dispersion(Poisson()) == pytest.approx(1.0, abs=0.3)
    assert dispersion(ToolLoops()) > 5.0
    assert dispersion(Mmpp()) > 5.0


@pytest.mark.parametrize("process", [Poisson(), Mmpp(), ToolLoops()])
def test_every_process_has_the_mean_rate(process):
    counts = [len(process.sample(2.0, 10_000_000, rng(seed))[0]) for seed in range(20)]
    assert np.mean(counts) == pytest.approx(20_000, rel=0.06)


def test_calls_of_a_tool_loop_share_payer_service_and_price():
    component = Component(1.0, arrivals=ToolLoops(mean_calls=50))
    start, session = component.arrivals.sample(1.0, 3_600_000, rng(7))
    payments = component.sample(star(), 3_600_000, rng(7))
    assert np.array_equal(payments.start_ms, start)
    for number in range(10):
        of_loop = payments[session == number]
        assert len(np.unique(of_loop.amount_msat)) == 1
        assert len(np.unique(of_loop.sender)) == 1
        assert len(np.unique(of_loop.receiver)) == 1


def test_weights_of_endpoints():
    network = star(5, dead=[4])
    assert Uniform().weights(network) == pytest.approx([0.2] * 5 + [0.0])
    assert DegreeWeighted().weights(network) == pytest.approx([0.5, 0.125, 0.125, 0.125, 0.125, 0.0])
    assert CapacityWeighted().weights(network) == pytest.approx([0.5, 0.05, 0.1, 0.15, 0.2, 0.0])
    assert FixedNodes((3, 1), (3.0, 1.0)).weights(network) == pytest.approx([0, 0.25, 0, 0.75, 0, 0])


def test_zipf_sinks_follow_their_law_and_stay_the_same_servers():
    weights = np.sort(ZipfSinks(n_sinks=4, exponent=1.0).weights(star(8)))[::-1]
    assert weights[:4] == pytest.approx(np.array([1, 1 / 2, 1 / 3, 1 / 4]) / (25 / 12))
    assert weights[4:].sum() == 0
    assert np.array_equal(ZipfSinks(seed=3).weights(star(8)), ZipfSinks(seed=3).weights(star(8)))


def test_one_consumer_and_one_provider():
    network = star()
    to_sinks = Component(1.0, senders=FixedNodes((2,)))
    assert np.all(to_sinks.sample(network, 600_000, rng()).sender == 2)
    to_one = Component(1.0, receivers=FixedNodes((4,)))
    assert np.all(to_one.sample(network, 600_000, rng()).receiver == 4)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: Demand(()), "no component"),
        (lambda: Component(0.0), "rate_per_s"),
        (lambda: LogNormal(10, 1.0, min_sat=20), "min <= median"),
        (lambda: FixedAmount(0), "at least 1 msat"),
        (lambda: ZipfSinks(0), "at least one server"),
        (lambda: FixedNodes(()), "empty"),
        (lambda: FixedNodes((1, 2), (1.0,)), "one share a node"),
        (lambda: FixedNodes((99,)).weights(star()), "no node 99"),
        (lambda: preset("lottery", 1.0), "choose one of l402, retail, mixed"),
        (lambda: l402().sample(star(), rng=rng()), "either"),
        (lambda: l402().sample(star(), n_payments=-1, rng=rng()), "give 0 or more"),
        (lambda: Uniform().weights(star(2, dead=[0, 1])), "live channels"),
        (lambda: draw_pairs(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 3, rng()), "same node"),
    ],
)
def test_impossible_demands_are_refused_in_a_sentence(broken, message):
    with pytest.raises(InputError, match=message):
        broken()


def test_no_payments_are_a_valid_sample():
    assert len(l402().sample(star(), n_payments=0, rng=rng())) == 0
    assert len(mixed().sample(star(), duration_ms=0, rng=rng())) == 0
