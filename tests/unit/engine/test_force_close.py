"""HTLCs whose time runs out: closures, claims, delays and cascades, to the millisatoshi."""

import pytest
from small_networks import SAT, line_of, payments_of

from lnherd.engine import ExitReason, Simulation, SimulationConfig, codes
from lnherd.engine.force_close import self_delay
from lnherd.engine.sizes import COMMITMENT_VBYTES, HTLC_OUTPUT_VBYTES, HTLC_SUCCESS_VBYTES, HTLC_TIMEOUT_VBYTES
from lnherd.errors import InputError

RATE = 3_000
"""msat/vB, constant in these tests."""
CONFIG = SimulationConfig(latency_sigma=0.0, latency_median_ms=100.0, feerate_sigma=0.0, gossip_delay_ms=0)
AMOUNT_MSAT = 50_000 * SAT
SIDE_MSAT = 500_000 * SAT
COMMITMENT_MSAT = (COMMITMENT_VBYTES + HTLC_OUTPUT_VBYTES) * RATE


def world(*payments, n_nodes=3, **changes) -> Simulation:
    """A line of nodes without fees, time locks of 40 blocks, half a million satoshi on each side."""
    config = SimulationConfig(**(vars(CONFIG) | changes))
    return Simulation(line_of(n_nodes, base_fee_msat=0, fee_ppm=0), payments_of(*payments), config=config, seed=5)


def run_to(simulation: Simulation, height: int) -> None:
    while simulation.height < height:
        simulation.run(until_ms=10**12, max_events=1)
    assert simulation.audit() == []


def owned(simulation: Simulation, node: int) -> int:
    edges = simulation.state.edges
    return simulation.wallet_msat(node) + int(edges.balance_msat[edges.source == node].sum())


def operations_of(simulation: Simulation, kind: int):
    return simulation.operations[simulation.operations.kind == kind]


@pytest.mark.parametrize(
    ("capacity_sat", "blocks"), [(20_000, 144), (1_198_373, 144), (5_000_000, 600), (16_777_215, 2016), (10**9, 2016)]
)
def test_the_delay_grows_with_the_capacity(capacity_sat, blocks):
    assert self_delay(capacity_sat * SAT) == blocks


def test_an_htlc_for_a_node_that_does_not_return_is_timed_out_on_chain():
    """0 -> 1 with 1 gone: at the expiry 0 closes, three blocks later it claims, another one and the payment fails."""
    simulation = world((0, 0, 1, AMOUNT_MSAT), payment_timeout_ms=0)
    simulation.run(until_ms=50)
    simulation.set_online(1, False)
    run_to(simulation, 39)
    assert simulation.state.edges.is_open[0]
    run_to(simulation, 40)
    assert not simulation.state.edges.is_open[:2].any() and simulation.state.edges.is_on_chain[:2].all()
    run_to(simulation, 43)
    assert simulation.wallet_msat(1) == SIDE_MSAT, "the other side has its balance once the commitment is confirmed"
    assert simulation.payments.status[0] == codes.ACTIVE
    run_to(simulation, 44)
    simulation.run(until_ms=simulation.now_ms)
    assert simulation.payments.status[0] == codes.FAILED
    run_to(simulation, 43 + 143)
    assert simulation.wallet_msat(0) == 0, "to_self_delay"
    run_to(simulation, 43 + 144)
    rest_msat = SIDE_MSAT - AMOUNT_MSAT - COMMITMENT_MSAT
    assert simulation.wallet_msat(0) == rest_msat
    run_to(simulation, 44 + 144)
    assert simulation.wallet_msat(0) == rest_msat + AMOUNT_MSAT - HTLC_TIMEOUT_VBYTES * RATE
    assert simulation.run() == ExitReason.IDLE
    assert (simulation.operations.status == codes.OP_DONE).all()


def test_who_knows_the_preimage_claims_sixteen_blocks_before_the_expiry():
    """0 leaves with the preimage on its way to it: 1 closes at 40 - 16 and is paid on chain."""
    simulation = world((0, 0, 1, AMOUNT_MSAT))
    simulation.run(until_ms=150)
    simulation.set_online(0, False)
    run_to(simulation, 23)
    assert simulation.state.edges.is_open[0]
    run_to(simulation, 24)
    closing = operations_of(simulation, codes.FORCE_CLOSE)
    assert closing.node.tolist() == [1]
    run_to(simulation, 24 + 3 + 1)
    assert simulation.payments.status[0] == codes.ACTIVE, "the sender is not there to see it"
    simulation.set_online(0, True)
    simulation.run()
    assert simulation.audit() == []
    assert simulation.payments.status[0] == codes.SUCCEEDED
    assert owned(simulation, 0) == SIDE_MSAT - AMOUNT_MSAT
    assert owned(simulation, 1) == 2 * SIDE_MSAT + AMOUNT_MSAT - COMMITMENT_MSAT - HTLC_SUCCESS_VBYTES * RATE


