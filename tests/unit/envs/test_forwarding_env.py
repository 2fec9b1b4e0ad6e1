"""Forwarding: batches of decisions, their outcomes and rewards, and what the options change."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from lnherd.engine.hop_features import FIRST_CHANNEL, N_CONTEXT, N_FEATURES
from lnherd.engine.hop_state import OUTCOME_DTYPE
from lnherd.envs import ForwardingConfig, ForwardingEnv, ForwardingReward, ForwardingTask, ForwardingWorlds
from lnherd.envs.forwarding_scenario import build_simulation
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.records import zero_records
from lnherd.traffic.demand import retail

CONFIG = ForwardingConfig(demand=retail(20.0), duration_ms=2_000)


@pytest.fixture(scope="module")
def network():
    return generate(GeneratorConfig(n_nodes=30), 1)


def random_choices(batch, rng):
    """A possible choice for each decision, drawn by the rank of random numbers."""
    return np.where(batch.mask, rng.random(batch.mask.shape), -1.0).argmax(axis=1)


def episode(task, seed):
    """All batches of an episode under random choices, copied."""
    rng = np.random.default_rng(seed)
    batch, trace = task.reset(seed), []
    while not batch.is_over:
        trace.append((batch.context.tobytes(), batch.mask.tobytes(), batch.number.tolist(), batch.rewards.tolist()))
        batch = task.step(random_choices(batch, rng))
    trace.append(batch.rewards.tolist())
    return trace


def test_every_decision_gets_one_outcome(network):
    task = ForwardingTask(CONFIG, network)
    rng, asked, told = np.random.default_rng(0), [], []
    batch = task.reset(3)
    while not batch.is_over:
        asked += batch.number.tolist()
        assert batch.mask[:, 0].all()
        assert len(batch.node) == len(batch.payment) == len(batch.context) == len(batch.candidates)
        batch = task.step(random_choices(batch, rng))
        told += batch.outcomes.decision.tolist()
    assert len(asked) > 50 and sorted(told) == asked
    assert task.simulation.audit() == []
    assert (task.simulation.payments.status >= 2).all()


def test_an_episode_follows_from_its_seed(network):
    task = ForwardingTask(CONFIG, network)
    first = episode(task, 5)
    assert episode(task, 5) == first
    assert episode(ForwardingTask(CONFIG, network), 5) == first
    assert episode(task, 6) != first


def test_worlds_side_by_side_go_as_each_would_alone(network):
    seeds = [1, 2, 3]
    alone = [episode(ForwardingTask(CONFIG, network), seed) for seed in seeds]
    worlds = ForwardingWorlds(3, CONFIG, network, n_threads=2)
    rngs = [np.random.default_rng(seed) for seed in seeds]
    batches, traces = worlds.reset(seeds), [[], [], []]
    while not all(batch.is_over for batch in batches):
        for batch, trace in zip(batches, traces, strict=True):
            if not batch.is_over:
                content = (batch.context.tobytes(), batch.mask.tobytes())
                trace.append((*content, batch.number.tolist(), batch.rewards.tolist()))
        last = batches
        batches = worlds.step([random_choices(batch, rng) for batch, rng in zip(batches, rngs, strict=True)])
        for before, batch, trace in zip(last, batches, traces, strict=True):
            if batch.is_over and not before.is_over:
                trace.append(batch.rewards.tolist())
    worlds.close()
    assert traces == alone


def test_the_hub_alone_is_asked(network):
    task = ForwardingTask(replace(CONFIG, learner="hub", others="shortest"), network)
    rng, nodes = np.random.default_rng(0), set()
    batch = task.reset(1)
    while not batch.is_over:
        nodes |= set(batch.node.tolist())
        batch = task.step(random_choices(batch, rng))
    assert nodes == {int(np.argmax(network.degree))}


def test_the_traffic_flips(network):
    plain, flipped = (
        build_simulation(replace(CONFIG, flip_after_ms=flip), network, 1).payments for flip in (None, 1_000)
    )
    late = plain.start_ms >= 1_000
    assert 0 < late.sum() < len(late)
    assert np.array_equal(np.where(late, plain.receiver, plain.sender), flipped.sender)
    assert np.array_equal(np.where(late, plain.sender, plain.receiver), flipped.receiver)


def test_channels_come_and_go(network):
    task = ForwardingTask(replace(CONFIG, churn_interval_ms=100, n_offline=3), network)
    rng, offline = np.random.default_rng(0), set()
    batch = task.reset(1)
    while not batch.is_over:
        now = set(np.flatnonzero(network.edges.enabled & ~task.simulation.state.edges.enabled) >> 1)
        assert len(now) <= 3
        offline |= now
        batch = task.step(random_choices(batch, rng))
    assert len(offline) > 5


def test_churn_begins_when_told(network):
    config = replace(CONFIG, learner="nobody", churn_interval_ms=100, churn_after_ms=1_000)
    task, seen = ForwardingTask(config, network), []
    task.watch(lambda simulation: seen.append(_n_offline(simulation, network)), 500)
    task.reset(1)
    assert seen == [0, 0, 4, 5]  # looked at before the switch of the same moment


def _n_offline(simulation, network):
    return int((network.edges.enabled & ~simulation.state.edges.enabled).reshape(-1, 2).any(axis=1).sum())


def test_decisions_name_the_channel_they_came_over(network):
    task, came, rng = ForwardingTask(CONFIG, network), {}, np.random.default_rng(0)
    batch = task.reset(3)
    while not batch.is_over:
        on_the_way = batch.incoming >= 0
        assert np.array_equal(network.edge_target[batch.incoming[on_the_way]], batch.node[on_the_way])
        assert np.array_equal(batch.context[:, 5] == 1.0, ~on_the_way)
        for payment, incoming in zip(batch.payment[on_the_way], batch.incoming[on_the_way], strict=True):
            assert incoming in came[payment]
        choices = random_choices(batch, rng)
        for row, choice in enumerate(choices):
            came.setdefault(batch.payment[row], set()).add(batch.edges[row, choice])
        sat = 10.0 ** (8.0 * batch.context[:, 0]) - 1.0
        assert np.allclose(batch.amount_msat, 1_000 * sat, rtol=1e-3) and batch.now_ms % 50 == 0
        batch = task.step(choices)
    assert any(len(edges) > 1 for edges in came.values())


def test_with_nobody_to_ask_the_episode_runs_through(network):
    payments = {}
    for name, changes in (("hops", {"others": "cheapest"}), ("routes", {"source_routing": "lnd"})):
        task = ForwardingTask(replace(CONFIG, learner="nobody", **changes), network)
        assert task.reset(1).is_over
        payments[name] = task.simulation.payments
        assert (payments[name].status >= 2).all() and (payments[name].status == 2).any()
    assert np.array_equal(payments["hops"].amount_msat, payments["routes"].amount_msat)
    assert not np.array_equal(payments["hops"].end_ms, payments["routes"].end_ms)


def test_a_masked_choice_gives_up(network):
    task = ForwardingTask(CONFIG, network)
    batch = task.reset(2)
    impossible = np.argmin(batch.mask, axis=1)
    assert not batch.mask[np.arange(len(impossible)), impossible].any()
    batch = task.step(impossible)
    assert not batch.outcomes.succeeded.any()


def test_what_an_outcome_is_worth():
    outcomes = zero_records(3, OUTCOME_DTYPE)
    outcomes.latency_ms, outcomes.fee_msat = [2_000, 1_000, 0], [1_500, 0, 0]
    outcomes.succeeded = [True, False, True]  # arrived, failed, split
    reward = ForwardingReward(failure_sat=3.0, latency_sat_per_s=0.5, success_sat=4.0, cooperation=0.25)
    assert reward.of(outcomes).tolist() == [1.5 + 1.0 - 1.0, -3.0 - 0.5, 0.0]


@pytest.mark.parametrize(
    "changes", [{"learner": "some"}, {"others": "best"}, {"duration_ms": 0}, {"n_offline": 0}, {"churn_after_ms": -1}]
)
def test_settings_without_sense_are_refused(changes):
    with pytest.raises(InputError, match=next(iter(changes))):
        ForwardingConfig(**changes)


@pytest.mark.parametrize("changes", [{"source_routing": "lnd"}, {"learner": "nobody", "source_routing": "policy"}])
def test_source_routing_leaves_nothing_to_decide(changes):
    with pytest.raises(InputError, match=r"source.routing|nobody"):
        ForwardingConfig(**changes)


def test_gymnasium_finds_nothing_wrong(network):
    check_env(gymnasium.make("lnherd/Forwarding-v0", config=CONFIG, network=network).unwrapped)


def test_one_decision_at_a_time_is_the_same_world(network):
    environment = ForwardingEnv(CONFIG, network)
    observation, info = environment.reset(seed=4)
    assert observation["context"].shape == (N_CONTEXT,)
    assert observation["candidates"].shape == (FIRST_CHANNEL + 8, N_FEATURES)
    task, rng = ForwardingTask(CONFIG, network), np.random.default_rng(1)
    batch = task.reset(info["episode_seed"])
    total = 0.0
    while not batch.is_over:
        choices = random_choices(batch, rng)
        for row, choice in enumerate(choices):
            assert np.array_equal(observation["candidates"], batch.candidates[row])
            assert np.array_equal(environment.action_masks(), batch.mask[row])
            assert (info["decision"], info["node"]) == (batch.number[row], batch.node[row])
            observation, reward, terminated, truncated, info = environment.step(choice)
            total += reward
        batch = task.step(choices)
        total -= batch.rewards.sum()
        assert terminated == batch.is_over and not truncated
    assert total == pytest.approx(0.0)
    assert environment.observation_space.contains(observation)
    assert environment.action_masks().tolist() == [True] + [False] * 9


def test_a_finished_episode_needs_a_reset(network):
    environment = ForwardingEnv(CONFIG, network)
    with pytest.raises(gymnasium.error.ResetNeeded):
        environment.step(np.int64(0))
    with pytest.raises(gymnasium.error.ResetNeeded):
        environment.action_masks()


def test_rewards_may_leave_fees_out_and_count_large_amounts_more():
    outcomes = zero_records(2, OUTCOME_DTYPE)
    outcomes.latency_ms, outcomes.fee_msat, outcomes.succeeded = 1_000, 9_000, [True, False]
    outcomes.amount_msat = [100_000_000, 1_000_000]
    reward = ForwardingReward(fee_weight=0.0, amount_power=0.5, latency_sat_per_s=0.0)
    assert reward.of(outcomes).tolist() == [10.0, -1.0]
