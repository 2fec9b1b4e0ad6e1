"""Every shock does to a small world what it says, and nothing before its time."""

import numpy as np
import pytest
from small_networks import SAT, network_of, payments_of

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.codes import ACTIVE, FAILED, SUCCEEDED
from lnherd.traffic.shocks import CASES, CONTROL, Act, Scene, Shock, Timeline
from lnherd.traffic.shocks.attacks import ATTACK, FastJamming, Probing, SinkAttack, SlowJamming, stranger
from lnherd.traffic.shocks.markets import CorrelatedAgents, FeeWar, FlowFlip, WhaleDrain
from lnherd.traffic.shocks.outages import BlackHole, HubOutage, MassClosure, OnChainSpike, StaleGossip
from lnherd.units import MS_PER_HOUR, MS_PER_MINUTE

ONSET, END = MS_PER_HOUR, 2 * MS_PER_HOUR
WATCHED, FIRST, SECOND, HUB, STRANGER = range(5)
CONFIG = SimulationConfig(latency_sigma=0.0, max_htlcs=20)


def a_network():
    """The watched node between two peers; a hub between the same two, dearer; a node of little capacity at the hub."""
    channels = [
        (WATCHED, FIRST, 1_000_000, 1_000_000),
        (WATCHED, SECOND, 900_000, 900_000),
        (HUB, FIRST, 3_000_000, 3_000_000),
        (HUB, SECOND, 3_000_000, 3_000_000),
        (HUB, STRANGER, 100_000, 100_000),
    ]
    dear = {edge: {"base_fee_msat": 50_000} for edge in (4, 5, 6, 7)}
    return network_of(channels, policies=dear, base_fee_msat=100)


def trades(payments):
    return (payments.sender == FIRST) & (payments.receiver == SECOND)


def a_scene(network, node=WATCHED):
    return Scene(network, node, onset_ms=ONSET, end_ms=END, seed=1, trades=trades)


def through(shock, fee_sat=None):
    """A world in which FIRST pays SECOND through three hours with ``shock`` in the second of them.

    Where all ask ``fee_sat``, a cheap newcomer is worth trying: LND's sender keeps to a way that worked unless another
    saves about 170 sat.
    """
    network = a_network()
    if fee_sat is not None:
        network.edges.base_fee_msat[:] = fee_sat * SAT
    scene = a_scene(network)
    payments = payments_of(*((t, FIRST, SECOND, 1_000 * SAT) for t in range(0, 3 * MS_PER_HOUR, 20_000)))
    simulation = Simulation(network, shock.payments(payments, scene), config=CONFIG, seed=1)
    return simulation, Timeline(simulation, shock.acts(scene))


def outcome(simulation, first_ms, last_ms):
    """Payments that began between two times: share that arrived, and forwards of the watched node that settled."""
    began = simulation.payments[simulation.payments.start_ms < last_ms]
    began = began[(began.start_ms >= first_ms) & (began.kind == 0)]
    return (began.status == SUCCEEDED).mean()


def forwards(simulation):
    return int(simulation.state.flows.n_forwards[simulation.state.edges.source == WATCHED].sum())


def forwards_by_hour(shock, **world):
    """Forwards that the watched node settles in each of the three hours."""
    simulation, timeline = through(shock, **world)
    totals = [0]
    for hour in (1, 2, 3):
        timeline.run(hour * MS_PER_HOUR - 1)
        totals.append(forwards(simulation))
    assert simulation.audit() == []
    return np.diff(totals).tolist()


CALM = Shock()
JAMMING = SlowJamming(n_targets=2, every_ms=7_000)
"""Slots are taken again and again between two honest payments."""


def test_the_first_hour_is_the_same_in_every_case():
    before = forwards_by_hour(CALM)[0]
    assert before > 100
    for name, shock in CASES.items():
        if name != "sink-attack":  # who lures beforehand
            assert forwards_by_hour(shock)[0] == before, name


