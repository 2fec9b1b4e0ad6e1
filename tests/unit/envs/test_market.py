"""The market: money is conserved and goes from buyer to seller, answers are true, who pays goes first."""

from dataclasses import replace

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from lnherd.agents.market_buyer import BuyerConfig, MarketBuyer
from lnherd.control.hop_decision import DecisionBatch
from lnherd.engine import SimulationConfig
from lnherd.engine.channels import refusal
from lnherd.engine.codes import NO_FAILURE
from lnherd.envs import ForwardingConfig, ForwardingTask
from lnherd.envs.feasibility import can_forward, hops_to
from lnherd.envs.market import MarketTask
from lnherd.envs.market_parallel import MarketParallelEnv
from lnherd.envs.market_scenario import INFORMATION, PRIORITY, SOLD_FEATURES, MarketConfig
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.traffic.demand import retail

M = 4
FORWARDING = ForwardingConfig(
    demand=retail(30.0),
    duration_ms=1_500,
    simulation=SimulationConfig(
        sender="policy", decision_interval_ms=100, max_candidates=M, max_htlcs=4, max_htlcs_cln=4
    ),
)
CONFIG = MarketConfig(FORWARDING, price_interval_ms=300)
ASK = slice(2 + 2 * M, None)


@pytest.fixture(scope="module")
def network():
    return generate(GeneratorConfig(n_nodes=20), 1)


def random_choices(batch, rng):
    return np.where(batch.mask, rng.random(batch.mask.shape), -1.0).argmax(axis=1)


def owned_msat(simulation):
    """``[N]`` in channels, in flight included."""
    edges = simulation.state.edges
    return np.bincount(edges.source, weights=edges.balance_msat + edges.in_flight_msat).astype(np.int64)


@pytest.mark.parametrize("answer_ms", [0, 150])
def test_random_traders_leave_a_sound_world_in_which_every_decision_gets_one_outcome(network, answer_ms):
    task, rng = MarketTask(replace(CONFIG, answer_ms=answer_ms), network), np.random.default_rng(0)
    asked, told = [], []
    batch = task.reset(3)
    assert batch.mask.shape[1] == task.n_choices == batch.candidates.shape[1] == 2 + 3 * M
    assert batch.candidates.shape[2] == len(SOLD_FEATURES)
    while not batch.is_over:
        if task.prices_due:
            task.set_prices(rng.integers(len(CONFIG.prices_msat), size=(20, 2)))
        asked += batch.number.tolist()
        assert batch.mask[:, 0].all() and np.abs(batch.candidates).max() <= 1.0
        batch = task.step(random_choices(batch, rng))
        told += batch.outcomes.decision.tolist()
    assert sorted(told) == asked and len(set(asked)) == len(asked)
    assert task.simulation.audit() == []
    ledger = task.ledger
    assert ledger.sales.sum(axis=0).min() > 10
    assert ledger.spent_msat.sum(axis=0).tolist() == ledger.earned_msat.sum(axis=0).tolist()


def test_a_price_moves_from_the_buyers_channel_balance_to_the_sellers(network):
    task = MarketTask(CONFIG, network)
    batch = task.reset(5)
    task.set_prices(np.full((20, 2), 6))
    before = owned_msat(task.simulation)
    row, choice = np.argwhere(batch.mask[:, ASK])[0] + [0, ASK.start]
    choices = np.zeros(len(batch.number), dtype=np.int64)
    choices[row] = choice
    edge = batch.edges[row, choice]
    batch = task.step(choices)
    (row,) = np.flatnonzero(batch.outcomes.decision == batch.outcomes.decision[0])[:1]
    assert batch.outcomes.fee_msat[row] == -100 and len(batch.number) == 1
    change = owned_msat(task.simulation) - before
    buyer, seller = network.edge_source[edge], network.edge_target[edge]
    assert change[buyer] == -100 and change[seller] == 100 and np.abs(change).sum() == 200
    assert batch.candidates[0, choice, SOLD_FEATURES.index("answer")] != 0 and not batch.mask[0, choice]


def test_answers_are_what_the_engine_would_say(network):
    task = ForwardingTask(FORWARDING, network)
    batch, rng, n_yes = task.reset(1), np.random.default_rng(0), []
    while not batch.is_over:
        simulation, n = task.simulation, 30
        nodes, receivers = rng.integers(20, size=n), rng.integers(20, size=n)
        amounts = 10 ** rng.integers(3, 10, size=n)
        answers = can_forward(simulation, nodes, receivers, amounts)
        here = hops_to(simulation, nodes, receivers)
        for question in range(n):
            out = network.out_edges(nodes[question]).astype(np.int64)
            there = hops_to(
                simulation, network.edge_target[out].astype(np.int64), np.full(len(out), receivers[question])
            )
            fits = [refusal(simulation.state, int(edge), int(amounts[question])) == NO_FAILURE for edge in out]
            truth = nodes[question] == receivers[question] or bool((fits & (there <= here[question])).any())
            assert answers[question] == truth
        n_yes.append(answers.mean())
        batch = task.step(random_choices(batch, rng))
    assert 0.1 < np.mean(n_yes) < 0.9


