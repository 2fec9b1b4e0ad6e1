from dataclasses import replace

import numpy as np
import pytest

from lnherd.agents.rules import RULES, DoNothing, RandomChoice
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.view import Role
from lnherd.engine.codes import FAILED, SUCCEEDED
from lnherd.envs import HerdingConfig, HerdingTask, RewardConfig
from lnherd.envs.reward import DETAILS, TERMS
from lnherd.errors import InputError
from lnherd.traffic.amounts import LogNormal
from lnherd.traffic.demand import l402
from lnherd.units import MS_PER_HOUR

SAT = 1_000
CONFIG = HerdingConfig(
    horizon=8,
    background=l402(0.01),
    own_rate_per_s=0.02,
    own_amounts=LogNormal(1_000, 1.0, 1, 20_000),
    wallet_msat=2_000_000 * SAT,
)
ROLES = list(Role)


def task(network, **changes):
    return HerdingTask(replace(CONFIG, **changes), network)


def play(world, policy, seed, ticks=99):
    """Run one episode; returns the results of its steps."""
    policy.reset(seed)
    decision, results = world.reset(seed), []
    for _ in range(min(ticks, world.config.horizon)):
        results.append(world.step(policy.act(decision)))
        decision = results[-1].decision
    return results


@pytest.mark.parametrize("role", ROLES)
def test_same_seed_same_episode_other_seed_another(small_network, role):
    def episode(seed):
        return [(r.reward, tuple(r.terms.items())) for r in play(task(small_network, role=role), RandomChoice(), seed)]

    assert episode(1) == episode(1)
    assert episode(1) != episode(2)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_leaves_a_sound_world(small_network, role, rule):
    world = task(small_network, role=role)
    play(world, RULES[rule](), 3)
    assert world.simulation.audit() == []


def test_traffic_is_the_same_whatever_the_herder_does(small_network):
    worlds = [task(small_network), task(small_network)]
    for world, policy in zip(worlds, (DoNothing(), RandomChoice()), strict=True):
        play(world, policy, 4)
    n = int(worlds[0].simulation.state.clock[0].n_scheduled)
    for name in ("start_ms", "amount_msat", "sender", "receiver"):
        first, second = (world.simulation.payments[name][:n] for world in worlds)
        assert np.array_equal(first, second)


def wealth_msat(world):
    """Everything the node owns, on the chain, in channels and on its way there."""
    simulation, node = world.simulation, world.node
    edges = simulation.state.edges
    own = edges[edges.source == node]
    return simulation.wallet_msat(node) + int((own.balance_msat + own.in_flight_msat).sum())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("seed", [5, 6])
def test_the_books_explain_every_change_of_wealth(small_network, role, seed):
    """wealth after = before + received - sent - F - C + fees earned, once nothing is pending any more."""
    world = task(small_network, role=role, warm_up_ticks=0)
    world.reset(seed)
    before = wealth_msat(world)
    results = play(world, RandomChoice(), seed)
    simulation = world.simulation
    for _ in range(30):  # let swaps, closes and payments come to rest
        simulation.run(simulation.now_ms + MS_PER_HOUR)
    assert len(world._actor.pending()) == 0
    rest = world._ledger.close_tick(1)[1]
    total = {name: sum(r.terms[name] for r in results) + rest[name] for name in (*TERMS, *DETAILS)}
    payments = simulation.payments[: simulation.state.clock[0].n_scheduled]
    paid = payments[payments.status == SUCCEEDED]
    received = int(paid.amount_msat[paid.receiver == world.node].sum())
    sent = int(paid.amount_msat[paid.sender == world.node].sum())
    expected = before + received - sent - SAT * (total["F"] + total["C"] - total["forward_fees"])
    assert wealth_msat(world) == pytest.approx(expected, abs=0.5)
    assert total["C"] > 0


@pytest.mark.parametrize("role", ROLES)
def test_the_reward_is_the_sum_of_its_terms(small_network, role):
    reward = RewardConfig(value_per_success_sat=7.0, count_revenue=True, capital_cost_ppm_per_day=100.0)
    results = play(task(small_network, role=role, reward=reward), RandomChoice(), 7)
    for result in results:
        terms = result.terms
        assert set(terms) == {*TERMS, *DETAILS}
        assert result.reward == pytest.approx(
            terms["S"] - terms["F"] - terms["C"] + terms["revenue"] - terms["capital"]
        )
        assert terms["S"] == 7.0 * terms["successes"]
        assert terms["C"] == pytest.approx(terms["rebalance_fees"] + terms["swap_fees"] + terms["chain_fees"])
        assert terms["capital"] > 0
    assert any(result.terms["successes"] > 0 for result in results)