def test_control_changes_not_a_byte():
    worlds = [through(shock) for shock in (CALM, CASES[CONTROL])]
    for _, timeline in worlds:
        timeline.run(3 * MS_PER_HOUR)
    (calm, _), (control, _) = worlds
    for name, pool in calm.state._asdict().items():
        assert pool.tobytes() == getattr(control.state, name).tobytes(), name


def test_timeline_acts_in_order_and_on_time():
    simulation, _ = through(CALM)
    seen = []

    def at(world):
        seen.append(world.now_ms)

    timeline = Timeline(simulation, (Act(300, at), Act(100, at), Act(900, at)))
    timeline.run(900)
    assert seen == [100, 300] and simulation.now_ms == 900
    timeline.run(1_000)
    assert seen == [100, 300, 900]


def test_hub_outage_stops_what_passes_and_ends():
    network = a_network()
    scene = a_scene(network, node=FIRST)  # then the watched node is one of the most central others
    simulation = Simulation(network, payments_of(), config=CONFIG, seed=1)
    timeline = Timeline(simulation, HubOutage(n_hubs=2).acts(scene))
    timeline.run(ONSET)
    assert simulation.state.nodes.online.all()
    timeline.run(ONSET + 1)
    away = np.flatnonzero(~simulation.state.nodes.online)
    assert len(away) == 2 and FIRST not in away and HUB in away
    timeline.run(END + 1)
    assert simulation.state.nodes.online.all()


def test_mass_closure_takes_channels_and_congests_the_chain():
    simulation, timeline = through(MassClosure(n_hubs=1, feerate_factor=30))
    timeline.run(ONSET + 1)
    edges = simulation.state.edges
    assert not edges.is_open[(edges.source == FIRST) | (edges.target == FIRST)].any()
    assert edges.is_open[edges.source == SECOND].any()
    assert simulation.feerate_msat_per_vb == 30 * 3_000


def test_on_chain_spike_moves_nothing_but_the_fee_rate():
    simulation, timeline = through(OnChainSpike(feerate_factor=100))
    timeline.run(ONSET + 1)
    assert simulation.feerate_msat_per_vb == 100 * 3_000
    assert forwards_by_hour(OnChainSpike()) == forwards_by_hour(CALM)


def test_black_hole_swallows_until_the_end():
    simulation, timeline = through(BlackHole(n_peers=2))
    timeline.run(3 * MS_PER_HOUR + MS_PER_MINUTE)
    assert outcome(simulation, 0, ONSET) == 1.0
    assert outcome(simulation, ONSET, END) == 0.0
    assert outcome(simulation, END, 3 * MS_PER_HOUR) > 0.9


def test_stale_gossip_costs_attempts_and_ends():
    network = a_network()
    scene = a_scene(network, node=FIRST)  # so that the watched node is a peer whose fees change
    payments = payments_of(*((t, FIRST, SECOND, 1_000 * SAT) for t in range(0, END, 20_000)))
    attempts = []
    for shock in (CALM, StaleGossip(step_ppm=3_000)):
        simulation = Simulation(network, payments, config=CONFIG, seed=1)
        Timeline(simulation, shock.acts(scene)).run(3 * MS_PER_HOUR)
        assert simulation.state.settings[0].gossip_delay_ms == CONFIG.gossip_delay_ms
        attempts.append(int(simulation.payments.attempts.sum()))
    assert attempts[1] > attempts[0]


def test_whale_takes_the_share_it_is_told():
    simulation, timeline = through(WhaleDrain(share=0.5))
    timeline.run(ONSET)
    before = simulation.state.edges.balance_msat.copy()
    timeline.run(ONSET + 1)
    moved = simulation.state.edges.balance_msat - before
    own = np.flatnonzero(simulation.state.edges.source == WATCHED)
    emptiest = own[np.argmin(before[own])]
    assert moved[emptiest] == pytest.approx(-0.5 * before[emptiest], rel=0.01)
    assert moved[own].sum() == pytest.approx(0, abs=2)