def test_without_a_market_the_world_is_that_of_forwarding(network):
    bare = MarketTask(replace(CONFIG, information="none", priority="none", value_ppm=0), network)
    plain, rngs = ForwardingTask(FORWARDING, network), [np.random.default_rng(0) for _ in range(2)]
    sold, batch = bare.reset(2), plain.reset(2)
    while not batch.is_over:
        assert not sold.mask[:, 2 + M :].any() and np.array_equal(sold.mask[:, : 2 + M], batch.mask)
        assert np.array_equal(sold.candidates[:, : 2 + M, : batch.candidates.shape[2]], batch.candidates)
        batch = plain.step(random_choices(batch, rngs[0]))
        sold = bare.step(np.array([], dtype=np.int64) if sold.is_over else _same(sold, rngs[1]))
        assert np.array_equal(sold.rewards, batch.rewards)
    assert sold.is_over


def _same(batch, rng):
    """:func:`random_choices` over the choices that forwarding has."""
    mask = batch.mask[:, : 2 + M]
    return np.where(mask, rng.random(mask.shape), -1.0).argmax(axis=1)


def test_free_information_is_known_at_once_and_liars_say_yes(network):
    honest = MarketTask(replace(CONFIG, information="free"), network)
    lying = MarketTask(replace(CONFIG, information="free", liars=1.0), network)
    answer, said = SOLD_FEATURES.index("answer"), []
    for task in (honest, lying):
        batch, rng, heard = task.reset(4), np.random.default_rng(0), set()
        while not batch.is_over:
            heard |= set(batch.candidates[:, 2 : 2 + M, answer][batch.mask[:, 2 : 2 + M]].tolist())
            assert not batch.mask[:, ASK].any()
            batch = task.step(random_choices(batch, rng))
        assert task.ledger.sales[:, INFORMATION].sum() == 0
        said.append(heard)
    assert said == [{1.0, -1.0}, {1.0}]


def test_priority_takes_the_reserved_slots_and_goes_first(network):
    """Nobody buys: a channel holds at most the slots for everybody. All buy: it holds more."""
    most = {}
    for buys in (False, True):
        task, rng = MarketTask(replace(CONFIG, information="none"), network), np.random.default_rng(1)
        batch, most[buys] = task.reset(6), 0
        while not batch.is_over:
            mask = batch.mask.copy()
            mask[:, 2 + M if not buys else 2 : 2 + 2 * M if not buys else 2 + M] = False
            batch = task.step(np.where(mask, rng.random(mask.shape), -1.0).argmax(axis=1))
            most[buys] = max(most[buys], int(task.simulation.state.edges.n_htlcs.max()))
        assert (task.ledger.sales[:, PRIORITY].sum() > 0) == buys
    assert most[False] == 2 < most[True]


def test_the_buyer_asks_where_it_pays_and_stops_asking_liars(network):
    spent = {}
    for liars in (0.0, 1.0):
        task = MarketTask(
            replace(CONFIG, priority="none", liars=liars, forwarding=replace(FORWARDING, duration_ms=6_000)), network
        )
        buyer, batch = MarketBuyer(SOLD_FEATURES, network.n_edges, BuyerConfig()), task.reset(7)
        buyer.begin(7)
        while not batch.is_over:
            batch = task.step(buyer.choose(batch))
        spent[liars] = task.ledger.sales[:, INFORMATION].sum() / len(task.simulation.payments)
    assert spent[0.0] > 2 * spent[1.0] > 0


def test_an_answer_that_takes_time_comes_when_it_is_due(network):
    task = MarketTask(replace(CONFIG, answer_ms=150), network)
    batch = task.reset(7)
    row = int(np.flatnonzero(batch.mask[:, ASK].any(axis=1))[0])
    ask = ASK.start + int(np.flatnonzero(batch.mask[row, ASK])[0])
    choices = np.where(np.arange(len(batch.number)) == row, ask, 0)
    about, edge, asked_ms = (batch.payment[row], batch.node[row]), batch.edges[row, ask], batch.now_ms
    while True:
        batch = task.step(choices)
        back = np.flatnonzero((batch.payment == about[0]) & (batch.node == about[1]))
        if len(back):
            break
        choices = np.zeros(len(batch.number), dtype=np.int64)
    answers = batch.candidates[back[0], :, SOLD_FEATURES.index("answer")]
    assert batch.now_ms == asked_ms + 200  # the first multiple of 100 ms after 150
    assert (answers[batch.edges[back[0]] == edge] != 0).all() and (answers[batch.edges[back[0]] != edge] == 0).all()
    assert not batch.mask[back[0], ASK][batch.edges[back[0], ASK] == edge].any()