@pytest.mark.parametrize("role", [Role.CONSUMER, Role.PROVIDER])
def test_what_is_wanted_from_outside_hardly_depends_on_what_is_done(small_network, role):
    results = [play(task(small_network, role=role), policy, 4) for policy in (DoNothing(), RandomChoice())]
    for result in results[1]:
        ended = result.terms["successes"] + result.terms["failures"]
        assert result.wanted == ended * CONFIG.reward.value_per_success_sat
    waiting, acting = (sum(result.wanted for result in played) for played in results)
    assert waiting == pytest.approx(acting, rel=0.1) and waiting > 0  # all but the payments under way at the end


def test_what_passes_by_a_router_is_not_wanted_from_outside(small_network):
    assert all(result.wanted == 0.0 for result in play(task(small_network, role=Role.ROUTER), RandomChoice(), 4))


def test_successes_are_those_of_the_role(small_network):
    for role, side in ((Role.CONSUMER, "sender"), (Role.PROVIDER, "receiver")):
        world = task(small_network, role=role, warm_up_ticks=0)
        results = play(world, DoNothing(), 8)
        payments = world.simulation.payments
        own = payments[payments[side] == world.node]
        assert sum(r.terms["successes"] for r in results) == (own.status == SUCCEEDED).sum()
        assert sum(r.terms["failures"] for r in results) == (own.status == FAILED).sum()


def test_the_view_tells_what_rebalances_came_to(small_network):
    world = task(small_network, role=Role.ROUTER)
    decision = world.reset(11)
    order = np.argsort(decision.view.local_share)
    emptiest, fullest = (int(decision.view.channels.channel[row]) for row in order[[0, -1]])
    trip = Action(ActionKind.REBALANCE, channel=fullest, to_channel=emptiest, amount_msat=50_000 * SAT, halvings=1)
    result = world.step(trip)
    ended = result.decision.view.rebalanced
    assert ended.amount_msat[0] == 50_000 * SAT
    assert set(ended.channel) == {fullest} and set(ended.to_channel) == {emptiest}
    assert ended.fee_msat.sum() == SAT * result.terms["rebalance_fees"]
    assert len(world.step(WAIT).decision.view.rebalanced) == 0


def test_inbound_fees_can_be_set_and_are_seen(small_network):
    world = task(small_network, role=Role.ROUTER)
    channel = int(world.reset(12).view.channels.channel[0])
    result = world.step(Action(ActionKind.SET_FEE, channel=channel, fee_ppm=70, inbound_fee_ppm=-30))
    seen = result.decision.view.channels[0]
    assert (seen.fee_ppm, seen.inbound_fee_ppm) == (70, -30)
    assert seen.market_fee_ppm == 100  # everybody else's, in this network


def test_doing_nothing_costs_nothing(small_network):
    assert all(r.terms["C"] == 0 for r in play(task(small_network), DoNothing(), 9))


def fullest(decision):
    return decision.view.channels[np.argmax(decision.view.channels.local_msat)]


def test_a_swap_out_moves_money_from_the_channel_to_the_wallet_and_is_paid_for(small_network):
    world = task(small_network, role=Role.PROVIDER, own_rate_per_s=1e-6, background=l402(1e-6))
    decision = world.reset(10)
    wallet, channel = decision.view.wallet_msat, fullest(decision)
    first = world.step(Action(ActionKind.SWAP_OUT, channel=int(channel.channel), amount_msat=300_000 * SAT))
    assert first.terms["swap_fees"] > 1_500  # 0.5 % of 300k sat, and the chain
    results = [first, *(world.step(WAIT) for _ in range(5))]
    view = results[-1].decision.view
    cost = sum(r.terms["C"] for r in results)
    row = view.row(int(channel.channel))
    # routing fees leave through the channel, service and chain fees are taken from what arrives
    routing = channel.local_msat - 300_000 * SAT - view.channels.local_msat[row]
    assert routing >= 0
    assert view.wallet_msat == pytest.approx(wallet + 300_000 * SAT - (cost * SAT - routing), abs=1)
    assert len(view.pending) == 0


def test_a_swap_in_fills_the_channel(small_network):
    world = task(small_network, own_rate_per_s=1e-6, background=l402(1e-6))
    decision = world.reset(11)
    channel = decision.view.channels[np.argmin(decision.view.channels.local_msat)]
    result = world.step(Action(ActionKind.SWAP_IN, channel=int(channel.channel), amount_msat=200_000 * SAT))
    assert result.decision.view.busy.any() or result.decision.view.operations_failed == 0
    for _ in range(4):
        result = world.step(WAIT)
    row = result.decision.view.row(int(channel.channel))
    assert result.decision.view.channels.local_msat[row] == channel.local_msat + 200_000 * SAT


def test_a_rebalance_moves_money_between_own_channels_for_a_fee(small_network):
    world = task(small_network, role=Role.ROUTER, own_rate_per_s=1e-6, background=l402(1e-6))
    decision = world.reset(12)
    trips = [a for a in decision.candidates if a.kind == ActionKind.REBALANCE]
    before = decision.view
    result = world.step(replace(trips[0], fee_limit_msat=None, halvings=6))
    after, moved = result.decision.view, result.terms["rebalance_fees"] > 0
    assert moved
    source, target = trips[0].channel, trips[0].to_channel
    assert after.channels.local_msat[after.row(target)] > before.channels.local_msat[before.row(target)]
    lost = before.channels.local_msat.sum() - after.channels.local_msat.sum()
    assert lost == pytest.approx(result.terms["C"] * SAT, abs=1)
    assert after.channels.local_msat[after.row(source)] < before.channels.local_msat[before.row(source)]