def test_a_failure_travels_on_upstream_when_the_time_out_is_buried():
    simulation = world((0, 0, 2, AMOUNT_MSAT), payment_timeout_ms=0)
    simulation.run(until_ms=150)
    simulation.set_online(2, False)
    run_to(simulation, 44)
    assert simulation.state.edges.is_open.tolist() == [True, True, False, False], "no need to close 0 - 1"
    simulation.run()
    payment = simulation.payments[0]
    assert (payment.status, payment.attempts) == (codes.FAILED, 1)
    assert owned(simulation, 0) == SIDE_MSAT, "the sender has lost nothing"
    assert owned(simulation, 1) == 2 * SIDE_MSAT - COMMITMENT_MSAT - HTLC_TIMEOUT_VBYTES * RATE


def test_closures_cascade_where_the_chain_takes_longer_than_the_time_locks_allow():
    """The time-out on 2 - 3 takes 50 blocks: meanwhile the HTLCs before it run out, 40 blocks apart."""
    simulation = world((0, 0, 3, AMOUNT_MSAT), n_nodes=4, payment_timeout_ms=0, close_confirmations=90)
    simulation.run(until_ms=250)
    simulation.set_online(3, False)
    heights = {}
    while len(heights) < 3:
        run_to(simulation, simulation.height + 1)
        for operation in operations_of(simulation, codes.FORCE_CLOSE):
            heights.setdefault(int(operation.edge), simulation.height)
    assert heights == {4: 40, 2: 80, 0: 120}
    simulation.run()
    assert simulation.audit() == []
    assert simulation.payments.status[0] == codes.FAILED
    assert operations_of(simulation, codes.HTLC_CLAIM).edge.tolist() == [4, 2, 0], "from the receiver backwards"


def test_an_htlc_below_the_dust_limit_goes_to_the_miners():
    simulation = world((0, 0, 1, 300 * SAT), payment_timeout_ms=0)
    simulation.run(until_ms=50)
    simulation.set_online(1, False)
    run_to(simulation, 43)
    simulation.run(until_ms=simulation.now_ms)
    assert simulation.payments.status[0] == codes.FAILED, "no output, nothing to wait for"
    simulation.run()
    assert owned(simulation, 0) == SIDE_MSAT - 300 * SAT - COMMITMENT_VBYTES * RATE
    assert operations_of(simulation, codes.HTLC_CLAIM).fee_msat.tolist() == [300 * SAT]


def test_nobody_closes_for_a_node_that_is_offline_itself():
    simulation = world((0, 0, 1, AMOUNT_MSAT))
    simulation.run(until_ms=50)
    simulation.set_online(1, False)
    simulation.set_online(0, False)
    assert simulation.run() == ExitReason.IDLE
    assert simulation.payments.status[0] == codes.ACTIVE
    simulation.set_online(0, True)
    simulation.run()
    assert simulation.payments.status[0] == codes.FAILED
    assert simulation.audit() == []


def test_a_forced_close_without_htlcs_pays_both_sides():
    simulation = world()
    operation = simulation.force_close(1)
    simulation.run()
    fee_msat = COMMITMENT_VBYTES * RATE
    assert simulation.operations.fee_msat[operation] == fee_msat
    assert [simulation.wallet_msat(node) for node in range(3)] == [SIDE_MSAT, SIDE_MSAT - fee_msat, 0]
    assert simulation.height == 3 + 144
    assert simulation.audit() == []


def test_a_forced_close_takes_the_htlcs_under_way_to_the_chain():
    """One is on its way over the channel, one has come back with its preimage known at the far end."""
    simulation = world((0, 0, 1, AMOUNT_MSAT), (120, 0, 1, AMOUNT_MSAT), payment_timeout_ms=0)
    simulation.run(until_ms=150)
    simulation.force_close(0)
    simulation.run()
    assert simulation.audit() == []
    assert simulation.payments.status.tolist() == [codes.SUCCEEDED, codes.FAILED]
    claims = operations_of(simulation, codes.HTLC_CLAIM)
    assert claims.edge.tolist() == [1, 0]
    assert claims.fee_msat.tolist() == [HTLC_SUCCESS_VBYTES * RATE, HTLC_TIMEOUT_VBYTES * RATE]


def test_a_cooperative_close_that_waits_for_a_stuck_htlc_ends_by_force():
    simulation = world((0, 0, 1, AMOUNT_MSAT), payment_timeout_ms=0)
    simulation.run(until_ms=50)
    simulation.set_online(1, False)
    simulation.close_channel(0)
    simulation.run()
    assert simulation.operations.status[0] == codes.OP_FAILED
    assert simulation.operations.fee_msat[0] == 0
    assert operations_of(simulation, codes.FORCE_CLOSE).status.tolist() == [codes.OP_DONE]
    assert simulation.audit() == []


def test_an_htlc_that_comes_too_late_is_sent_back():
    """Held for 45 blocks at 1, whose next HTLC would have 40 blocks from the start."""
    simulation = world((0, 0, 2, AMOUNT_MSAT), payment_timeout_ms=0)
    simulation.set_conduct(1, hold_probability=1.0, hold_median_ms=42 * 600_000.0)
    run_to(simulation, 38)
    simulation.set_conduct(1)
    simulation.run()
    payment = simulation.payments[0]
    assert payment.status == codes.FAILED
    assert len(operations_of(simulation, codes.FORCE_CLOSE)) == 0


def test_a_closed_channel_cannot_be_force_closed():
    simulation = world()
    simulation.force_close(0)
    with pytest.raises(InputError, match="channel 0 is not open, so it cannot be closed"):
        simulation.force_close(1)
