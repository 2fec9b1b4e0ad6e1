"""A policy is enforced at once and heard of later."""

from small_networks import line_of, payments_of

from lnherd.engine import Simulation, SimulationConfig


def believed(simulation, edge):
    return simulation.state.gossip[simulation.state.gossip_position[edge]]


def test_a_change_is_in_force_at_once_and_heard_after_the_delay():
    simulation = Simulation(line_of(3), payments_of(), config=SimulationConfig(gossip_delay_ms=90_000))
    simulation.run(until_ms=500)
    simulation.set_policy(2, base_fee_msat=7, htlc_max_msat=10**15, enabled=False)
    assert simulation.state.edges.base_fee_msat[2] == 7
    simulation.run(until_ms=90_499)
    assert (believed(simulation, 2).base_fee_msat, believed(simulation, 2).enabled) == (1_000, True)
    simulation.run(until_ms=90_500)
    view = believed(simulation, 2)
    assert (view.base_fee_msat, view.enabled) == (7, False)
    assert view.htlc_max_msat == 1_000_000_000, "no more than the capacity is believed"


def test_an_inbound_fee_is_heard_on_the_edge_it_applies_to():
    simulation = Simulation(line_of(3), payments_of(), config=SimulationConfig(gossip_delay_ms=10))
    simulation.set_policy(1, inbound_base_fee_msat=-3, inbound_fee_ppm=-40)
    simulation.run()
    assert (believed(simulation, 0).inbound_base_fee_msat, believed(simulation, 0).inbound_fee_ppm) == (-3, -40)
    assert (believed(simulation, 1).inbound_base_fee_msat, believed(simulation, 1).inbound_fee_ppm) == (0, 0)


def test_other_channels_stay_as_they_were_believed():
    simulation = Simulation(line_of(3), payments_of(), config=SimulationConfig(gossip_delay_ms=10))
    before = simulation.state.gossip.copy()
    simulation.set_policy(2, fee_ppm=5)
    simulation.run()
    untouched = simulation.state.gossip_position[[0, 1, 3]]
    assert (before[untouched] == simulation.state.gossip[untouched]).all()


def test_a_closed_channel_is_heard_of_and_no_longer_believed_in():
    simulation = Simulation(line_of(3), payments_of(), config=SimulationConfig(gossip_delay_ms=10))
    simulation.close_channel(2)
    assert (believed(simulation, 2).enabled, believed(simulation, 3).enabled) == (True, True)
    simulation.run(until_ms=10)
    assert (believed(simulation, 2).enabled, believed(simulation, 3).enabled) == (False, False)


def test_opening_a_channel_changes_no_other_belief():
    simulation = Simulation(line_of(3), payments_of(), config=SimulationConfig(gossip_delay_ms=1_000))
    simulation.set_policy(2, base_fee_msat=77)
    simulation.run(until_ms=1_000)
    simulation.set_policy(3, base_fee_msat=88)
    simulation.fund(0, 10**9)
    simulation.open_channel(0, 2, 10**8)
    assert (believed(simulation, 2).base_fee_msat, believed(simulation, 3).base_fee_msat) == (77, 1_000)
    assert simulation.state.edges.base_fee_msat[:4].tolist() == [1_000, 1_000, 77, 88]
    assert not believed(simulation, 4).enabled and not believed(simulation, 5).enabled


def times_heard(simulation, edge, until_ms, step_ms=500) -> list[int]:
    """When the believed base fee of ``edge`` changed, on a grid."""
    heard, before = [], believed(simulation, edge).base_fee_msat
    while simulation.now_ms < until_ms:
        simulation.run(until_ms=simulation.now_ms + step_ms)
        if believed(simulation, edge).base_fee_msat != before:
            heard.append(simulation.now_ms)
            before = believed(simulation, edge).base_fee_msat
    return heard


def test_a_burst_of_updates_is_relayed_and_then_one_per_interval():
    config = SimulationConfig(gossip_delay_ms=1_000, update_burst=3, update_interval_ms=60_000)
    simulation = Simulation(line_of(3), payments_of(), config=config)
    for fee in range(3):
        simulation.set_policy(2, base_fee_msat=fee)
        assert simulation.run(until_ms=simulation.now_ms + 1_000)
        assert believed(simulation, 2).base_fee_msat == fee
    simulation.set_policy(2, base_fee_msat=77)
    simulation.run(until_ms=5_000)
    simulation.set_policy(2, base_fee_msat=88)
    assert times_heard(simulation, 2, 300_000) == [61_000], "the first token is back a minute after it was spent"
    assert believed(simulation, 2).base_fee_msat == 88, "what waited brings what is in force"
    simulation.set_policy(3, base_fee_msat=5)
    simulation.run(until_ms=301_000)
    assert believed(simulation, 3).base_fee_msat == 5, "the other direction has tokens of its own"


def test_a_full_bucket_takes_as_long_as_all_its_tokens():
    config = SimulationConfig(gossip_delay_ms=0, update_burst=2, update_interval_ms=60_000)
    simulation = Simulation(line_of(3), payments_of(), config=config)
    heard = []
    for fee in range(200):
        simulation.set_policy(2, base_fee_msat=fee)
        simulation.run(until_ms=simulation.now_ms + 1_000)
        heard.append(int(believed(simulation, 2).base_fee_msat))
    assert sorted(set(heard)) == [0, 1, 59, 119, 179]


def test_a_closed_channel_is_heard_of_whatever_its_tokens():
    config = SimulationConfig(gossip_delay_ms=10, update_burst=1, update_interval_ms=10**6)
    simulation = Simulation(line_of(3), payments_of(), config=config)
    simulation.set_policy(2, fee_ppm=1)
    simulation.close_channel(2)
    simulation.run(until_ms=10)
    assert not believed(simulation, 2).enabled


def test_gossip_takes_its_own_time_for_every_update():
    config = SimulationConfig(gossip_delay_ms=90_000, gossip_sigma=0.5)
    simulation = Simulation(line_of(300), payments_of(), config=config, seed=1)
    for edge in range(0, 598, 2):
        simulation.set_policy(edge, base_fee_msat=7)
    simulation.run(until_ms=90_000)
    heard = sum(believed(simulation, edge).base_fee_msat == 7 for edge in range(0, 598, 2))
    assert 115 < heard < 185, "90 s is the median"
