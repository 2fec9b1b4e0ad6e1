"""PettingZoo's own tests of the multi-agent views, and that the views are the native tasks, row by row."""

from dataclasses import replace

import numpy as np
import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test

from lnherd.envs import ForwardingConfig, ForwardingTask, HerdingConfig
from lnherd.envs.flock import FlockConfig, FlockTask
from lnherd.envs.forwarding_aec import ForwardingAECEnv
from lnherd.envs.forwarding_parallel import ForwardingParallelEnv
from lnherd.envs.herding_parallel import HerdingParallelEnv
from lnherd.envs.multi_agent import node_name, node_of
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.traffic.demand import l402, retail

HERDING = FlockConfig(HerdingConfig(horizon=4, background=l402(0.005)), n_herders=3)
FORWARDING = ForwardingConfig(demand=retail(20.0), duration_ms=500)
PREFERENCES = "ignore:Observation (is not a NumPy array|space for each agent probably):UserWarning"


@pytest.fixture(scope="module")
def network():
    return generate(GeneratorConfig(n_nodes=20), 1)


def random_choice(mask, rng):
    return int(np.where(mask, rng.random(len(mask)), -1.0).argmax())


def test_pettingzoo_finds_nothing_wrong_with_many_herders(small_network):
    env = HerdingParallelEnv(HERDING, small_network)
    parallel_api_test(env, num_cycles=6)
    parallel_seed_test(lambda: HerdingParallelEnv(HERDING, small_network))
    assert env.task.simulation.audit() == []


def test_pettingzoo_finds_nothing_wrong_with_nodes_in_parallel(network):
    env = ForwardingParallelEnv(FORWARDING, network)
    parallel_api_test(env, num_cycles=300)
    parallel_seed_test(lambda: ForwardingParallelEnv(FORWARDING, network), num_cycles=20)
    assert env.task.simulation.audit() == []


@pytest.mark.filterwarnings(PREFERENCES, "ignore:Environment has not defined a render:UserWarning")
def test_pettingzoo_finds_nothing_wrong_with_nodes_in_turn(network):
    env = ForwardingAECEnv(FORWARDING, network)
    api_test(env, num_cycles=60)
    seed_test(lambda: ForwardingAECEnv(FORWARDING, network), num_cycles=20)
    assert env.task.simulation.audit() == []


def test_many_herders_are_the_native_flock(small_network):
    env, task = HerdingParallelEnv(HERDING, small_network), FlockTask(HERDING, small_network)
    observations, infos = env.reset(seed=1)
    decisions, rng = task.reset(infos[env.agents[0]]["episode_seed"]), np.random.default_rng(0)
    assert [node_of(agent) for agent in env.agents] == list(task.nodes)
    while env.agents:
        agents = list(env.agents)
        for agent, decision in zip(agents, decisions, strict=True):
            assert np.array_equal(observations[agent]["candidates"], decision.features)
            assert env.observation_space(agent).contains(observations[agent])
        actions = {agent: random_choice(observations[agent]["action_mask"], rng) for agent in agents}
        observations, rewards, terminated, truncated, infos = env.step(actions)
        step = task.step([d.candidates[actions[a]] for a, d in zip(agents, decisions, strict=True)])
        decisions = step.decisions
        assert list(rewards.values()) == step.rewards.tolist() and not any(terminated.values())
        assert set(truncated.values()) == {step.truncated}


def test_nodes_in_turn_and_in_parallel_are_the_native_task(network):
    """The same choice for the same decision gives everybody the same rewards in all three forms."""

    def choice(payment, mask):
        return random_choice(mask, np.random.default_rng([payment + 1, int(mask.sum())]))

    aec, parallel = ForwardingAECEnv(FORWARDING, network), ForwardingParallelEnv(FORWARDING, network)
    totals = [dict.fromkeys(aec.possible_agents, 0.0) for _ in range(3)]
    aec.reset(seed=2)
    for _ in aec.agent_iter():
        seen, _, terminated, _, info = aec.last()
        aec.step(None if terminated else choice(info["payment"], seen["action_mask"]))
        for name, reward in aec.rewards.items():
            totals[0][name] += reward
    observations, infos = parallel.reset(seed=2)
    n_waiting = []
    while parallel.agents:
        n_waiting.append(sum(info["decides"] for info in infos.values()))
        actions = {a: choice(infos[a]["payment"], observations[a]["action_mask"]) for a in parallel.agents}
        observations, rewards, _, _, infos = parallel.step(actions)
        for name, reward in rewards.items():
            totals[1][name] += reward
    task = ForwardingTask(FORWARDING, network)
    batch = task.reset(int(np.random.default_rng(2).integers(2**31)))
    while not batch.is_over:
        batch = task.step(np.array([choice(p, m) for p, m in zip(batch.payment, batch.mask, strict=True)]))
        for node, reward in zip(batch.outcomes.node, batch.rewards, strict=True):
            totals[2][node_name(node)] += reward
    assert max(n_waiting) > 1 and any(totals[2].values())
    for name, reward in totals[2].items():
        assert totals[0][name] == pytest.approx(reward) and totals[1][name] == pytest.approx(reward)


def test_the_state_holds_true_balances(network):
    env = ForwardingParallelEnv(FORWARDING, network)
    env.reset(seed=0)
    state = env.state()
    edges = env.task.simulation.state.edges
    assert state.shape == (2 * network.n_edges,) and (state[: network.n_edges] > 0).any()
    capacity = network.channels.capacity_msat.repeat(2)
    assert np.allclose(state[: network.n_edges], edges.balance_msat / capacity)


def test_a_share_of_the_nodes_decides(network):
    few, more = (replace(FORWARDING, learning_share=share).deciders(network) for share in (0.1, 0.5))
    assert (len(few), len(more)) == (2, 10) and set(few) <= set(more)
    env = ForwardingParallelEnv(replace(FORWARDING, learning_share=0.1), network)
    assert env.possible_agents == [node_name(node) for node in few]
    env.reset(seed=3)
    while env.agents:
        assert set(env.task.simulation.holders().tolist()) <= set(few.tolist())
        env.step({})


def test_stepping_after_the_end_is_refused(network, small_network):
    for env in (ForwardingParallelEnv(FORWARDING, network), HerdingParallelEnv(HERDING, small_network)):
        with pytest.raises(InputError, match="reset"):
            env.step({})