def test_flow_flip_turns_trades_from_the_onset_on_and_keeps_their_order():
    network = a_network()
    payments = payments_of((0, FIRST, SECOND, 5), (ONSET, FIRST, SECOND, 6), (ONSET, HUB, SECOND, 7))
    flipped = FlowFlip().payments(payments, a_scene(network))
    assert flipped.sender.tolist() == [FIRST, SECOND, HUB]
    assert flipped.receiver.tolist() == [SECOND, FIRST, SECOND]
    assert flipped.amount_msat.tolist() == [5, 6, 7]
    assert payments.sender.tolist() == [FIRST, FIRST, HUB], "the given payments are left alone"


def test_fee_war_takes_the_forwards_away():
    simulation, timeline = through(FeeWar(n_links=2))
    timeline.run(ONSET + 1)
    assert len(simulation.state.edges) == a_network().n_edges + 4
    calm, war = (forwards_by_hour(shock, fee_sat=500) for shock in (CALM, FeeWar(n_links=2)))
    assert calm[2] > 100 and war[2] < 0.1 * calm[2]


def test_slow_jamming_fills_every_slot_until_the_end():
    simulation, timeline = through(JAMMING)
    timeline.run(ONSET + 2 * MS_PER_MINUTE)
    own = simulation.state.edges.source == WATCHED
    assert (np.sort(simulation.state.edges.n_htlcs[own])[-2:] == CONFIG.max_htlcs).all()
    timeline.run(END + MS_PER_MINUTE)
    assert simulation.state.edges.n_htlcs[own].sum() == 0
    jam = simulation.payments[simulation.payments.kind == ATTACK]
    assert (jam.status == FAILED).all() and not jam.fee_msat.any()
    assert forwards_by_hour(JAMMING)[1] < 0.2 * forwards_by_hour(CALM)[1]


def test_fast_jamming_takes_the_liquidity_and_gives_it_back():
    shock = FastJamming(n_targets=2)
    by_hour, calm = forwards_by_hour(shock), forwards_by_hour(CALM)
    assert by_hour[1] < 0.5 * calm[1]
    simulation, timeline = through(shock)
    timeline.run(END + MS_PER_HOUR // 2)
    sent = simulation.payments[simulation.payments.kind == ATTACK]
    assert len(sent) > 500 and (sent.status == FAILED).all() and not sent.fee_msat.any()


def test_sink_lures_those_whose_routes_are_dear_then_holds():
    thief = stranger(a_scene(a_network()))
    assert thief == STRANGER
    simulation, timeline = through(SinkAttack(lure_ms=MS_PER_HOUR // 2), fee_sat=500)
    timeline.run(ONSET)
    assert simulation.state.flows.n_forwards[simulation.state.edges.source == thief].sum() > 50
    timeline.run(ONSET + MS_PER_HOUR // 2)
    held = simulation.payments[simulation.payments.status == ACTIVE]
    assert len(held) > 10


def test_probing_refuses_and_pays_nothing():
    simulation, timeline = through(Probing(n_targets=1, every_ms=MS_PER_MINUTE))
    timeline.run(3 * MS_PER_HOUR)
    probes = simulation.payments[simulation.payments.kind == ATTACK]
    assert len(probes) == 60 and (probes.status == FAILED).all() and not probes.fee_msat.any()
    refused = simulation.state.flows.n_refused[simulation.state.edges.source == WATCHED].sum()
    assert refused > 5, "probes that were too large"


def test_correlated_agents_are_others_of_like_size():
    network = a_network()
    scene = a_scene(network)
    assert CorrelatedAgents().companions(scene) == ()  # nobody here has five channels
    star = network_of([(i, j, 10, 10) for i in range(8) for j in range(i)])
    companions = CorrelatedAgents(n_agents=4).companions(a_scene(star))
    assert len(set(companions)) == 4 and WATCHED not in companions
    assert CALM.companions(scene) == ()