def test_two_hops_say_yes_where_some_peer_can_go_on(network):
    task = MarketTask(CONFIG, network)
    task.reset(3)
    rng, simulation = np.random.default_rng(1), task.simulation
    nodes, receivers = rng.integers(20, size=(2, 200))
    amounts = rng.integers(1, 10**9, size=200)
    near, far = (can_forward(simulation, nodes, receivers, amounts, hops) for hops in (1, 2))
    assert (far <= near).all() and far.sum() < near.sum()
    yes = np.flatnonzero(near)
    for question in yes[:40]:
        node, receiver, amount = nodes[question], receivers[question], amounts[question]
        expected = bool(node == receiver)
        for edge in network.out_edges(int(node)):
            peer, own = int(network.edge_target[edge]), simulation.state.edges[edge]
            nearer = hops_to(simulation, np.array([peer]), np.array([receiver])) <= hops_to(
                simulation, np.array([node]), np.array([receiver])
            )
            if nearer[0] and refusal(simulation.state, edge, amount) == NO_FAILURE and own.is_open:
                expected |= bool(can_forward(simulation, *(np.array([each]) for each in (peer, receiver, amount)))[0])
        assert far[question] == expected


def test_priority_is_never_bought_for_more_than_success_is_worth(network):
    task = MarketTask(replace(CONFIG, information="none", prices_msat=(100, 10**7)), network)
    chosen = []
    for level in (0, 1):
        buyer, batch = MarketBuyer(SOLD_FEATURES, network.n_edges, BuyerConfig(value_ppm=0)), task.reset(7)
        task.set_prices(np.full((20, 2), level))
        batch = task._show(batch.outcomes[:0])
        batch = replace(
            batch, mask=batch.mask & ((np.arange(task.n_choices) >= 2 + M) | (np.arange(task.n_choices) < 2))
        )
        chosen.append(buyer.choose(batch))
    assert (chosen[0] >= 2 + M).any() and (chosen[1] < 2).all()


def test_an_answer_dearer_than_it_is_worth_is_not_bought(network):
    task = MarketTask(replace(CONFIG, priority="none", prices_msat=(1, 10**8)), network)
    buyer, batch = MarketBuyer(SOLD_FEATURES, network.n_edges, BuyerConfig()), task.reset(7)
    task.set_prices(np.ones((20, 2), dtype=np.int64))
    assert isinstance(batch, DecisionBatch) and (buyer.choose(batch) < ASK.start).all()


def test_pettingzoo_finds_nothing_wrong(network):
    small = replace(CONFIG, forwarding=replace(FORWARDING, duration_ms=300))
    env = MarketParallelEnv(small, network)
    parallel_api_test(env, num_cycles=100)
    parallel_seed_test(lambda: MarketParallelEnv(small, network), num_cycles=10)
    assert env.task.simulation.audit() == []


def test_sellers_earn_in_the_view_what_the_books_say(network):
    env, rng = MarketParallelEnv(CONFIG, network), np.random.default_rng(0)
    observations, infos = env.reset(seed=1)
    earned, dues = dict.fromkeys(env.sellers, 0.0), 0
    while env.agents:
        dues += infos["seller_0"]["sets_prices"]
        actions = {
            agent: int(
                np.where(
                    observations[agent]["action_mask"], rng.random(len(observations[agent]["action_mask"])), -1
                ).argmax()
            )
            for agent in env.agents
        }
        observations, rewards, _, _, infos = env.step(actions)
        for seller in env.sellers:
            earned[seller] += rewards[seller]
            assert env.observation_space(seller).contains(observations[seller])
    books = env.task.ledger.earned_msat.sum(axis=1) / 1_000
    assert dues >= 4 and sum(earned.values()) > 0
    assert list(earned.values()) == pytest.approx(books.tolist())


NONSENSE = [
    {"information": "?"},
    {"priority": "free"},
    {"prices_msat": (2, 1)},
    {"liars": 2.0},
    {"reserved_share": 0.0},
    {"price_interval_ms": 0},
    {"value_ppm": -1},
]


@pytest.mark.parametrize("changes", NONSENSE)
def test_settings_without_sense_are_refused(changes):
    with pytest.raises(InputError, match=next(iter(changes))):
        MarketConfig(**changes)
