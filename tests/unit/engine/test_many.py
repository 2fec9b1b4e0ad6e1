"""Simulations run side by side end as they would one after another, and share what never changes."""

import numpy as np
import pytest
from small_networks import line_of, payments_of

from lnherd.engine import ExitReason, Simulation, SimulationConfig, run_many
from lnherd.engine.state import STATIC_FIELDS
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.traffic.demand import mixed

POLICIES = ("random", "shortest", "balance")


@pytest.fixture(scope="module")
def world():
    network = generate(GeneratorConfig(n_nodes=60), 2)
    return network, mixed(10.0).sample(network, n_payments=400, rng=np.random.default_rng(3))


def simulations(world, sender="policy"):
    network, payments = world
    configs = [SimulationConfig(sender=sender, hop_policy=policy) for policy in POLICIES]
    return [Simulation(network, payments, config=config, seed=seed) for seed, config in enumerate(configs)]


@pytest.mark.parametrize("sender", ["policy", "lnd"])
def test_side_by_side_is_one_after_another(world, sender):
    together, alone = simulations(world, sender), simulations(world, sender)
    assert run_many(together, until_ms=20_000, n_threads=3) == [ExitReason.TIME_REACHED] * 3
    assert run_many(together, n_threads=2) == [ExitReason.IDLE] * 3
    for one in alone:
        one.run(until_ms=20_000)
        one.run()
    for one, other in zip(together, alone, strict=True):
        assert one.payments.tobytes() == other.payments.tobytes()
        assert one.state.edges.tobytes() == other.state.edges.tobytes()
        assert one.now_ms == other.now_ms


def test_what_never_changes_is_there_once(world):
    first, second, _ = simulations(world)
    for name in ("distances", "destinations"):
        assert np.shares_memory(getattr(first.state, name), getattr(second.state, name))
    copy = first.copy()
    for name in STATIC_FIELDS:
        assert getattr(copy.state, name) is getattr(first.state, name)
    for name in ("channels", "edges", "edge_source", "edge_target"):
        assert np.shares_memory(getattr(first.network, name), getattr(second.network, name))


def test_the_same_simulation_twice_is_refused():
    simulation = Simulation(line_of(2), payments_of())
    with pytest.raises(InputError, match="occurs twice"):
        run_many([simulation, simulation])
    assert run_many([]) == []