def test_a_failed_rebalance_is_halved_within_the_tick_and_reported(small_network):
    world = task(small_network, role=Role.ROUTER, own_rate_per_s=1e-6, background=l402(1e-6))
    decision = world.reset(13)
    trip = next(a for a in decision.candidates if a.kind == ActionKind.REBALANCE)
    n_before = len(world.simulation.payments)
    result = world.step(replace(trip, fee_limit_msat=0, halvings=3))
    tries = world.simulation.payments[n_before:]
    tries = tries[tries.sender == world.node]
    assert tries.amount_msat.tolist() == [trip.amount_msat // 2**k for k in range(4)]
    assert np.all(tries.status == FAILED)
    assert result.decision.view.operations_failed == 1
    assert result.terms["C"] == 0


def test_open_and_close_take_blocks_and_cost_chain_fees(small_network):
    world = task(small_network, horizon=12, own_rate_per_s=1e-6, background=l402(1e-6))
    decision = world.reset(14)
    opening = next(a for a in decision.candidates if a.kind == ActionKind.OPEN)
    result = world.step(opening)
    assert result.terms["chain_fees"] > 0
    n = len(decision.view.channels)
    for _ in range(3):
        result = world.step(WAIT)
    assert len(result.decision.view.channels) == n + 1
    new = result.decision.view.channels[-1]
    assert (int(new.peer), int(new.local_msat)) == (opening.peer, opening.amount_msat)
    result = world.step(Action(ActionKind.CLOSE, channel=int(new.channel)))
    assert result.terms["chain_fees"] > 0
    for _ in range(4):
        result = world.step(WAIT)
    assert len(result.decision.view.channels) == n
    assert world.simulation.audit() == []


def test_fees_are_set_stepped_and_seen(small_network):
    world = task(small_network)
    decision = world.reset(15)
    channel = int(decision.view.channels.channel[0])
    view = world.step(Action(ActionKind.SET_FEE, channel=channel, fee_ppm=200)).decision.view
    assert (view.channels.base_fee_msat[0], view.channels.fee_ppm[0]) == (1_000, 200)
    view = world.step(Action(ActionKind.FEE_UP, channel=channel)).decision.view
    assert (view.channels.base_fee_msat[0], view.channels.fee_ppm[0]) == (1_500, 300)


def test_what_cannot_be_carried_out_is_refused_in_words_and_not_paid_for(small_network):
    world = task(small_network)
    world.reset(16)
    impossible = (
        Action(ActionKind.SWAP_OUT, channel=10_000, amount_msat=1),
        Action(ActionKind.OPEN, peer=3, amount_msat=10**15),
        Action(ActionKind.SWAP_IN, channel=0, amount_msat=10**15),
    )
    result = world.step(impossible)
    assert len(result.refused) == 3
    assert result.refused[0].startswith("swap_out: channel 10000 is no open channel")
    assert result.terms["C"] == 0
    assert result.decision.view.operations_failed == 3


def test_an_episode_is_truncated_at_its_horizon_and_over(small_network):
    world = task(small_network)
    results = play(world, DoNothing(), 17)
    assert [r.truncated for r in results] == [False] * 7 + [True]
    assert not any(r.terminated for r in results)
    with pytest.raises(InputError, match="call reset"):
        world.step(WAIT)


def test_the_first_view_already_holds_traffic(small_network):
    view = task(small_network).reset(18).view
    assert view.now_ms == 2 * CONFIG.tick_ms
    assert view.out_demand_msat_per_h > 0
    assert view.sent.n_ended > 0


def test_counts_of_the_views_add_up_to_the_payments(small_network):
    world = task(small_network, warm_up_ticks=0)
    results = play(world, DoNothing(), 19)
    payments = world.simulation.payments
    own = payments[(payments.sender == world.node) & (payments.status >= SUCCEEDED)]
    assert sum(r.decision.view.sent.n_ended for r in results) == len(own)
    spent = sum(r.decision.view.sent.succeeded_msat + r.decision.view.sent.fees_msat for r in results)
    good = own[own.status == SUCCEEDED]
    assert spent == int((good.amount_msat + good.fee_msat).sum())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"node": 99}, "no node 99"),
        ({"horizon": 0}, "horizon"),
        ({"asymmetry": 2.0}, "asymmetry"),
        ({"start_hours": -1.0}, "start_hours"),
    ],
)
def test_impossible_problems_are_refused_in_a_sentence(small_network, changes, message):
    with pytest.raises(InputError, match=message):
        task(small_network, **changes)
